//! Where in the log something begins: what a superblock says of the log, and where a scan starts.
//!
//! Encoded, little-endian, [`LOG_POSITION_BYTES`] long:
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | `generation` |
//! | 8..16 | `lsn` |
//! | 16..24 | `sequence` |
//! | 24..28 | `segment` |
//! | 28..32 | `offset`, a multiple of 4 KiB |
//! | 32..36 | `previous_sum` |
//! | 36..40 | zero |

use crate::base::Lsn;

use super::batch::batch_unit;
use super::wire::{Reader, WireError};

/// Bytes of an encoded [`LogPosition`].
pub const LOG_POSITION_BYTES: usize = 40;

const _: () = assert!(3 * 8 + 4 * 4 == LOG_POSITION_BYTES);

/// The place between two batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogPosition {
    /// The generation of the log.
    pub generation: u64,
    /// The LSN of the first record behind this place.
    pub lsn: Lsn,
    /// The number of the first batch behind this place.
    pub sequence: u64,
    /// The segment that the batch before it lies in, or 0 at the start.
    pub segment: u32,
    /// Where in the segment that batch ends, in bytes. The next one stands here or at the start of another segment.
    pub offset: u32,
    /// Checksum of the header of the batch before it, or the seed of the log.
    pub previous_sum: u32,
}

impl LogPosition {
    /// The position in bytes.
    pub fn encode(&self) -> [u8; LOG_POSITION_BYTES] {
        let mut out = Vec::with_capacity(LOG_POSITION_BYTES);
        for field in [self.generation, self.lsn.0, self.sequence] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.segment, self.offset, self.previous_sum, 0] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.try_into().expect("invariant: the fields fill the position")
    }

    /// Reads a position.
    ///
    /// # Errors
    /// If the bytes end too early, or the fields cannot be those of a position.
    pub fn decode(from: &mut Reader<'_>) -> Result<LogPosition, WireError> {
        let (generation, lsn, sequence) = (from.u64()?, Lsn(from.u64()?), from.u64()?);
        let (segment, offset, previous_sum, reserved) = (from.u32()?, from.u32()?, from.u32()?, from.u32()?);
        if reserved != 0 {
            return Err(WireError("reserved bytes of a log position are not zero"));
        }
        if sequence == 0 || !(offset as usize).is_multiple_of(batch_unit()) {
            return Err(WireError("a log position is out of range"));
        }
        Ok(LogPosition { generation, lsn, sequence, segment, offset, previous_sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: LogPosition = LogPosition {
        generation: 0x0101,
        lsn: Lsn(0x0202),
        sequence: 0x0303,
        segment: 0x0404,
        offset: 0x5000,
        previous_sum: 0x0606,
    };

    #[test]
    fn bytes_never_change() {
        let bytes = POSITION.encode();
        insta::assert_snapshot!(bytes.map(|byte| format!("{byte:02x}")).join(""));
        assert_eq!(LogPosition::decode(&mut Reader::new(&bytes)), Ok(POSITION));
    }

    #[test]
    fn impossible_positions_are_refused() {
        let mut bytes = POSITION.encode();
        bytes[39] = 1;
        assert!(LogPosition::decode(&mut Reader::new(&bytes)).is_err(), "reserved");
        let odd = LogPosition { offset: 0x5001, ..POSITION }.encode();
        assert!(LogPosition::decode(&mut Reader::new(&odd)).is_err(), "offset");
        let none = LogPosition { sequence: 0, ..POSITION }.encode();
        assert!(LogPosition::decode(&mut Reader::new(&none)).is_err(), "sequence");
        assert!(LogPosition::decode(&mut Reader::new(&bytes[..39])).is_err(), "cut");
    }
}
