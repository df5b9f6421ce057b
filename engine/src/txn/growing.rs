//! Edits that go on where the last one ended: characters typed one after the other, or taken back one after the other.
//!
//! The newest record of the log says a splice, and an edit that goes on in its place makes another splice of both. So as
//! long as no flight has taken that record, it *grows* instead of being followed by another, and so does its undo entry: a
//! run of typed characters costs one record, and takes one step to undo.
//!
//! 1. A record grows only while it is the last in the log's buffer, and its entry the top of its transaction's undo stack.
//!    A flight, a spill (a capture flushes first), any other record and a savepoint *seal* it.
//! 2. It never gets shorter, since others may wait until the log is durable up to where it ended.
//! 3. It grows within what was set aside in the log when it was written ([`GROWTH_BYTES_MAX`]); the data file's room is
//!    asked for each time.
//! 4. A call that makes the record of an earlier one grow does so once, and does nothing else. One of several operations
//!    seals that record first, and only what it has logged itself grows. So each happens as a whole or not at all.
//!
//! Where the log ends does not say that a record has grown, if what it says takes as many bytes as before. That comes to
//! [`GROWTH_BYTES_MAX`] bytes of changes behind a record that the log has grown by, and whoever keeps to the pace of the log,
//! or asks whether a full disk has refused the same state, may overlook so much.

use std::borrow::Cow;
use std::ops::Range;

use crate::base::{Lsn, Result, StreamId, TxnId};
use crate::env::Env;
use crate::format::record::{Body, Operation, Payload, Record, record_bytes};
use crate::format::varint::MAX_VARINT_BYTES;
use crate::tree::Rope;

use super::apply::{MAX_STREAM_BYTES, existing};
use super::{Change, Core};

/// A record that grows gets so much longer at most.
pub(super) const GROWTH_BYTES_MAX: usize = 512;

/// The newest record, a splice, while it may still grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growing {
    pub(super) txn: TxnId,
    pub(super) stream: StreamId,
    lsn: Lsn,
    /// Where the log ended behind it.
    end: Lsn,
    /// Where it puts `inserted` bytes in the place of `removed`.
    offset: u64,
    inserted: u64,
    removed: u64,
    /// How many bytes it may still grow by.
    left: u64,
    /// Whether its transaction has locked everything behind `offset + inserted`.
    has_suffix: bool,
}

/// How an edit goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// It puts bytes behind those that were inserted last.
    Types,
    /// It removes bytes before those that were removed last.
    Backspaces,
    /// It removes bytes behind those that were removed last.
    Deletes,
}

/// The record that grows, and what it becomes.
struct Longer {
    own: Growing,
    longer: Growing,
    way: Way,
}

impl Growing {
    /// Where the next byte goes.
    pub(super) fn end_offset(&self) -> u64 {
        self.offset + self.inserted
    }

    fn way(&self, range: &Range<u64>, bytes: &[u8]) -> Option<Way> {
        let end = self.end_offset();
        if range.is_empty() && range.start == end && !bytes.is_empty() {
            Some(Way::Types)
        } else if range.is_empty() || !bytes.is_empty() || self.inserted > 0 {
            None
        } else if range.end == self.offset {
            Some(Way::Backspaces)
        } else {
            (range.start == end).then_some(Way::Deletes)
        }
    }

    /// What it says once the edit is in it; `None` if that is too much.
    fn and(&self, way: Way, range: &Range<u64>, inserted: usize) -> Option<Growing> {
        let removed = range.end - range.start;
        let left = self.left.checked_sub(removed + inserted as u64)?;
        let offset = if way == Way::Backspaces { range.start } else { self.offset };
        let longer = Growing {
            offset,
            inserted: self.inserted + inserted as u64,
            removed: self.removed + removed,
            left,
            // What lies before the old offset needs another lock.
            has_suffix: self.has_suffix && way != Way::Backspaces,
            ..*self
        };
        let shrinks = way != Way::Types && (record_bytes(&longer.record()) as u64) < self.end.0 - self.lsn.0;
        reached!("a record does not grow by an edit that would make it shorter", shrinks);
        (!shrinks).then_some(longer)
    }

    /// The record, which inserts nothing.
    fn record(&self) -> Record<'static> {
        let Growing { txn, stream, offset, removed, .. } = *self;
        let insert = Payload::Bytes(Cow::Borrowed(&[]));
        let operation = Operation::Splice { stream, offset, delete_len: removed, insert };
        Record { txn, commits: false, body: Body::Operation(operation) }
    }

    /// Makes of the inverse of the shorter splice that of this one, which also removed `cut`.
    fn widen(&self, inverse: &mut Change, way: Way, cut: &[u8]) {
        let Change::Splice { offset, delete_len, insert: Rope::Bytes(removed), .. } = inverse else {
            unreachable!("invariant: only such a splice grows")
        };
        let narrow = mutant!("a longer record keeps its undo entry");
        (*offset, *delete_len) = (self.offset, if narrow { *delete_len } else { self.inserted });
        reached!("a record grew by what was removed before it", way == Way::Backspaces);
        match way {
            Way::Types => {}
            Way::Backspaces => drop(removed.splice(..0, cut.iter().copied())),
            Way::Deletes => removed.extend_from_slice(cut),
        }
    }
}

impl<E: Env> Core<E> {
    /// The record at `lsn`, just appended, may grow if it is a splice; `inverse` undoes it.
    pub(super) fn begin_growing(&mut self, record: &Record<'_>, lsn: Lsn, inverse: &Change) {
        self.growing = None;
        let Body::Operation(Operation::Splice { stream, offset, insert: Payload::Bytes(insert), .. }) =
            &record.body
        else {
            return;
        };
        let Change::Splice { insert: Rope::Bytes(removed), .. } = inverse else { return };
        let (end, most) = (self.next_lsn(), self.log().max_record_bytes());
        if removed.len() > GROWTH_BYTES_MAX || end.0 - lsn.0 + GROWTH_BYTES_MAX as u64 > most {
            return;
        }
        self.growing = Some(Growing {
            txn: record.txn,
            stream: *stream,
            lsn,
            end,
            offset: *offset,
            inserted: insert.len() as u64,
            removed: removed.len() as u64,
            left: (GROWTH_BYTES_MAX - 3 * MAX_VARINT_BYTES) as u64,
            has_suffix: false,
        });
    }

    /// Whatever comes next gets a record of its own.
    pub fn seal(&mut self) {
        if !mutant!("a savepoint does not seal a record") {
            self.growing = None;
        }
    }

    /// The change that `txn` has just made in `stream` was made with a lock on everything behind it.
    pub fn note_suffix_lock(&mut self, txn: TxnId, stream: StreamId) {
        if let Some(growing) = self.growing.as_mut().filter(|own| own.txn == txn && own.stream == stream) {
            growing.has_suffix = true;
        }
    }

    /// Where the next typed byte goes, if `txn` was typing in `stream` last and has locked what that needs.
    pub fn typing_at(&self, txn: TxnId, stream: StreamId) -> Option<u64> {
        let own = self.growing.as_ref()?;
        let is_held = own.txn == txn && own.stream == stream && own.has_suffix;
        is_held.then(|| own.end_offset())
    }

    /// Replaces `range` of `stream` by `bytes` if that goes on where the newest record ended, which then says both.
    /// Whether it did; if not, or after an error, nothing has happened.
    pub fn extend(&mut self, txn: TxnId, stream: StreamId, range: &Range<u64>, bytes: &[u8]) -> Result<bool> {
        let Some(longer) = self.longer(txn, stream, range, bytes) else { return Ok(false) };
        let growth = self.splice_growth(stream, bytes.len() as u64, range.end - range.start)?;
        if self.make_room(growth.most, 0).is_err() {
            return Ok(false);
        }
        self.extend_by(longer, range, bytes)
    }

    /// As [`Core::extend`], in the room that there is.
    pub(super) fn extend_in_room(&mut self, range: &Range<u64>, bytes: &[u8]) -> Result<bool> {
        let own = self.growing.as_ref();
        let longer = own.and_then(|own| self.longer(own.txn, own.stream, range, bytes));
        longer.map_or(Ok(false), |longer| self.extend_by(longer, range, bytes))
    }

    fn extend_by(&mut self, longer: Longer, range: &Range<u64>, bytes: &[u8]) -> Result<bool> {
        let Longer { own, longer, way } = longer;
        let Growing { txn, stream, .. } = own;
        self.assert_locked(txn);
        let Core { store, catalog, deaths, .. } = self;
        let tree = existing(catalog.tree_mut(store, stream)?, stream)?;
        if tree.len() + bytes.len() as u64 > MAX_STREAM_BYTES {
            return Ok(false);
        }
        let Some(cut) = store.trees().splice_in_leaf(tree, range, bytes, deaths)? else { return Ok(false) };
        match way {
            Way::Types => self.log().extend(own.lsn, bytes),
            Way::Backspaces | Way::Deletes => self.log().replace(own.lsn, &longer.record()),
        }
        let end = self.next_lsn();
        self.counters.log_bytes += end.0 - own.end.0;
        self.dirty_bytes += (bytes.len() + cut.len()) as u64;
        self.owe_longer(own.inserted..longer.inserted, own.removed..longer.removed);
        self.table.state(txn).undo.widen_newest(|inverse| longer.widen(inverse, way, &cut));
        self.growing = Some(Growing { end, ..longer });
        self.bury_deaths();
        Ok(true)
    }

    /// How many bytes the newest record may grow by; `None` if none.
    pub(super) fn left_to_grow(&self) -> Option<u64> {
        let own = self.growing.as_ref()?;
        let is_open = self.log.as_ref()?.is_open(own.lsn, own.end);
        (is_open && self.is_top(own)).then_some(own.left)
    }

    fn is_top(&self, own: &Growing) -> bool {
        self.table.get(own.txn).is_some_and(|state| state.undo.is_newest(own.lsn))
    }

    /// The record that grows, what it becomes with the edit, and how. `None` if the edit needs a record of its own.
    fn longer(&self, txn: TxnId, stream: StreamId, range: &Range<u64>, bytes: &[u8]) -> Option<Longer> {
        let own = self.growing.filter(|own| own.txn == txn && own.stream == stream)?;
        let way = own.way(range, bytes)?;
        let is_top = self.is_top(&own);
        let is_open = self.log.as_ref()?.is_open(own.lsn, own.end);
        reached!("an edit goes on where the last one ended, whose record is sealed", is_top && !is_open);
        let longer = own.and(way, range, bytes.len())?;
        (is_top && is_open).then_some(Longer { own, longer, way })
    }
}
