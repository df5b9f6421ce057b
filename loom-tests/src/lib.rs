//! Loom's world as a [`Platform`](numstore::env::Platform), so that loom checks the very source of the engine's
//! latches; the models themselves are in `tests/latch`.
//!
//! What loom explores: every schedule with at most [`PREEMPTIONS`] preemptions, and for each load every value that
//! the orderings allow. What it reports: access to a [`Watched`] that is not ordered, and states in which everybody
//! sleeps. What it does not: sequentially consistent orderings (it weakens them; the latches use none), and wake-ups
//! for no reason.
//!
//! Sleeping and waking go through a mutex of the model, which orders memory where a real futex promises nothing. So
//! an ordering that is missing shows on the paths on which nobody sleeps; as all schedules are tried, each model
//! has those.

mod platform;
mod watched;

pub use platform::{Deaf, Flavor, LoomPlatform, LoomWord, Sound, WeakAcquire, WeakRelease};
pub use watched::Watched;

/// How often a schedule may take the processor from a task that could go on. Most bugs need one or two.
pub const PREEMPTIONS: usize = 3;

/// Runs `model` under every schedule with at most `preemptions` preemptions.
///
/// # Panics
/// If any of them panics, races or leaves everybody asleep.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
