//! The commit order: which states the database went through, and from which on they must last.
//!
//! 1. `states[0]` is what the last opening found; each commit that changes something adds one.
//! 2. Whatever happens, the database is found in a state `floor` or later: everything up to there was acknowledged as
//!    durable, or shown to somebody as durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::step::Step;

/// All streams at one moment, by name.
pub type Streams = BTreeMap<String, Arc<Vec<u8>>>;

/// The states of the database since it was opened, in commit order.
#[derive(Clone, Default, Debug)]
pub struct History {
    states: Vec<Streams>,
    floor: usize,
}

/// States that an observer may be looking at, as places in the history.
pub type Candidates = std::ops::RangeInclusive<usize>;

impl History {
    /// A database that was found, for good, in `state`.
    pub fn new(state: Streams) -> History {
        History { states: vec![state], floor: 0 }
    }

    /// The newest committed state.
    pub fn newest(&self) -> &Streams {
        self.states.last().expect("invariant: a history has a first state")
    }

    /// A commit: nothing says yet that it will last.
    pub fn commit(&mut self, state: Streams) {
        self.states.push(state);
    }

    /// Everything committed so far was acknowledged as durable.
    pub fn acknowledge(&mut self) {
        self.floor = self.states.len() - 1;
    }

    /// What was acknowledged since the opening may be lost all the same: the disk has lost it.
    pub fn doubt_all(&mut self) {
        self.floor = 0;
    }

    /// The states in which a crash may leave the database, or a snapshot see it: from the floor to the newest.
    pub fn candidates(&self) -> Candidates {
        self.floor..=self.states.len() - 1
    }

    /// How many commits are neither acknowledged nor lost.
    pub fn in_doubt(&self) -> usize {
        self.states.len() - 1 - self.floor
    }

    /// The state at a place.
    pub fn state(&self, at: usize) -> &Streams {
        &self.states[at]
    }

    /// Somebody was shown state `at` as durable: it must last from now on.
    pub fn shown(&mut self, at: usize) {
        self.floor = self.floor.max(at);
    }

    /// The first state in which all was as it is now that `step`, which is possible now, looks at.
    pub fn settled(&self, step: &Step) -> usize {
        let newest = self.states.len() - 1;
        let same = |at: usize| {
            let (before, after) = (&self.states[at - 1], &self.states[at]);
            match step {
                Step::Edit { name, .. } => before.get(name) == after.get(name),
                Step::Exists { name } => before.contains_key(name) == after.contains_key(name),
                Step::List => false,
                _ => true,
            }
        };
        (self.floor + 1..=newest).rev().find(|at| !same(*at)).unwrap_or(self.floor)
    }

    /// The first candidate that is `found`, if there is one.
    pub fn find(&self, found: &Streams) -> Option<usize> {
        self.candidates().find(|&at| self.states[at] == *found)
    }
}
