//! Batches: the unit in which log records are written, synced and checked.
//!
//! ```text
//! +-----------------+---------------------+------------------------+
//! | header, 80      | records             | zeros to the next 4 KiB |
//! +-----------------+---------------------+------------------------+
//! ```
//!
//! The header, little-endian:
//!
//! ```text
//!       0         4         8
//!  0    | magic   | header_sum
//!  8    | uuid
//! 16    |  …
//! 24    | generation
//! 32    | sequence
//! 40    | first_lsn
//! 48    | file_offset
//! 56    | record_bytes | record_sum
//! 64    | previous_sum | segment_bytes
//! 72    | flags        | reserved
//! 80    | records …
//! ```
//!
//! `magic` is `NSLB`. `header_sum` is the checksum of bytes 8..80; `record_sum`, inside them, that of the records; so
//! the header's sum stands for the whole batch, and `previous_sum`, the `header_sum` of the batch before, chains them.
//! Both sums are seeded with the uuid and generation ([`LogIdentity::seed`]). `sequence` counts batches from 1,
//! `first_lsn` is the LSN of the first record, `file_offset` is where the header stands in its file. `flags` and
//! `reserved` are zero and checked to be.
//!
//! 1. A batch of another database, of another generation, or at another place of the file than it was written to is
//!    not a batch: neither a recycled file nor a log stored as the bytes of a stream can pass for one.
//! 2. A batch is never empty: `record_bytes` is at least 1.
//! 3. The zeros behind the records are written and mean nothing. They are neither summed nor checked: if they were,
//!    one rotten bit of theirs in the last batch would look like a torn write and cost a commit that is intact.
//!
//! Not here: where batches go and which one is next (`log`), and what stands before the first (`log_header`).

use crate::base::{BLOCK_BYTES, Lsn, checksum, checksum_seeded};

use super::wire::{Reader, WireError, total_bytes};

/// Bytes of an encoded [`BatchHeader`].
pub const BATCH_HEADER_BYTES: usize = 80;

const MAGIC: [u8; 4] = *b"NSLB";
/// Where the bytes under `header_sum` begin.
const SUMMED_FROM: usize = 8;
/// Byte lengths of the fields, in order; they fill the header.
const FIELD_BYTES: [usize; 13] = [4, 4, 16, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4];

const _: () = {
    assert!(total_bytes(&FIELD_BYTES) == BATCH_HEADER_BYTES, "the fields fill the header");
    assert!(BATCH_HEADER_BYTES < 512, "a header lies in one sector");
    assert!(BATCH_HEADER_BYTES < BLOCK_BYTES);
};

/// Which log a batch belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogIdentity {
    /// The database.
    pub uuid: [u8; 16],
    /// The generation of its log: one more for each log file that the database ever had.
    pub generation: u64,
}

impl LogIdentity {
    /// What the checksums of this log start from, and the `previous_sum` of its first batch.
    pub fn seed(&self) -> u32 {
        checksum_seeded(checksum(&self.uuid), &self.generation.to_le_bytes())
    }
}

/// What stands before the records of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// The log that it belongs to.
    pub identity: LogIdentity,
    /// Its number in the log, from 1.
    pub sequence: u64,
    /// The LSN of its first record.
    pub first_lsn: Lsn,
    /// Where it stands in the file, in bytes.
    pub file_offset: u64,
    /// Length of its records.
    pub record_bytes: u32,
    /// Checksum of its records.
    pub record_sum: u32,
    /// Checksum of the header of the batch before it, or the seed.
    pub previous_sum: u32,
    /// Length of the file's segments.
    pub segment_bytes: u32,
}

/// Why bytes are not the header of a batch of the log at hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    /// No batch was ever written here, or the header is torn, or it is of another log.
    #[error("no batch of this log")]
    Absent,
    /// The checksum is right and the content impossible.
    #[error("{0}")]
    Impossible(&'static str),
}

impl BatchHeader {
    /// The header and its checksum.
    pub fn encode(&self) -> ([u8; BATCH_HEADER_BYTES], u32) {
        let mut out = Vec::with_capacity(BATCH_HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.identity.uuid);
        for field in [self.identity.generation, self.sequence, self.first_lsn.0, self.file_offset] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        let (flags, reserved) = (0, 0);
        let tail =
            [self.record_bytes, self.record_sum, self.previous_sum, self.segment_bytes, flags, reserved];
        for field in tail {
            out.extend_from_slice(&field.to_le_bytes());
        }
        let mut header: [u8; BATCH_HEADER_BYTES] =
            out.try_into().expect("invariant: the fields fill the header");
        let sum = checksum_seeded(self.identity.seed(), &header[SUMMED_FROM..]);
        header[4..8].copy_from_slice(&sum.to_le_bytes());
        (header, sum)
    }

    /// Reads a header that should be one of `identity`, standing at `file_offset`; returns its checksum as well.
    ///
    /// # Errors
    /// [`BatchError::Absent`] for anything that is not such a header; [`BatchError::Impossible`] for one that sums up
    /// but cannot have been written by this version.
    pub fn decode(
        bytes: &[u8; BATCH_HEADER_BYTES],
        identity: &LogIdentity,
        file_offset: u64,
    ) -> Result<(BatchHeader, u32), BatchError> {
        if bytes[..4] != MAGIC {
            return Err(BatchError::Absent);
        }
        let (header, sum, reserved) =
            BatchHeader::decode_fields(bytes).map_err(|WireError(what)| BatchError::Impossible(what))?;
        let is_earlier =
            header.identity.uuid == identity.uuid && header.identity.generation < identity.generation;
        let ghost = is_earlier && mutant!("batches of an earlier log count");
        let identity = if ghost { &header.identity } else { identity };
        if header.identity != *identity || header.file_offset != file_offset {
            return Err(BatchError::Absent);
        }
        let careless = mutant!("headers of batches are not summed");
        if checksum_seeded(identity.seed(), &bytes[SUMMED_FROM..]) != sum && !careless {
            reached!("a batch's header is torn");
            return Err(BatchError::Absent);
        }
        if reserved != 0 {
            return Err(BatchError::Impossible("reserved bytes of a batch header are not zero"));
        }
        if header.record_bytes == 0 || header.sequence == 0 || header.sequence == u64::MAX {
            return Err(BatchError::Impossible("a batch without records, or with an impossible number"));
        }
        Ok((header, sum))
    }

    fn decode_fields(bytes: &[u8; BATCH_HEADER_BYTES]) -> Result<(BatchHeader, u32, u64), WireError> {
        let mut from = Reader::new(&bytes[MAGIC.len()..]);
        let sum = from.u32()?;
        let identity = LogIdentity { uuid: from.array()?, generation: from.u64()? };
        let header = BatchHeader {
            identity,
            sequence: from.u64()?,
            first_lsn: Lsn(from.u64()?),
            file_offset: from.u64()?,
            record_bytes: from.u32()?,
            record_sum: from.u32()?,
            previous_sum: from.u32()?,
            segment_bytes: from.u32()?,
        };
        let reserved = from.u64()?;
        from.finish_zero()?;
        Ok((header, sum, reserved))
    }

    /// The checksum that the records of a batch of `identity` have.
    pub fn sum_records(identity: &LogIdentity, records: &[u8]) -> u32 {
        checksum_seeded(identity.seed(), records)
    }

    /// Bytes of the file that the batch takes: header, records, zeros.
    pub fn batch_bytes(&self) -> u64 {
        padded_batch_bytes(u64::from(self.record_bytes))
    }
}

/// Bytes of the file that a batch of `record_bytes` bytes of records takes.
pub fn padded_batch_bytes(record_bytes: u64) -> u64 {
    (BATCH_HEADER_BYTES as u64 + record_bytes).next_multiple_of(batch_unit() as u64)
}

/// A batch begins at a multiple of this. The disk may tear whatever it writes as a whole, so no two batches share that.
pub fn batch_unit() -> usize {
    if mutant!("batches share a block") { 512 } else { BLOCK_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: LogIdentity = LogIdentity { uuid: *b"0123456789abcdef", generation: 7 };

    fn header() -> BatchHeader {
        BatchHeader {
            identity: IDENTITY,
            sequence: 3,
            first_lsn: Lsn(0x1122),
            file_offset: 4096,
            record_bytes: 100,
            record_sum: 0xdead_beef,
            previous_sum: 0x0102_0304,
            segment_bytes: 1 << 20,
        }
    }

    #[test]
    fn header_bytes_never_change() {
        let (bytes, sum) = header().encode();
        let rows: Vec<String> = bytes
            .chunks(16)
            .enumerate()
            .map(|(row, chunk)| {
                let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{:>2} | {}", row * 16, hex.join(" "))
            })
            .collect();
        insta::assert_snapshot!(rows.join("\n"));
        assert_eq!(BatchHeader::decode(&bytes, &IDENTITY, 4096), Ok((header(), sum)));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let (bytes, _) = header().encode();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BatchHeader::decode(&flipped, &IDENTITY, 4096), Err(BatchError::Absent), "bit {bit}");
        }
    }

    #[test]
    fn strangers_are_absent() {
        let (bytes, _) = header().encode();
        let next = LogIdentity { generation: 8, ..IDENTITY };
        let other = LogIdentity { uuid: [0; 16], ..IDENTITY };
        assert_eq!(BatchHeader::decode(&bytes, &next, 4096), Err(BatchError::Absent));
        assert_eq!(BatchHeader::decode(&bytes, &other, 4096), Err(BatchError::Absent));
        assert_eq!(BatchHeader::decode(&bytes, &IDENTITY, 8192), Err(BatchError::Absent));
        assert_eq!(BatchHeader::decode(&[0; 80], &IDENTITY, 0), Err(BatchError::Absent));
    }

    #[test]
    fn impossible_headers_that_sum_up_are_told_apart() {
        let impossible = [
            BatchHeader { record_bytes: 0, ..header() },
            BatchHeader { sequence: 0, ..header() },
            BatchHeader { sequence: u64::MAX, ..header() },
        ];
        for header in impossible {
            let (bytes, _) = header.encode();
            assert!(matches!(BatchHeader::decode(&bytes, &IDENTITY, 4096), Err(BatchError::Impossible(_))));
        }
        let (mut bytes, _) = header().encode();
        bytes[72] = 1;
        let sum = checksum_seeded(IDENTITY.seed(), &bytes[SUMMED_FROM..]);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        assert!(matches!(BatchHeader::decode(&bytes, &IDENTITY, 4096), Err(BatchError::Impossible(_))));
    }

    #[test]
    fn a_seeded_sum_is_that_of_uuid_generation_and_bytes_in_a_row() {
        let row = [&IDENTITY.uuid[..], &IDENTITY.generation.to_le_bytes(), b"records"].concat();
        assert_eq!(BatchHeader::sum_records(&IDENTITY, b"records"), checksum(&row));
        assert_eq!(IDENTITY.seed(), checksum(&row[..24]));
    }

    #[test]
    fn padding_fills_the_last_block() {
        assert_eq!(padded_batch_bytes(1), 4096);
        assert_eq!(padded_batch_bytes(4096 - 80), 4096);
        assert_eq!(padded_batch_bytes(4096 - 79), 8192);
    }
}
