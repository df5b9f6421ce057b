//! How transactions end: commit, rollback, and part of a rollback.

use crate::base::{Error, Lsn, Result, TxnId};
use crate::env::Env;
use crate::format::record::{Body, Record};

use super::{Core, TxnState};

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

    /// Commits `txn`: logged when this returns, durable after the next flush. An error before the commit is logged
    /// leaves the transaction open.
    pub fn commit(&mut self, txn: TxnId) -> Result<()> {
        if !self.table.state(txn).logged {
            self.table.close(txn);
            return Ok(());
        }
        self.check_health()?;
        self.settle(txn)?;
        self.append(&Record { txn, commits: false, body: Body::Commit });
        self.finish_commit(txn);
        self.last_commit = self.next_lsn();
        self.make_version();
        Ok(())
    }

    /// The part of a commit that redo repeats: the undo stack goes to the graveyard, the changes are nobody's.
    pub fn finish_commit(&mut self, txn: TxnId) {
        let state = self.table.close(txn);
        self.uncover(&state);
        self.graveyard.bury_stack(state.undo);
        self.bury_deaths();
    }

    /// Rolls `txn` back completely: one compensation for each operation, then the end.
    pub fn roll_back(&mut self, txn: TxnId) -> Result<()> {
        if self.table.state(txn).logged {
            self.check_health()?;
            self.undo_down_to(txn, None)?;
            self.settle(txn)?;
            self.append(&Record { txn, commits: false, body: Body::End });
        }
        let logged = self.table.state(txn).logged;
        self.finish_end(txn);
        if logged {
            self.make_version();
        }
        Ok(())
    }

    /// The part of the end of a rollback that redo repeats.
    pub fn finish_end(&mut self, txn: TxnId) {
        let state = self.table.close(txn);
        assert!(state.undo.is_empty(), "a rollback ends when everything is undone");
        self.uncover(&state);
        self.graveyard.bury_stack(state.undo);
        self.bury_deaths();
    }

    /// Remembers the present state of `txn`.
    pub fn savepoint(&mut self, txn: TxnId) -> Savepoint {
        let state = self.table.state(txn);
        let number = state.next_savepoint;
        state.next_savepoint += 1;
        state.savepoints.push((number, state.undo.top()));
        Savepoint { txn, number }
    }

    /// Undoes what `txn` did since `savepoint`, which stays; later ones are gone.
    pub fn roll_back_to(&mut self, txn: TxnId, savepoint: &Savepoint) -> Result<()> {
        let savepoints = &mut self.table.state(txn).savepoints;
        let at =
            savepoints.iter().position(|(number, _)| savepoint.txn == txn && *number == savepoint.number);
        let at = at.ok_or(Error::NoSuchSavepoint)?;
        savepoints.truncate(at + 1);
        let top = savepoints[at].1;
        self.undo_down_to(txn, top)
    }

    /// Undoes operations until `top` is the newest one left.
    pub(super) fn undo_down_to(&mut self, txn: TxnId, top: Option<Lsn>) -> Result<()> {
        while self.table.state(txn).undo.top() != top {
            self.check_health()?;
            let (undone, undo_next) = self.compensate(txn, None)?;
            self.append(&Record { txn, commits: false, body: Body::Compensate { undone, undo_next } });
            self.counters.clrs += 1;
            self.bury_deaths();
        }
        Ok(())
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
        let removed = self.apply(Some(txn), change)?;
        self.table.state(txn).undo.pop();
        self.graveyard.extend(removed.into_tree());
        Ok((lsn, below))
    }

    /// Brings what `txn` changed into the maps.
    pub fn settle(&mut self, txn: TxnId) -> Result<()> {
        let Core { store, catalog, deaths, table, .. } = self;
        table.state(txn).changed_streams.iter().try_for_each(|stream| catalog.settle(store, *stream, deaths))
    }

    fn uncover(&mut self, state: &TxnState) {
        state.changed_streams.iter().for_each(|stream| self.overlay.uncover_stream(*stream));
        state.changed_names.iter().for_each(|name| self.overlay.uncover_name(name));
    }
}
