//! The simulated world as the engine sees it: one incarnation of the process.

use std::sync::Arc;

use numstore::env::Env;

use super::Shared;
use super::clock::SimClock;
use super::disk::SimDisk;
use super::platform::SimPlatform;
use super::scheduler::SimScheduler;

/// The environment of one incarnation of the process; after a crash the world gives another.
#[derive(Clone)]
pub struct SimEnv {
    shared: Arc<Shared>,
    clock: SimClock,
    disk: SimDisk,
    scheduler: SimScheduler,
}

impl SimEnv {
    pub(super) fn new(shared: Arc<Shared>) -> SimEnv {
        let incarnation = shared.lock().incarnation;
        SimEnv {
            clock: SimClock { tasks: Arc::clone(&shared.tasks), shared: Arc::clone(&shared) },
            disk: SimDisk { shared: Arc::clone(&shared), incarnation },
            scheduler: SimScheduler { tasks: Arc::clone(&shared.tasks) },
            shared,
        }
    }
}

impl Env for SimEnv {
    type Clock = SimClock;
    type Disk = SimDisk;
    type Scheduler = SimScheduler;
    type Platform = SimPlatform;

    fn clock(&self) -> &SimClock {
        &self.clock
    }

    fn disk(&self) -> &SimDisk {
        &self.disk
    }

    fn scheduler(&self) -> &SimScheduler {
        &self.scheduler
    }

    fn random_u64(&self) -> u64 {
        self.shared.lock().identity_dice.bits()
    }
}
