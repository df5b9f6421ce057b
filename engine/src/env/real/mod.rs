//! The environment of production: the operating system's files, threads, clocks and futexes.
//!
//! One source for every system, over one of two back ends with the same functions:
//!
//! - `linux`: positioned and vectored transfers, `fallocate`, holes, direct I/O, futexes, through typed system calls;
//! - `portable`: what std alone can do, for every other system, or anywhere with `--cfg numstore_portable`.

mod clock;
mod disk;
mod file;
mod platform;
mod scheduler;

#[cfg(all(target_os = "linux", not(numstore_portable)))]
mod linux;
#[cfg(any(not(target_os = "linux"), numstore_portable))]
mod portable;

#[cfg(test)]
mod tests;

pub use clock::RealClock;
pub use disk::RealDisk;
pub use file::RealFile;
pub use platform::RealPlatform;
pub use scheduler::RealScheduler;

use std::hash::{BuildHasher, Hasher, RandomState};

#[cfg(all(target_os = "linux", not(numstore_portable)))]
use linux as back_end;
#[cfg(any(not(target_os = "linux"), numstore_portable))]
use portable as back_end;

use super::Env;

/// The machine that the program runs on.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealEnv {
    clock: RealClock,
    disk: RealDisk,
    scheduler: RealScheduler,
}

impl RealEnv {
    /// The machine that the program runs on.
    pub fn new() -> RealEnv {
        RealEnv::default()
    }
}

impl Env for RealEnv {
    type Clock = RealClock;
    type Disk = RealDisk;
    type Scheduler = RealScheduler;
    type Platform = RealPlatform;

    fn clock(&self) -> &RealClock {
        &self.clock
    }

    fn disk(&self) -> &RealDisk {
        &self.disk
    }

    fn scheduler(&self) -> &RealScheduler {
        &self.scheduler
    }

    /// Std seeds the keys of its hash maps from the system's random source and never uses a key twice, so a keyed
    /// hash of nothing is a fresh random number: on every system, without a dependency, and unable to fail.
    fn random_u64(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}
