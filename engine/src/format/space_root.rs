//! What a superblock stores of the space.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | `total_blocks` |
//! | 8..16 | `free_blocks` |
//! | 16..56 | root of the free map |

use crate::base::BLOCK_BYTES;

use super::map_root::{MAP_ROOT_BYTES, MapRoot};
use super::wire::{Reader, WireError};

/// The blocks before this one hold the superblocks and are never free.
pub const FIRST_USABLE_BLOCK: u64 = 2;

/// No file has more blocks, so that byte offsets can be added without care.
pub const MAX_BLOCKS: u64 = u64::MAX / (2 * BLOCK_BYTES as u64);
/// Length of an encoded [`SpaceRoot`].
pub const SPACE_ROOT_BYTES: usize = 16 + MAP_ROOT_BYTES;

/// The way to the free map on disk, and its totals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpaceRoot {
    /// Blocks at or behind this one are free.
    pub total_blocks: u64,
    /// Free blocks below `total_blocks`.
    pub free_blocks: u64,
    /// The free map.
    pub map: MapRoot,
}

impl SpaceRoot {
    /// Appends the encoding, [`SPACE_ROOT_BYTES`] long.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.total_blocks.to_le_bytes());
        out.extend_from_slice(&self.free_blocks.to_le_bytes());
        self.map.encode_into(out);
    }

    /// Reads an encoding.
    pub fn decode(from: &mut Reader<'_>) -> Result<SpaceRoot, WireError> {
        let total_blocks = from.u64()?;
        let free_blocks = from.u64()?;
        let map = MapRoot::decode(from)?;
        let usable = total_blocks.checked_sub(FIRST_USABLE_BLOCK);
        if usable.is_none_or(|usable| free_blocks > usable || map.count > free_blocks) {
            return Err(WireError("the totals of the free map contradict each other"));
        }
        Ok(SpaceRoot { total_blocks, free_blocks, map })
    }
}
