//! Streams of up to a tebibyte under crashes, on a machine of their own.
//!
//! 1. What they begin with is forged: leaves full of one byte that nobody wrote. All edits are real, and far apart.
//! 2. After each crash the state is one of the commit order, with all that was acknowledged. Nobody reads all of it: what
//!    differs among the candidates is compared, with what is around it, and samples of what nobody has touched.
//! 3. Everything follows from the act's numbers, so that a log needs no choices for it; or it is told step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use numstore::hooks::install;
use numstore::{Database, Durability, Error, Options, Result, Transaction};

use crate::judge::Finding;
use crate::world::{
    Choices, Concern, Dice, Draws, FORGED_LEAF_BYTES, FaultKind, Persist, SimEnv, Without, World,
    forged_blocks,
};

use super::huge_edits::{Candidate, Huge, HugeEdit, draw};
use super::huge_steps::{HugeStep, Told};
use super::stage::{Done, Stage};

const PATH: &str = "db/huge.ns";
/// The streams, and what their leaves are full of.
const STREAMS: [(&str, u8); 2] = [("zeros", 0), ("ones", 1)];
/// Powers of two of leaves: from 1 GiB to 1 TiB.
const LEAVES_LOG2: std::ops::RangeInclusive<u64> = 14..=24;
/// Streams with more leaves are not walked, not even above these.
const WALKED_LOG2_MAX: u64 = 15;
const OPERATIONS_MAX: u64 = 240;
/// Rounds, each of which ends in a crash.
const ROUNDS: u64 = 3;

/// Commits since the last state that was found.
struct Known {
    states: Vec<Huge>,
    /// The first state that may be found.
    floor: usize,
}

struct Giant {
    world: World,
    without: Without,
    leaves_log2: u64,
    db: Option<Database<SimEnv>>,
    /// A transaction for each stream, what it sees, and whether it has changed anything.
    open: Vec<Option<(Transaction<SimEnv>, Huge, bool)>>,
    known: Known,
    crashes_in_recovery: u64,
    /// What was done.
    told: Vec<Told>,
}

impl Stage {
    /// Streams of so many leaves, on another machine, with about so many operations.
    pub(super) fn huge(&mut self, seed: u64, leaves_log2: u64, operations: u64) -> Result<Done, Finding> {
        self.giant(leaves_log2, move |giant| giant.run(seed, operations.min(OPERATIONS_MAX)), seed)
    }

    /// The same with steps that are told.
    pub(super) fn huge_told(&mut self, leaves_log2: u64, steps: &str) -> Result<Done, Finding> {
        let steps: Result<Vec<Told>, String> = steps.split(';').map(str::parse).collect();
        let Ok(steps) = steps else { return Ok(Done::Skipped) };
        self.giant(leaves_log2, move |giant| giant.follow(&steps), 0)
    }

    fn giant(
        &mut self,
        leaves_log2: u64,
        run: impl FnOnce(&mut Giant) -> Result<String, Finding> + Send + 'static,
        seed: u64,
    ) -> Result<Done, Finding> {
        if std::mem::replace(&mut self.huge_is_done, true) {
            return Ok(Done::Skipped);
        }
        let markers = install(None);
        let (mine, without) = (markers.clone(), self.world.switched_off());
        // A machine has its thread to itself.
        let run = move || {
            install(mine);
            let mut giant = Giant::new(seed, without, leaves_log2);
            let ended = run(&mut giant);
            let sum = giant.end();
            install(None);
            ended.map(|told| format!("  {told}, trace {sum:016x}"))
        };
        let ended = std::thread::spawn(run).join();
        install(markers);
        match ended {
            Ok(told) => self.world.note(&told?),
            Err(_) => return Err(Finding::new("panic", "with streams of a gigabyte and more")),
        }
        Ok(Done::Performed)
    }
}

/// What `huge SEED LEAVES_LOG2 OPERATIONS` does, step by step.
pub(crate) fn huge_steps(seed: u64, leaves_log2: u64, operations: u64, without: Without) -> Vec<String> {
    let run = move || {
        let mut giant = Giant::new(seed, without, leaves_log2);
        // What it finds is found again by who follows the steps.
        let _ = giant.run(seed, operations.min(OPERATIONS_MAX));
        let told = giant.told.iter().map(Told::to_string).collect();
        giant.end();
        told
    };
    std::thread::spawn(run).join().unwrap_or_default()
}

impl Giant {
    fn new(seed: u64, without: Without, leaves_log2: u64) -> Giant {
        let world = World::new(seed);
        world.switch_off(without);
        Giant {
            world,
            without,
            leaves_log2: leaves_log2.clamp(*LEAVES_LOG2.start(), *LEAVES_LOG2.end()),
            db: None,
            open: Vec::new(),
            known: Known { states: vec![Huge::new()], floor: 0 },
            crashes_in_recovery: 0,
            told: Vec::new(),
        }
    }

    fn options(&self) -> Options {
        Options::new()
            .lock_timeout(Duration::ZERO)
            .cache_bytes(1 << 20)
            .dirty_bytes(8 << 20)
            .bulk_bytes(32 << 10)
            .checkpoint_log_bytes(64 << 10)
            .log_segment_bytes(64 << 10)
            .background(false)
    }

    fn open_database(&self) -> Result<Database<SimEnv>> {
        self.options().open_in(self.world.env(), PATH)
    }

    /// Makes the streams, and crashes and recovers with them, as is drawn; says what there was.
    fn run(&mut self, seed: u64, operations: u64) -> Result<String, Finding> {
        let mut dice = Dice::new(seed, Concern::Workload);
        self.begin()?;
        for round in 0..ROUNDS {
            if round > 0 {
                self.recover(&mut dice)?;
            }
            let after = *dice.pick(&[20, 60, 200]);
            self.step(HugeStep::Crash(dice.below(after)))?;
            for _ in 0..operations / ROUNDS / 4 {
                if self.world.crashed() {
                    break;
                }
                self.transactions(&mut dice)?;
            }
            self.die(&mut dice)?;
        }
        self.recover(&mut dice)?;
        let samples = samples(&mut dice);
        self.step(HugeStep::Close(samples))?;
        Ok(self.summary())
    }

    /// Makes the streams, and does what is told.
    fn follow(&mut self, steps: &[Told]) -> Result<String, Finding> {
        self.begin()?;
        for (at, told) in steps.iter().enumerate() {
            self.world.begin_act(at as u64 + 1, Draws::Lenient(&told.choices), false);
            let done = self.perform(&told.step);
            self.world.end_act();
            done?;
        }
        Ok(self.summary())
    }

    fn summary(&self) -> String {
        let bytes: u64 = self.known.states.iter().map(Huge::bytes).max().unwrap_or(0);
        reached!("a recovery of streams of a gigabyte was struck by a crash", self.crashes_in_recovery > 0);
        format!("streams of {bytes} bytes came through crashes")
    }

    /// The hash of all that happened; the machine is off.
    fn end(&mut self) -> u64 {
        self.world.stop();
        self.open.clear();
        self.db = None;
        self.world.reap();
        self.world.trace_hash()
    }

    /// Does a step, and keeps it with what the world chooses in it.
    fn step(&mut self, step: HugeStep) -> Result<(), Finding> {
        self.world.begin_act(self.told.len() as u64 + 1, Draws::Seed, true);
        self.told.push(Told { step: step.clone(), choices: Choices::new() });
        let done = self.perform(&step);
        let (choices, _) = self.world.end_act();
        self.told.last_mut().expect("invariant: it was told").choices = choices;
        done
    }

    fn begin(&mut self) -> Result<(), Finding> {
        let none = Choices::new();
        self.world.begin_act(0, Draws::Lenient(&none), false);
        let fresh = self.open_database().map_err(|e| refused("the opening", &e))?;
        self.make(&fresh).map_err(|e| refused("making a huge stream", &e))?;
        self.db = Some(fresh);
        self.world.end_act();
        Ok(())
    }

    fn make(&mut self, db: &Database<SimEnv>) -> Result<()> {
        let leaves = 1 << self.leaves_log2;
        let mut state = Huge::new();
        for (name, fill) in STREAMS {
            db.create(name)?;
            let forge = |first| self.world.forge(PATH, first, leaves, fill);
            db.append_forged(name, forged_blocks(leaves), forge)?;
            state.append_fill(name, fill, leaves * FORGED_LEAF_BYTES);
        }
        self.known = Known { states: vec![state], floor: 0 };
        Ok(())
    }

    /// Two transactions side by side, each in a stream of its own.
    fn transactions(&mut self, dice: &mut Dice) -> Result<(), Finding> {
        if dice.chance(1, 4) {
            return self.step(HugeStep::Checkpoint);
        }
        self.step(HugeStep::Begin)?;
        for _ in 0..dice.between(1, 6) {
            let stream = dice.index(STREAMS.len());
            let Some(Some((_, view, _))) = self.open.get(stream) else { return Ok(()) };
            let edit = draw(dice, view.len(STREAMS[stream].0));
            self.step(HugeStep::Edit(stream, edit))?;
        }
        for stream in 0..STREAMS.len() {
            let ends = if dice.chance(1, 4) {
                HugeStep::Rollback(stream)
            } else {
                HugeStep::Commit { stream, sync: dice.chance(1, 2) }
            };
            self.step(ends)?;
        }
        Ok(())
    }

    fn die(&mut self, dice: &mut Dice) -> Result<(), Finding> {
        let kill = self.without.has(FaultKind::PowerLoss) || dice.chance(1, 4);
        self.step(HugeStep::Die { kill: kill && !self.without.has(FaultKind::Kill) })
    }

    /// Opens what a crash has left, at times after more crashes, and compares.
    fn recover(&mut self, dice: &mut Dice) -> Result<(), Finding> {
        if dice.chance(1, 2) && !self.without.has(FaultKind::CrashInRecovery) {
            self.step(HugeStep::OpenStruck(dice.below(40)))?;
            if self.world.crashed() {
                self.die(dice)?;
            }
        }
        let samples = samples(dice);
        self.step(HugeStep::Open(samples))
    }

    /// Does a step, if it fits.
    fn perform(&mut self, step: &HugeStep) -> Result<(), Finding> {
        match step {
            HugeStep::Die { kill } => {
                self.world.stop();
                self.open.clear();
                self.db = None;
                if *kill {
                    self.world.kill();
                } else {
                    self.world.power_loss(Persist::Swarm);
                }
                Ok(())
            }
            _ if self.world.crashed() => Ok(()),
            HugeStep::Crash(after) => {
                self.world.crash_after(*after);
                Ok(())
            }
            HugeStep::OpenStruck(_) | HugeStep::Open(_) if self.db.is_some() => Ok(()),
            HugeStep::OpenStruck(after) => self.open_struck(*after),
            HugeStep::Open(samples) => self.open_whole(samples),
            HugeStep::Close(samples) => self.close(samples),
            HugeStep::Checkpoint => {
                let Some(db) = self.db.as_ref() else { return Ok(()) };
                let done = db.checkpoint();
                if done.is_ok() {
                    self.known.floor = self.known.states.len() - 1;
                }
                self.unless_crashed("a checkpoint", done)
            }
            HugeStep::Begin => self.begin_both(),
            HugeStep::Edit(stream, edit) => self.edit(*stream, edit),
            HugeStep::Commit { stream, sync } => self.commit(*stream, *sync),
            HugeStep::Rollback(stream) => match self.open.get_mut(*stream).and_then(Option::take) {
                Some((tx, ..)) => self.unless_crashed("a rollback", tx.rollback()),
                None => Ok(()),
            },
        }
    }

    fn begin_both(&mut self) -> Result<(), Finding> {
        let Some(db) = self.db.as_ref().filter(|_| self.open.iter().all(Option::is_none)) else {
            return Ok(());
        };
        self.open.clear();
        for _ in STREAMS {
            match db.begin() {
                Ok(tx) => self.open.push(Some((tx, self.newest().clone(), false))),
                Err(e) => return self.unless_crashed("a beginning", Err(e)),
            }
        }
        Ok(())
    }

    /// One edit, in the database and in what the transaction sees.
    fn edit(&mut self, stream: usize, edit: &HugeEdit) -> Result<(), Finding> {
        let name = STREAMS[stream].0;
        let Some(Some((tx, view, changed))) = self.open.get_mut(stream) else { return Ok(()) };
        if !edit.fits(view.len(name)) {
            return Ok(());
        }
        let what = format!("{edit:?} of {name:?}");
        let answer = match edit.ask(tx, name) {
            Ok(answer) => answer,
            Err(e) => return self.unless_crashed(&what, Err(e)),
        };
        *changed |= edit.writes(view.len(name));
        if answer == view.apply(name, edit) {
            return Ok(());
        }
        Err(Finding::new("answer", format!("of a huge stream: {what}")))
    }

    /// Commits; a transaction that has changed nothing makes nothing else durable.
    fn commit(&mut self, stream: usize, sync: bool) -> Result<(), Finding> {
        let Some((tx, view, changed)) = self.open.get_mut(stream).and_then(Option::take) else {
            return Ok(());
        };
        let done = tx.commit_with(if sync { Durability::Sync } else { Durability::Deferred });
        if changed {
            // If it failed it is in doubt.
            let mut next = self.newest().clone();
            next.take_from(&view, STREAMS[stream].0);
            self.known.states.push(next);
            if done.is_ok() && sync {
                self.known.floor = self.known.states.len() - 1;
            }
        }
        self.unless_crashed("a commit", done)
    }

    fn newest(&self) -> &Huge {
        self.known.states.last().expect("invariant: there is a first state")
    }

    fn unless_crashed(&self, what: &str, done: Result<()>) -> Result<(), Finding> {
        match done {
            Err(e) if !self.world.crashed() => Err(refused(what, &e)),
            _ => Ok(()),
        }
    }

    fn open_struck(&mut self, after: u64) -> Result<(), Finding> {
        self.world.crash_after(after);
        let opened = self.open_database();
        if self.world.crashed() {
            self.crashes_in_recovery += 1;
            return Ok(());
        }
        self.world.disarm();
        opened.map(drop).map_err(|e| refused("an opening", &e))
    }

    fn open_whole(&mut self, samples: &[u64]) -> Result<(), Finding> {
        let db = self.open_database().map_err(|e| refused("a recovery", &e))?;
        self.compare(&db, samples)?;
        if self.leaves_log2 <= WALKED_LOG2_MAX {
            let audit = db.verify_above_leaves().map_err(|e| refused("the audit", &e))?;
            if !audit.is_clean() {
                return Err(Finding::new("audit", audit.problems.join("; ")));
            }
        }
        self.db = Some(db);
        Ok(())
    }

    fn close(&mut self, samples: &[u64]) -> Result<(), Finding> {
        self.open.clear();
        let Some(db) = self.db.take() else { return Ok(()) };
        let closed = db.close();
        if closed.is_err() {
            return self.unless_crashed("closing", closed);
        }
        let newest = self.newest().clone();
        self.known = Known { states: vec![newest], floor: 0 };
        match self.open_database() {
            Err(e) => self.unless_crashed("opening once more", Err(e)),
            Ok(again) => {
                let done = self.compare(&again, samples);
                self.db = Some(again);
                if self.world.crashed() { Ok(()) } else { done }
            }
        }
    }

    /// The state is one of those that may be there; from now on it is the only one.
    fn compare(&mut self, db: &Database<SimEnv>, samples: &[u64]) -> Result<(), Finding> {
        let candidates = &self.known.states[self.known.floor..];
        let mut found = Candidate::new(db, candidates, samples);
        let mut objections = BTreeMap::new();
        for (at, state) in candidates.iter().enumerate() {
            match found.differs_from(state).map_err(|e| refused("reading", &e))? {
                None => {
                    reached!(
                        "streams of a gigabyte came back without the newest commits",
                        at + 1 < candidates.len()
                    );
                    self.known = Known { states: vec![state.clone()], floor: 0 };
                    return Ok(());
                }
                Some(what) => drop(objections.insert(at, what)),
            }
        }
        let newest = objections.into_values().last().unwrap_or_default();
        let what =
            format!("a huge stream is as after none of the commits: of {}, {newest}", candidates.len());
        Err(Finding::new("atomicity", what))
    }
}

/// Places that are looked at besides.
fn samples(dice: &mut Dice) -> Vec<u64> {
    (0..6).map(|_| dice.bits() >> 16).collect()
}

fn refused(what: &str, e: &Error) -> Finding {
    Finding::new("answer", format!("a huge stream was refused: {what}: {e}"))
}

#[cfg(test)]
mod tests;
