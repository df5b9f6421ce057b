//! The header of a log file: whose log it is, and how the rest of the file is divided.
//!
//! It is the first block of the file. All fields lie in the first 512 bytes. Little-endian; bytes that are not listed
//! are zero and checked.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic, `NumStLog` |
//! | 8..12 | format version, that of the superblock |
//! | 12..16 | bytes in a segment |
//! | 16..32 | uuid of the database |
//! | 32..40 | generation |
//! | 40..48 | LSN of the first record of the file |
//! | 508..512 | CRC-32 of bytes 0..508 |
//!
//! 1. The header is written once, with the first segment, and is durable before any superblock names the file. So a
//!    header that is not whole is damage, never a write that a crash cut short.
//! 2. A batch of another log looks like no batch at all. The header is what tells the log of another database, or an
//!    earlier one of this database, from a log that holds nothing yet.
//!
//! Not here: what the fields of a particular file should be (`log`).

use crate::base::{BLOCK_BYTES, Lsn, checksum};

use super::batch::LogIdentity;
use super::superblock::FORMAT_VERSION;
use super::wire::{Reader, WireError, total_bytes};

/// What of a log file the header takes; segment 0 begins behind it.
pub const LOG_HEADER_BYTES: usize = 4096;

/// The first eight bytes of every log file.
const MAGIC: [u8; 8] = *b"NumStLog";
/// Where the checksum stands: it ends with the first 512 bytes, and so do the bytes that it sums.
const SUM_AT: usize = 508;
/// Byte lengths of the fields before the zeros, in order.
const FIELD_BYTES: [usize; 6] = [8, 4, 4, 16, 8, 8];

const _: () = {
    assert!(total_bytes(&FIELD_BYTES) == 48 && 48 <= SUM_AT, "the fields end before the checksum");
    assert!(SUM_AT + 4 == 512, "all that is summed lies in one sector");
    assert!(LOG_HEADER_BYTES == BLOCK_BYTES, "batches behind the header begin at blocks");
};

/// What the first block of a log file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogHeader {
    /// The log that the file holds.
    pub identity: LogIdentity,
    /// Length of the file's segments.
    pub segment_bytes: u32,
    /// The LSN of the first record that was ever written to the file.
    pub start_lsn: Lsn,
}

impl LogHeader {
    /// The whole block.
    pub fn encode(&self) -> [u8; LOG_HEADER_BYTES] {
        let mut out = Vec::with_capacity(LOG_HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.segment_bytes.to_le_bytes());
        out.extend_from_slice(&self.identity.uuid);
        out.extend_from_slice(&self.identity.generation.to_le_bytes());
        out.extend_from_slice(&self.start_lsn.0.to_le_bytes());
        out.resize(SUM_AT, 0);
        let sum = checksum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out.resize(LOG_HEADER_BYTES, 0);
        out.try_into().expect("invariant: the block is filled")
    }

    /// Reads the first block of a log file.
    ///
    /// # Errors
    /// What is wrong with it: anything but the bytes that [`LogHeader::encode`] gives.
    pub fn decode(block: &[u8; LOG_HEADER_BYTES]) -> Result<LogHeader, WireError> {
        let (summed, rest) = block.split_at(SUM_AT);
        let mut from = Reader::new(summed);
        if from.array::<8>()? != MAGIC {
            return Err(WireError("the magic bytes are not those of a log"));
        }
        let mut rest = Reader::new(rest);
        if rest.u32()? != checksum(summed) {
            return Err(WireError("the log header's checksum is wrong"));
        }
        rest.finish_zero()?;
        if from.u32()? != FORMAT_VERSION {
            return Err(WireError("another version of the format"));
        }
        let segment_bytes = from.u32()?;
        let identity = LogIdentity { uuid: from.array()?, generation: from.u64()? };
        let start_lsn = Lsn(from.u64()?);
        from.finish_zero()?;
        Ok(LogHeader { identity, segment_bytes, start_lsn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: LogHeader = LogHeader {
        identity: LogIdentity { uuid: *b"0123456789abcdef", generation: 0x0708 },
        segment_bytes: 1 << 20,
        start_lsn: Lsn(0x1122_3344),
    };

    fn summed_again(mut block: [u8; LOG_HEADER_BYTES]) -> [u8; LOG_HEADER_BYTES] {
        let sum = checksum(&block[..SUM_AT]);
        block[SUM_AT..SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        block
    }

    #[test]
    fn bytes_never_change() {
        let bytes = HEADER.encode();
        let rows: Vec<String> = bytes
            .chunks(16)
            .enumerate()
            .filter(|(_, chunk)| chunk.iter().any(|&byte| byte != 0))
            .map(|(row, chunk)| {
                let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{:>4} | {}", row * 16, hex.join(" "))
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
        assert_eq!(LogHeader::decode(&bytes), Ok(HEADER));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = HEADER.encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(LogHeader::decode(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_sums_up_and_was_not_written_by_this_version_is_refused() {
        let refused = |at: usize, expected: &str| {
            let mut block = HEADER.encode();
            block[at] += 1;
            let WireError(found) = LogHeader::decode(&summed_again(block)).unwrap_err();
            assert_eq!(found, expected, "byte {at}");
        };
        refused(0, "the magic bytes are not those of a log");
        refused(8, "another version of the format");
        refused(48, "reserved bytes are not zero");
        refused(507, "reserved bytes are not zero");
        refused(512, "reserved bytes are not zero");
        refused(4_095, "reserved bytes are not zero");
        assert!(LogHeader::decode(&[0; LOG_HEADER_BYTES]).is_err(), "zeros");
    }
}
