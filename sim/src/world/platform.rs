//! Atomics and waiting for latches, under the simulated scheduler.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use numstore::env::{AtomicWord, Platform};

use super::tasks;

/// The platform of simulated tasks; threads outside any world fall back to yielding.
pub struct SimPlatform;

/// A 32-bit atomic of the simulated platform.
pub struct SimWord(AtomicU32);

impl SimWord {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Platform for SimPlatform {
    type AtomicU32 = SimWord;

    fn wait(word: &SimWord, expected: u32, deadline: Option<Duration>) {
        tasks::wait(word.address(), || word.load_acquire() != expected, deadline);
    }

    fn wake_one(word: &SimWord) {
        tasks::wake(word.address(), 1);
    }

    fn wake_all(word: &SimWord) {
        tasks::wake(word.address(), usize::MAX);
    }

    fn spin_hint() {
        tasks::yield_now();
    }
}

impl AtomicWord for SimWord {
    fn new(value: u32) -> SimWord {
        SimWord(AtomicU32::new(value))
    }

    fn load_relaxed(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn load_acquire(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    fn store_release(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }

    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.0.compare_exchange(current, new, Ordering::Acquire, Ordering::Relaxed)
    }

    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.0.compare_exchange(current, new, Ordering::Release, Ordering::Relaxed)
    }

    fn fetch_add_release(&self, value: u32) -> u32 {
        self.0.fetch_add(value, Ordering::Release)
    }

    fn fetch_sub_release(&self, value: u32) -> u32 {
        self.0.fetch_sub(value, Ordering::Release)
    }
}
