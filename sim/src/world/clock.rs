//! Virtual time: it passes with I/O, and jumps when every task waits.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use numstore::env::Clock;

use super::Shared;
use super::tasks::Tasks;

/// The clock of a simulated world.
#[derive(Clone)]
pub struct SimClock {
    pub(super) tasks: Arc<Tasks>,
    pub(super) shared: Arc<Shared>,
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        self.tasks.now()
    }

    fn wall(&self) -> Duration {
        self.shared.lock().lag.wall(self.tasks.now())
    }

    fn sleep_until(&self, deadline: Duration) {
        self.tasks.sleep_until(deadline, Location::caller());
    }
}
