//! The segments of a log file: where they lie, which are in use, in what order, and which are free.

use std::collections::{BTreeSet, VecDeque};

use crate::format::log_header::LOG_HEADER_BYTES;

/// Where `segment` starts in a file of such segments. The number may be one past the last: then it is where the file ends.
pub(super) fn segment_start(segment: u64, segment_bytes: u32) -> u64 {
    LOG_HEADER_BYTES as u64 + segment * u64::from(segment_bytes)
}

/// In which segment a place behind the header lies, and how far from its start.
pub(super) fn segment_of(file_offset: u64, segment_bytes: u32) -> (u64, u64) {
    let behind_header = file_offset - LOG_HEADER_BYTES as u64;
    (behind_header / u64::from(segment_bytes), behind_header % u64::from(segment_bytes))
}

/// The segments of one file. The current segment is the one that batches go to.
pub(super) struct Segments {
    /// Length of a segment.
    segment_bytes: u32,
    /// How many segments the file has.
    count: u32,
    /// Segments that hold retained batches, oldest first; the last is the current one. Never empty.
    in_use: VecDeque<u32>,
    /// Zero-filled or recyclable segments.
    free: BTreeSet<u32>,
}

impl Segments {
    /// A file of one segment, which is the current one.
    pub fn new(segment_bytes: u32) -> Segments {
        Segments { segment_bytes, count: 1, in_use: VecDeque::from([0]), free: BTreeSet::new() }
    }

    /// Length of a segment.
    pub fn segment_bytes(&self) -> u32 {
        self.segment_bytes
    }

    /// The segment that batches go to.
    pub fn current(&self) -> u32 {
        *self.in_use.back().expect("invariant: one segment is always in use")
    }

    /// Where `segment` starts in the file.
    pub fn file_offset(&self, segment: u32) -> u64 {
        segment_start(u64::from(segment), self.segment_bytes)
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.file_offset(self.count)
    }

    /// How many segments are free.
    pub fn free(&self) -> u64 {
        self.free.len() as u64
    }

    /// Counts one more segment, at the end of the file, which is durably zero by now.
    pub fn add(&mut self) {
        self.free.insert(self.count);
        self.count += 1;
    }

    /// Makes a free segment the current one; `false` if there is none.
    pub fn advance(&mut self) -> bool {
        match self.free.pop_first() {
            Some(segment) => {
                self.in_use.push_back(segment);
                true
            }
            None => false,
        }
    }

    /// Frees the segments that were in use before `segment`; returns how many.
    ///
    /// # Panics
    /// If `segment` is not in use.
    pub fn release_before(&mut self, segment: u32) -> u64 {
        let older = self.in_use.iter().position(|&used| used == segment);
        let older = older.unwrap_or_else(|| panic!("segment {segment} holds no retained batch"));
        self.free.extend(self.in_use.drain(..older));
        assert!(
            self.in_use.len() + self.free.len() == self.count as usize,
            "a segment is in use or free, not both"
        );
        older as u64
    }
}
