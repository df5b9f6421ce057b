//! CRC-32 over bytes, optionally continued from a seed so that checksums can be chained.

/// The CRC-32 of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The CRC-32 of `bytes`, started from `seed`; equal bytes under different seeds give different sums.
pub fn checksum_seeded(seed: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(bytes);
    hasher.finalize()
}
