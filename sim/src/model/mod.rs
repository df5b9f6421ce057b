//! The database as plain vectors: what it must answer, and in which states a crash may leave it.
//!
//! 1. Locks keep transactions apart; who would have to wait for one is `Busy`.
//! 2. So a transaction sees what is committed, with its own changes on top, and nothing else.
//! 3. A commit does its changes again on the newest state; the history keeps every state in commit order.

mod concurrent;
mod edit;
mod history;
mod locks;
mod sparse;
mod step;
mod transaction;

#[cfg(test)]
mod tests;

pub use concurrent::{Asked, Concurrent, Ending, Got, Look, Span, Txn};
pub use edit::{Answer, Bytes, Edit, Elements};
pub use history::{Candidates, History, Streams};
pub use sparse::{Sparse, SparseStreams};
pub use step::Step;
pub use transaction::Open;

use locks::{Access, Locks};

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
    locks: Locks,
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

    /// Whether another open transaction than `txn` has `name` for itself.
    pub fn is_busy(&self, txn: u64, name: &str) -> bool {
        self.locks.is_busy(txn, name)
    }

    /// What `name` leads to, as `txn` sees it, or without such a transaction as it is committed.
    pub fn look(&self, txn: u64, name: &str) -> Option<&Arc<Vec<u8>>> {
        match self.open.get(&txn) {
            Some(open) => open.look(name),
            None => self.history.newest().get(name),
        }
    }

    /// Opens a transaction under a number that is not in use.
    pub fn begin(&mut self, txn: u64) {
        let before = self.open.insert(txn, Open::new(self.history.newest()));
        assert!(before.is_none(), "transaction {txn} is open already");
    }

    /// Does a step in an open transaction, or refuses it and changes nothing but who holds which locks.
    ///
    /// # Errors
    /// The codes of which the engine must return one.
    pub fn step(&mut self, txn: u64, step: &Step) -> Expected {
        let settled = self.history.settled(step);
        let expected = self.run(txn, step);
        if expected.is_ok() {
            let open = self.transaction_mut(txn);
            open.steps.push(step.clone());
            open.relies_on = open.relies_on.max(settled);
        }
        expected
    }

    /// A step was refused for want of space, when it had its locks: these are all that is left of it.
    pub fn refuse(&mut self, txn: u64, step: &Step) {
        let mut after = self.clone();
        let _ = after.step(txn, step);
        self.locks = after.locks;
    }

    /// Commits. Returns whether the newest state has changed; if `sync`, it must last, or else what was seen.
    pub fn commit(&mut self, txn: u64, sync: bool) -> bool {
        let open = self.end(txn);
        let state = open.view().clone();
        let changed = state != *self.history.newest();
        if changed {
            self.history.commit(state);
            self.open.values_mut().for_each(|open| open.rebase(self.history.newest()));
        }
        match sync {
            true if changed => self.history.acknowledge(),
            true => self.history.shown(open.relies_on),
            false => {}
        }
        changed
    }

    /// Ends a transaction; nothing of it stays.
    pub fn roll_back(&mut self, txn: u64) {
        self.end(txn);
    }

    /// Does a step as a transaction of its own, which lasts. Returns whether the newest state has changed.
    ///
    /// # Errors
    /// The codes of which the engine must return one.
    pub fn direct(&mut self, step: &Step) -> Result<(Answer, bool), Vec<ErrorCode>> {
        const DIRECT: u64 = u64::MAX;
        self.begin(DIRECT);
        match self.step(DIRECT, step) {
            Ok(answer) => Ok((answer, self.commit(DIRECT, true))),
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
        self.locks.release(txn);
        self.open.remove(&txn).expect("invariant: the driver knows which transactions are open")
    }

    fn run(&mut self, txn: u64, step: &Step) -> Expected {
        match step {
            Step::Create { name } => self.create(txn, name),
            Step::Drop { name } => self.drop_stream(txn, name),
            Step::Rename { from, to } => self.rename(txn, from, to),
            Step::Exists { name } => {
                self.hold(txn, name, Access::Read)?;
                Ok(Answer::Flag(self.look(txn, name).is_some()))
            }
            Step::List => self.list(txn),
            Step::Edit { name, edit } => self.edit(txn, name, edit),
            Step::Savepoint => {
                self.transaction_mut(txn).save();
                Ok(Answer::Done)
            }
            Step::RollbackTo { index } => {
                let committed = self.history.newest().clone();
                self.transaction_mut(txn).roll_back_to(*index, &committed);
                Ok(Answer::Done)
            }
        }
    }

    /// Locks `name`.
    fn hold(&mut self, txn: u64, name: &str, access: Access) -> Result<(), Vec<ErrorCode>> {
        check_name(name)?;
        self.locks.name(txn, name, access)
    }

    fn change(&mut self, txn: u64, step: Step) -> Expected {
        self.transaction_mut(txn).change(&step);
        Ok(Answer::Done)
    }

    fn create(&mut self, txn: u64, name: &str) -> Expected {
        self.hold(txn, name, Access::Write)?;
        if self.look(txn, name).is_some() {
            return Err(vec![ErrorCode::StreamExists]);
        }
        self.change(txn, Step::Create { name: name.to_owned() })
    }

    fn drop_stream(&mut self, txn: u64, name: &str) -> Expected {
        self.hold(txn, name, Access::Write)?;
        if self.look(txn, name).is_none() {
            return Err(vec![ErrorCode::NoSuchStream]);
        }
        self.change(txn, Step::Drop { name: name.to_owned() })
    }

    fn rename(&mut self, txn: u64, from: &str, to: &str) -> Expected {
        check_name(from).and_then(|()| check_name(to))?;
        self.hold(txn, from, Access::Write)?;
        self.hold(txn, to, Access::Write)?;
        if self.look(txn, from).is_none() {
            return Err(vec![ErrorCode::NoSuchStream]);
        }
        if self.look(txn, to).is_some() {
            return Err(vec![ErrorCode::StreamExists]);
        }
        self.change(txn, Step::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    fn list(&mut self, txn: u64) -> Expected {
        self.locks.list(txn)?;
        let view = self.transaction(txn).view().iter();
        Ok(Answer::Streams(view.map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect()))
    }

    fn edit(&mut self, txn: u64, name: &str, edit: &Edit) -> Expected {
        self.hold(txn, name, Access::Read)?;
        let Some(bytes) = self.look(txn, name) else { return Err(vec![ErrorCode::NoSuchStream]) };
        let mut bytes = Vec::clone(bytes);
        let len = bytes.len() as u64;
        let applied = edit.apply(&mut bytes).map_err(|code| vec![code]);
        if !matches!(&applied, Err(codes) if codes[..] == [ErrorCode::InvalidArgument]) {
            self.locks.edit(txn, name, edit, len)?;
        }
        let answer = applied?;
        // Truncation apart, what changes nothing can be told by its arguments.
        if edit.surely_writes() || bytes.len() as u64 != len {
            self.change(txn, Step::Edit { name: name.to_owned(), edit: edit.clone() })?;
        }
        Ok(answer)
    }
}

fn check_name(name: &str) -> Result<(), Vec<ErrorCode>> {
    if name.is_empty() || name.len() > NAME_MAX { Err(vec![ErrorCode::BadName]) } else { Ok(()) }
}
