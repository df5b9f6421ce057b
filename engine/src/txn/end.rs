//! How transactions end: commit, rollback, and part of a rollback.

use crate::base::{Error, Lsn, Result, TxnId};
use crate::cache::Deaths;
use crate::env::Env;
use crate::format::record::{Body, Record};

use crate::log::Log;

use super::{Core, TxnState};

/// When a commit is durable.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Durability {
    /// When the call returns.
    #[default]
    Sync,
    /// With the next commit that is [`Durability::Sync`], the next [`Database::sync`](crate::Database::sync), or the next
    /// checkpoint; at the latest after [`Options::deferred_delay`](crate::Options::deferred_delay). Other transactions see it at once; snapshots, and reads directly on the database, when it is durable.
    Deferred,
}

/// A place in a transaction to roll back to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Savepoint {
    txn: TxnId,
    number: u64,
}

impl<E: Env> Core<E> {
    /// Opens a transaction.
    pub fn begin(&mut self) -> TxnId {
        let txn = self.take_txn_id();
        self.table.open(txn);
        txn
    }

    /// As [`Core::begin`], for another attempt at what `first` has not brought to its end, if there was one.
    pub fn begin_again(&mut self, first: Option<TxnId>) -> TxnId {
        let txn = self.begin();
        if let Some(first) = first {
            self.locks.begin_again(txn, first);
        }
        txn
    }

    /// Commits `txn`: logged when this returns, and durable when the log is up to the LSN that this returns. An error
    /// before the commit is logged leaves the transaction open.
    pub fn commit(&mut self, txn: TxnId, durability: Durability) -> Result<Lsn> {
        let state = self.table.state(txn);
        if !state.logged {
            // It lasts as long as what it has seen.
            let relies_on =
                if mutant!("a commit without changes waits for nothing") { Lsn(0) } else { state.relies_on };
            let may_vanish = durability == Durability::Sync && self.logged_before(relies_on).is_some();
            reached!("a commit without changes waited for what it had read", may_vanish);
            return self.end_unlogged(txn).map(|()| relies_on);
        }
        self.check_health()?;
        self.reserve_end()?;
        let grafts = self.grafts(txn)?;
        self.settle(txn)?;
        self.append(&Record { txn, commits: false, body: Body::Commit });
        self.counters.commits += 1;
        self.note_unsettled(txn, durability);
        self.finish_commit(txn);
        self.set_committed(grafts);
        self.last_commit = self.next_lsn();
        self.version_due = true;
        Ok(self.last_commit)
    }

    /// The part of a commit that redo repeats: the undo stack goes to the graveyard, the changes are nobody's.
    pub fn finish_commit(&mut self, txn: TxnId) {
        let state = self.table.close(txn);
        self.uncover(txn, &state);
        self.graveyard.bury_stack(state.undo);
        self.bury_deaths();
    }

    /// Ends `txn`, of which everything is undone.
    pub fn end_rollback(&mut self, txn: TxnId) -> Result<()> {
        if !self.table.state(txn).logged {
            return self.end_unlogged(txn);
        }
        self.check_health()?;
        self.reserve_end()?;
        // To let go of what nothing else needs; without that the old committed trees go on, and pin as before.
        let grafts = self.grafts(txn).unwrap_or_else(|_| {
            self.keep_pins(txn);
            Vec::new()
        });
        reached!("a rollback lets go of an old committed tree", !grafts.is_empty());
        self.settle(txn)?;
        reached!("a rollback ended while others are open", self.table.active().count() > 3);
        self.append(&Record { txn, commits: false, body: Body::End });
        self.counters.rollbacks += 1;
        self.finish_end(txn);
        self.set_committed(grafts);
        self.version_due = true;
        Ok(())
    }

    /// Ends a transaction that changed nothing. An operation that failed may have covered a stream.
    fn end_unlogged(&mut self, txn: TxnId) -> Result<()> {
        let covers = |state: &TxnState| !state.changed_streams.is_empty();
        reached!(
            "a transaction ended whose only changes had failed",
            self.table.get(txn).is_some_and(covers)
        );
        self.settle(txn)?;
        self.finish_end(txn);
        Ok(())
    }

    /// The part of the end of a rollback that redo repeats.
    pub fn finish_end(&mut self, txn: TxnId) {
        let state = self.table.close(txn);
        assert!(state.undo.is_empty(), "a rollback ends when everything is undone");
        self.uncover(txn, &state);
        self.graveyard.bury_stack(state.undo);
        self.bury_deaths();
    }

    /// Remembers the present state of `txn`.
    pub fn savepoint(&mut self, txn: TxnId) -> Savepoint {
        self.seal();
        let state = self.table.state(txn);
        let number = state.next_savepoint;
        state.next_savepoint += 1;
        state.savepoints.push((number, state.undo.top()));
        Savepoint { txn, number }
    }

    /// The newest operation that is left when `txn` is rolled back to `savepoint`; later savepoints are gone.
    pub fn savepoint_top(&mut self, txn: TxnId, savepoint: &Savepoint) -> Result<Option<Lsn>> {
        let savepoints = &mut self.table.state(txn).savepoints;
        let at =
            savepoints.iter().position(|(number, _)| savepoint.txn == txn && *number == savepoint.number);
        let at = at.ok_or(Error::NoSuchSavepoint)?;
        reached!("a rollback passed several savepoints", savepoints.len() > at + 2);
        savepoints.truncate(at + 1);
        Ok(savepoints[at].1)
    }

    /// Undoes the newest operation of `txn` unless it is `top`; whether there was one to undo. After an error it is not
    /// undone.
    pub fn undo_one(&mut self, txn: TxnId, top: Option<Lsn>) -> Result<bool> {
        if self.table.state(txn).undo.top() == top {
            return Ok(false);
        }
        self.check_health()?;
        self.growing = None;
        self.reserve_end()?;
        let (undone, undo_next) = self.compensate(txn, None)?;
        let undo_next = if mutant!("a compensation leads to itself") { Some(undone) } else { undo_next };
        if undo_next == top || !mutant!("only the last undo is logged") {
            self.append(&Record { txn, commits: false, body: Body::Compensate { undone, undo_next } });
        }
        self.counters.clrs += 1;
        self.bury_deaths();
        Ok(true)
    }

    /// Applies and pops the newest undo entry of `txn`; returns its LSN and that of the one below. Redo says which
    /// entry it `expects`.
    pub fn compensate(&mut self, txn: TxnId, expects: Option<Lsn>) -> Result<(Lsn, Option<Lsn>)> {
        let path = self.store.file.path();
        let out_of_order =
            |found: String| Error::corruption(path, 0, format!("undo entry {expects:?}"), found);
        let undo = &mut self.table.state(txn).undo;
        let Some(entry) = undo.peek(&self.store, &mut self.private_deaths)? else {
            return Err(out_of_order("an empty undo stack".to_owned()));
        };
        let (lsn, below, change) = (entry.lsn, entry.below, entry.change.clone());
        if expects.is_some_and(|expected| expected != lsn) {
            return Err(out_of_order(format!("entry {lsn}")));
        }
        let growth = self.growth(&change)?;
        let removed = self.apply(Some(txn), change)?;
        self.owe(growth, &removed);
        reached!(
            "what was undone had brought a tall tree in",
            removed.tree().is_some_and(|t| t.height() > 2)
        );
        let removed = removed.into_tree();
        self.table.pop_undo(txn);
        if mutant!("what a rollback takes out is free at once") {
            let mut deaths = Deaths::default();
            removed.into_iter().try_for_each(|tree| self.store.trees().kill_all(tree, &mut deaths))?;
            deaths.drain().for_each(|extent| self.space.give_back(extent));
        } else if !mutant!("what a rollback takes out is lost") {
            self.graveyard.extend(removed);
        }
        Ok((lsn, below))
    }

    /// Brings what `txn` changed into the maps.
    pub fn settle(&mut self, txn: TxnId) -> Result<()> {
        let Core { store, catalog, deaths, table, .. } = self;
        table.state(txn).changed_streams.iter().try_for_each(|stream| catalog.settle(store, *stream, deaths))
    }

    /// Remembers what the commit of `txn`, which was just logged, has changed.
    fn note_unsettled(&mut self, txn: TxnId, durability: Durability) {
        let lsn = self.next_lsn();
        let Core { table, unsettled, log, .. } = self;
        let durable = || log.as_ref().map_or(lsn, Log::durable_lsn);
        let state = table.state(txn);
        let names = !state.changed_names.is_empty();
        unsettled.note(state.changed_streams.iter().copied(), names, lsn, durability, durable);
    }

    /// What `txn` has pinned in committed trees stays pinned when it ends.
    fn keep_pins(&mut self, txn: TxnId) {
        let Core { table, overlay, .. } = self;
        table.state(txn).changed_streams.iter().for_each(|stream| overlay.keep_pin(txn, *stream));
    }

    fn uncover(&mut self, txn: TxnId, state: &TxnState) {
        state.changed_streams.iter().for_each(|stream| self.overlay.uncover_stream(txn, *stream));
        state.changed_names.iter().for_each(|name| self.overlay.uncover_name(name));
    }
}
