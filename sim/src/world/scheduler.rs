//! The simulated scheduler, as the engine sees it.

use std::io;
use std::panic::Location;
use std::sync::Arc;

use numstore::env::{Scheduler, TaskHandle};

use super::tasks::{self, Tasks};

/// Starts tasks that run one at a time, in an order that the seed decides.
#[derive(Clone)]
pub struct SimScheduler {
    pub(super) tasks: Arc<Tasks>,
}

/// A task of a [`SimScheduler`].
pub struct SimTask {
    tasks: Arc<Tasks>,
    id: usize,
}

impl Scheduler for SimScheduler {
    type Task = SimTask;

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<SimTask> {
        let id = self.tasks.spawn(name, body)?;
        Ok(SimTask { tasks: Arc::clone(&self.tasks), id })
    }

    fn yield_now(&self) {
        tasks::yield_now(Location::caller());
    }

    fn parallelism(&self) -> usize {
        1
    }
}

impl TaskHandle for SimTask {
    fn join(self) -> Result<(), String> {
        self.tasks.join(self.id, Location::caller())
    }
}
