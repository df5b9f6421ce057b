//! The processor's atomics and the system's way to sleep on one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{back_end, clock};
use crate::env::{AtomicWord, Platform};

/// With `--cfg numstore_weak_release` releases order nothing, for ThreadSanitizer to show that it would report that.
const RELEASE: Ordering = if cfg!(numstore_weak_release) { Ordering::Relaxed } else { Ordering::Release };

/// The processor's atomics and the system's way to sleep on one.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealPlatform;

impl Platform for RealPlatform {
    type AtomicU32 = AtomicU32;

    /// About as long as the shortest sleep and wake-up take.
    const SPINS: u32 = 64;
    /// A sleep and a wake-up are two calls of the system, and this is one.
    const YIELDS: u32 = 2;

    fn wait(word: &AtomicU32, expected: u32, deadline: Option<Duration>) {
        let timeout = deadline.map(|deadline| deadline.saturating_sub(clock::monotonic()));
        if timeout != Some(Duration::ZERO) {
            back_end::wait(word, expected, timeout);
        }
    }

    fn wake_one(word: &AtomicU32) {
        back_end::wake_one(word);
    }

    fn wake_all(word: &AtomicU32) {
        back_end::wake_all(word);
    }

    #[inline]
    fn spin_hint() {
        std::hint::spin_loop();
    }

    #[expect(clippy::disallowed_methods, reason = "this is what yielding goes through")]
    fn yield_hint() {
        std::thread::yield_now();
    }
}

impl AtomicWord for AtomicU32 {
    #[inline]
    fn new(value: u32) -> AtomicU32 {
        AtomicU32::new(value)
    }

    #[inline]
    fn load_relaxed(&self) -> u32 {
        self.load(Ordering::Relaxed)
    }

    #[inline]
    fn load_acquire(&self) -> u32 {
        self.load(Ordering::Acquire)
    }

    #[inline]
    fn store_release(&self, value: u32) {
        self.store(value, RELEASE);
    }

    #[inline]
    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.compare_exchange_weak(current, new, Ordering::Acquire, Ordering::Relaxed)
    }

    #[inline]
    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.compare_exchange_weak(current, new, RELEASE, Ordering::Relaxed)
    }

    #[inline]
    fn fetch_add_release(&self, value: u32) -> u32 {
        self.fetch_add(value, RELEASE)
    }

    #[inline]
    fn fetch_sub_release(&self, value: u32) -> u32 {
        self.fetch_sub(value, RELEASE)
    }
}
