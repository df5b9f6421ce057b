//! Locks, as calls take them: under the core's latch; a call that has to wait lets go of it first.
//!
//! A call asks for its locks one after the other and does nothing else before it has them all. If one is not to be had,
//! the call stops with [`Stop::Blocked`]; its caller sleeps without the latch until the table has decided, and runs the
//! call again from the start, which is granted at once what it holds.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, IdMap, Result, TxnId};
use crate::env::{AtomicWord, Clock, Platform};
use crate::lock::{Cycle, Event, LockTable, Mode, Outcome, Picture, Target};

/// Why a call did not come to its end.
#[derive(Debug)]
pub enum Stop {
    /// It waits for a lock; to be run again when the wait is over.
    Blocked,
    /// So much has changed that it waits for a checkpoint; to be run again when there was one. It has changed nothing.
    Behind,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// Where a task sleeps until its wait for a lock is over.
pub struct Waiter<P: Platform> {
    is_over: P::AtomicU32,
}

impl<P: Platform> Waiter<P> {
    /// Blocks until the wait is over, or `deadline` has come.
    pub fn sleep(&self, clock: &impl Clock, deadline: Option<Duration>) {
        while self.is_over.load_acquire() == 0 && deadline.is_none_or(|at| clock.monotonic() < at) {
            P::wait(&self.is_over, 0, deadline);
        }
    }

    fn wake(&self) {
        self.is_over.store_release(1);
        P::wake_all(&self.is_over);
    }
}

/// The lock table, and the tasks that wait.
pub struct Locks<P: Platform> {
    /// How long a call waits; with zero it never does.
    pub timeout: Duration,
    table: LockTable,
    waiters: IdMap<TxnId, Arc<Waiter<P>>>,
    /// Of those whose wait ended in a deadlock and who do not know yet.
    victims: IdMap<TxnId, Cycle>,
    /// Of calls that have let go of the latch, hold their locks, and will start over.
    pausing: IdMap<TxnId, ()>,
}

impl<P: Platform> Default for Locks<P> {
    fn default() -> Locks<P> {
        let (table, waiters, victims) = (LockTable::default(), IdMap::default(), IdMap::default());
        Locks { timeout: Duration::ZERO, table, waiters, victims, pausing: IdMap::default() }
    }
}

impl<P: Platform> Locks<P> {
    /// Takes a lock for `txn`, with intentions above it, until [`Locks::release`].
    ///
    /// # Errors
    /// [`Stop::Blocked`] if it has to wait: see [`Locks::waiter`]. [`Error::Deadlock`] if it must not.
    pub fn take(&mut self, txn: TxnId, target: &Target, mode: Mode) -> Result<(), Stop> {
        let outcome = self.table.request(txn, target, mode);
        let events = self.table.take_events();
        self.tell(events);
        match outcome {
            Outcome::Granted => Ok(()),
            Outcome::Waits { .. } => Err(Stop::Blocked),
            Outcome::Deadlock { cycle } => Err(deadlock(&cycle).into()),
        }
    }

    /// `txn` does once more what `first` has not brought to its end, and is as old as that one.
    pub fn begin_again(&mut self, txn: TxnId, first: TxnId) {
        self.table.begin_again(txn, first);
    }

    /// Where the task of `txn`, which is blocked, sleeps.
    pub fn waiter(&mut self, txn: TxnId) -> Arc<Waiter<P>> {
        assert!(self.table.is_waiting(txn), "whoever was blocked waits");
        let waiter = Arc::new(Waiter { is_over: P::AtomicU32::new(0) });
        if self.timeout > Duration::ZERO {
            P::awaits(&waiter.is_over, || self.plight(txn));
        }
        self.waiters.insert(txn, Arc::clone(&waiter));
        waiter
    }

    /// What `txn` waits for, and what it holds meanwhile.
    fn plight(&self, txn: TxnId) -> String {
        let mine = self.picture().locks.into_iter().filter(|lock| lock.txn == txn);
        let (waits, holds): (Vec<_>, Vec<_>) = mine.partition(|lock| lock.waits_for.is_some());
        let list = |txns: &[TxnId]| txns.iter().map(TxnId::to_string).collect::<Vec<_>>().join(", ");
        let mut text = format!("transaction {txn}");
        for lock in waits {
            let others = list(&lock.waits_for.unwrap_or_default());
            text += &format!(" wants the lock {} on {} and waits for {others}", lock.mode, lock.target);
        }
        for lock in holds {
            text += &format!("; it holds {} on {}", lock.mode, lock.target);
        }
        text
    }

    /// A call of `txn` keeps its locks, lets go of the latch, and will start over.
    pub fn pause(&mut self, txn: TxnId) {
        self.pausing.insert(txn, ());
    }

    /// A call of `txn` starts, or starts over.
    pub fn start(&mut self, txn: TxnId) {
        self.pausing.remove(&txn);
    }

    /// Whether a call of `txn` waits, or does not know yet that its wait is over, or is about to start over.
    pub fn has_call(&self, txn: TxnId) -> bool {
        self.waiters.contains_key(&txn) || self.pausing.contains_key(&txn)
    }

    /// How the wait of `txn` has ended. One that has not is given up.
    ///
    /// # Errors
    /// [`Error::Deadlock`] if `txn` was chosen to break one; [`Error::Busy`] if it was given up.
    pub fn end_wait(&mut self, txn: TxnId) -> Result<()> {
        self.waiters.remove(&txn);
        if let Some(cycle) = self.victims.remove(&txn) {
            return Err(deadlock(&cycle));
        }
        let is_late = self.timeout > Duration::ZERO;
        if !self.table.is_waiting(txn) || (is_late && mutant!("a wait whose time is up counts as granted")) {
            return Ok(());
        }
        reached!("a lock was waited for until the time was up", is_late);
        let what = self.picture().locks.into_iter().find(|lock| lock.txn == txn && lock.waits_for.is_some());
        let events = self.table.cancel(txn);
        reached!("whoever gives up a wait lets others go on", !events.is_empty());
        self.tell(events);
        Err(Error::Busy { what: what.map_or_else(|| "a lock".to_owned(), |lock| lock.target.to_string()) })
    }

    /// Gives back everything that `txn` holds: it has ended.
    pub fn release(&mut self, txn: TxnId) {
        let events = self.table.release_all(txn);
        self.tell(events);
    }

    /// Wakes everybody: what they wait for may never come.
    pub fn wake_all(&self) {
        self.waiters.values().for_each(|waiter| waiter.wake());
    }

    /// The lock table itself, to look at.
    pub fn table(&self) -> &LockTable {
        &self.table
    }

    /// All locks, for people.
    pub fn picture(&self) -> Picture {
        self.table.picture()
    }

    fn tell(&mut self, events: Vec<Event>) {
        for (at, event) in events.into_iter().enumerate() {
            let is_lost = (at > 0 && mutant!("of several who were granted one is woken"))
                || (matches!(event, Event::Victim(_)) && mutant!("whoever has to give way is not woken"));
            if let Some(waiter) = self.waiters.get(&event.txn()).filter(|_| !is_lost) {
                waiter.wake();
            }
            if let Event::Victim(cycle) = event {
                self.victims.insert(cycle.victim, cycle);
            }
        }
    }
}

fn deadlock(cycle: &Cycle) -> Error {
    Error::Deadlock { cycle: cycle.to_string() }
}
