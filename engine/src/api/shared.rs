//! What all handles of an open database hold on to, and how calls get to its state: under the core's latch, with the
//! locks that they need.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, Result, TxnId};
use crate::catalog::Store;
use crate::env::{Clock, Env};
use crate::recovery::{RecoveryReport, close};
use crate::sync::Latched;
use crate::txn::{Core, Logged, Published, Stop};

/// What all handles, transactions and snapshots hold on to.
pub(super) struct Shared<E: Env> {
    pub core: Latched<Core<E>, E::Platform>,
    pub store: Arc<Store<E>>,
    pub published: Arc<Published<E>>,
    pub recovery: Option<RecoveryReport>,
}

impl<E: Env> Shared<E> {
    /// Runs `call` under the core's latch. Whenever it is blocked by a lock it waits without the latch, and is run again
    /// from its start: it takes all its locks for `txn` before it changes anything.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) if a lock was not to be had in time, [`Error::Deadlock`](crate::Error::Deadlock).
    /// Not on a poisoned database: the current state may lead to nodes that a failed checkpoint did not write.
    pub fn with_locks<R>(
        &self,
        txn: TxnId,
        mut call: impl FnMut(&mut Core<E>) -> Result<R, Stop>,
    ) -> Result<R> {
        let (mut waited, mut deadline) = (false, None);
        loop {
            let waiter = self.core.lock().guarded(|core| {
                // It also holds what a failed commit wrote and what may vanish; snapshots go on.
                let ended = if waited { core.locks.end_wait(txn) } else { Ok(()) };
                let ready = core.check_readable().and(ended).map_err(Stop::from);
                match ready.and_then(|()| call(core)) {
                    Ok(result) => Ok(Ok(result)),
                    Err(Stop::Failed(e)) => Err(fail(core, txn, e)),
                    Err(Stop::Blocked) => Ok(Err((core.locks.waiter(txn), core.locks.timeout))),
                }
            })?;
            let (waiter, timeout) = match waiter {
                Ok(result) => return Ok(result),
                Err(blocked) => blocked,
            };
            reached!("a call waits for a second lock", waited);
            if timeout != Duration::ZERO {
                let clock = self.store.env.clock();
                let deadline = deadline.get_or_insert_with(|| clock.monotonic().checked_add(timeout));
                waiter.sleep(clock, *deadline);
            }
            waited = true;
        }
    }

    /// Waits until `logged` is durable, or sees to it.
    pub fn make_durable(&self, logged: Option<Logged<E>>) -> Result<()> {
        logged.map_or(Ok(()), |logged| logged.make_durable(&self.core))
    }
}

/// A call has failed with `error`, which this returns. If it was no transaction's it gives back its locks before anybody
/// can see that they are nobody's.
fn fail<E: Env>(core: &mut Core<E>, txn: TxnId, error: Error) -> Error {
    if core.table.get(txn).is_none() {
        core.locks.release(txn);
    }
    error
}

impl<E: Env> Drop for Shared<E> {
    fn drop(&mut self) {
        // What is durable is safe without this; a failure only means that the next opening recovers.
        let _ = self.core.get_mut().guarded(close);
    }
}
