//! A reference to a node on disk: where it is, how long it is, and what it must sum to.
//!
//! The checksums of a node live in whatever points at it, never in the node itself. A write that was lost, or that
//! landed in the wrong place, therefore cannot pass for the node that should be there.
//!
//! Encoded, little-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | `block` |
//! | 8..12 | `bytes`, never 0 |
//! | 12..12 + 4 n | `sums`, one for each started 16 KiB, so n = 1 to 4 |

use crate::base::{BLOCK_BYTES, BlockId, checksum};

use super::extent::Extent;
use super::wire::{Reader, WireError};

/// Bytes under one checksum, so that a part of a leaf can be verified without the rest.
pub const CHECKED_BYTES: usize = 16 * 1024;
/// The largest node: four checked pieces.
pub const MAX_NODE_BYTES: usize = 4 * CHECKED_BYTES;

/// Where a node is on disk and what it must sum to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockRef {
    /// The first of its blocks.
    pub block: BlockId,
    /// Length in bytes, 1 to `MAX_NODE_BYTES`; what follows in the last block means nothing.
    pub bytes: u32,
    /// One CRC-32 for each started `CHECKED_BYTES`; unused ones are zero.
    pub sums: [u32; 4],
}

impl BlockRef {
    /// The reference to `bytes`, once they stand at `block`.
    ///
    /// # Panics
    /// If `bytes` is empty or longer than [`MAX_NODE_BYTES`].
    pub fn to(block: BlockId, bytes: &[u8]) -> BlockRef {
        assert!(!bytes.is_empty() && bytes.len() <= MAX_NODE_BYTES, "a node of {} bytes", bytes.len());
        let mut sums = [0; 4];
        for (sum, piece) in sums.iter_mut().zip(bytes.chunks(CHECKED_BYTES)) {
            *sum = checksum(piece);
        }
        let bytes = u32::try_from(bytes.len()).expect("invariant: at most MAX_NODE_BYTES");
        BlockRef { block, bytes, sums }
    }

    /// How many blocks the node takes.
    pub fn blocks(&self) -> u64 {
        u64::from(self.bytes).div_ceil(BLOCK_BYTES as u64)
    }

    /// The blocks of the node.
    pub fn extent(&self) -> Extent {
        Extent { start: self.block, blocks: self.blocks() }
    }

    /// Byte offset of the node in the data file.
    pub fn offset(&self) -> u64 {
        self.block.0 * BLOCK_BYTES as u64
    }

    /// The index of the first checked piece of `bytes` that does not sum to what it should.
    pub fn first_mismatch(&self, bytes: &[u8]) -> Option<usize> {
        bytes.chunks(CHECKED_BYTES).zip(self.sums).position(|(piece, sum)| checksum(piece) != sum)
    }

    /// The length of the encoding.
    pub fn encoded_bytes(&self) -> usize {
        12 + 4 * self.pieces()
    }

    /// Appends the encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.block.0.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        for sum in &self.sums[..self.pieces()] {
            out.extend_from_slice(&sum.to_le_bytes());
        }
    }

    /// Reads an encoding; a length out of range is an error.
    pub fn decode(from: &mut Reader<'_>) -> Result<BlockRef, WireError> {
        let mut reference = BlockRef::checked(BlockId(from.u64()?), from.u32()?, [0; 4])?;
        for piece in 0..reference.pieces() {
            reference.sums[piece] = from.u32()?;
        }
        Ok(reference)
    }

    /// The reference with these fields, if its length is in range and all sums that it does not use are 0.
    #[inline]
    pub fn checked(block: BlockId, bytes: u32, sums: [u32; 4]) -> Result<BlockRef, WireError> {
        if bytes == 0 || bytes as usize > MAX_NODE_BYTES || block.0 > u64::MAX / (2 * BLOCK_BYTES as u64) {
            return Err(WireError("a block reference is out of range"));
        }
        let reference = BlockRef { block, bytes, sums };
        if sums[reference.pieces()..].iter().any(|&sum| sum != 0) {
            return Err(WireError("reserved bytes are not zero"));
        }
        Ok(reference)
    }

    fn pieces(&self) -> usize {
        (self.bytes as usize).div_ceil(CHECKED_BYTES)
    }
}
