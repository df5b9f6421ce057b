//! The way to an ordered map on disk, as a superblock stores it.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | number of entries |
//! | 8..36 | reference to the root (all zero if the map is empty) |
//! | 36 | height, 0 if the map is empty |
//! | 37..40 | zero |

use crate::base::BlockId;

use super::block_ref::BlockRef;
use super::wire::{Reader, WireError};

/// Length of an encoded [`MapRoot`].
pub const MAP_ROOT_BYTES: usize = 40;
/// Length of a reference in a map node or a [`MapRoot`].
pub const REFERENCE_BYTES: usize = 28;
/// More levels than any map can have: every inner node has two children or more.
const MAX_HEIGHT: u8 = 64;

/// The way to a whole map on disk.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MapRoot {
    /// The root node; `None` if the map is empty.
    pub root: Option<BlockRef>,
    /// How many levels of nodes there are.
    pub height: u8,
    /// How many entries there are.
    pub count: u64,
}

impl MapRoot {
    /// Appends the encoding, [`MAP_ROOT_BYTES`] long.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        encode_reference(self.root.as_ref(), out);
        out.extend_from_slice(&[self.height, 0, 0, 0]);
    }

    /// Reads an encoding.
    pub fn decode(from: &mut Reader<'_>) -> Result<MapRoot, WireError> {
        let count = from.u64()?;
        let root = decode_reference(from)?;
        let [height, reserved @ ..] = from.array::<4>()?;
        if reserved != [0; 3] {
            return Err(WireError("reserved bytes are not zero"));
        }
        if (count == 0) != root.is_none() || (height == 0) != root.is_none() || height > MAX_HEIGHT {
            return Err(WireError("the root of a map contradicts itself"));
        }
        Ok(MapRoot { root, height, count })
    }
}

/// Appends `reference` in [`REFERENCE_BYTES`].
pub fn encode_reference(reference: Option<&BlockRef>, out: &mut Vec<u8>) {
    let Some(reference) = reference else {
        out.extend_from_slice(&[0; REFERENCE_BYTES]);
        return;
    };
    let length = out.len();
    reference.encode_into(out);
    out.resize(length + REFERENCE_BYTES, 0);
}

/// Reads [`REFERENCE_BYTES`]; all of them zero is no reference.
#[inline]
pub fn decode_reference(from: &mut Reader<'_>) -> Result<Option<BlockRef>, WireError> {
    let (block, bytes) = (from.u64()?, from.u32()?);
    let sums = [from.u32()?, from.u32()?, from.u32()?, from.u32()?];
    if bytes == 0 && block == 0 && sums == [0; 4] {
        return Ok(None);
    }
    let reference = BlockRef::checked(BlockId(block), bytes, sums)?;
    Ok(Some(reference))
}
