//! Atomics and waiting for latches, under the simulated scheduler. Every operation is a scheduling point.

use std::panic::Location;
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

    /// The value, once it is this task's turn to have it.
    #[track_caller]
    fn in_turn(&self, what: &'static str) -> &AtomicU32 {
        tasks::yield_point(what, Some(Location::caller()));
        &self.0
    }
}

impl Platform for SimPlatform {
    type AtomicU32 = SimWord;

    fn wait(word: &SimWord, expected: u32, deadline: Option<Duration>) {
        let changed = || word.0.load(Ordering::Acquire) != expected;
        tasks::wait(word.address(), changed, deadline, Location::caller());
    }

    fn wake_one(word: &SimWord) {
        tasks::wake(word.address(), 1, Location::caller());
    }

    fn wake_all(word: &SimWord) {
        tasks::wake(word.address(), usize::MAX, Location::caller());
    }

    fn spin_hint() {
        tasks::spin("spin", Location::caller());
    }

    fn granted(word: &SimWord, mode: &'static str) {
        tasks::granted(word.address(), mode, Location::caller());
    }

    fn released(word: &SimWord, mode: &'static str) {
        tasks::released(word.address(), mode);
    }

    fn awaits(word: &SimWord, why: impl FnOnce() -> String) {
        tasks::awaits(word.address(), why);
    }
}

impl AtomicWord for SimWord {
    fn new(value: u32) -> SimWord {
        SimWord(AtomicU32::new(value))
    }

    fn load_relaxed(&self) -> u32 {
        self.in_turn("load").load(Ordering::Relaxed)
    }

    fn load_acquire(&self) -> u32 {
        self.in_turn("load").load(Ordering::Acquire)
    }

    fn store_release(&self, value: u32) {
        self.in_turn("store").store(value, Ordering::Release);
    }

    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.in_turn("exchange").compare_exchange(current, new, Ordering::Acquire, Ordering::Relaxed)
    }

    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.in_turn("exchange").compare_exchange(current, new, Ordering::Release, Ordering::Relaxed)
    }

    fn fetch_add_release(&self, value: u32) -> u32 {
        self.in_turn("addition").fetch_add(value, Ordering::Release)
    }

    fn fetch_sub_release(&self, value: u32) -> u32 {
        self.in_turn("subtraction").fetch_sub(value, Ordering::Release)
    }
}
