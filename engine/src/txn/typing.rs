//! Bytes that are typed one after the other are put together before they reach tree, record and undo entry.
//!
//! An edit that goes on where the newest record grows ([`growing`](super::growing)) costs as much as any other. So bytes that
//! are inserted there only wait, up to what is sure to find room, and whoever calls next has them *applied* first: the tree, the
//! record and its inverse get all of them at once.
//!
//! 1. Whatever looks at trees or changes them goes through [`Core::guarded`], which applies them first. What begins a
//!    transaction, or looks at locks and counters, does not, so that counters may lag behind by what was typed.
//! 2. What waits is sure to be applied, since nothing changes in between: room in the leaf, in the log and in the data file
//!    was there when it began to wait, and nothing has to be read.

use std::ops::Range;

use crate::base::{StreamId, TxnId};
use crate::env::Env;

use super::Core;
use super::apply::MAX_STREAM_BYTES;

/// What was typed behind the newest record, which grows.
#[derive(Default, Debug)]
pub(super) struct Typed {
    bytes: Vec<u8>,
    /// So many may wait.
    most: usize,
}

impl<E: Env> Core<E> {
    /// Inserts `bytes` at `offset` of `stream` if `txn` typed there last, and as much finds room for sure. Whether it did; if
    /// not, nothing has happened.
    pub fn type_on(&mut self, txn: TxnId, stream: StreamId, offset: u64, bytes: &[u8]) -> bool {
        if self.typed_to(txn, stream) != Some(offset) {
            return false;
        }
        if self.typed.bytes.is_empty() {
            self.typed.most = self.room_to_type(stream, offset);
        }
        let finds_room = self.typed.bytes.len() + bytes.len() <= self.typed.most;
        if finds_room {
            self.typed.bytes.extend_from_slice(bytes);
        }
        finds_room
    }

    /// As [`Core::type_on`], if `offset` is the end of the stream.
    pub fn type_on_at_end(&mut self, txn: TxnId, stream: StreamId, offset: u64, bytes: &[u8]) -> bool {
        let is_own = self.typed_to(txn, stream) == Some(offset);
        let end = self.catalog.changing(stream).map(|tree| tree.len() + self.typed.bytes.len() as u64);
        let types = is_own && end == Some(offset) && self.type_on(txn, stream, offset, bytes);
        reached!("typing goes on at the end of a stream", types);
        types
    }

    /// Removes `range` of `stream` if it is the end of what waits. Whether it did; if not, nothing has happened.
    pub fn take_back(&mut self, txn: TxnId, stream: StreamId, range: &Range<u64>) -> bool {
        let len = self.typed.bytes.len() as u64;
        let is_end = self.typed_to(txn, stream) == Some(range.end) && range.start <= range.end;
        let takes = is_end && range.end - range.start <= len;
        if takes {
            reached!("typed bytes were taken back before they were logged", range.start < range.end);
            let rest = len - (range.end - range.start);
            self.typed
                .bytes
                .truncate(usize::try_from(rest).expect("invariant: shorter than what is in hand"));
        }
        takes
    }

    /// Gives the tree, the record and its undo entry what was typed.
    pub(super) fn apply_typed(&mut self) {
        if self.typed.bytes.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.typed.bytes);
        let own = self.growing.expect("invariant: what was typed goes on behind a record that grows");
        if self.check_health().is_ok() {
            let end = own.end_offset();
            let is_lost = mutant!("typed bytes are forgotten when others work");
            if !is_lost || self.table.len() < 2 {
                let grown = self.extend_in_room(&(end..end), &bytes);
                assert!(grown.is_ok_and(|grown| grown), "what waits to be applied has its room");
                self.note_suffix_lock(own.txn, own.stream);
            }
            reached!("several edits were applied at once", bytes.len() > 8);
        }
        bytes.clear();
        self.typed.bytes = bytes;
    }

    /// Where the next byte that is typed goes, with those that wait. `None` if `txn` was doing something else, or nothing is to
    /// be changed any more.
    fn typed_to(&self, txn: TxnId, stream: StreamId) -> Option<u64> {
        let at = self.typing_at(txn, stream)?;
        let is_sound = !self.is_changing() && self.check_health().is_ok();
        is_sound.then_some(at + self.typed.bytes.len() as u64)
    }

    /// How many bytes may be inserted at `offset`, where the newest record ends, so that no read, no growth of a file and no
    /// change of another leaf is needed for them.
    fn room_to_type(&self, stream: StreamId, offset: u64) -> usize {
        if mutant!("what is typed asks for no room") {
            return usize::MAX;
        }
        let (Some(left), Some(tree)) = (self.left_to_grow(), self.catalog.changing(stream)) else { return 0 };
        let room = left.min(self.store.trees().room_in_leaf(tree, offset) as u64);
        let is_short = tree.len() + room <= MAX_STREAM_BYTES;
        let is_backed = self.splice_growth(stream, room, 0).is_ok_and(|growth| self.has_room(growth.most));
        reached!("what is typed finds no room for certain", !is_backed);
        if is_short && is_backed { usize::try_from(room).unwrap_or(0) } else { 0 }
    }
}
