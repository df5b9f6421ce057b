//! The transaction table: who is open, what they own and what they changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Error, IdMap, Lsn, Result, StreamId, TxnId};
use crate::catalog::{Name, shown};

use super::UndoStack;

/// An open transaction.
#[derive(Default, Debug)]
pub struct TxnState {
    /// The inverses of its operations.
    pub undo: UndoStack,
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
    owned_streams: BTreeSet<StreamId>,
    owned_names: BTreeSet<Name>,
}

/// All open transactions. A stream or a name belongs to the first one that touches it, until that one ends.
#[derive(Default, Debug)]
pub struct Table {
    open: BTreeMap<TxnId, TxnState>,
    stream_owners: IdMap<StreamId, TxnId>,
    name_owners: BTreeMap<Name, TxnId>,
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

    /// Ends `txn`; what it owned is free again.
    pub fn close(&mut self, txn: TxnId) -> TxnState {
        let state = self.open.remove(&txn).expect("invariant: handles outlive no transaction");
        for stream in &state.owned_streams {
            self.stream_owners.remove(stream);
        }
        for name in &state.owned_names {
            self.name_owners.remove(name);
        }
        state
    }

    /// The transactions that logged something, oldest first.
    pub fn active(&self) -> impl Iterator<Item = (TxnId, &TxnState)> {
        self.open.iter().filter(|(_, state)| state.logged).map(|(id, state)| (*id, state))
    }

    /// The undo stacks of the transactions that logged something.
    pub fn active_stacks(&mut self) -> impl Iterator<Item = &mut UndoStack> {
        self.open.values_mut().filter(|state| state.logged).map(|state| &mut state.undo)
    }

    /// How many transactions are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// That `stream` belongs to nobody but `txn`.
    ///
    /// # Errors
    /// [`Error::Busy`] otherwise.
    pub fn check_stream(&self, txn: TxnId, stream: StreamId, name: &Name) -> Result<()> {
        match self.stream_owners.get(&stream) {
            Some(owner) if *owner != txn => Err(busy(name)),
            _ => Ok(()),
        }
    }

    /// That `name` belongs to nobody but `txn`.
    ///
    /// # Errors
    /// [`Error::Busy`] otherwise.
    pub fn check_name(&self, txn: TxnId, name: &Name) -> Result<()> {
        match self.name_owners.get(name) {
            Some(owner) if *owner != txn => Err(busy(name)),
            _ => Ok(()),
        }
    }

    /// Gives `stream`, which was checked, to `txn`.
    pub fn claim_stream(&mut self, txn: TxnId, stream: StreamId) {
        if self.stream_owners.insert(stream, txn).is_none() {
            self.state(txn).owned_streams.insert(stream);
        }
    }

    /// Gives `name`, which was checked, to `txn`.
    pub fn claim_name(&mut self, txn: TxnId, name: &Name) {
        if self.name_owners.insert(name.clone(), txn).is_none() {
            self.state(txn).owned_names.insert(name.clone());
        }
    }

    /// That no transaction but `txn` has changed any name.
    ///
    /// # Errors
    /// [`Error::Busy`] otherwise.
    pub fn check_list(&self, txn: TxnId) -> Result<()> {
        let mut others = self.open.iter().filter(|(id, _)| **id != txn);
        match others.find_map(|(_, state)| state.changed_names.first()) {
            Some(name) => {
                reached!("a list was refused, since another transaction has changed names");
                Err(busy(name))
            }
            None => Ok(()),
        }
    }
}

fn busy(name: &Name) -> Error {
    Error::Busy { what: format!("stream {:?}", shown(name)) }
}
