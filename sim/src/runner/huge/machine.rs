//! A machine with huge streams on its disk: every step that can be taken there.

use std::time::Duration;

use numstore::{Database, Durability, Options, Result, Transaction};

use crate::judge::{Finding, check_huge_answer, check_huge_call, check_huge_state, check_problems};
use crate::world::{Choices, Draws, FORGED_LEAF_BYTES, Persist, SimEnv, Without, World, forged_blocks};

use super::STREAMS;
use super::edits::HugeEdit;
use super::looks::{look, places};
use super::state::HugeState;
use super::steps::{HugeStep, RecordedStep};

const PATH: &str = "db/huge.ns";
/// Powers of two of leaves: from 1 GiB to 1 TiB.
pub(super) const LEAVES_LOG2: std::ops::RangeInclusive<u64> = 14..=24;
/// Streams with more leaves are not walked, not even above these.
const WALKED_LOG2_MAX: u64 = 15;

/// Commits since the last state that was found.
pub(super) struct Known {
    pub(super) states: Vec<HugeState>,
    /// The first state that may be found.
    pub(super) floor: usize,
}

/// The machine, and what is known of its database.
pub(super) struct HugeMachine {
    pub(super) world: World,
    pub(super) without: Without,
    leaves_log2: u64,
    db: Option<Database<SimEnv>>,
    /// A transaction for each stream, what it sees, and whether it has changed anything.
    pub(super) open: Vec<Option<(Transaction<SimEnv>, HugeState, bool)>>,
    pub(super) known: Known,
    crashes_in_recovery: u64,
    /// What was done.
    pub(super) recorded: Vec<RecordedStep>,
}

impl HugeMachine {
    pub(super) fn new(seed: u64, without: Without, leaves_log2: u64) -> HugeMachine {
        let world = World::new(seed);
        world.switch_off(without);
        HugeMachine {
            world,
            without,
            leaves_log2: leaves_log2.clamp(*LEAVES_LOG2.start(), *LEAVES_LOG2.end()),
            db: None,
            open: Vec::new(),
            known: Known { states: vec![HugeState::new()], floor: 0 },
            crashes_in_recovery: 0,
            recorded: Vec::new(),
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

    pub(super) fn open_database(&self) -> Result<Database<SimEnv>> {
        self.options().open_in(self.world.env(), PATH)
    }

    /// Makes the streams, and does what is told.
    pub(super) fn follow(&mut self, steps: &[RecordedStep]) -> Result<String, Finding> {
        self.begin()?;
        for (at, recorded) in steps.iter().enumerate() {
            self.world.begin_act(at as u64 + 1, Draws::Lenient(&recorded.choices), false);
            let done = self.perform(&recorded.step);
            self.world.end_act();
            done?;
        }
        Ok(self.summary())
    }

    pub(super) fn summary(&self) -> String {
        let bytes: u64 = self.known.states.iter().map(HugeState::bytes).max().unwrap_or(0);
        reached!("a recovery of streams of a gigabyte was struck by a crash", self.crashes_in_recovery > 0);
        format!("streams of {bytes} bytes came through crashes")
    }

    /// The hash of all that happened; the machine is off.
    pub(super) fn end(&mut self) -> u64 {
        self.world.stop();
        self.open.clear();
        self.db = None;
        self.world.reap();
        self.world.trace_hash()
    }

    /// Does a step, and keeps it with what the world chooses in it.
    pub(super) fn step(&mut self, step: HugeStep) -> Result<(), Finding> {
        self.world.begin_act(self.recorded.len() as u64 + 1, Draws::Seed, true);
        self.recorded.push(RecordedStep { step: step.clone(), choices: Choices::new() });
        let done = self.perform(&step);
        let (choices, _) = self.world.end_act();
        self.recorded.last_mut().expect("invariant: it was recorded").choices = choices;
        done
    }

    pub(super) fn begin(&mut self) -> Result<(), Finding> {
        let none = Choices::new();
        self.world.begin_act(0, Draws::Lenient(&none), false);
        self.db = check_huge_call("the opening", self.open_database(), false)?;
        let db = self.db.take().expect("invariant: it is open, or was refused");
        check_huge_call("making a huge stream", self.make(&db), false)?;
        self.db = Some(db);
        self.world.end_act();
        Ok(())
    }

    pub(super) fn make(&mut self, db: &Database<SimEnv>) -> Result<()> {
        let leaves = 1 << self.leaves_log2;
        let mut state = HugeState::new();
        for (name, fill) in STREAMS {
            db.create(name)?;
            let forge = |first| self.world.forge(PATH, first, leaves, fill);
            db.append_forged(name, forged_blocks(leaves), forge)?;
            state.append_fill(name, fill, leaves * FORGED_LEAF_BYTES);
        }
        self.known = Known { states: vec![state], floor: 0 };
        Ok(())
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
                self.judge("a checkpoint", done).map(drop)
            }
            HugeStep::Begin => self.begin_both(),
            HugeStep::Edit(stream, edit) => self.edit(*stream, edit),
            HugeStep::Commit { stream, sync } => self.commit(*stream, *sync),
            HugeStep::Rollback(stream) => match self.open.get_mut(*stream).and_then(Option::take) {
                Some((tx, ..)) => self.judge("a rollback", tx.rollback()).map(drop),
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
            let Some(tx) = self.judge("a beginning", db.begin())? else { return Ok(()) };
            self.open.push(Some((tx, self.newest().clone(), false)));
        }
        Ok(())
    }

    /// One edit, in the database and in what the transaction sees.
    fn edit(&mut self, stream: usize, edit: &HugeEdit) -> Result<(), Finding> {
        let (name, world) = (STREAMS[stream].0, &self.world);
        let Some(Some((tx, view, changed))) = self.open.get_mut(stream) else { return Ok(()) };
        if !edit.fits(view.len(name)) {
            return Ok(());
        }
        let what = format!("{edit:?} of {name:?}");
        let asked = edit.ask(tx, name);
        let Some(answer) = check_huge_call(&what, asked, world.crashed())? else { return Ok(()) };
        *changed |= edit.writes(view.len(name));
        check_huge_answer(&what, &answer, &view.apply(name, edit))
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
        self.judge("a commit", done).map(drop)
    }

    fn newest(&self) -> &HugeState {
        self.known.states.last().expect("invariant: there is a first state")
    }

    /// What a call came to; nothing if a crash has struck it.
    fn judge<T>(&self, what: &str, got: Result<T>) -> Result<Option<T>, Finding> {
        check_huge_call(what, got, self.world.crashed())
    }

    fn open_struck(&mut self, after: u64) -> Result<(), Finding> {
        self.world.crash_after(after);
        let opened = self.open_database();
        if self.world.crashed() {
            self.crashes_in_recovery += 1;
            return Ok(());
        }
        self.world.disarm();
        self.judge("an opening", opened).map(drop)
    }

    fn open_whole(&mut self, samples: &[u64]) -> Result<(), Finding> {
        let Some(db) = self.judge("a recovery", self.open_database())? else { return Ok(()) };
        self.compare(&db, samples)?;
        if self.leaves_log2 <= WALKED_LOG2_MAX
            && let Some(audit) = self.judge("the audit", db.verify_above_leaves())?
        {
            check_problems(&audit.problems)?;
        }
        self.db = Some(db);
        Ok(())
    }

    fn close(&mut self, samples: &[u64]) -> Result<(), Finding> {
        self.open.clear();
        let Some(db) = self.db.take() else { return Ok(()) };
        if self.judge("closing", db.close())?.is_none() {
            return Ok(());
        }
        let newest = self.newest().clone();
        self.known = Known { states: vec![newest], floor: 0 };
        let Some(again) = self.judge("opening once more", self.open_database())? else { return Ok(()) };
        let done = self.compare(&again, samples);
        self.db = Some(again);
        done
    }

    /// The state is one of those that may be there; from now on it is the only one.
    pub(super) fn compare(&mut self, db: &Database<SimEnv>, samples: &[u64]) -> Result<(), Finding> {
        let candidates: Vec<_> =
            self.known.states[self.known.floor..].iter().map(HugeState::streams).collect();
        let places = places(candidates.iter().copied(), samples);
        let Some(found) = self.judge("reading", look(db, &places))? else { return Ok(()) };
        let at = check_huge_state(&found, &candidates)?;
        reached!("streams of a gigabyte came back without the newest commits", at + 1 < candidates.len());
        let state = self.known.states.swap_remove(self.known.floor + at);
        self.known = Known { states: vec![state], floor: 0 };
        Ok(())
    }
}
