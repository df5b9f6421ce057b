//! The task beside all calls: it takes the checkpoints that are due, makes durable what was deferred long enough, and frees what
//! was removed.
//!
//! It is there from the opening of a database to its closing, which waits for it. What goes wrong in it is told to whoever
//! calls next, since it poisons the database; a panic in it as well.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::env::{Clock, Env, Scheduler, TaskHandle};
use crate::recovery::{checkpoint_beside, is_checkpoint_wanted};
use crate::sync::Latched;
use crate::txn::{Bell, Core, Sign};

/// Nodes that are freed before others go on.
const FREED_AT_A_TIME: usize = 256;

/// The core of a database, as calls and the task share it.
pub(super) type SharedCore<E> = Arc<Latched<Core<E>, <E as Env>::Platform>>;

/// The running task.
pub(super) struct Background<E: Env> {
    bell: Arc<Bell<E::Platform>>,
    task: <E::Scheduler as Scheduler>::Task,
}

impl<E: Env> Background<E> {
    /// Starts the task for `core`, whose calls leave checkpoints to it from now on.
    ///
    /// # Errors
    /// [`Error::Io`] if the system has no room for another task.
    pub fn start(core: &SharedCore<E>) -> Result<Background<E>> {
        let bell = Arc::<Bell<E::Platform>>::default();
        let (shared, waits) = (Arc::clone(core), Arc::clone(&bell));
        let mut latched = core.lock();
        let env = latched.store.env.clone();
        let (clock, sign) = (env.clone(), latched.sign());
        let body = Box::new(move || {
            let mut tells = BreakOnPanic::<E> { bell: &waits, sign: &sign, ended: false };
            loop {
                let deadline = shared.lock().sync_by;
                if !waits.wait(deadline) {
                    break;
                }
                attend(&shared, &clock);
            }
            tells.ended = true;
        });
        let task = env.scheduler().spawn("numstore background", body);
        let task = task.map_err(|e| Error::io("spawn", latched.store.file.path(), 0, e))?;
        latched.bell = Some(Arc::clone(&bell));
        drop(latched);
        Ok(Background { bell, task })
    }

    /// Ends the task and waits until it has ended. From now on whoever finds that a checkpoint is due takes it.
    pub fn stop(self, core: &SharedCore<E>) {
        core.lock().bell = None;
        self.bell.stop();
        if self.task.join().is_err() {
            core.lock().poison_by_panic();
        }
    }
}

/// Tells all callers when the task panics, unless it has `ended` before.
struct BreakOnPanic<'a, E: Env> {
    bell: &'a Bell<E::Platform>,
    sign: &'a Sign<E::Platform>,
    ended: bool,
}

impl<E: Env> Drop for BreakOnPanic<'_, E> {
    fn drop(&mut self) {
        if !self.ended {
            self.bell.break_off();
            self.sign.raise();
        }
    }
}

/// Does what there is to do. A failure has poisoned the database, or nothing has happened.
fn attend<E: Env>(core: &SharedCore<E>, env: &E) {
    loop {
        write_what_is_due(core, env);
        if !free_some(core) {
            return;
        }
    }
}

/// Frees some nodes of what was removed; whether that went well and something is left, for a task that nobody stops.
fn free_some<E: Env>(core: &SharedCore<E>) -> bool {
    let mut latched = core.lock();
    if latched.bell.is_none() || latched.graveyard.is_empty() {
        return false;
    }
    let freed = latched.guarded(|core| {
        core.check_health()?;
        let went_on = core.reclaim(FREED_AT_A_TIME);
        reached!("what was removed is freed in the background", went_on);
        Ok(went_on && !core.graveyard.is_empty())
    });
    freed.unwrap_or(false)
}

fn write_what_is_due<E: Env>(core: &SharedCore<E>, env: &E) {
    let logged = core.lock().take_deferred(env.clock().monotonic());
    if let Some(logged) = logged {
        reached!("a deferred commit is made durable in the background");
        let _ = logged.make_durable(core);
    }
    let wanted = is_checkpoint_wanted(&core.lock());
    if wanted {
        reached!("a checkpoint is taken in the background");
        let _ = checkpoint_beside(core);
    }
}
