//! Tasks, as the engine sees them. Waiting on atomics is in `platform`.

use std::io;

/// Starts and ends tasks. All background work of the engine goes through here.
pub trait Scheduler: Send + Sync + 'static {
    /// A running or finished task.
    type Task: TaskHandle;

    /// Starts `body` as a task called `name` (shown in thread lists and traces).
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<Self::Task>;
    /// Lets other tasks run.
    #[track_caller]
    fn yield_now(&self);
    /// How many tasks can make progress at once; at least 1.
    fn parallelism(&self) -> usize;
}

/// A started task.
pub trait TaskHandle: Send + Sync + 'static {
    /// Blocks until the task has ended; `Err` if it panicked.
    #[track_caller]
    fn join(self) -> Result<(), String>;
}
