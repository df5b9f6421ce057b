//! Atomics of loom, and sleeping built on loom's parking, with switches to plant errors.
//!
//! Each word carries its own place to sleep at, so sleepers are found by identity and not by address. Loom switches tasks at
//! operations on its own types only. So whatever else is done behind one of those is one step with it; and it tries two
//! tasks in either order where they come to one atomic, so that each access to the sleepers is behind one to the word.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use loom::sync::atomic::{AtomicU32, Ordering};
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
    /// Whether a relaxed load is a step of its own, which may give an old value.
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

/// The same errors, with relaxed loads that are one step with what their task did before, and give the value of then: for
/// models in which nothing but latches loads so.
///
/// A relaxed load of a latch only guesses what the exchange that follows will find, and others still come in between
/// these two; a guess that nothing follows would need to be a step. `tests/latch` has latches guess wrong in every way.
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
    /// The same value, for looks that are no steps.
    newest: std::sync::atomic::AtomicU32,
    /// Who sleeps.
    sleepers: Mutex<VecDeque<Thread>>,
    flavor: PhantomData<fn() -> F>,
}

impl<F: Flavor> LoomWord<F> {
    /// The newest value, in a step. An exchange meets that, also one that comes to nothing.
    fn look(&self) -> u32 {
        let (Ok(value) | Err(value)) =
            self.value.compare_exchange(NEVER, NEVER, Ordering::Relaxed, Ordering::Relaxed);
        value
    }

    /// Notes what the step before has stored.
    fn note(&self, stored: u32) {
        self.newest.store(stored, Ordering::Relaxed);
    }

    fn sleepers(&self) -> MutexGuard<'_, VecDeque<Thread>> {
        self.sleepers.lock().expect("invariant: nobody panics in here")
    }

    fn wake(&self, most: usize) {
        if F::WAKES {
            // A step, which whoever falls asleep comes before or after. What it loads does not matter.
            self.value.load(Ordering::Relaxed);
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
        if word.look() == expected {
            word.sleepers().push_back(thread::current());
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
        LoomWord {
            value: AtomicU32::new(value),
            newest: value.into(),
            sleepers: Mutex::default(),
            flavor: PhantomData,
        }
    }

    fn load_relaxed(&self) -> u32 {
        if F::GUESSES { self.value.load(Ordering::Relaxed) } else { self.newest.load(Ordering::Relaxed) }
    }

    fn load_acquire(&self) -> u32 {
        self.value.load(F::ACQUIRE)
    }

    /// An exchange. Loom would let a store come between what an exchange of another task reads and what that one stores, where
    /// nothing can be.
    fn store_release(&self, value: u32) {
        self.value.swap(value, F::RELEASE);
        self.note(value);
    }

    fn compare_exchange_weak_acquire(&self, current: u32, new: u32) -> Result<u32, u32> {
        let exchanged = self.value.compare_exchange_weak(current, new, F::ACQUIRE, Ordering::Relaxed);
        exchanged.inspect(|_| self.note(new))
    }

    fn compare_exchange_weak_release(&self, current: u32, new: u32) -> Result<u32, u32> {
        let exchanged = self.value.compare_exchange_weak(current, new, F::RELEASE, Ordering::Relaxed);
        exchanged.inspect(|_| self.note(new))
    }

    fn fetch_add_release(&self, value: u32) -> u32 {
        let before = self.value.fetch_add(value, F::RELEASE);
        self.note(before.wrapping_add(value));
        before
    }

    fn fetch_sub_release(&self, value: u32) -> u32 {
        let before = self.value.fetch_sub(value, F::RELEASE);
        self.note(before.wrapping_sub(value));
        before
    }
}
