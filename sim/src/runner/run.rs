//! One seed: rounds of work, each ended by a crash, each crash followed by recoveries and judgement.
//!
//! 1. A seed has at least [`OPERATIONS_MIN`] operations and [`CRASHES_MIN`] crashes in the middle of work.
//! 2. After every recovery: the state is judged, the database audited, then it crashes again or is closed, and must
//!    come back in the same state.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use numstore::hooks::{Collector, install};
use numstore::{Database, Error};

use crate::judge::{Finding, check_recovery, describe_difference};
use crate::markers::Reached;
use crate::model::{History, Step, Streams};
use crate::workload::{Generator, Geometry, Operation, Swarm};
use crate::world::{Concern, Dice, FaultKind, Persist, SimEnv, Without, World, WriteFault};

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

/// Bytes in a block of the data file and of the log.
const BLOCK_BYTES: u64 = 4096;
/// The superblock's two slots.
const SLOTS_BYTES: u64 = 2 * BLOCK_BYTES;

/// Who listens to a run: gets a line for every operation, crash and recovery; with `ios`, for every I/O call.
pub struct Watch {
    /// Whether I/O calls are told too.
    pub ios: bool,
    /// The listener.
    pub tell: Box<dyn FnMut(&str) + Send>,
}

/// Runs a seed from beginning to end. A panic inside is a finding, also one in a drop, or in a drop during a panic.
pub fn run_seed(seed: u64, watch: Option<Watch>) -> Outcome {
    run_seed_without(seed, Without::default(), watch)
}

/// As [`run_seed`], in a world where some kinds of faults do not occur.
pub fn run_seed_without(seed: u64, without: Without, watch: Option<Watch>) -> Outcome {
    contain(seed, move || run(seed, without, watch))
}

/// The outcome that `run` returns; if it does not, that of a seed that panicked.
pub(super) fn contain(seed: u64, run: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    panics::contain(run).unwrap_or_else(|panic| Outcome::broken_off(seed, Finding::new("panic", panic)))
}

fn run(seed: u64, without: Without, watch: Option<Watch>) -> Outcome {
    let world = World::new(seed);
    world.switch_off(without);
    world.limit_ios(IOS_MAX);
    if let Some(watch) = watch {
        world.narrate_to(watch.ios, watch.tell);
    }
    let markers = Collector::new();
    let before = install(Some(Arc::clone(&markers)));
    let mut run = Run::new(seed, &world);
    run.without = without;
    let finding = match panics::catch(|| run.history()) {
        Ok(ended) => ended.err(),
        Err(panic) => Some(Finding::new("panic", panic)),
    };
    if let Some(finding) = &finding {
        world.note(&format!("  {finding}"));
    }
    install(before);
    run.counters.world = world.counters();
    run.counters.crashes = run.counters.world.kills + run.counters.world.power_losses;
    let reached = Reached::of(&markers);
    Outcome { seed, finding, trace_hash: world.trace_hash(), counters: run.counters, reached }
}

struct Run {
    world: World,
    without: Without,
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
            without: Without::default(),
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
        if self.faults.chance(1, 8) {
            self.check_log_stays(&mut session)?;
        }
        let model = match session.close() {
            (model, Ok(())) => model,
            (_, Err(Stop::Finding(finding))) => return Err(finding),
            (_, Err(stop)) => return Err(Finding::new("answer", format!("close: {stop:?}"))),
        };
        self.rot_slot();
        let session = self.open_clean(model.history())?;
        self.audit(&session)?;
        match session.close() {
            (model, Ok(())) => self.rot_node(model.history().newest()),
            (_, Err(Stop::Finding(finding))) => Err(finding),
            (_, Err(stop)) => Err(Finding::new("answer", format!("close: {stop:?}"))),
        }
    }

    /// With a checkpoint now and then the log does not grow.
    fn check_log_stays(&mut self, session: &mut Session) -> Result<(), Finding> {
        let name = "here and gone".to_owned();
        let pair = [Step::Create { name: name.clone() }, Step::Drop { name }].map(Operation::Direct);
        let round = [pair.clone(), pair].concat().into_iter().chain([Operation::Checkpoint]);
        let round: Vec<Operation> = round.collect();
        let mut before = None;
        for operation in round.iter().cycle().take(7 * round.len()) {
            match session.perform(operation, &mut self.counters) {
                Ok(()) => {}
                Err(Stop::Finding(finding)) => return Err(finding),
                Err(stop) => return Err(Finding::new("answer", format!("{operation:?}: {stop:?}"))),
            }
            if *operation == Operation::Checkpoint && before.is_none() {
                before = Some(session.db().stats().log_file_bytes);
            }
        }
        let (before, now) = (before.unwrap_or(0), session.db().stats().log_file_bytes);
        if now <= before + 2 * Geometry::LOG_SEGMENT_BYTES {
            return Ok(());
        }
        let what = format!("the log grew from {before} to {now} bytes, though checkpoints freed all of it");
        Err(Finding::new("space", what))
    }

    /// After a clean close one of the superblock's two slots may rot.
    fn rot_slot(&mut self) {
        if self.faults.chance(1, 2) && !self.without.has(FaultKind::Rot) {
            let at = self.faults.below(SLOTS_BYTES);
            self.world.note(&format!("  byte {at} of the data file, in a slot, rots"));
            reached!("a bit rotted that a superblock needs", at % BLOCK_BYTES < 512);
            self.world.flip(PATH, at, self.faults.below(8) as u8);
        }
    }

    /// Bits rot in the data file, beyond what can be repaired: nothing that is answered may be wrong.
    fn rot_node(&mut self, newest: &Streams) -> Result<(), Finding> {
        if self.without.has(FaultKind::Rot) {
            return Ok(());
        }
        let len = self.world.read_file(PATH).map_or(0, |bytes| bytes.len() as u64);
        let blocks = len / BLOCK_BYTES;
        for _ in 0..4 {
            // Most nodes are short.
            let most = *self.faults.pick(&[16, 256, 512]);
            let within = self.faults.below(most);
            let at = self.faults.between(2, blocks.max(3) - 1) * BLOCK_BYTES + within;
            self.world.note(&format!("  byte {at} of the data file rots"));
            self.world.flip(PATH, at, self.faults.below(8) as u8);
        }
        let db = match self.swarm.geometry.options().open_in(self.world.env(), PATH) {
            Ok(db) => db,
            Err(e) => return detected(&e),
        };
        let snapshot = db.snapshot();
        for (name, bytes) in newest {
            match snapshot.stream(name).and_then(|stream| stream.read(..)) {
                Ok(read) if read == **bytes => {}
                Ok(_) => return Err(Finding::new("rot", format!("stream {name:?} is read wrongly"))),
                Err(e) => detected(&e)?,
            }
        }
        Ok(())
    }

    /// The process is killed between two operations, and a batch rots that is not the last in the log. The database
    /// does not open, or it opens as it must; and once the bit is back it opens.
    fn rot_log(&mut self, session: Session) -> Result<Session, Finding> {
        self.count(session.db());
        self.world.stop();
        let history = session.abandon().history().clone();
        self.world.kill();
        self.generator.forget_handles();
        if let Some((path, at)) = self.pick_batch() {
            let bit = self.faults.below(8) as u8;
            self.world.note(&format!("  byte {at} of {} rots", path.display()));
            self.world.flip(&path, at, bit);
            match self.swarm.geometry.options().open_in(self.world.env(), PATH) {
                Ok(db) => {
                    reached!("a log with a rotten bit was read rightly");
                    let found = observe(&db)?;
                    check_recovery(&history, &found)?;
                    self.world.stop();
                    drop(db);
                    self.world.kill();
                    return self.reopen(&History::new(found));
                }
                Err(e) => {
                    detected(&e)?;
                    self.world.flip(&path, at, bit);
                }
            }
        }
        let session = self.reopen(&history)?;
        self.recover_again(session)
    }

    /// A byte of a batch of the newest log, though not of the last batch: that one would look torn.
    fn pick_batch(&mut self) -> Option<(PathBuf, u64)> {
        let generation = |path: &Path| path.to_str()?.rsplit_once("-log-")?.1.parse::<u64>().ok();
        let files = self.world.files().into_iter();
        let (_, path) = files.filter_map(|(path, _)| Some((generation(&path)?, path))).max()?;
        let log = self.world.read_file(&path).ok()?;
        let mut batches: Vec<(u64, u64, u64)> = Vec::new();
        for (index, block) in log.chunks_exact(BLOCK_BYTES as usize).enumerate() {
            let number = |at: usize| u64::from_le_bytes(block[at..at + 8].try_into().expect("eight bytes"));
            if block.starts_with(b"NSLB") {
                batches.push((number(32), index as u64 * BLOCK_BYTES, number(56) & 0xffff_ffff));
            }
        }
        batches.sort_unstable();
        batches.pop();
        // Old ones behind the tail are many and of no use: take one of the newest.
        let newest = batches.len().saturating_sub(6);
        let (_, at, bytes) =
            *batches.get(newest..).filter(|rest| !rest.is_empty()).map(|rest| self.faults.pick(rest))?;
        Some((path, at + self.faults.below(80 + bytes)))
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
        let rots = ![FaultKind::Rot, FaultKind::Kill].iter().any(|kind| self.without.has(*kind));
        if self.faults.chance(1, 4) && rots {
            return self.rot_log(session);
        }
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
        if self.faults.chance(self.swarm.write_failures, 100) {
            self.arm_writes();
            return;
        }
        if self.faults.chance(1, 8) {
            let ios = self.faults.below(4);
            self.world.crash_behind_write(SLOTS_BYTES, ios);
            self.world.note(&format!("  a crash will strike, {ios} I/O calls after a superblock is written"));
            return;
        }
        let bound = *self.faults.pick(&[1, 10, 50, 200]);
        let ios = self.faults.below(bound);
        self.world.crash_after(ios);
        self.world.note(&format!("  a crash will strike, after {ios} more I/O calls"));
    }

    /// Orders writes to fail.
    fn arm_writes(&mut self) {
        let fault = *self.faults.pick(&[WriteFault::Error, WriteFault::Full]);
        let bound = *self.faults.pick(&[1, 8, 40]);
        let writes = self.faults.below(bound);
        self.world.fail_writes_after(writes, fault);
        self.world.note(&format!("  {fault:?}: writes will fail, after {writes} more"));
    }

    fn count(&mut self, db: &Database<SimEnv>) {
        let stats = db.stats();
        self.counters.checkpoints += stats.checkpoints;
    }

    /// The session is over: everything dies, then comes back.
    fn crash(&mut self, mut session: Session, mut fault: Fault) -> Result<Session, Finding> {
        self.count(session.db());
        self.world.relieve();
        if !self.world.crashed() && (session.is_faulty() || session.is_refused()) {
            self.counters.failures += 1;
            let commits = *session.model().history().candidates().end();
            session.probe(&fault)?;
            if *session.model().history().candidates().end() != commits {
                // The write was accepted, so what failed before it has not happened.
                fault.in_doubt = None;
            }
        }
        self.world.stop();
        let mut history = session.abandon().history().clone();
        let doubted = fault.in_doubt.clone();
        if let Some(state) = fault.in_doubt {
            self.world.note("  a commit is in doubt");
            history.commit(state);
        }
        self.die();
        self.generator.forget_handles();
        let session = self.reopen(&history)?;
        if let Some(state) = doubted {
            let happened = *session.model().history().newest() == state;
            reached!("a commit in doubt has happened", happened);
            reached!("a commit in doubt has not happened", !happened);
        }
        self.recover_again(session)
    }

    /// Ends the process in one way or the other.
    fn die(&mut self) {
        let kill = self.faults.chance(2, 5) || self.without.has(FaultKind::PowerLoss);
        if kill && !self.without.has(FaultKind::Kill) {
            self.world.kill();
        } else {
            self.world.power_loss(Persist::Swarm);
        }
    }

    /// Once an opening has gone through, the database has its name for good.
    fn check_name(&self) -> Result<(), Finding> {
        let there = self.world.files().iter().any(|(path, _)| path == Path::new(PATH));
        if there || self.counters.recoveries == 0 {
            return Ok(());
        }
        Err(Finding::new("durability", "the database was opened, and its file is gone"))
    }

    /// Opens the database after a crash, with more crashes in between if the seed is of that kind, and judges it.
    fn reopen(&mut self, history: &History) -> Result<Session, Finding> {
        let struck = self.swarm.crash_in_recovery && !self.without.has(FaultKind::CrashInRecovery);
        let mut crashes = if struck { self.faults.between(1, 4) } else { 0 };
        let db = loop {
            if crashes > 0 {
                crashes -= 1;
                // The first few calls choose and republish the superblock: there every instant counts.
                let bound = *self.faults.pick(&[6, 16, self.opening_ios]);
                match self.faults.below(12) {
                    0 => self.world.fail_sync_after(self.faults.below(8)),
                    1 => self.arm_writes(),
                    _ => self.world.crash_after(self.faults.below(bound)),
                }
            }
            self.check_name()?;
            let failures = self.failures();
            let before = self.world.counters().ios;
            let opened = self.swarm.geometry.options().open_in(self.world.env(), PATH);
            self.world.disarm();
            match opened {
                Err(_) if self.world.crashed() => {
                    // Before the first opening there was nothing to recover.
                    self.counters.crashes_in_recovery += u64::from(self.counters.recoveries > 0);
                }
                Err(Error::Io { .. } | Error::Poisoned { .. }) if self.failures() > failures => {
                    if self.faults.chance(1, 4) && !self.without.has(FaultKind::Kill) {
                        reached!("a process whose opening failed opened the database once more");
                        // The next opening is the same process's.
                        continue;
                    }
                    self.world.stop();
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
        match self.swarm.geometry.options().open_in(self.world.env(), PATH) {
            Err(Error::Locked { .. }) => {}
            Err(e) => {
                return Err(Finding::new("lock", format!("an open database answers who opens it: {e}")));
            }
            Ok(_) => return Err(Finding::new("lock", "an open database was opened once more")),
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

    fn failures(&self) -> u64 {
        let world = self.world.counters();
        world.syncs_failed + world.writes_failed
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
            (model, Ok(())) if !self.world.crashed() => {
                if self.faults.chance(1, 2) && !self.without.has(FaultKind::PowerLoss) {
                    self.world.power_loss(Persist::Swarm);
                }
                self.open_clean(model.history())
            }
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

/// That an error is the one for damage.
fn detected(e: &Error) -> Result<(), Finding> {
    match e {
        Error::Corruption { .. } => Ok(()),
        other => Err(Finding::new("rot", format!("damage is answered with {other}"))),
    }
}
