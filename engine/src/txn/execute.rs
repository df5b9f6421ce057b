//! Running operations: apply, log, remember the inverse, in one step that either happens or does not.

use crate::base::{Lsn, Result, StreamId, TxnId};
use crate::env::Env;
use crate::format::record::{Body, MAX_RECORD_OVERHEAD, Operation, Record, record_bytes};
use crate::lock::{Mode, Target};
use crate::log::Log;
use crate::tree::Tree;

use super::growing::GROWTH_BYTES_MAX;
use super::room::Growth;
use super::{Change, Core, Durability};

impl<E: Env> Core<E> {
    /// Runs one operation of an open transaction. After an error nothing has happened.
    pub fn execute(&mut self, txn: TxnId, operation: Operation<'_>) -> Result<()> {
        self.assert_locked(txn);
        self.make_writable()?;
        let change = Change::from(&operation);
        let record = Record { txn, commits: false, body: Body::Operation(operation) };
        let growth = self.reserve(&record, &change).inspect_err(|_| self.abandon(&record))?;
        let inverse = self.apply(Some(txn), change).inspect_err(|_| self.abandon(&record))?;
        let is_tall = |tree: &Tree| tree.height() > 2 && tree.disk_form().is_some();
        reached!("an operation removed a tall tree as it stood on disk", inverse.tree().is_some_and(is_tall));
        let lsn = self.append(&record);
        self.dirty_bytes += inverse.bytes_held();
        self.owe(growth, &inverse);
        self.owe_undo(txn, &inverse);
        self.begin_growing(&record, lsn, &inverse);
        self.table.push_undo(txn, lsn, inverse);
        self.bury_deaths();
        Ok(())
    }

    /// Runs one operation as the transaction `txn`, which has nothing else; durable once [`Core::logged`] is. Nobody else
    /// has changed the stream and the names that it touches.
    pub fn execute_committed(&mut self, txn: TxnId, operation: Operation<'_>) -> Result<()> {
        self.assert_locked(txn);
        self.make_writable()?;
        let change = Change::from(&operation);
        let (stream, names) = (change.stream(), change.is_of_names());
        let record = Record { txn, commits: true, body: Body::Operation(operation) };
        let growth = self.reserve(&record, &change).inspect_err(|_| self.abandon(&record))?;
        let inverse = self.apply_and_settle(change).inspect_err(|_| self.abandon(&record))?;
        self.append(&record);
        self.counters.commits += 1;
        self.owe(growth, &inverse);
        self.graveyard.extend(inverse.into_tree());
        self.bury_deaths();
        let lsn = self.next_lsn();
        self.last_commit = lsn;
        let Core { unsettled, log, .. } = self;
        let durable = || log.as_ref().map_or(lsn, Log::durable_lsn);
        unsettled.note([stream], names, lsn, Durability::Sync, durable);
        self.version_due = true;
        Ok(())
    }

    /// That `txn`, which is about to change something, has not lost its locks: not when a call is tried again either.
    pub(super) fn assert_locked(&self, txn: TxnId) {
        let locks = self.locks.table();
        assert!(locks.covers(txn, &Target::Database, Mode::IX), "whoever changes something has locked it");
    }

    /// A transaction id that was never used.
    pub fn take_txn_id(&mut self) -> TxnId {
        let txn = self.next_txn;
        self.next_txn.0 += 1;
        txn
    }

    /// A stream id that was never used.
    pub fn take_stream_id(&mut self) -> StreamId {
        let stream = self.next_stream;
        self.next_stream.0 += 1;
        stream
    }

    pub(super) fn append(&mut self, record: &Record<'_>) -> Lsn {
        let before = self.next_lsn();
        let lsn = self.log().append(record);
        self.counters.log_bytes += self.next_lsn().0 - before.0;
        lsn
    }

    /// Makes sure that the log has room for `record`, a commit and a record that compensates it, and the data file for
    /// the checkpoint after it. What `change`, which the record is about, may add to what that writes.
    fn reserve(&mut self, record: &Record<'_>, change: &Change) -> Result<Growth> {
        let growth = self.growth(change)?;
        let bytes = record_bytes(record);
        self.log().check_record(bytes)?;
        self.reserve_log(bytes + GROWTH_BYTES_MAX + 2 * MAX_RECORD_OVERHEAD)?;
        if !mutant!("no room is made for an operation") {
            self.make_room(growth.most, 0)?;
        }
        Ok(growth)
    }

    /// `record` will never be in the log: its extents are free again.
    fn abandon(&mut self, record: &Record<'_>) {
        if mutant!("a refused operation keeps its blocks") {
            return;
        }
        reached!("a payload on disk was refused", !record.extents().is_empty());
        record.extents().iter().for_each(|extent| self.space.give_back(*extent));
    }
}
