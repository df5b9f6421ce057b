//! The transaction table: who is open and what they changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{BLOCK_BYTES, Era, Lsn, StreamId, TxnId};
use crate::catalog::Name;
use crate::format::record::MAX_RECORD_OVERHEAD;

use super::read_pin::ReadSlot;
use super::{Change, UndoStack};

/// A commit takes so much of the log at most: its record, in a batch of its own.
const END_BYTES: u64 = (BLOCK_BYTES + 2 * MAX_RECORD_OVERHEAD) as u64;

/// An open transaction.
#[derive(Default, Debug)]
pub struct TxnState {
    /// The inverses of its operations; [`Table::push_undo`] adds to them.
    pub undo: UndoStack,
    /// Bytes of the records that would compensate what it logged since the database was opened.
    compensation_bytes: u64,
    /// Whether anything of it is in the log.
    pub logged: bool,
    /// The streams that it changed.
    pub changed_streams: BTreeSet<StreamId>,
    /// The names that it changed.
    pub changed_names: BTreeSet<Name>,
    /// Its savepoints, oldest first: their ids and the top of the undo stack at the time.
    pub savepoints: Vec<(u64, Option<Lsn>)>,
    /// The number of the next savepoint.
    pub next_savepoint: u64,
    /// Up to where the log has to be durable for what it has seen to last.
    pub relies_on: Lsn,
    /// What it reads without the core's latch, once it has done so.
    pub reading: Option<ReadSlot>,
}

/// All open transactions.
#[derive(Default, Debug)]
pub struct Table {
    open: BTreeMap<TxnId, TxnState>,
    compensation_bytes: u64,
    /// How many have logged something since the database was opened.
    logged: u64,
}

impl Table {
    /// Opens a transaction.
    pub fn open(&mut self, txn: TxnId) -> &mut TxnState {
        self.open.entry(txn).or_default()
    }

    /// The state of an open transaction.
    ///
    /// # Panics
    /// If `txn` is not open.
    pub fn state(&mut self, txn: TxnId) -> &mut TxnState {
        self.open.get_mut(&txn).expect("invariant: handles outlive no transaction")
    }

    /// The state of `txn`, if it is open.
    pub fn get(&self, txn: TxnId) -> Option<&TxnState> {
        self.open.get(&txn)
    }

    /// As `get`, to change.
    pub fn get_mut(&mut self, txn: TxnId) -> Option<&mut TxnState> {
        self.open.get_mut(&txn)
    }

    /// Ends `txn`.
    pub fn close(&mut self, txn: TxnId) -> TxnState {
        let state = self.open.remove(&txn).expect("invariant: handles outlive no transaction");
        self.compensation_bytes -= state.compensation_bytes;
        self.logged = self.logged.saturating_sub(u64::from(state.logged));
        state
    }

    /// Remembers the inverse of the operation that `txn` logged at `lsn`.
    pub fn push_undo(&mut self, txn: TxnId, lsn: Lsn, inverse: Change) {
        let state = self.open.entry(txn).or_default();
        let bytes = state.undo.push(lsn, inverse).compensation_bytes(txn);
        self.logged += u64::from(!std::mem::replace(&mut state.logged, true));
        state.compensation_bytes += bytes;
        self.compensation_bytes += bytes;
    }

    /// Forgets the newest inverse of `txn`, which was applied.
    pub fn pop_undo(&mut self, txn: TxnId) {
        let state = self.state(txn);
        let Some(entry) = state.undo.pop() else { return };
        let bytes = entry.compensation_bytes(txn).min(state.compensation_bytes);
        state.compensation_bytes -= bytes;
        self.compensation_bytes -= bytes;
    }

    /// The most log space that ending every open transaction takes, one way or the other, `most_compensations` bytes of
    /// compensations at a time.
    pub fn ending_bytes(&self, most_compensations: u64) -> u64 {
        // Beside the commits: one for a transaction that begins to log, and the batches of two checkpoints on the way.
        self.compensation_bytes.min(most_compensations) + (self.logged + 3) * END_BYTES
    }

    /// The transactions that logged something, oldest first.
    pub fn active(&self) -> impl Iterator<Item = (TxnId, &TxnState)> {
        self.open.iter().filter(|(_, state)| state.logged).map(|(id, state)| (*id, state))
    }

    /// The undo stacks of the transactions that logged something.
    pub fn active_stacks(&mut self) -> impl Iterator<Item = &mut UndoStack> {
        self.open.values_mut().filter(|state| state.logged).map(|state| &mut state.undo)
    }

    /// The oldest era in which one of them began to read without the core's latch, and has not ended.
    pub fn oldest_read(&self) -> Option<Era> {
        let reads = self.open.values().filter_map(|state| state.reading.as_ref()?.since());
        if mutant!("only the youngest read pins") { reads.max() } else { reads.min() }
    }

    /// How many transactions are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }
}
