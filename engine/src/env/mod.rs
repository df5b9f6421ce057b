//! The world outside the engine, as traits: time, files, tasks, randomness.
//!
//! The engine is generic over one [`Env`]. Production uses [`RealEnv`]; the simulator brings its own, and no other
//! code knows the difference. Nothing outside this folder touches the operating system.
//!
//! Not here: latches built on [`Platform`] (`sync`).

mod clock;
#[cfg(test)]
pub(crate) mod delegated;
mod disk;
mod platform;
mod real;
mod scheduler;

pub use clock::Clock;
pub use disk::{Disk, DiskFile, OpenMode, read_exact_at, read_new_at, write_all_at};
pub use platform::{AtomicWord, Platform};
pub use real::{RealClock, RealDisk, RealEnv, RealFile, RealPlatform, RealScheduler};
pub use scheduler::{Scheduler, TaskHandle};

/// Everything the engine needs from outside, in one type parameter.
///
/// Cloning must be cheap and give a handle to the *same* world.
pub trait Env: Clone + Send + Sync + 'static {
    /// Time.
    type Clock: Clock;
    /// Files.
    type Disk: Disk;
    /// Tasks.
    type Scheduler: Scheduler;
    /// Atomics and waiting, for latches.
    type Platform: Platform;

    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The disk.
    fn disk(&self) -> &Self::Disk;
    /// The scheduler.
    fn scheduler(&self) -> &Self::Scheduler;
    /// Sixty-four random bits, for identities (not for secrets).
    fn random_u64(&self) -> u64;
}
