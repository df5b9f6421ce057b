//! Who gathers the markers that a run reaches: whoever is installed in the thread that reaches them.
//!
//! A set belongs to a run and not to a database, since a run opens many; and campaigns run side by side in one
//! process. So it hangs on the thread, which the engine itself may not do with anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const WORDS: usize = 8;
/// How many markers there can be, those of the simulator included.
pub const CAPACITY: usize = WORDS * 64;

/// The markers that one run has reached.
#[derive(Default, Debug)]
pub struct Collector {
    words: [AtomicU64; WORDS],
}

impl Collector {
    /// An empty set.
    pub fn new() -> Arc<Collector> {
        Arc::default()
    }

    /// Bit `n % 64` of word `n / 64` says whether marker `n` was reached.
    pub fn words(&self) -> [u64; WORDS] {
        self.words.each_ref().map(|word| word.load(Ordering::Relaxed))
    }

    fn add(&self, marker: usize) {
        let (word, bit) = (&self.words[marker / 64], 1 << (marker % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

#[cfg(feature = "sim-hooks")]
mod installed {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::Collector;

    thread_local! {
        static INSTALLED: RefCell<Option<Arc<Collector>>> = const { RefCell::new(None) };
    }

    pub(super) fn with<R>(body: impl FnOnce(&mut Option<Arc<Collector>>) -> R) -> Option<R> {
        // A thread that is ending has none any more.
        INSTALLED.try_with(|installed| body(&mut installed.borrow_mut())).ok()
    }
}

#[cfg(not(feature = "sim-hooks"))]
mod installed {
    use std::sync::Arc;

    use super::Collector;

    pub(super) fn with<R>(_: impl FnOnce(&mut Option<Arc<Collector>>) -> R) -> Option<R> {
        None
    }
}

/// Lets `collector` gather what this thread reaches from now on; returns the one that did so far.
pub fn install(collector: Option<Arc<Collector>>) -> Option<Arc<Collector>> {
    installed::with(|installed| std::mem::replace(installed, collector)).flatten()
}

/// The collector of this thread, for the threads that it starts.
pub fn current() -> Option<Arc<Collector>> {
    installed::with(|installed| installed.clone()).flatten()
}

/// Notes a marker.
#[inline]
pub fn mark(marker: usize) {
    let _ = installed::with(|installed| installed.as_deref().map(|collector| collector.add(marker)));
}
