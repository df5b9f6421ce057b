//! Offsets, ranges, sizes and bytes: mostly valid, with a liking for boundaries.

use crate::model::{Bytes, Edit, Elements};
use crate::world::Dice;

use super::{Swarm, alike};

/// Leaf size of most simulated databases; its multiples are where things go wrong.
const LEAF: u64 = 256;
/// The least that makes an inner node of many of them.
const INNER: u64 = 4 * LEAF;
/// A block of the data file.
const BLOCK: u64 = 4096;

/// An offset in `0..=len`: often an end, a multiple of the leaf size, or a byte beside one.
fn offset(dice: &mut Dice, len: u64) -> u64 {
    let at = match dice.below(8) {
        0 => 0,
        1 => len,
        2..=4 => {
            let unit = *dice.pick(&[LEAF, LEAF, INNER, BLOCK]);
            let boundary = dice.below(len / unit + 2) * unit;
            (boundary + dice.below(3)).saturating_sub(1)
        }
        _ => dice.below(len + 1),
    };
    at.min(len)
}

fn range(dice: &mut Dice, len: u64) -> (u64, u64) {
    let (a, b) = (offset(dice, len), offset(dice, len));
    let (from, to) = (a.min(b), a.max(b));
    match dice.below(16) {
        0 => (from, to),
        _ => (from, (from + dice.below(2 * LEAF)).min(len)),
    }
}

fn size(dice: &mut Dice, swarm: &Swarm) -> u64 {
    if dice.chance(swarm.bulk, 100) {
        let bulk = swarm.geometry.bulk_bytes;
        if swarm.stream_bytes > 16 << 10 && !swarm.geometry.has_large_leaves() && dice.chance(1, 12) {
            // More than one operation of the engine takes.
            return 256 * LEAF + dice.between(1, 2 * 256 * LEAF);
        }
        if dice.chance(1, 8) {
            // Records as long as any.
            return bulk - dice.between(1, 80);
        }
        return bulk + *dice.pick(&[0, 1, 255, 256, 1000, 4096, 9000]);
    }
    match dice.below(8) {
        0 => 0,
        1..=3 => dice.between(1, 16),
        4 => LEAF * dice.between(1, 2) + dice.below(3) - 1,
        5 => *dice.pick(&[LEAF, INNER, INNER, BLOCK]) + dice.below(3) - 1,
        _ => dice.between(1, 1000),
    }
}

/// Bytes that differ from piece to piece: the same everywhere would hide what is out of place.
pub(super) fn bytes(dice: &mut Dice, len: u64) -> Bytes {
    Bytes::patterned(dice.below(1 << 32) as u32, len as usize)
}

fn elements(dice: &mut Dice, len: u64) -> Elements {
    let size = *dice.pick(&[1, 2, 3, 8, 16, 100, 256]);
    let stride = dice.between(1, 6);
    let start = offset(dice, len);
    let room = len - start;
    let most = if room < size { 0 } else { (room - size) / (size * stride) + 1 };
    let count = if dice.chance(1, 4) { most } else { dice.below(most.min(60) + 1) };
    Elements { start, size, stride, count: count.max(1) }
}

/// An edit of a stream of `len` bytes that must be refused.
fn wrong(dice: &mut Dice, len: u64) -> Edit {
    let beyond = len + dice.between(1, 300);
    if dice.chance(1, 3) {
        return far(dice, len);
    }
    match dice.below(7) {
        0 => Edit::Insert { at: beyond, data: bytes(dice, 3) },
        1 => Edit::Write { at: beyond, data: bytes(dice, 3) },
        2 => Edit::Remove { from: len / 2, to: beyond },
        3 => Edit::Truncate { len: beyond },
        4 => Edit::Splice { at: 0, delete: beyond, data: bytes(dice, 9) },
        5 => Edit::ReadStrided(Elements { start: 0, size: 7, stride: 3, count: len / 21 + 2 }),
        _ => Edit::Read { from: 0, to: u64::MAX },
    }
}

/// An edit of a stream of `len` bytes at the end of what 64 bits can say, or of what a stream may be.
fn far(dice: &mut Dice, len: u64) -> Edit {
    let at = *dice.pick(&[u64::MAX, i64::MAX as u64, 1 << 63, 1 << 40]) - dice.below(3);
    let elements = |start, size, stride, count| Edit::ReadStrided(Elements { start, size, stride, count });
    match dice.below(10) {
        0 => Edit::Insert { at, data: bytes(dice, 3) },
        1 => Edit::Write { at, data: bytes(dice, 3) },
        2 => Edit::Remove { from: at - 1, to: at },
        3 => Edit::Cut { from: len / 2, to: at },
        4 => Edit::Truncate { len: at },
        5 => Edit::Splice { at: len / 2, delete: at, data: bytes(dice, 9) },
        6 => Edit::Splice { at, delete: 2, data: bytes(dice, 0) },
        7 => elements(at, 1, 1, 1 + dice.below(3)),
        8 => elements(0, at, 1, 2),
        _ => Edit::RemoveStrided(Elements { start: 0, size: 1, stride: at, count: 2 }),
    }
}

/// An edit of a stream of `len` bytes. `direct` edits are those that the database offers without a transaction.
pub(super) fn edit(dice: &mut Dice, swarm: &Swarm, len: u64, direct: bool) -> Edit {
    if !direct && dice.chance(swarm.wrong, 100) {
        return wrong(dice, len);
    }
    if swarm.geometry.has_large_leaves() && dice.chance(1, 3) {
        return alike::edit(dice, len, swarm.stream_bytes, direct);
    }
    if len > swarm.stream_bytes && dice.chance(1, 2) {
        return shrink(dice, len);
    }
    let kinds = if direct { 8 } else { 18 };
    match dice.below(kinds) {
        0 | 1 => {
            let size = size(dice, swarm);
            Edit::Insert { at: offset(dice, len), data: bytes(dice, size) }
        }
        2 | 3 => {
            let size = size(dice, swarm);
            Edit::Append { data: bytes(dice, size) }
        }
        4 => {
            let size = size(dice, swarm);
            Edit::Write { at: offset(dice, len), data: bytes(dice, size) }
        }
        5..=7 => shrink(dice, len),
        8 | 9 => {
            let (at, to) = range(dice, len);
            let size = size(dice, swarm);
            Edit::Splice { at, delete: to - at, data: bytes(dice, size) }
        }
        10 => {
            let (from, to) = range(dice, len);
            Edit::Read { from, to }
        }
        11 => {
            let (from, to) = range(dice, len);
            Edit::ReadForUpdate { from, to }
        }
        12 => Edit::Read { from: 0, to: len },
        13 => Edit::Len,
        14 => Edit::ReadStrided(elements(dice, len)),
        15 | 16 => {
            let elements = elements(dice, len);
            Edit::WriteStrided(elements, bytes(dice, elements.size * elements.count))
        }
        _ => Edit::RemoveStrided(elements(dice, len)),
    }
}

fn shrink(dice: &mut Dice, len: u64) -> Edit {
    let (from, to) = range(dice, len);
    match dice.below(32) {
        0 | 1 => Edit::Truncate { len: offset(dice, len) },
        2 => Edit::Truncate { len: len - len.min(100) },
        3 => Edit::Remove { from: 0, to: len },
        4..=9 => Edit::Cut { from, to },
        _ => Edit::Remove { from, to },
    }
}

/// The bytes that a stream begins with.
pub(super) fn first_bytes(dice: &mut Dice, swarm: &Swarm) -> Bytes {
    if swarm.geometry.has_large_leaves() {
        return alike::leaves(dice);
    }
    let len = dice.below(swarm.stream_bytes + 1);
    bytes(dice, len)
}

/// A read of a stream of about `len` bytes.
pub(super) fn read(dice: &mut Dice, len: u64) -> Edit {
    match dice.below(4) {
        0 => Edit::Len,
        1 => Edit::Read { from: 0, to: len },
        _ => {
            let (from, to) = range(dice, len);
            Edit::Read { from, to }
        }
    }
}
