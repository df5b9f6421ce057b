//! What tasks do while they read a version: it is counted, since such a read waits for nobody.
//!
//! 1. It may take latches that are held for a few instructions and never during a call of the disk: those of the caches, and of
//!    the published version. It may sleep at one of these until the few instructions are over.
//! 2. Any other latch that it takes or waits at, any other sleep, and any call of the disk under one of those latches,
//!    whoever holds it, is a fault.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use super::holds;

/// The sources of the latches that readers of versions may take; and the one of their tests.
const SHORT: &[&str] = &[
    "engine/src/cache/node_cache.rs",
    "engine/src/txn/published.rs",
    #[cfg(test)]
    "sim/src/world/tasks/reads.rs",
];

/// What reads of versions came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReadCounters {
    /// Reads, and versions that were taken.
    pub reads: u64,
    /// Latches that they took.
    pub latches: u64,
    /// Times that one of them spun or slept.
    pub waits: u64,
}

thread_local! {
    /// The tasks that read, each as often as it has begun to.
    static READING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static COUNTERS: Cell<ReadCounters> = const { Cell::new(ReadCounters { reads: 0, latches: 0, waits: 0 }) };
    /// The first fault since somebody asked.
    static FAULT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A task reads a version for as long as it has this.
pub(super) struct Reading {
    task: usize,
}

impl Reading {
    pub(super) fn begin(task: usize) -> Reading {
        READING.with_borrow_mut(|reading| reading.push(task));
        count(|counters| counters.reads += 1);
        Reading { task }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.with_borrow_mut(|reading| {
            if let Some(at) = reading.iter().rposition(|task| *task == self.task) {
                reading.remove(at);
            }
        });
    }
}

/// Forgets everything: a new world begins.
pub(super) fn clear() {
    READING.with_borrow_mut(Vec::clear);
    COUNTERS.set(ReadCounters::default());
    FAULT.set(None);
}

pub(super) fn counters() -> ReadCounters {
    COUNTERS.get()
}

pub(super) fn take_fault() -> Option<String> {
    FAULT.take()
}

fn count(count: impl FnOnce(&mut ReadCounters)) {
    let mut counters = COUNTERS.get();
    count(&mut counters);
    COUNTERS.set(counters);
}

fn is_reading(task: usize) -> bool {
    READING.with_borrow(|reading| reading.contains(&task))
}

fn is_short(place: &Location<'_>) -> bool {
    SHORT.iter().any(|file| place.file().ends_with(file))
}

fn fault(what: impl FnOnce() -> String) {
    FAULT.with_borrow_mut(|fault| fault.get_or_insert_with(what).len());
}

/// `task` has taken a latch at `place`.
pub(super) fn takes_latch(task: usize, place: &'static Location<'static>) {
    if is_reading(task) {
        count(|counters| counters.latches += 1);
        if !is_short(place) {
            fault(|| format!("a read of a version takes a latch that may be held for long: in {place}"));
        }
    }
}

/// `task` spins or sleeps at `place`.
pub(super) fn waits(task: usize, place: &'static Location<'static>) {
    if is_reading(task) {
        count(|counters| counters.waits += 1);
        if !is_short(place) {
            fault(|| format!("a read of a version waits: in {place}"));
        }
    }
}

/// `task` begins a call of the disk.
pub(super) fn enters_disk(task: usize) {
    if let Some(since) = holds::find(|hold| hold.task == task && is_short(hold.since)) {
        fault(|| format!("the disk is called under a latch that readers of versions take: since {since}"));
    }
}

#[cfg(test)]
mod tests {
    use numstore::sync::Latch;

    use crate::world::{SimPlatform, World};

    /// A latch that is taken in this file counts as short: nobody may call the disk under it.
    #[test]
    fn a_call_of_the_disk_under_a_short_latch_is_a_fault() {
        let world = World::new(1);
        let latch = Latch::<SimPlatform>::new();
        drop(latch.shared());
        super::enters_disk(0);
        assert_eq!(world.take_read_fault(), None);
        let held = latch.shared();
        super::enters_disk(1);
        assert_eq!(world.take_read_fault(), None, "another task has it");
        super::enters_disk(0);
        drop(held);
        let fault = world.take_read_fault().unwrap();
        assert!(
            fault.starts_with("the disk is called under a latch that readers of versions take: since"),
            "{fault}"
        );
        assert_eq!(world.take_read_fault(), None, "it was told");
    }

    #[test]
    fn a_read_may_take_a_short_latch() {
        let world = World::new(1);
        let latch = Latch::<SimPlatform>::new();
        world.reading(|| drop(latch.shared()));
        assert_eq!((world.take_read_fault(), world.read_counters().latches), (None, 1));
    }
}
