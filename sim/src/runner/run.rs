//! One seed: rounds of work, each ended by a crash, each crash followed by recoveries and judgement.
//!
//! 1. A seed has at least [`OPERATIONS_MIN`] operations and [`CRASHES_MIN`] crashes in the middle of work.
//! 2. After every recovery: the state is judged, the database audited, then it crashes again or is closed, and must
//!    come back in the same state.

use numstore::Database;

use crate::judge::{Finding, check_recovery, describe_difference};
use crate::model::{History, Streams};
use crate::workload::{Generator, Swarm};
use crate::world::{Concern, Dice, Persist, SimEnv, World};

use super::observe::observe;
use super::outcome::{Counters, Outcome};
use super::panics;
use super::session::{Fault, Session, Stop};

/// Fewest operations of a seed.
pub const OPERATIONS_MIN: u64 = 200;
/// Fewest rounds, each of which ends in a crash.
pub const CRASHES_MIN: u64 = 2;
/// A run with more I/O calls than this hangs.
const IOS_MAX: u64 = 5_000_000;
/// Where the database is.
const PATH: &str = "db/x.ns";

/// Who listens to a run: gets a line for every operation, crash and recovery; with `ios`, for every I/O call.
pub struct Watch {
    /// Whether I/O calls are told too.
    pub ios: bool,
    /// The listener.
    pub tell: Box<dyn FnMut(&str) + Send>,
}

/// Runs a seed from beginning to end. A panic inside is a finding.
pub fn run_seed(seed: u64, watch: Option<Watch>) -> Outcome {
    let world = World::new(seed);
    world.limit_ios(IOS_MAX);
    if let Some(watch) = watch {
        world.narrate_to(watch.ios, watch.tell);
    }
    let mut run = Run::new(seed, &world);
    let finding = match panics::catch(|| run.history()) {
        Ok(ended) => ended.err(),
        Err(panic) => Some(Finding::new("panic", panic)),
    };
    if let Some(finding) = &finding {
        world.note(&format!("  {finding}"));
    }
    run.counters.world = world.counters();
    run.counters.crashes = run.counters.world.kills + run.counters.world.power_losses;
    Outcome { seed, finding, trace_hash: world.trace_hash(), counters: run.counters }
}

struct Run {
    world: World,
    swarm: Swarm,
    faults: Dice,
    generator: Generator,
    counters: Counters,
    /// I/O calls of the last opening that went through.
    opening_ios: u64,
}

impl Run {
    fn new(seed: u64, world: &World) -> Run {
        let mut dice = Dice::new(seed, Concern::Workload);
        let swarm = Swarm::draw(&mut dice);
        world.note(&format!("{swarm:?}"));
        world.short_transfers(swarm.short_transfers);
        Run {
            world: world.clone(),
            faults: Dice::new(seed, Concern::Crashes),
            generator: Generator::new(dice, swarm.clone()),
            swarm,
            counters: Counters::default(),
            opening_ios: 20,
        }
    }

    fn history(&mut self) -> Result<(), Finding> {
        let mut session = self.reopen(&History::new(Streams::new()))?;
        let mut rounds = 0;
        while rounds < CRASHES_MIN || self.counters.operations < OPERATIONS_MIN {
            session = self.round(session)?;
            rounds += 1;
        }
        let model = match session.close() {
            (model, Ok(())) => model,
            (_, Err(Stop::Finding(finding))) => return Err(finding),
            (_, Err(stop)) => return Err(Finding::new("answer", format!("close: {stop:?}"))),
        };
        let session = self.open_clean(model.history())?;
        self.audit(&session)
    }

    /// Work until a crash, then recovery.
    fn round(&mut self, mut session: Session) -> Result<Session, Finding> {
        let operations = self.faults.between(50, 130);
        let strike = self.faults.below(operations);
        for i in 0..operations {
            if i == strike {
                self.arm();
            }
            let operation = self.generator.next(session.model());
            self.world.note(&format!("{operation:?}"));
            self.counters.operations += 1;
            match session.perform(&operation, &mut self.counters) {
                Ok(()) if session.is_faulty() => return self.crash(session, Fault::default()),
                Ok(()) => {}
                Err(Stop::Finding(finding)) => return Err(finding),
                Err(Stop::Crash(fault)) => return self.crash(session, fault),
                Err(Stop::Closed) => session = self.close_and_open(session)?,
            }
        }
        self.world.disarm();
        self.crash(session, Fault::default())
    }

    /// Orders the fault that ends the round.
    fn arm(&mut self) {
        if self.faults.chance(self.swarm.sync_failures, 100) {
            let syncs = self.faults.below(8);
            self.world.fail_sync_after(syncs);
            self.world.note(&format!("  a sync will fail, after {syncs} more"));
            return;
        }
        let bound = *self.faults.pick(&[1, 10, 50, 200]);
        let ios = self.faults.below(bound);
        self.world.crash_after(ios);
        self.world.note(&format!("  a crash will strike, after {ios} more I/O calls"));
    }

    fn count(&mut self, db: &Database<SimEnv>) {
        let stats = db.stats();
        self.counters.checkpoints += stats.checkpoints;
    }

    /// The session is over: everything dies, then comes back.
    fn crash(&mut self, mut session: Session, mut fault: Fault) -> Result<Session, Finding> {
        self.count(session.db());
        if !self.world.crashed() && session.is_faulty() {
            self.counters.failed_syncs += 1;
            let commits = session.model().history().candidates();
            session.probe(&fault)?;
            if session.model().history().candidates() != commits {
                // The write was accepted, so what failed before it has not happened.
                fault.in_doubt = None;
            }
        }
        self.world.stop();
        let mut history = session.abandon().history().clone();
        if let Some(state) = fault.in_doubt {
            self.world.note("  a commit is in doubt");
            history.commit(state);
        }
        self.die();
        self.generator.forget_handles();
        let session = self.reopen(&history)?;
        self.recover_again(session)
    }

    /// Ends the process in one way or the other.
    fn die(&mut self) {
        if self.faults.chance(2, 5) {
            self.world.kill();
        } else {
            self.world.power_loss(Persist::Swarm);
        }
    }

    /// Opens the database after a crash, with more crashes in between if the seed is of that kind, and judges it.
    fn reopen(&mut self, history: &History) -> Result<Session, Finding> {
        let mut crashes = if self.swarm.crash_in_recovery { self.faults.between(1, 3) } else { 0 };
        let db = loop {
            if crashes > 0 {
                crashes -= 1;
                self.world.crash_after(self.faults.below(self.opening_ios));
            }
            let before = self.world.counters().ios;
            let opened = self.swarm.geometry.options().open_in(self.world.env(), PATH);
            self.world.disarm();
            match opened {
                Err(_) if self.world.crashed() => {
                    // Before the first opening there was nothing to recover.
                    self.counters.crashes_in_recovery += u64::from(self.counters.recoveries > 0);
                }
                Err(e) => return Err(Finding::new("recovery", format!("the database does not open: {e}"))),
                Ok(_) if self.world.crashed() => {}
                Ok(db) => {
                    self.opening_ios = (self.world.counters().ios - before).max(1);
                    break db;
                }
            }
            self.die();
        };
        self.counters.recoveries += 1;
        let report = db.stats().recovery;
        if let Some(report) = &report {
            self.counters.losers += report.losers;
            self.counters.clrs_written += report.clrs_written;
            self.counters.records_redone += report.records_redone;
        }
        let found = observe(&db)?;
        let at = check_recovery(history, &found)?;
        let newest = history.candidates().end() - at;
        let losers = report.map_or(0, |report| report.losers);
        self.world.note(&format!("  recovered: {newest} commits before the newest, {losers} losers"));
        let session = Session::new(&self.world, db, found);
        self.audit(&session)?;
        Ok(session)
    }

    /// Whatever was recovered must come back once more, exactly.
    fn recover_again(&mut self, session: Session) -> Result<Session, Finding> {
        if self.faults.chance(1, 3) {
            return self.close_and_open(session);
        }
        self.world.stop();
        let history = session.abandon().history().clone();
        self.die();
        self.reopen(&history)
    }

    fn close_and_open(&mut self, session: Session) -> Result<Session, Finding> {
        self.generator.forget_handles();
        self.count(session.db());
        match session.close() {
            (model, Ok(())) if !self.world.crashed() => self.open_clean(model.history()),
            (_, Err(Stop::Finding(finding))) => Err(finding),
            (model, _) => {
                self.world.stop();
                self.die();
                self.reopen(model.history())
            }
        }
    }

    /// Opens the database after a clean close.
    fn open_clean(&mut self, history: &History) -> Result<Session, Finding> {
        self.world.disarm();
        let opened = self.swarm.geometry.options().open_in(self.world.env(), PATH);
        let db = opened.map_err(|e| Finding::new("reopening", format!("after a clean close: {e}")))?;
        let found = observe(&db)?;
        if found != *history.newest() {
            let what = describe_difference(history.newest(), &found);
            return Err(Finding::new("reopening", format!("after a clean close: {what}")));
        }
        let session = Session::new(&self.world, db, found);
        self.audit(&session)?;
        Ok(session)
    }

    fn audit(&mut self, session: &Session) -> Result<(), Finding> {
        match session.verify(&mut self.counters) {
            Ok(()) => Ok(()),
            Err(Stop::Finding(finding)) => Err(finding),
            Err(stop) => Err(Finding::new("audit", format!("{stop:?}"))),
        }
    }
}
