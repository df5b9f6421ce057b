//! Atomics of loom, and sleeping built on loom's mutex and condition variable, with switches to plant errors.
//!
//! Each word carries its own place to sleep at, so sleepers are found by identity and not by address.

use std::marker::PhantomData;
use std::time::Duration;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Condvar, Mutex, MutexGuard};
use numstore::env::{AtomicWord, Platform};

/// Which errors a platform has.
pub trait Flavor: Send + Sync + 'static {
    /// What the platform does where acquire is asked for.
    const ACQUIRE: Ordering = Ordering::Acquire;
    /// What the platform does where release is asked for.
    const RELEASE: Ordering = Ordering::Release;
    /// Whether wake-ups arrive.
    const WAKES: bool = true;
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

/// The platform inside a loom model.
#[derive(Debug)]
pub struct LoomPlatform<F = Sound>(PhantomData<fn() -> F>);

/// An atomic of loom, and the place to sleep at while it does not change.
#[derive(Debug)]
pub struct LoomWord<F> {
    value: AtomicU32,
    /// Held while a sleeper compares the value, and by wakers: comparing and falling asleep is one step for them.
    parking: Mutex<()>,
    sleepers: Condvar,
    flavor: PhantomData<fn() -> F>,
}

impl<F> LoomWord<F> {
    fn park(&self) -> MutexGuard<'_, ()> {
        self.parking.lock().expect("invariant: nobody panics in here")
    }
}

impl<F: Flavor> Platform for LoomPlatform<F> {
    type AtomicU32 = LoomWord<F>;

    /// Models have no time: a deadline never comes.
    fn wait(word: &LoomWord<F>, expected: u32, _deadline: Option<Duration>) {
        let parked = word.park();
        if word.value.load(Ordering::Relaxed) == expected {
            drop(word.sleepers.wait(parked));
        }
    }

    fn wake_one(word: &LoomWord<F>) {
        if F::WAKES {
            let _parked = word.park();
            word.sleepers.notify_one();
        }
    }

    fn wake_all(word: &LoomWord<F>) {
        if F::WAKES {
            let _parked = word.park();
            word.sleepers.notify_all();
        }
    }

    fn spin_hint() {
        loom::thread::yield_now();
    }
}

impl<F: Flavor> AtomicWord for LoomWord<F> {
    fn new(value: u32) -> LoomWord<F> {
        LoomWord {
            value: AtomicU32::new(value),
            parking: Mutex::new(()),
            sleepers: Condvar::new(),
            flavor: PhantomData,
        }
    }

    fn load_relaxed(&self) -> u32 {
        self.value.load(Ordering::Relaxed)
    }

    fn load_acquire(&self) -> u32 {
        self.value.load(F::ACQUIRE)
    }

    fn store_release(&self, value: u32) {
        self.value.store(value, F::RELEASE);
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
