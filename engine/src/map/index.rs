//! Finding a key in an encoded node without walking through it.
//!
//! All keys of a node begin alike. What comes behind, four bytes of a key, is its *head*. The heads of sixteen keys stand in
//! the index itself. They say which sixteenth of the node has a key, and a search has that part fetched at once, where a
//! binary search through all of the node would wait for memory at each step.

use std::ops::Range;

const SAMPLES: usize = 16;

/// Where each entry of a node begins, and the heads of some keys.
pub(super) struct Index {
    /// The head of every `step`th key; behind the last one, the greatest.
    heads: [u32; SAMPLES],
    /// Where the entries with these keys begin; behind the last one, where all of them end.
    starts: [u16; SAMPLES + 1],
    step: u32,
    /// How many bytes all keys have in common.
    shared: u32,
    offsets: Box<[u16]>,
}

/// The part of a node that a key is in, or belongs in, if it begins as all keys do.
pub(super) struct Part {
    /// Its entries. The key may be the first one behind them.
    pub(super) entries: Range<usize>,
    /// Their bytes.
    pub(super) bytes: Range<usize>,
}

impl Index {
    /// The index of entries that begin at `offsets` and end at `end`, in the order of their keys, which `key` finds at an
    /// offset.
    pub(super) fn new<Key: AsRef<[u8]>>(offsets: Box<[u16]>, end: u16, key: impl Fn(u16) -> Key) -> Index {
        let (first, last) = (key(offsets[0]), key(offsets[offsets.len() - 1]));
        let alike = first.as_ref().iter().zip(last.as_ref()).take_while(|(a, b)| a == b);
        let shared = alike.count();
        let step = offsets.len().div_ceil(SAMPLES);
        let (mut heads, mut starts) = ([u32::MAX; SAMPLES], [end; SAMPLES + 1]);
        for (at, &offset) in offsets.iter().step_by(step).enumerate() {
            (heads[at], starts[at]) = (head(key(offset).as_ref(), shared), offset);
        }
        Index { heads, starts, step: step as u32, shared: shared as u32, offsets }
    }

    /// How many entries there are.
    pub(super) fn count(&self) -> usize {
        self.offsets.len()
    }

    /// How many bytes all keys have in common.
    pub(super) fn shared(&self) -> usize {
        self.shared as usize
    }

    /// Where the entry at `at` begins.
    #[inline]
    pub(super) fn offset(&self, at: usize) -> usize {
        usize::from(self.offsets[at])
    }

    /// Where to look for `key`.
    #[inline]
    pub(super) fn part_for(&self, key: &[u8]) -> Part {
        let head = head(key, self.shared());
        // All are counted, so that there is no branch to guess wrong.
        let below = self.heads.iter().map(|&other| u32::from(other < head)).sum::<u32>() as usize;
        let not_above = self.heads.iter().map(|&other| u32::from(other <= head)).sum::<u32>() as usize;
        // Keys with the same head may lie on both sides of a sample that has it.
        let parts = below.saturating_sub(1)..not_above;
        let entry = |part: usize| (part * self.step as usize).min(self.count());
        Part {
            entries: entry(parts.start)..entry(parts.end),
            bytes: usize::from(self.starts[parts.start])..usize::from(self.starts[parts.end]),
        }
    }

    /// Bytes in memory, beside those of the struct.
    pub(super) fn weight(&self) -> usize {
        size_of_val(&*self.offsets)
    }
}

/// Ordered as the keys, if these begin alike; keys that differ may have the same.
#[inline]
fn head(key: &[u8], shared: usize) -> u32 {
    let rest = key.get(shared..).unwrap_or_default();
    match rest.first_chunk() {
        Some(head) => u32::from_be_bytes(*head),
        None => rest.iter().rev().fold(0, |head, byte| head >> 8 | u32::from(*byte) << 24),
    }
}
