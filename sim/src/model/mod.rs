//! The database as plain vectors: what it must answer, and in which states a crash may leave it.
//!
//! 1. A name belongs to the first open transaction that touches it, until that one ends; every other one is `Busy`.
//! 2. So a transaction sees what is committed, under its own changes, and nothing else.
//! 3. A commit puts those changes on the newest state; the history keeps every state in commit order.

mod concurrent;
mod edit;
mod history;
mod step;
mod transaction;

#[cfg(test)]
mod tests;

pub use concurrent::{Asked, Concurrent, Ending, Got, Look, Span, Txn};
pub use edit::{Answer, Bytes, Edit, Elements};
pub use history::{Candidates, History, Streams};
pub use step::Step;
pub use transaction::{Open, Overlay};

use std::collections::BTreeMap;
use std::sync::Arc;

use numstore::ErrorCode;

/// What the engine must answer: one answer, or an error with one of these codes.
pub type Expected = Result<Answer, Vec<ErrorCode>>;

/// Longest name in bytes.
const NAME_MAX: usize = 1024;

/// The model of one open database.
#[derive(Clone, Default, Debug)]
pub struct Model {
    history: History,
    open: BTreeMap<u64, Open>,
    owners: BTreeMap<String, u64>,
}

impl Model {
    /// A database that was just opened, and found in `state`.
    pub fn new(state: Streams) -> Model {
        Model { history: History::new(state), ..Model::default() }
    }

    /// The commit order.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The commit order, to acknowledge or show parts of it.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// The open transactions.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (u64, &Open)> {
        self.open.iter().map(|(&txn, open)| (txn, open))
    }

    /// An open transaction.
    ///
    /// # Panics
    /// If there is none with that number.
    pub fn transaction(&self, txn: u64) -> &Open {
        &self.open[&txn]
    }

    /// Whether `name` belongs to another open transaction than `txn`.
    pub fn is_busy(&self, txn: u64, name: &str) -> bool {
        self.owners.get(name).is_some_and(|&owner| owner != txn)
    }

    /// Opens a transaction under a number that is not in use.
    pub fn begin(&mut self, txn: u64) {
        let before = self.open.insert(txn, Open::default());
        assert!(before.is_none(), "transaction {txn} is open already");
    }

    /// Does a step in an open transaction, or refuses it and changes nothing but who owns the names.
    ///
    /// # Errors
    /// The codes of which the engine must return one.
    pub fn step(&mut self, txn: u64, step: &Step) -> Expected {
        let expected = self.run(txn, step);
        if expected.is_ok() {
            self.transaction_mut(txn).steps.push(step.clone());
        }
        expected
    }

    /// Commits. Returns whether the newest state has changed.
    pub fn commit(&mut self, txn: u64) -> bool {
        let open = self.end(txn);
        let state = open.view(self.history.newest());
        let changed = state != *self.history.newest();
        if changed {
            self.history.commit(state);
        }
        changed
    }

    /// Ends a transaction; nothing of it stays.
    pub fn roll_back(&mut self, txn: u64) {
        self.end(txn);
    }

    /// Does a step as a transaction of its own. Returns whether the newest state has changed.
    ///
    /// # Errors
    /// The codes of which the engine must return one.
    pub fn direct(&mut self, step: &Step) -> Result<(Answer, bool), Vec<ErrorCode>> {
        const DIRECT: u64 = u64::MAX;
        self.begin(DIRECT);
        match self.step(DIRECT, step) {
            Ok(answer) => Ok((answer, self.commit(DIRECT))),
            Err(codes) => {
                self.roll_back(DIRECT);
                Err(codes)
            }
        }
    }

    /// What a step that only reads must answer in a given state.
    ///
    /// # Errors
    /// The codes of which the engine must return one.
    pub fn read(state: &Streams, step: &Step) -> Expected {
        Model::new(state.clone()).direct(step).map(|(answer, _)| answer)
    }

    fn transaction_mut(&mut self, txn: u64) -> &mut Open {
        self.open.get_mut(&txn).expect("invariant: the driver knows which transactions are open")
    }

    fn end(&mut self, txn: u64) -> Open {
        self.owners.retain(|_, owner| *owner != txn);
        self.open.remove(&txn).expect("invariant: the driver knows which transactions are open")
    }

    fn run(&mut self, txn: u64, step: &Step) -> Expected {
        match step {
            Step::Create { name } => self.create(txn, name),
            Step::Drop { name } => self.drop_stream(txn, name),
            Step::Rename { from, to } => self.rename(txn, from, to),
            Step::Exists { name } => {
                self.own(txn, name)?;
                Ok(Answer::Flag(self.look(txn, name).is_some()))
            }
            Step::List => self.list(txn),
            Step::Edit { name, edit } => self.edit(txn, name, edit),
            Step::Savepoint => {
                let open = self.transaction_mut(txn);
                open.savepoints.push(open.overlay.clone());
                Ok(Answer::Done)
            }
            Step::RollbackTo { index } => {
                let open = self.transaction_mut(txn);
                open.overlay = open.savepoints[*index].clone();
                open.savepoints.truncate(index + 1);
                Ok(Answer::Done)
            }
        }
    }

    /// Makes `name` the transaction's own.
    fn own(&mut self, txn: u64, name: &str) -> Result<(), Vec<ErrorCode>> {
        check_name(name)?;
        if self.is_busy(txn, name) {
            return Err(vec![ErrorCode::Busy]);
        }
        self.owners.insert(name.to_owned(), txn);
        Ok(())
    }

    fn look(&self, txn: u64, name: &str) -> Option<&Arc<Vec<u8>>> {
        self.transaction(txn).look(self.history.newest(), name)
    }

    fn set(&mut self, txn: u64, name: &str, bytes: Option<Arc<Vec<u8>>>) {
        let existed = self.look(txn, name).is_some();
        let open = self.transaction_mut(txn);
        if existed != bytes.is_some() {
            open.renamed.insert(name.to_owned());
        }
        open.overlay.insert(name.to_owned(), bytes);
    }

    fn create(&mut self, txn: u64, name: &str) -> Expected {
        self.own(txn, name)?;
        if self.look(txn, name).is_some() {
            return Err(vec![ErrorCode::StreamExists]);
        }
        self.set(txn, name, Some(Arc::default()));
        Ok(Answer::Done)
    }

    fn drop_stream(&mut self, txn: u64, name: &str) -> Expected {
        self.own(txn, name)?;
        if self.look(txn, name).is_none() {
            return Err(vec![ErrorCode::NoSuchStream]);
        }
        self.set(txn, name, None);
        Ok(Answer::Done)
    }

    fn rename(&mut self, txn: u64, from: &str, to: &str) -> Expected {
        check_name(from).and_then(|()| check_name(to))?;
        if self.is_busy(txn, from) || self.is_busy(txn, to) {
            return Err(vec![ErrorCode::Busy]);
        }
        self.own(txn, from)?;
        self.own(txn, to)?;
        let Some(bytes) = self.look(txn, from).cloned() else { return Err(vec![ErrorCode::NoSuchStream]) };
        if self.look(txn, to).is_some() {
            return Err(vec![ErrorCode::StreamExists]);
        }
        self.set(txn, from, None);
        self.set(txn, to, Some(bytes));
        Ok(Answer::Done)
    }

    fn list(&self, txn: u64) -> Expected {
        if self.open.iter().any(|(&other, open)| other != txn && !open.renamed.is_empty()) {
            return Err(vec![ErrorCode::Busy]);
        }
        let view = self.transaction(txn).view(self.history.newest());
        Ok(Answer::Streams(view.into_iter().map(|(name, bytes)| (name, bytes.len() as u64)).collect()))
    }

    fn edit(&mut self, txn: u64, name: &str, edit: &Edit) -> Expected {
        self.own(txn, name)?;
        let Some(bytes) = self.look(txn, name) else { return Err(vec![ErrorCode::NoSuchStream]) };
        let mut bytes = Vec::clone(bytes);
        let answer = edit.apply(&mut bytes).map_err(|code| vec![code])?;
        if edit.writes() {
            self.set(txn, name, Some(Arc::new(bytes)));
        }
        Ok(answer)
    }
}

fn check_name(name: &str) -> Result<(), Vec<ErrorCode>> {
    if name.is_empty() || name.len() > NAME_MAX { Err(vec![ErrorCode::BadName]) } else { Ok(()) }
}
