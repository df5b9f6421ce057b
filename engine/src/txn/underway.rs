//! A checkpoint that is being written, beside other work: between whoever writes it and whoever waits for it.
//!
//! ```text
//!  captured ──[Underway::advance]──► … ──[Underway::end]──► ended ──[Underway::take_outcome]──► taken
//! ```
//!
//! Who writes does not need the core's latch before it has ended, so whoever holds that latch may wait for it. The outcome
//! is taken under the latch, by whoever comes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::{Error, Result};
use crate::cache::SuperblockSlots;
use crate::env::{AtomicWord, Platform};
use crate::sync::Latched;

/// What the writing of a checkpoint comes to: the slots as they are now, if it was one to publish.
pub type Outcome = Result<Option<Box<SuperblockSlots>>>;

/// See the module's documentation.
pub struct Underway<P: Platform> {
    /// Bytes to write, and those that are written.
    total_bytes: u64,
    written_bytes: AtomicU64,
    /// Changes with every step.
    steps: P::AtomicU32,
    broken_off: AtomicBool,
    state: Latched<State, P>,
}

enum State {
    Writing,
    Ended(Outcome),
    Taken,
}

impl<P: Platform> Underway<P> {
    /// One of which nothing is written yet.
    pub fn new(total_bytes: u64) -> Underway<P> {
        Underway {
            total_bytes,
            written_bytes: AtomicU64::new(0),
            steps: P::AtomicU32::new(0),
            broken_off: AtomicBool::new(false),
            state: Latched::new(State::Writing),
        }
    }

    /// Notes that `bytes` more are written.
    pub fn advance(&self, bytes: u64) {
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// Ends it. Only the first end counts; whether it was that.
    pub fn end(&self, outcome: Outcome) -> bool {
        let mut state = self.state.lock();
        let is_first = matches!(*state, State::Writing);
        if is_first {
            *state = State::Ended(outcome);
        }
        drop(state);
        self.tell();
        is_first
    }

    /// Whether its writer panicked.
    pub fn is_broken_off(&self) -> bool {
        self.broken_off.load(Ordering::Acquire)
    }

    fn tell(&self) {
        self.steps.fetch_add_release(1);
        P::wake_all(&self.steps);
    }

    /// What came of it, for the first who asks after the end.
    pub fn take_outcome(&self) -> Option<Outcome> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Writing => {
                *state = State::Writing;
                None
            }
            State::Ended(outcome) => Some(outcome),
            State::Taken => None,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        !matches!(*self.state.read(), State::Writing)
    }

    /// Blocks until it has ended.
    pub fn wait(&self) {
        self.wait_until(|| self.has_ended());
    }

    /// Blocks until so many of its bytes are written, of `whole` for all of them, or it has ended.
    pub fn wait_for_part(&self, part: u64, whole: u64) {
        let heedless = mutant!("who keeps a pace does not see the end");
        self.wait_until(|| {
            let written = self.written_bytes.load(Ordering::Relaxed);
            u128::from(written) * u128::from(whole) >= u128::from(part) * u128::from(self.total_bytes)
                || (self.has_ended() && !heedless)
        });
    }

    fn wait_until(&self, is_enough: impl Fn() -> bool) {
        loop {
            let before = self.steps.load_acquire();
            if is_enough() {
                return;
            }
            P::wait(&self.steps, before, None);
        }
    }
}

/// What a writer waits for that changes the state faster than a checkpoint writes what was changed before: of what may
/// change until the next one it has the part that is already written of this one.
pub struct Pace<P: Platform> {
    pub(super) underway: Arc<Underway<P>>,
    pub(super) changed_bytes: u64,
    pub(super) most_bytes: u64,
}

impl<P: Platform> Pace<P> {
    /// Blocks until the checkpoint has come so far.
    pub fn keep(&self) {
        self.underway.wait_for_part(self.changed_bytes, self.most_bytes);
    }
}

/// Ends a checkpoint whose writer panicked, when it is dropped.
pub struct EndOnPanic<P: Platform>(pub Arc<Underway<P>>);

impl<P: Platform> Drop for EndOnPanic<P> {
    fn drop(&mut self) {
        if mutant!("a checkpoint whose writer panics never ends") {
            return;
        }
        let cause = "the writing of a checkpoint panicked".to_owned();
        if self.0.end(Err(Error::Poisoned { cause })) {
            self.0.broken_off.store(true, Ordering::Release);
        }
    }
}
