//! The slots of a log file: where they lie, which are in use, in what order, and which are free.

use std::collections::{BTreeSet, VecDeque};

use crate::format::log_header::LOG_HEADER_BYTES;

/// Where `slot` starts in a file of such segments. The number may be one past the last: then it is where the file ends.
pub(super) fn slot_start(slot: u64, segment_bytes: u32) -> u64 {
    LOG_HEADER_BYTES as u64 + slot * u64::from(segment_bytes)
}

/// In which slot a place behind the header lies, and how far from its start.
pub(super) fn slot_of(file_offset: u64, segment_bytes: u32) -> (u64, u64) {
    let behind_header = file_offset - LOG_HEADER_BYTES as u64;
    (behind_header / u64::from(segment_bytes), behind_header % u64::from(segment_bytes))
}

/// The slots of one file. The current slot is the one that batches go to.
pub(super) struct Slots {
    /// Length of a slot.
    segment_bytes: u32,
    /// How many slots the file has.
    count: u32,
    /// Slots that hold retained batches, oldest first; the last is the current one. Never empty.
    in_use: VecDeque<u32>,
    /// Zero-filled or recyclable slots.
    free: BTreeSet<u32>,
}

impl Slots {
    /// A file of one slot, which is the current one.
    pub fn new(segment_bytes: u32) -> Slots {
        Slots { segment_bytes, count: 1, in_use: VecDeque::from([0]), free: BTreeSet::new() }
    }

    /// Length of a slot.
    pub fn segment_bytes(&self) -> u32 {
        self.segment_bytes
    }

    /// The slot that batches go to.
    pub fn current(&self) -> u32 {
        *self.in_use.back().expect("invariant: one slot is always in use")
    }

    /// Where `slot` starts in the file.
    pub fn file_offset(&self, slot: u32) -> u64 {
        slot_start(u64::from(slot), self.segment_bytes)
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.file_offset(self.count)
    }

    /// How many slots are free.
    pub fn free(&self) -> u64 {
        self.free.len() as u64
    }

    /// Counts one more slot, at the end of the file, which is durably zero by now.
    pub fn add(&mut self) {
        self.free.insert(self.count);
        self.count += 1;
    }

    /// Makes a free slot the current one; `false` if there is none.
    pub fn advance(&mut self) -> bool {
        match self.free.pop_first() {
            Some(slot) => {
                reached!(
                    "a used slot is taken while more are free",
                    slot + 1 < self.count && self.free.len() > 1
                );
                self.in_use.push_back(slot);
                true
            }
            None => false,
        }
    }

    /// Frees the slots that were in use before `slot`; returns how many.
    ///
    /// # Panics
    /// If `slot` is not in use.
    pub fn release_before(&mut self, slot: u32) -> u64 {
        let older = self.in_use.iter().position(|&used| used == slot);
        let older = older.unwrap_or_else(|| panic!("slot {slot} holds no retained batch"));
        reached!("a truncation freed several slots", older > 2);
        self.free.extend(self.in_use.drain(..older));
        assert!(
            self.in_use.len() + self.free.len() == self.count as usize,
            "a slot is in use or free, not both"
        );
        older as u64
    }
}
