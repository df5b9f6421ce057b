//! The task beside all calls, and those who wait for what it writes: the bell that calls it, and a checkpoint under way, as
//! the engine has them. What is written is a number that only these order.

use std::sync::Arc;

use loom::thread;
use numstore::internals::{Bell, Underway};

use crate::{Flavor, LoomPlatform, Sure, Watched};

/// Somebody leaves work and rings, and then it is time to stop: the task hears of both.
pub fn a_bell_is_heard<F: Flavor>() {
    let bell = Arc::new(Bell::<LoomPlatform<F>>::default());
    let work = Arc::new(Watched::new(0));
    let task = {
        let (bell, work) = (Arc::clone(&bell), Arc::clone(&work));
        thread::spawn(move || {
            while bell.wait(None) {}
            assert_eq!(work.get(), 1, "whoever stops sees what was left to do");
        })
    };
    let other = {
        let bell = Arc::clone(&bell);
        thread::spawn(move || bell.ring())
    };
    work.set(1);
    bell.ring();
    bell.stop();
    other.join().expect("no task panics");
    task.join().expect("no task panics");
}

/// A checkpoint is written while one waits for a part of it, and one for its end; one of all who ask has the outcome.
pub fn a_checkpoint_is_waited_for<F: Flavor>() {
    struct Shared<F: Flavor> {
        underway: Underway<LoomPlatform<Sure<F>>>,
        written: Watched,
    }
    let shared = Arc::new(Shared::<F> { underway: Underway::new(2), written: Watched::new(0) });
    let keeps_pace = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            shared.underway.wait_for_part(1, 2);
            shared.underway.take_outcome().is_some()
        })
    };
    let flushes = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            shared.underway.wait();
            assert_eq!(shared.written.get(), 1, "what has ended is written");
            shared.underway.take_outcome().is_some()
        })
    };
    shared.underway.advance(1);
    shared.written.set(1);
    assert!(shared.underway.end(Ok(None)), "it ends once");
    let taken = [keeps_pace, flushes].map(|task| task.join().expect("no task panics"));
    let left = shared.underway.take_outcome().is_some();
    assert_eq!(taken.iter().filter(|taken| **taken).count() + usize::from(left), 1, "one has the outcome");
}
