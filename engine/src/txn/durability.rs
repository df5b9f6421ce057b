//! Making what was logged durable. Many commits share one sync: whoever finds that nobody writes the log *leads*, writes
//! everything that was logged until then, in its own task and without the core's latch, and wakes those who waited.
//!
//! A task that has the core's latch may wait for a flight to land, since the one who leads it does not need that latch before;
//! so a flight begins only under the latch.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, Lsn, Result, StreamId};
use crate::catalog::{FileOf, Store};
use crate::env::{Clock, Env, Platform};
use crate::log::{Flight, LogFile, Wait};
use crate::sync::Latched;

use super::{Core, Published};

/// A flight of a database's log.
type FlightOf<E> = Flight<FileOf<E>, <E as Env>::Platform>;

/// Everything that was logged up to a moment.
pub struct Logged<E: Env> {
    /// Behind its last record.
    lsn: Lsn,
    log: Arc<LogFile<FileOf<E>, E::Platform>>,
}

impl<E: Env> Logged<E> {
    /// Makes it durable, or waits for somebody who does. The core's latch is not held.
    ///
    /// # Errors
    /// [`Error::InDoubt`]; everything later is [`Error::Poisoned`].
    pub fn make_durable(&self, core: &Latched<Core<E>, E::Platform>) -> Result<()> {
        let mut waited = false;
        loop {
            match self.log.wait_state(self.lsn) {
                Wait::Over => return Ok(()),
                Wait::Failed(cause) => {
                    reached!("the flight of somebody else has failed for a commit", waited);
                    return Err(Error::InDoubt { cause });
                }
                Wait::UnderWay(gate) => {
                    self.log.wait_at(gate);
                    waited = true;
                }
                Wait::Idle { in_company } => {
                    reached!("whoever waited for a flight leads the next one", waited);
                    if in_company {
                        // Those who have just landed are awake as well, and their next commits come along.
                        E::Platform::yield_hint();
                    }
                    // On its own, so that the latch is free again before anything is written.
                    let lead = core.lock().guarded(Core::take_the_lead);
                    let led = match lead {
                        Ok(Some(lead)) => lead.fly(),
                        Ok(None) => {
                            reached!("another one took the lead first");
                            let now = self.log.wait_state(self.lsn);
                            assert!(
                                !matches!(now, Wait::Idle { .. }),
                                "what was logged is in the buffer or in a flight"
                            );
                            Ok(())
                        }
                        Err(e) => Err(e),
                    };
                    if let Err(e) = led {
                        let e = core.lock().poison_by_log(e);
                        // Another flight may have landed with it before.
                        let is_over = self.log.wait_state(self.lsn) == Wait::Over;
                        return if is_over { Ok(()) } else { Err(in_doubt(&e)) };
                    }
                }
            }
        }
    }
}

/// A flight that is about to be written, with what that takes.
struct Lead<E: Env> {
    flight: FlightOf<E>,
    store: Arc<Store<E>>,
    published: Arc<Published<E>>,
}

impl<E: Env> Lead<E> {
    /// Syncs the data that the flight refers to, writes it, and shows the versions that are durable then.
    fn fly(self) -> Result<()> {
        let Lead { mut flight, store, published } = self;
        let payloads = flight.names_extents() && !mutant!("payloads are not synced");
        if payloads && let Err(e) = store.file.sync() {
            reached!("the payloads of a batch could not be synced");
            return Err(flight.fail(e));
        }
        let (durable, outcome) = flight.write();
        let now = || store.env.clock().monotonic();
        if mutant!("a commit is told before it is shown") {
            flight.land();
            published.publish(durable, now);
            return outcome;
        }
        // Before anybody is told: a commit that has returned is seen by the next snapshot.
        published.publish(durable, now);
        flight.land();
        outcome
    }
}

impl<E: Env> Core<E> {
    /// What was logged so far, to be made durable when the core's latch is free again. `None` without a log.
    pub fn logged(&self) -> Option<Logged<E>> {
        self.log.as_ref().map(|log| Logged { lsn: log.next_lsn(), log: Arc::clone(log.file()) })
    }

    /// A commit was deferred: the background task makes it durable at `moment` at the latest.
    pub fn defer_until(&mut self, moment: Duration) {
        let Some(bell) = &self.bell else { return };
        if self.sync_by.is_none() {
            self.sync_by = Some(moment);
            if !mutant!("a commit is deferred without a ring") {
                bell.ring();
            }
        }
    }

    /// What was deferred, if it is to be durable `now`.
    pub fn take_deferred(&mut self, now: Duration) -> Option<Logged<E>> {
        self.sync_by.take_if(|moment| *moment <= now)?;
        if mutant!("what was deferred is forgotten when it is time") {
            return None;
        }
        self.logged_before(self.next_lsn())
    }

    /// Everything that was logged before `lsn`, unless it is durable already.
    pub fn logged_before(&self, lsn: Lsn) -> Option<Logged<E>> {
        // Whoever has seen nothing that may vanish does not ask the log, which takes a latch.
        let log = self.log.as_ref().filter(|_| lsn > Lsn(0))?;
        (log.durable_lsn() < lsn).then(|| Logged { lsn, log: Arc::clone(log.file()) })
    }

    /// The call under way, which has locked something of `stream`, looks at it.
    pub fn look_at_stream(&mut self, stream: StreamId) {
        self.looked = self.looked.and(self.unsettled.stream(stream));
    }

    /// The call under way, which has locked a name, looks where it leads.
    pub fn look_at_names(&mut self) {
        self.looked = self.looked.and(self.unsettled.names());
    }

    /// The call under way, which has locked the database, looks at everything.
    pub fn look_at_all(&mut self) {
        self.looked = self.looked.and(self.unsettled.all());
    }

    /// Makes everything that was logged durable, the data that it refers to first, with the core's latch held: for
    /// those who need the log at rest, and commit nothing themselves.
    ///
    /// # Errors
    /// [`Error::Poisoned`], now and later. Those who wait for a commit are told themselves.
    pub fn flush(&mut self) -> Result<()> {
        self.check_health()?;
        let Some(log) = &self.log else { return Ok(()) };
        log.wait_until_idle();
        let is_left_out = mutant!("a flight with the latch held shows nothing") && self.version_due;
        self.version_due &= !is_left_out;
        let flown = match self.take_the_lead() {
            Ok(None) => Ok(()),
            Ok(Some(lead)) => lead.fly(),
            Err(e) => Err(e),
        };
        self.version_due |= is_left_out;
        flown.map_err(|e| match self.poison_by_log(e) {
            // Something failed before.
            e @ Error::Poisoned { .. } => e,
            e if mutant!("a checkpoint that fails is in doubt") => in_doubt(&e),
            e => Error::Poisoned { cause: e.to_string() },
        })
    }

    /// Refuses all writes from now on, since the log could not be written.
    fn poison_by_log(&mut self, error: Error) -> Error {
        let careless =
            matches!(&error, Error::Io { op: "write", source, .. } if source.kind() == ErrorKind::Other);
        if careless && mutant!("a failed write does not poison") { error } else { self.poison(error) }
    }

    /// Takes everything that was logged out of the buffer; `None` if there is nothing, or somebody else was first.
    fn take_the_lead(&mut self) -> Result<Option<Lead<E>>> {
        let Some(log) = &mut self.log else { return Ok(None) };
        if self.untrusted && self.version_due {
            // Nobody could be shown what is committed without what is not. Whoever waits hears that it is in doubt.
            let cause = "a call panicked half-way".to_owned();
            return Err(log.file().fail(Error::Poisoned { cause }));
        }
        let Some(flight) = log.take_off()? else { return Ok(None) };
        let is_left_out = mutant!("a flight of several commits shows none of them") && flight.has_company();
        if self.version_due && !is_left_out {
            self.make_version();
        }
        let (store, published) = (Arc::clone(&self.store), Arc::clone(&self.published));
        Ok(Some(Lead { flight, store, published }))
    }
}

fn in_doubt(cause: &Error) -> Error {
    Error::InDoubt { cause: cause.to_string() }
}
