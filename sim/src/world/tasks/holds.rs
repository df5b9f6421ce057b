//! Who holds what: the grants of words that the tasks of this thread have not given back, for reports of stuck runs.
//!
//! Every grant passes here, also of a single task, so it is an array that needs no memory and no destructor. What does
//! not fit is not known.

use std::cell::Cell;
use std::panic::Location;

/// A word that a task holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) task: usize,
    /// Its address.
    pub(super) word: usize,
    pub(super) mode: &'static str,
    /// Where it was taken.
    pub(super) since: &'static Location<'static>,
}

/// Most holds at once that are known.
const KNOWN_MAX: usize = 64;

struct Holds {
    len: Cell<usize>,
    known: [Cell<Option<Hold>>; KNOWN_MAX],
}

thread_local! {
    static HOLDS: Holds = const { Holds { len: Cell::new(0), known: [const { Cell::new(None) }; KNOWN_MAX] } };
}

impl Holds {
    fn find(&self, fits: impl Fn(&Hold) -> bool) -> Option<usize> {
        (0..self.len.get()).rev().find(|at| self.known[*at].get().as_ref().is_some_and(&fits))
    }

    fn remove(&self, at: usize) {
        let last = self.len.get() - 1;
        for at in at..last {
            self.known[at].set(self.known[at + 1].get());
        }
        self.len.set(last);
    }
}

pub(super) fn granted(hold: Hold) {
    HOLDS.with(|holds| {
        let len = holds.len.get();
        if let Some(free) = holds.known.get(len) {
            free.set(Some(hold));
            holds.len.set(len + 1);
        }
    });
}

/// Takes back the newest grant of this word in this mode, if possible one of `task`: a guard may be dropped by another
/// task than the one that took it.
pub(super) fn released(task: usize, word: usize, mode: &'static str) {
    HOLDS.with(|holds| {
        let fits = |hold: &Hold| hold.word == word && hold.mode == mode;
        let own = holds.find(|hold| fits(hold) && hold.task == task);
        if let Some(at) = own.or_else(|| holds.find(fits)) {
            holds.remove(at);
        }
    });
}

/// Since where one that `fits` is held.
pub(super) fn find(fits: impl Fn(&Hold) -> bool) -> Option<&'static Location<'static>> {
    HOLDS.with(|holds| holds.find(fits).and_then(|at| holds.known[at].get()).map(|hold| hold.since))
}

/// Forgets everything: a new world begins.
pub(super) fn clear() {
    HOLDS.with(|holds| holds.len.set(0));
}

/// What is held now, in the order in which it was taken.
pub(super) fn all() -> Vec<Hold> {
    HOLDS.with(|holds| holds.known[..holds.len.get()].iter().filter_map(Cell::get).collect())
}
