//! One file: what is durable, what every reader sees, and the changes in between.
//!
//! 1. `visible` is `durable` with all `pending` changes applied in order, except after a failed sync, when it may
//!    hold more than is durable or pending: bytes that look written and will not last.
//! 2. A successful sync empties `pending`.

use std::ops::Range;

use super::image::{Image, PAGE};

/// A change since the last sync.
pub(crate) enum Change {
    /// Bytes at an offset.
    Write { offset: u64, data: Box<[u8]> },
    /// Zeros over a range, which may lie behind the end and then grows the file.
    Zeros(Range<u64>),
    /// A range given back; the length stays.
    Punch(Range<u64>),
    /// A new length.
    SetLen(u64),
}

/// A change with its place in the order of all changes of the world.
pub(crate) struct Pending {
    pub(crate) seq: u64,
    pub(crate) change: Change,
}

/// A file, whatever its names.
#[derive(Default)]
pub(crate) struct Inode {
    pub(crate) durable: Image,
    pub(crate) visible: Image,
    pub(crate) pending: Vec<Pending>,
    /// The handle that has the exclusive lock.
    pub(crate) lock: Option<u64>,
    /// Open handles of the living incarnation.
    pub(crate) opens: u64,
}

impl Change {
    /// Stores long runs of zeros as such.
    pub(crate) fn write(offset: u64, data: &[u8]) -> Change {
        if data.len() as u64 >= PAGE && data.iter().all(|&byte| byte == 0) {
            Change::Zeros(offset..offset + data.len() as u64)
        } else {
            Change::Write { offset, data: data.into() }
        }
    }

    pub(crate) fn apply(&self, image: &mut Image) {
        match self {
            Change::Write { offset, data } => image.write(*offset, data),
            Change::Zeros(range) => image.write_zeros(range.clone()),
            Change::Punch(range) => image.clear(range.clone()),
            Change::SetLen(len) => image.set_len(*len),
        }
    }

    /// The pages that may differ after the change.
    fn pages(&self) -> Range<u64> {
        match self {
            Change::Write { offset, data } => offset / PAGE..(offset + data.len() as u64).div_ceil(PAGE),
            Change::Zeros(range) | Change::Punch(range) => range.start / PAGE..range.end.div_ceil(PAGE),
            Change::SetLen(len) => len / PAGE..u64::MAX,
        }
    }
}

impl Inode {
    pub(crate) fn change(&mut self, seq: u64, change: Change) {
        change.apply(&mut self.visible);
        self.pending.push(Pending { seq, change });
    }

    /// Everything pending becomes durable.
    pub(crate) fn sync(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            self.durable.adopt(&self.visible, pending.change.pages());
        }
    }
}
