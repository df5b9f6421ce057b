//! Loom's world as a [`Platform`](numstore::env::Platform) and an [`Env`](numstore::env::Env), so that loom checks the
//! very source of the engine, called in the order in which the engine's own calls do, which is written down here once
//! more: its latches (`tests/latch`), the flights of its log with the versions that they show, the waits for its locks,
//! its cache of nodes, what calls the background task and waits for it, and captures (`tests/tasks`). The *gate* that
//! keeps calls out of a capture is the exclusive mode of the core's latch, and has no source of its own.
//!
//! What loom explores: every schedule with at most [`PREEMPTIONS`] preemptions, and for each load every value that
//! the orderings allow. What it reports: access to a [`Watched`] that is not ordered, and states in which everybody
//! sleeps. What it does not: sequentially consistent orderings (it weakens them; the latches use none), and wake-ups
//! for no reason.
//!
//! In models of what stands on latches, relaxed loads, which only latches make there, are no steps of their own ([`Sure`]):
//! what latches do about wrong guesses, their own models show. That makes them hundreds of times shorter, and leaves every
//! order in which latches are taken and given back, and all that orders memory. The bell of the background task loads so by
//! itself, and its model has all that this may give.
//!
//! Waking orders memory, where a real futex promises nothing. So an ordering that is missing shows on the paths on which
//! nobody sleeps; as all schedules are tried, each model has those.
//!
//! Not modelled, so that other tests have to answer for it:
//!
//! - Atomics of `std`, which are no words of a platform: of `Underway` how much is written and whether its writer panicked,
//!   of a `Version` whether it is expired and since when it is superseded, `ReadSlot`, and which nodes of the cache were
//!   `referenced`. Loom sees none of them: what they order, it takes for not ordered, and old values it does not try.
//! - Deadlines: no wait ends because its time is up. What follows then, a wait given up beside a grant, has a model.
//! - Panics of tasks: a flight that is broken off is dropped, and that is all.

pub mod cache;
pub mod captures;
pub mod checkpoints;
mod env;
pub mod failures;
pub mod flights;
pub mod locks;
mod platform;
pub mod poison;
mod watched;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use env::{LoomDisk, LoomEnv, LoomFile};
pub use platform::{Deaf, Flavor, LoomPlatform, LoomWord, Sound, Sure, WeakAcquire, WeakRelease};
pub use watched::Watched;

/// How often a schedule may take the processor from a task that could go on. Most bugs need one or two.
pub const PREEMPTIONS: usize = 3;

/// Runs `model` under every schedule with at most `preemptions` preemptions, and says how many that were.
///
/// # Panics
/// If any of them panics, races or leaves everybody asleep.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    // A commit passes more points than loom allows for by itself.
    builder.max_branches = 20_000;
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    eprintln!("schedules: {}", schedules.load(Ordering::Relaxed));
}

/// What loom says of `model`.
///
/// # Panics
/// If it says nothing.
pub fn finding(preemptions: usize, model: fn()) -> String {
    let panic =
        std::panic::catch_unwind(|| explore(preemptions, model)).expect_err("loom finds the planted error");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => {
            panic.downcast::<&'static str>().map_or_else(|_| String::new(), |message| message.to_string())
        }
    }
}

/// How many preemptions a model gets: [`PREEMPTIONS`] if `NUMSTORE_LOOM` is `all`, and else so many that it ends soon.
pub fn bound(everyday: usize) -> usize {
    if std::env::var("NUMSTORE_LOOM").is_ok_and(|text| text == "all") { PREEMPTIONS } else { everyday }
}
