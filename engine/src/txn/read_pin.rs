//! What a transaction reads without the core's latch is pinned meanwhile: its locks keep the bytes as they are, but others may
//! give up the nodes that lead to them, and a checkpoint could set the blocks of these free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Era;

const NOTHING: u64 = u64::MAX;

/// What an open transaction reads at the moment: the era in which it began to.
#[derive(Clone, Debug)]
pub struct ReadSlot(Arc<AtomicU64>);

impl Default for ReadSlot {
    fn default() -> ReadSlot {
        ReadSlot(Arc::new(AtomicU64::new(NOTHING)))
    }
}

impl ReadSlot {
    /// A read of the current state begins in the era `now`. Under the core's latch, as is the look at all slots.
    pub fn begin(&self, now: Era) -> ReadPin {
        let since = if mutant!("a read of a transaction pins nothing") { NOTHING } else { now.0 };
        self.0.store(since, Ordering::Relaxed);
        ReadPin(self.clone())
    }

    /// Since when it reads; what died then or later may still be read.
    pub fn since(&self) -> Option<Era> {
        // What was read comes before the end of the pin.
        let since = self.0.load(Ordering::Acquire);
        (since != NOTHING).then_some(Era(since))
    }
}

/// A read that is under way; ends when it is dropped.
#[derive(Debug)]
pub struct ReadPin(ReadSlot);

impl Drop for ReadPin {
    fn drop(&mut self) {
        self.0.0.store(NOTHING, Ordering::Release);
    }
}
