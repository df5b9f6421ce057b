//! The end of all faults: what is open is ended, one after the other, and the database is closed.

use std::time::Duration;

use numstore::env::{Clock, Env};
use numstore::{Error, ErrorCode};

use crate::judge::{Ended, Finding, Quiet, check_ledger, check_liveness};
use crate::workload::Operation;
use crate::world::World;

use super::outcome::Counters;
use super::session::{Fault, Session, Stop};
use super::stage::{Done, Phase, Stage};

/// So long a task of the engine's own may take to unwind.
const UNWINDING_STEP: Duration = Duration::from_millis(1);
const UNWINDING_STEPS: u32 = 100;

impl Stage {
    /// Takes every fault back, ends everything and closes.
    pub(super) fn quiesce(&mut self) -> Result<Done, Finding> {
        if self.world.crashed() || !matches!(self.phase, Phase::Up(_)) {
            return Ok(Done::Skipped);
        }
        self.world.quiesce();
        let done = self.end_quietly();
        self.world.rouse();
        done
    }

    fn end_quietly(&mut self) -> Result<Done, Finding> {
        let Phase::Up(session) = &mut self.phase else { return Ok(Done::Skipped) };
        if is_poisoned(&self.world, session)? {
            return self.give_up(Fault::default()).map(|()| Done::Performed);
        }
        reached!("everything was ended after a write had failed", session.is_refused());
        end_all(&self.world, session, &mut self.counters, false)?;
        let before = self.world.counters().ios;
        let betrayed = self.is_betrayed();
        self.close()?;
        let ios = self.world.counters().ios - before;
        let closed = matches!(&self.phase, Phase::Down(down) if down.clean);
        let failed = (!closed).then_some(if betrayed { ErrorCode::Corruption } else { ErrorCode::Io });
        let calls = vec![Ended { what: "close".to_owned(), ios, failed }];
        check_liveness(&Quiet { calls, betrayed, ..Quiet::default() }).map(|()| Done::Performed)
    }

    /// A call has returned, which could report what struck in it.
    pub(super) fn check_reports(&self) -> Result<(), Finding> {
        if self.is_betrayed() {
            // Whatever is said now may come from that; others judge it.
            self.world.forget();
        } else if !self.world.crashed() && self.world.returned() {
            check_ledger(&self.world.ledger())?;
        }
        Ok(())
    }

    /// Whether an operation tells of what went wrong in it, or before it where nobody could be told. Durable versions are
    /// read past any failure, and what has changed nothing ends well.
    pub(super) fn reports(operation: &Operation, session: &Session) -> bool {
        match operation {
            Operation::Commit { txn, .. } | Operation::Rollback(txn) => {
                !session.model().transaction(*txn).is_idle()
            }
            Operation::Abandon(_) | Operation::Release(_) | Operation::Close | Operation::Stats => false,
            Operation::Snapshot(_) | Operation::ReadSnapshot(..) | Operation::ReadDurable(_) => false,
            Operation::Begin(_) | Operation::In(..) | Operation::Direct(_) => true,
            Operation::Checkpoint | Operation::Compact | Operation::Sync | Operation::Verify => true,
        }
    }
}

/// Whether nothing may be written any more. A task of the engine's own in which something has just failed or panicked gets
/// the time to say so.
///
/// # Errors
/// If a task has panicked and the database goes on.
pub(super) fn is_poisoned(world: &World, session: &Session) -> Result<bool, Finding> {
    let has_lost_a_task = world.has_lost_a_task();
    let steps = if has_lost_a_task || world.has_failed_beside() { UNWINDING_STEPS } else { 0 };
    let env = world.env();
    let clock = env.clock();
    let is_told = refuses_to_begin(session)
        || (0..steps).any(|_| {
            clock.sleep_until(clock.monotonic() + UNWINDING_STEP);
            refuses_to_begin(session)
        });
    if has_lost_a_task && !is_told {
        let goes_on = "a task of the engine has panicked, and the database goes on";
        return Err(Finding::new("poison", goes_on.to_owned()));
    }
    Ok(is_told)
}

fn refuses_to_begin(session: &Session) -> bool {
    matches!(session.db().begin(), Err(Error::Poisoned { .. }))
}

/// A session after a failure: if nothing is written any more, whatever is open can still be ended.
pub(super) fn end_poisoned(
    world: &World,
    session: &mut Session,
    counters: &mut Counters,
) -> Result<(), Finding> {
    if !is_poisoned(world, session)? {
        return Ok(());
    }
    reached!(
        "a poisoned database was brought to its end with transactions open",
        session.ends_next().is_some()
    );
    end_all(world, session, counters, true)
}

/// Ends everything that is open.
fn end_all(
    world: &World,
    session: &mut Session,
    counters: &mut Counters,
    poisoned: bool,
) -> Result<(), Finding> {
    let mut quiet = Quiet { poisoned, betrayed: session.is_betrayed(), ..Quiet::default() };
    while let Some(operation) = session.ends_next() {
        let before = world.counters().ios;
        let failed = match session.perform(&operation, counters) {
            Ok(()) | Err(Stop::Closed) => None,
            Err(Stop::Finding(finding)) => return Err(finding),
            Err(Stop::Crash(fault)) => fault.code,
        };
        let ios = world.counters().ios - before;
        quiet.calls.push(Ended { what: format!("{operation:?}"), ios, failed });
    }
    let stats = session.db().stats();
    // What could not be rolled back is for the next opening.
    quiet.left = stats.snapshots_open + if poisoned { 0 } else { stats.transactions_open };
    check_liveness(&quiet)
}
