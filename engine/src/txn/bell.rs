//! How the background task is called to work.

use std::time::Duration;

use crate::env::{AtomicWord, Platform};

const QUIET: u32 = 0;
const RUNG: u32 = 1;
const STOPPED: u32 = 2;
const BROKEN: u32 = 3;

/// Rung by whoever leaves work for the background task.
pub struct Bell<P: Platform> {
    word: P::AtomicU32,
}

impl<P: Platform> Default for Bell<P> {
    fn default() -> Bell<P> {
        Bell { word: P::AtomicU32::new(QUIET) }
    }
}

impl<P: Platform> Bell<P> {
    /// There is work. Costs next to nothing while the task has not looked yet.
    pub fn ring(&self) {
        while self.word.load_relaxed() == QUIET {
            let is_first = self.word.compare_exchange_weak_release(QUIET, RUNG).is_ok();
            if is_first && !mutant!("a ring wakes nobody") {
                P::wake_all(&self.word);
            }
        }
    }

    /// There will be no more.
    pub fn stop(&self) {
        self.word.store_release(STOPPED);
        P::wake_all(&self.word);
    }

    /// Nobody will hear it any more: the task has panicked. Takes no latch, since whoever unwinds may hold any.
    pub fn break_off(&self) {
        self.word.store_release(BROKEN);
    }

    /// Whether the task has panicked.
    pub fn is_broken(&self) -> bool {
        self.word.load_acquire() == BROKEN
    }

    /// Blocks until it is rung, or until the deadline, or for no reason; `false` when it is time to stop.
    pub fn wait(&self, deadline: Option<Duration>) -> bool {
        if self.word.load_acquire() == QUIET {
            P::wait(&self.word, QUIET, deadline);
        }
        let _ = self.word.compare_exchange_weak_acquire(RUNG, QUIET);
        self.word.load_acquire() != STOPPED
    }
}
