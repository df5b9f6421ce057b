//! Atomics of loom, and sleeping built on loom's mutex and parking, with switches to plant errors.
//!
//! Each word carries its own place to sleep at, so sleepers are found by identity and not by address.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::Duration;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Mutex, MutexGuard};
use loom::thread::{self, Thread};
use numstore::env::{AtomicWord, Platform};

/// Which errors a platform has.
pub trait Flavor: Send + Sync + 'static {
    /// What the platform does where acquire is asked for.
    const ACQUIRE: Ordering = Ordering::Acquire;
    /// What the platform does where release is asked for.
    const RELEASE: Ordering = Ordering::Release;
    /// Whether wake-ups arrive.
    const WAKES: bool = true;
    /// Whether a relaxed load may give an old value.
    const GUESSES: bool = true;
}

/// No errors.
#[derive(Debug)]
pub struct Sound;
impl Flavor for Sound {}

/// Releases order nothing.
#[derive(Debug)]
pub struct WeakRelease;
impl Flavor for WeakRelease {
    const RELEASE: Ordering = Ordering::Relaxed;
}

/// Acquires order nothing.
#[derive(Debug)]
pub struct WeakAcquire;
impl Flavor for WeakAcquire {
    const ACQUIRE: Ordering = Ordering::Relaxed;
}

/// Wake-ups get lost.
#[derive(Debug)]
pub struct Deaf;
impl Flavor for Deaf {
    const WAKES: bool = false;
}

/// The same errors, with relaxed loads that give the newest value: for models of what stands on latches.
///
/// The relaxed loads of a latch only guess what the exchange that follows will find; `tests/latch` has them guess wrong in
/// every way.
#[derive(Debug)]
pub struct Sure<F>(PhantomData<fn() -> F>);
impl<F: Flavor> Flavor for Sure<F> {
    const ACQUIRE: Ordering = F::ACQUIRE;
    const RELEASE: Ordering = F::RELEASE;
    const WAKES: bool = F::WAKES;
    const GUESSES: bool = false;
}

/// What no word holds.
const NEVER: u32 = u32::MAX;

/// The platform inside a loom model.
#[derive(Debug)]
pub struct LoomPlatform<F = Sound>(PhantomData<fn() -> F>);

/// An atomic of loom, and the place to sleep at while it does not change.
#[derive(Debug)]
pub struct LoomWord<F> {
    value: AtomicU32,
    /// Who sleeps. Held while a sleeper compares the value, and by wakers: comparing and falling asleep is one step for
    /// them.
    sleepers: Mutex<VecDeque<Thread>>,
    flavor: PhantomData<fn() -> F>,
}

impl<F: Flavor> LoomWord<F> {
    fn sleepers(&self) -> MutexGuard<'_, VecDeque<Thread>> {
        self.sleepers.lock().expect("invariant: nobody panics in here")
    }

    fn wake(&self, most: usize) {
        if F::WAKES {
            let mut sleepers = self.sleepers();
            let woken = most.min(sleepers.len());
            sleepers.drain(..woken).for_each(|sleeper| sleeper.unpark());
        }
    }
}

impl<F: Flavor> Platform for LoomPlatform<F> {
    type AtomicU32 = LoomWord<F>;

    /// Models have no time: a deadline never comes.
    fn wait(word: &LoomWord<F>, expected: u32, _deadline: Option<Duration>) {
        let mut sleepers = word.sleepers();
        if word.load_relaxed() == expected {
            sleepers.push_back(thread::current());
            drop(sleepers);
            thread::park();
        }
    }

    fn wake_one(word: &LoomWord<F>) {
        word.wake(1);
    }

    fn wake_all(word: &LoomWord<F>) {
        word.wake(usize::MAX);
    }

    fn spin_hint() {
        thread::yield_now();
    }
}

impl<F: Flavor> AtomicWord for LoomWord<F> {
    fn new(value: u32) -> LoomWord<F> {
        LoomWord { value: AtomicU32::new(value), sleepers: Mutex::new(VecDeque::new()), flavor: PhantomData }
    }

    fn load_relaxed(&self) -> u32 {
        if F::GUESSES {
            return self.value.load(Ordering::Relaxed);
        }
        // An exchange meets the newest value, also one that comes to nothing.
        let (Ok(value) | Err(value)) =
            self.value.compare_exchange(NEVER, NEVER, Ordering::Relaxed, Ordering::Relaxed);
        value
    }

    fn load_acquire(&self) -> u32 {
        self.value.load(F::ACQUIRE)
    }

    /// An exchange. Loom would let a store come between what an exchange of another task reads and what that one stores, where
    /// nothing can be.
    fn store_release(&self, value: u32) {
        self.value.swap(value, F::RELEASE);
    }

    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.value.compare_exchange_weak(current, new, F::ACQUIRE, Ordering::Relaxed)
    }

    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32> {
        self.value.compare_exchange_weak(current, new, F::RELEASE, Ordering::Relaxed)
    }

    fn fetch_add_release(&self, value: u32) -> u32 {
        self.value.fetch_add(value, F::RELEASE)
    }

    fn fetch_sub_release(&self, value: u32) -> u32 {
        self.value.fetch_sub(value, F::RELEASE)
    }
}
