//! Virtual time: it passes with I/O, and jumps when every task waits.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use numstore::env::Clock;

use super::tasks::Tasks;

/// Wall time at the start of every world: 2001-09-09, one billion seconds after 1970.
const WALL_START: Duration = Duration::from_secs(1_000_000_000);

/// The clock of a simulated world.
#[derive(Clone)]
pub struct SimClock {
    pub(super) tasks: Arc<Tasks>,
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        self.tasks.now()
    }

    fn wall(&self) -> Duration {
        WALL_START + self.tasks.now()
    }

    fn sleep_until(&self, deadline: Duration) {
        self.tasks.sleep_until(deadline, Location::caller());
    }
}
