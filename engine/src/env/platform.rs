//! What latches stand on: a 32-bit atomic and futex-like waiting. Production, simulator and loom each bring one,
//! and all three run the same latch source. The functions know who called them, so that a platform can tell where a
//! task waits; those that do not ask pay nothing.

use std::time::Duration;

/// Atomics and waiting. The associated functions need no handle, so that a latch is no larger than its word.
pub trait Platform: Send + Sync + 'static {
    /// A 32-bit atomic.
    type AtomicU32: AtomicWord;

    /// How often a latch looks again, with a [`Platform::spin_hint`] between, before it sleeps. Platforms that run
    /// one task at a time leave it at zero.
    const SPINS: u32 = 0;
    /// How often it then lets another task run and looks again, since whoever holds it may wait for a processor.
    const YIELDS: u32 = 0;

    /// Blocks while `*word == expected`, until a wake-up, the deadline (on the monotonic clock), or for no reason
    /// at all. The check and the going to sleep are one step with respect to [`Platform::wake_one`].
    #[track_caller]
    fn wait(word: &Self::AtomicU32, expected: u32, deadline: Option<Duration>);
    /// Wakes at least one task waiting on `word`, if there is any.
    #[track_caller]
    fn wake_one(word: &Self::AtomicU32);
    /// Wakes all tasks waiting on `word`.
    #[track_caller]
    fn wake_all(word: &Self::AtomicU32);
    /// A hint inside a bounded spin; a yield point for simulators.
    #[track_caller]
    fn spin_hint();
    /// Lets other tasks run.
    fn yield_hint() {}
    /// The calling task has been given `word` in a mode. For platforms that tell who holds what.
    #[inline]
    #[track_caller]
    fn granted(_word: &Self::AtomicU32, _mode: &'static str) {}
    /// What [`Platform::granted`] told of is over, perhaps in another task.
    #[inline]
    fn released(_word: &Self::AtomicU32, _mode: &'static str) {}
    /// The calling task is about to wait on `word` for what `why` says. For platforms that tell who waits for what.
    #[inline]
    fn awaits(_word: &Self::AtomicU32, _why: impl FnOnce() -> String) {}
}

/// The operations of [`Platform::AtomicU32`], with the orderings in their names.
pub trait AtomicWord: Send + Sync + 'static {
    /// A word that holds `value`.
    fn new(value: u32) -> Self;
    /// Loads with relaxed ordering.
    #[track_caller]
    fn load_relaxed(&self) -> u32;
    /// Loads with acquire ordering.
    #[track_caller]
    fn load_acquire(&self) -> u32;
    /// Stores with release ordering.
    #[track_caller]
    fn store_release(&self, value: u32);
    /// Replaces `current` by `new`; acquire on success, relaxed on failure; may fail spuriously.
    #[track_caller]
    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32>;
    /// Replaces `current` by `new`; release on success, relaxed on failure; may fail spuriously.
    #[track_caller]
    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32>;
    /// Adds with release ordering; returns the old value.
    #[track_caller]
    fn fetch_add_release(&self, value: u32) -> u32;
    /// Subtracts with release ordering; returns the old value.
    #[track_caller]
    fn fetch_sub_release(&self, value: u32) -> u32;
}
