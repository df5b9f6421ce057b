//! What all handles of an open database hold on to, and how calls get to its state: under the core's latch, with the
//! locks that they need.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, Result, TxnId};
use crate::catalog::Store;
use crate::env::{Clock, Env, Platform};
use crate::recovery::{RecoveryReport, catch_up, close};
use crate::sync::Latch;
use crate::txn::{Core, Logged, Needs, Pace, Published, Sign, Stop, Waiter};

use super::background::{Background, SharedCore};

/// So often a call starts over before it keeps the latch while it waits for a checkpoint, so that others cannot put it off
/// for ever.
const STARTS_MAX: u32 = 64;

/// What of a call tells its caller something of what others did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tells {
    /// Only its errors.
    Errors,
    /// These, and its result.
    Everything,
}

/// What all handles, transactions and snapshots hold on to.
pub(super) struct Shared<E: Env> {
    pub core: SharedCore<E>,
    pub background: Option<Background<E>>,
    pub store: Arc<Store<E>>,
    pub published: Arc<Published<E>>,
    pub sign: Arc<Sign<E::Platform>>,
    pub recovery: Option<RecoveryReport>,
    /// Held by whoever makes the file shorter, longer than any other latch. The core's is taken below it.
    pub compacting: Latch<E::Platform>,
    /// How long a deferred commit may not be durable.
    pub deferred_delay: Duration,
}

impl<E: Env> Shared<E> {
    /// Runs `call` under the core's latch, of the transaction with this `number`, which it gets from `begin` if it has none
    /// yet. Whenever it is blocked by a lock it waits without the latch, and is run again from its start: it takes all its
    /// locks before it changes anything. What it `tells` of commits that may still vanish waits until they are durable.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) if a lock was not to be had in time, [`Error::Deadlock`](crate::Error::Deadlock).
    /// Not on a poisoned database: the current state may lead to nodes that a failed checkpoint did not write.
    pub fn with_locks<R>(
        &self,
        number: &OnceCell<TxnId>,
        begin: impl Fn(&mut Core<E>) -> TxnId,
        tells: Tells,
        mut call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>,
    ) -> Result<R> {
        let (mut waited, mut deadline) = (false, None);
        let (mut starts, mut caught_up) = (0, Ok(()));
        loop {
            starts += 1;
            let attempt = self.core.lock().guarded(|core| {
                let before = core.next_lsn();
                let txn = *number.get_or_init(|| begin(core));
                core.locks.start(txn);
                // It also holds what a failed commit wrote and what may vanish; snapshots go on.
                let ended = if waited { core.locks.end_wait(txn) } else { Ok(()) };
                let caught_up = std::mem::replace(&mut caught_up, Ok(()));
                let ready = core.check_readable().and(ended).and(caught_up).map_err(Stop::from);
                core.looked = Needs::default();
                core.may_start_over = starts < STARTS_MAX;
                let outcome = match ready.and_then(|()| call(core, txn)) {
                    Err(Stop::Blocked) => {
                        return Ok(Err(Pause::Lock(core.locks.waiter(txn), core.locks.timeout)));
                    }
                    Err(Stop::Behind) => {
                        if mutant!("a call that waits for a checkpoint loses its locks") {
                            core.locks.release(txn);
                        }
                        core.locks.pause(txn);
                        return Ok(Err(Pause::Checkpoint));
                    }
                    Err(Stop::Failed(e)) => Err(fail(core, txn, e)),
                    Ok(result) => Ok(result),
                };
                let untold = untold(core, txn, tells, outcome.as_ref().err());
                Ok(Ok((Waits { untold, pace: core.pace_within(txn, before) }, outcome)))
            })?;
            waited = match attempt {
                Ok((waits, outcome)) => {
                    self.make_durable(waits.untold).map_err(Error::without_doubt)?;
                    waits.pace.inspect(Pace::keep);
                    return outcome.map_err(|e| self.blame(e));
                }
                Err(Pause::Checkpoint) => {
                    caught_up = catch_up(&self.core);
                    false
                }
                Err(Pause::Lock(waiter, timeout)) => {
                    reached!("a call waits for a second lock", waited);
                    if timeout != Duration::ZERO {
                        let clock = self.store.env.clock();
                        let deadline = deadline.get_or_insert_with(|| clock.monotonic().checked_add(timeout));
                        waiter.sleep(clock, *deadline);
                    }
                    true
                }
            };
        }
    }

    /// Waits until `logged` is durable, or sees to it.
    pub fn make_durable(&self, logged: Option<Logged<E>>) -> Result<()> {
        logged.map_or(Ok(()), |logged| logged.make_durable(&self.core))
    }

    /// What to tell of `error`, which a call that is no snapshot's has met: what a failed sync has lost is not damaged. The
    /// core's latch is not held.
    pub fn blame(&self, error: Error) -> Error {
        let careless = mutant!("a transaction reads on after a failed sync");
        if careless { error } else { self.store.file.blame(error) }
    }

    /// A commit was deferred, for as long as that is allowed.
    pub fn defer(&self, core: &mut Core<E>) {
        if let Some(moment) = self.store.env.clock().monotonic().checked_add(self.deferred_delay) {
            core.defer_until(moment);
        }
    }

    /// Closes the database; a second time it does nothing. Nobody else has this.
    pub fn close(&mut self) -> Result<()> {
        if let Some(background) = self.background.take() {
            background.stop(&self.core);
        }
        self.core.lock().guarded(close)
    }
}

/// What a call waits for when it has let go of the latch, before it starts over.
enum Pause<P: Platform> {
    Lock(Arc<Waiter<P>>, Duration),
    Checkpoint,
}

/// What a call waits for when it has let go of the latch, before it returns.
struct Waits<E: Env> {
    untold: Option<Logged<E>>,
    pace: Option<Pace<E::Platform>>,
}

/// A call has failed with `error`, which this returns. If it was no transaction's it gives back its locks before anybody
/// can see that they are nobody's.
fn fail<E: Env>(core: &mut Core<E>, txn: TxnId, error: Error) -> Error {
    if core.table.get(txn).is_none() {
        core.locks.release(txn);
    }
    error
}

/// A call of `txn` has ended. What has to be durable before its result, or its `error`, is told.
fn untold<E: Env>(core: &mut Core<E>, txn: TxnId, tells: Tells, error: Option<&Error>) -> Option<Logged<E>> {
    let Needs { to_tell, to_last } = core.looked;
    if let Some(state) = core.table.get_mut(txn) {
        state.relies_on = state.relies_on.max(to_last);
    }
    let tells = error.map_or(tells == Tells::Everything, Error::tells_content);
    let untold = core.logged_before(to_tell).filter(|_| tells && !mutant!("what may vanish is shown"));
    reached!("what a call shows may still vanish", error.is_none() && untold.is_some());
    reached!("an error waited until what it tells was durable", error.is_some() && untold.is_some());
    untold
}

impl<E: Env> Drop for Shared<E> {
    fn drop(&mut self) {
        // What is durable is safe without this; a failure only means that the next opening recovers.
        let _ = self.close();
    }
}
