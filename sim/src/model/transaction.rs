//! One open transaction of the model: what it did, and what it sees.

use std::sync::Arc;

use super::history::Streams;
use super::step::Step;

/// An open transaction.
#[derive(Clone, Default, Debug)]
pub struct Open {
    /// The steps that changed something and were not rolled back, in order.
    changes: Vec<Step>,
    /// How many changes there were at each savepoint, oldest first.
    pub savepoints: Vec<usize>,
    /// What it did, in order.
    pub steps: Vec<Step>,
    /// The state that must last for what it has seen to last.
    pub relies_on: usize,
    /// All streams as it sees them: what is committed, and its changes.
    view: Streams,
}

impl Open {
    /// A transaction that begins now.
    pub fn new(committed: &Streams) -> Open {
        Open { view: committed.clone(), ..Open::default() }
    }

    /// What `name` leads to, as this transaction sees it.
    pub fn look(&self, name: &str) -> Option<&Arc<Vec<u8>>> {
        self.view.get(name)
    }

    /// All streams, as this transaction sees them.
    pub fn view(&self) -> &Streams {
        &self.view
    }

    /// Does a step that changes something and is possible.
    pub fn change(&mut self, step: &Step) {
        perform(&mut self.view, step);
        self.changes.push(step.clone());
    }

    /// Whether it has changed nothing that was not taken back.
    pub fn is_idle(&self) -> bool {
        self.changes.is_empty()
    }

    /// Takes back what was done since a savepoint; later ones are gone.
    pub fn roll_back_to(&mut self, index: usize, committed: &Streams) {
        self.changes.truncate(self.savepoints[index]);
        self.savepoints.truncate(index + 1);
        self.rebase(committed);
    }

    /// Remembers the present state.
    pub fn save(&mut self) {
        self.savepoints.push(self.changes.len());
    }

    /// Another transaction has committed. What it changed this one has not seen, so its own changes still go.
    pub fn rebase(&mut self, committed: &Streams) {
        self.view = committed.clone();
        for step in &self.changes {
            perform(&mut self.view, step);
        }
    }
}

/// Does a step that was possible when it was done first.
fn perform(streams: &mut Streams, step: &Step) {
    const POSSIBLE: &str = "invariant: locks keep what a step has found";
    match step {
        Step::Create { name } => {
            streams.insert(name.clone(), Arc::default());
        }
        Step::Drop { name } => {
            streams.remove(name);
        }
        Step::Rename { from, to } => {
            let bytes = streams.remove(from).expect(POSSIBLE);
            streams.insert(to.clone(), bytes);
        }
        Step::Edit { name, edit } => {
            edit.apply(Arc::make_mut(streams.get_mut(name).expect(POSSIBLE))).expect(POSSIBLE);
        }
        Step::Exists { .. } | Step::List | Step::Savepoint | Step::RollbackTo { .. } => {}
    }
}
