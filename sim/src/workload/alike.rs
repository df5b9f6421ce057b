//! Whole leaves of the default size that begin alike and end differently.
//!
//! A leaf has one checksum for each 16 KiB. Whatever knows a node by its first checksum alone takes one of these leaves
//! for another one that stood in the same block before.

use crate::model::{Bytes, Edit};
use crate::world::{Dice, mix};

/// The default size of a leaf.
pub(super) const LARGE_LEAF: u64 = 64 << 10;
/// Bytes under the first checksum, the same in all leaves.
const ALIKE: usize = 16 << 10;
/// Most leaves that one edit writes.
const LEAVES_MAX: u64 = 2;

/// Up to [`LEAVES_MAX`] leaves.
pub(super) fn leaves(dice: &mut Dice) -> Bytes {
    let count = dice.between(1, LEAVES_MAX);
    let mut bytes = Vec::with_capacity((count * LARGE_LEAF) as usize);
    for _ in 0..count {
        bytes.resize(bytes.len() + ALIKE, 0xa1);
        let word = mix(dice.bits()).to_le_bytes();
        bytes.extend(word.iter().cycle().take(LARGE_LEAF as usize - ALIKE));
    }
    Bytes(bytes)
}

/// An edit of a stream of `len` bytes by whole leaves, or a look at all of it.
pub(super) fn edit(dice: &mut Dice, len: u64, stream_bytes: u64, direct: bool) -> Edit {
    if len > stream_bytes {
        return Edit::Remove { from: 0, to: len };
    }
    match dice.below(if direct { 6 } else { 9 }) {
        0 | 1 => Edit::Append { data: leaves(dice) },
        2 | 3 => Edit::Write { at: dice.below(len / LARGE_LEAF + 1) * LARGE_LEAF, data: leaves(dice) },
        4 => Edit::Remove { from: 0, to: len },
        5 => Edit::Truncate { len: len / LARGE_LEAF * LARGE_LEAF },
        _ => Edit::Read { from: 0, to: len },
    }
}
