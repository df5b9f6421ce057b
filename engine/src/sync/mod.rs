//! Latches: short, physical locks on memory. Everything in the engine that tasks share and that is more than a
//! counter goes through them.
//!
//! [`Latch`] is the lock alone, [`Latched`] a value that can only be reached through one. Both are generic over the
//! [`Platform`](crate::env::Platform), so that production, simulator and loom run this source and no other.
//!
//! Not here: locks of transactions, which are logical, last until commit, and are queued and checked for deadlock.

mod latch;
mod latched;

#[cfg(test)]
mod tests;

pub use latch::{ExclusiveGuard, Latch, SharedGuard, UpdateGuard};
pub use latched::{Latched, LatchedMut, LatchedRef};
