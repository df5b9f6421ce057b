//! Tasks that run one at a time, on the thread that made their world, and change only at scheduling points.
//!
//! 1. Exactly one task runs, the current one. The root task has the stack of the thread; each other one is a coroutine,
//!    which the root resumes while it has to wait itself.
//! 2. Who is next is a choice of the [`Schedule`], drawn from its own random stream, so the same seed gives the same
//!    order. A single task has no choices and pays for none.
//! 3. When everybody waits, time jumps to the first deadline. Without one the run is stuck: the root task panics with
//!    a report of who waits where for what, after the others have been unwound as far as they can be.

mod coroutine;
mod holds;
mod policy;
mod reads;
mod report;
mod stage;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use policy::Choice;
pub use policy::Schedule;
pub use reads::ReadCounters;
pub(crate) use stage::{
    awaits, enters_disk, granted, is_beside, reading, released, spin, wait, wake, yield_now, yield_point,
};
pub(crate) use table::Spot;

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::dice::{Dice, mix};
use coroutine::Fiber;
use policy::Policy;
use table::{Status, Table, nanos};

/// The tasks of one world.
pub(crate) struct Tasks {
    table: Mutex<Table>,
    /// Apart from the table, because every I/O call takes time and few choose a task.
    now_ns: Arc<AtomicU64>,
}

impl Tasks {
    /// A table whose first task is the calling thread, in the world that it now belongs to.
    pub(crate) fn new(seed: u64, schedule: Schedule) -> Arc<Tasks> {
        let now_ns = Arc::new(AtomicU64::new(0));
        let table = Mutex::new(Table::new(seed, schedule, Arc::clone(&now_ns)));
        let tasks = Arc::new(Tasks { table, now_ns });
        stage::enter(Arc::clone(&tasks));
        tasks
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now_ns.load(Ordering::Relaxed))
    }

    pub(crate) fn pass_time(&self, ns: u64) {
        self.now_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Gives access to the schedule's source of choices.
    pub(crate) fn with_dice<T>(&self, body: impl FnOnce(&mut Dice) -> T) -> T {
        body(&mut self.lock().dice)
    }

    /// How tasks are chosen from the next time on that a single task starts a second one.
    pub(crate) fn set_schedule(&self, schedule: Schedule) {
        self.lock().schedule = schedule;
    }

    pub(crate) fn limit_steps(&self, steps: u64) -> u64 {
        std::mem::replace(&mut self.lock().steps_max, steps)
    }

    /// A number that differs if other tasks ran, or at other points; 0 while there is one task.
    pub(crate) fn order(&self) -> u64 {
        let table = self.lock();
        if table.switches == 0 { 0 } else { mix(table.order ^ table.switches) }
    }

    /// Scheduling points passed while there was more than one task.
    pub(crate) fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// Who waited for what when time jumped for the first time since this was asked, since nobody could go on.
    pub(crate) fn take_jump(&self) -> Option<String> {
        self.lock().jumped.take()
    }

    /// What reads of versions came to so far.
    pub(crate) fn read_counters(&self) -> ReadCounters {
        if stage::is_on(self) { reads::counters() } else { ReadCounters::default() }
    }

    /// How a read of a version waited for the first time since this was asked.
    pub(crate) fn take_read_fault(&self) -> Option<String> {
        if stage::is_on(self) { reads::take_fault() } else { None }
    }

    /// The choices of an exact schedule.
    pub(crate) fn trail(&self) -> Vec<Choice> {
        match &self.lock().policy {
            Policy::Exact { trail, .. } => trail.clone(),
            Policy::Uniform | Policy::Pct(_) => Vec::new(),
        }
    }

    /// Starts `body` as a new task; it runs when it is chosen.
    pub(crate) fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> std::io::Result<usize> {
        assert!(stage::is_on(self), "contract: tasks are started in the newest world of a thread");
        let fiber = Fiber::new(move || stage::run(body))?;
        let mut table = self.lock();
        let id = table.add(name);
        stage::add(id, fiber, table.live.len());
        Ok(id)
    }

    /// Waits until a task has ended; `Err` says its name and how it panicked.
    pub(crate) fn join(&self, whom: usize, place: &'static Location<'static>) -> Result<(), String> {
        loop {
            if let Status::Done(outcome) = &self.lock().tasks[whom].status {
                return outcome.clone();
            }
            assert!(stage::is_on(self), "contract: tasks are joined in the newest world of a thread");
            stage::pause(Status::Joining(whom), Spot { what: "join", place: Some(place) }, false);
        }
    }

    pub(crate) fn sleep_until(&self, deadline: Duration, place: &'static Location<'static>) {
        let until = nanos(deadline);
        while self.now() < deadline {
            if stage::is_on(self) {
                stage::sleeps(place);
                let spot = Spot { what: "sleep", place: Some(place) };
                stage::pause(Status::Sleeping { until }, spot, false);
            } else {
                self.pass_time(1_000_000);
            }
        }
    }

    /// Ends the tasks that are left, by unwinding them.
    pub(crate) fn reap(&self) {
        if stage::is_on(self) {
            stage::reap();
        }
    }
}
