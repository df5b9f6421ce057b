//! The task of an open database's own, for what has to happen though nobody calls.
//!
//! 1. There is none before something is ordered; then there is one, until the database is closed, which waits for its end.
//! 2. It holds on to what it works on and to no handle of the database: it keeps none open, and never closes one itself.
//! 3. What is ordered is done when its time has come, and once for all orders that came before.
//!
//! ```text
//!            Background::order               the time has come
//!   asleep ────────────────────► waiting ────────────────────────► working ─► asleep
//!      │                            │
//!      └────────────────────────────┴─ Background::stop ─► ended
//! ```

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::env::{AtomicWord, Clock, Env, Platform, Scheduler, TaskHandle};
use crate::sync::Latched;

/// How thread lists and traces call the task.
const TASK_NAME: &str = "numstore-background";

/// The task, or the place for it.
pub(super) struct Background<E: Env> {
    bell: Arc<Bell<E::Platform>>,
    task: Latched<Option<<E::Scheduler as Scheduler>::Task>, E::Platform>,
}

/// What the task is told, and where it sleeps.
struct Bell<P: Platform> {
    /// How often it was rung.
    rung: P::AtomicU32,
    orders: Latched<Orders, P>,
}

#[derive(Default)]
struct Orders {
    /// When there is something to do.
    due: Option<Duration>,
    is_over: bool,
}

impl<E: Env> Default for Background<E> {
    fn default() -> Background<E> {
        let rung = <E::Platform as Platform>::AtomicU32::new(0);
        let bell = Arc::new(Bell { rung, orders: Latched::default() });
        Background { bell, task: Latched::default() }
    }
}

impl<E: Env> Background<E> {
    /// Has the task do its work after `delay`, or earlier if that was ordered before. The first order makes the task,
    /// whose work is what `work` returns.
    ///
    /// # Errors
    /// If there is no task and none can be started; nothing is ordered then.
    pub fn order<W: FnMut() + Send + 'static>(
        &self,
        env: &E,
        delay: Duration,
        work: impl FnOnce() -> W,
    ) -> io::Result<()> {
        let mut orders = self.bell.orders.lock();
        if orders.due.is_some() {
            return Ok(());
        }
        let mut task = self.task.lock();
        if task.is_none() {
            let (bell, world, work) = (Arc::clone(&self.bell), env.clone(), work());
            let body = move || bell.answer(world.clock(), work);
            *task = Some(env.scheduler().spawn(TASK_NAME, Box::new(body))?);
        }
        drop(task);
        orders.due = Some(env.clock().monotonic().saturating_add(delay));
        drop(orders);
        self.bell.ring();
        Ok(())
    }

    /// Ends the task, if there is one, and waits until it has ended. What was ordered and is not due is not done.
    pub fn stop(&self) {
        let Some(task) = self.task.lock().take() else { return };
        self.bell.orders.lock().is_over = true;
        self.bell.ring();
        // One that panicked has told whoever looks at what it worked on.
        let _ = task.join();
    }
}

impl<P: Platform> Bell<P> {
    fn ring(&self) {
        self.rung.fetch_add_release(1);
        P::wake_all(&self.rung);
    }

    /// What the task does: sleeps, and works when it is time, until it is told to end.
    fn answer(&self, clock: &impl Clock, mut work: impl FnMut()) {
        loop {
            // Before the orders: what is ordered in between ends the sleep at once.
            let before = self.rung.load_acquire();
            let Orders { due, is_over } = *self.orders.lock();
            match due {
                _ if is_over => return,
                Some(at) if clock.monotonic() >= at => {
                    // First of all: what is ordered from now on may come too late for this time.
                    self.orders.lock().due = None;
                    work();
                }
                due => P::wait(&self.rung, before, due),
            }
        }
    }
}
