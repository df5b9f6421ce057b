//! Where a change of a stream goes: the locks that it takes, and what it comes to once they are held.
//!
//! The suffix rule: whatever shifts bytes has everything behind its place to itself, the end included, so that nobody's
//! offsets move under a lock. What only overwrites has its range. Until the locks are held the length may change, so what
//! depends on it is worked out again each time.

use std::ops::{Bound, Range, RangeBounds};

use crate::base::{Result, StreamId, TxnId};
use crate::env::Env;
use crate::format::stride::Stride;
use crate::lock::{Mode, Span, Target};
use crate::txn::{Core, Stop};

use super::range::resolve;

/// A replacement of bytes, before the length of the stream is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Before the byte at this offset.
    Insert(u64),
    /// Behind the last byte.
    Append,
    /// Over what is there from this offset on, and past the end.
    Write(u64),
    /// Of these bytes nothing stays.
    Remove(Bound<u64>, Bound<u64>),
    /// In place of so many bytes at this offset.
    Splice(u64, u64),
}

impl Place {
    /// That of a removal.
    pub fn remove(range: &impl RangeBounds<u64>) -> Place {
        Place::Remove(range.start_bound().cloned(), range.end_bound().cloned())
    }

    /// Whether nothing goes away here, and what comes goes to `offset`.
    pub fn is_insertion_at(self, offset: u64) -> bool {
        matches!(self, Place::Insert(at) | Place::Splice(at, 0) if at == offset)
    }

    /// The bytes that go away here, if they are those before `end`.
    pub fn removal_before(self, end: u64) -> Option<Range<u64>> {
        match self {
            Place::Splice(start, len) if start.checked_add(len) == Some(end) => Some(start..end),
            Place::Remove(Bound::Included(start), Bound::Excluded(to)) if to == end && start <= end => {
                Some(start..end)
            }
            _ => None,
        }
    }

    /// Whether putting `data_len` bytes here is sure to lock everything behind it.
    pub fn shifts(self, data_len: u64) -> bool {
        match self {
            Place::Insert(_) | Place::Append | Place::Remove(..) => true,
            Place::Splice(_, delete_len) => delete_len != data_len,
            Place::Write(_) => false,
        }
    }

    /// Takes the locks of `txn` for putting `data_len` bytes here; says which bytes of `stream` they replace.
    pub fn lock<E: Env>(
        self,
        core: &mut Core<E>,
        txn: TxnId,
        stream: Held,
        data_len: u64,
    ) -> Result<Range<u64>, Stop> {
        let lock = |core: &mut Core<E>, span| stream.lock(core, txn, span, Mode::X);
        match self {
            Place::Insert(offset) => {
                lock(core, Span::suffix(offset))?;
                Ok(resolve(&(offset..offset), stream.len(core)?)?)
            }
            Place::Append => {
                lock(core, Span::END)?;
                let len = stream.len(core)?;
                lock(core, Span::suffix(len))?;
                Ok(len..len)
            }
            Place::Write(offset) => {
                lock(core, touching(offset, offset.saturating_add(data_len)))?;
                let len = stream.len(core)?;
                let offset = resolve(&(offset..offset), len)?.start;
                if data_len > len - offset {
                    lock(core, Span::suffix(offset))?;
                }
                Ok(offset..offset + data_len.min(len - offset))
            }
            Place::Remove(start, end) => {
                lock(core, Span::suffix(first(start)))?;
                Ok(resolve(&(start, end), stream.len(core)?)?)
            }
            Place::Splice(offset, delete_len) => {
                let range = offset..offset.saturating_add(delete_len);
                let overwrites = delete_len == data_len;
                let span = if overwrites { touching(range.start, range.end) } else { Span::suffix(offset) };
                lock(core, span)?;
                Ok(resolve(&range, stream.len(core)?)?)
            }
        }
    }
}

/// A stream to which a name has led, and the name is locked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held(pub StreamId);

impl Held {
    /// Locks some of its points.
    pub fn lock<E: Env>(self, core: &mut Core<E>, txn: TxnId, span: Span, mode: Mode) -> Result<(), Stop> {
        core.locks.take(txn, &Target::Range(self.0, span), mode)?;
        core.look_at_stream(self.0);
        Ok(())
    }

    /// Its length, which lasts for those who have locked its end.
    pub fn len<E: Env>(self, core: &Core<E>) -> Result<u64> {
        core.len(self.0)
    }
}

/// The points that a look at `range` depends on: its bytes, or if it has none, whether the stream goes so far.
pub(super) fn span_of(range: &impl RangeBounds<u64>) -> Span {
    let start = first(range.start_bound().cloned());
    match range.end_bound() {
        // The error for a range that ends before it starts tells the length.
        Bound::Excluded(&end) if end < start => Span::suffix(start),
        Bound::Included(&last) if last.saturating_add(1) < start => Span::suffix(start),
        Bound::Unbounded => Span::suffix(start),
        Bound::Excluded(&end) => touching(start, end),
        Bound::Included(&last) => touching(start, last.saturating_add(1)),
    }
}

/// The points that elements depend on.
pub(super) fn hull_span(stride: &Stride) -> Span {
    stride.hull().map_or(Span::suffix(stride.start), |hull| touching(hull.start, hull.end))
}

/// From `start` to `end`, and one point at least.
fn touching(start: u64, end: u64) -> Span {
    Span::bytes(start, end.max(start.saturating_add(1))).unwrap_or(Span::END)
}

fn first(bound: Bound<u64>) -> u64 {
    match bound {
        Bound::Unbounded => 0,
        Bound::Included(start) => start,
        Bound::Excluded(before) => before.saturating_add(1),
    }
}
