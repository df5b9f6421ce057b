//! Streams of up to a tebibyte under crashes, on a machine of their own.
//!
//! 1. What they begin with is forged: leaves full of one byte that nobody wrote. All edits are real, and far apart.
//! 2. After each crash the state is one of the commit order, with all that was acknowledged. Nobody reads all of it: what
//!    differs among the candidates is compared, with what is around it, and samples of what nobody has touched.
//! 3. Everything follows from the act's numbers, so that a log needs no choices for it.

use std::collections::BTreeMap;
use std::time::Duration;

use numstore::hooks::install;
use numstore::{Database, Durability, Error, Options, Result, Transaction};

use crate::judge::Finding;
use crate::world::{
    Concern, Dice, FORGED_LEAF_BYTES, FaultKind, Persist, SimEnv, Without, World, forged_blocks,
};

#[cfg(test)]
use super::huge_edits::HugeEdit;
use super::huge_edits::{Candidate, Huge, draw};
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
    dice: Dice,
    leaves_log2: u64,
    known: Known,
    crashes_in_recovery: u64,
}

impl Stage {
    /// Streams of so many leaves, on another machine, with about so many operations.
    pub(super) fn huge(&mut self, seed: u64, leaves_log2: u64, operations: u64) -> Result<Done, Finding> {
        if std::mem::replace(&mut self.huge_is_done, true) {
            return Ok(Done::Skipped);
        }
        let markers = install(None);
        let (mine, without) = (markers.clone(), self.world.switched_off());
        let leaves_log2 = leaves_log2.clamp(*LEAVES_LOG2.start(), *LEAVES_LOG2.end());
        // A machine has its thread to itself.
        let run = move || {
            install(mine);
            let mut giant = Giant::new(seed, without, leaves_log2);
            let ended = giant.run(operations.min(OPERATIONS_MAX));
            giant.world.stop();
            giant.world.reap();
            let sum = giant.world.trace_hash();
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

impl Giant {
    fn new(seed: u64, without: Without, leaves_log2: u64) -> Giant {
        let world = World::new(seed);
        world.switch_off(without);
        Giant {
            dice: Dice::new(seed, Concern::Workload),
            world,
            without,
            leaves_log2,
            known: Known { states: vec![Huge::new()], floor: 0 },
            crashes_in_recovery: 0,
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

    fn open(&self) -> Result<Database<SimEnv>> {
        self.options().open_in(self.world.env(), PATH)
    }

    /// Makes the streams, and crashes and recovers with them; says what there was.
    fn run(&mut self, operations: u64) -> Result<String, Finding> {
        let fresh = self.open().map_err(|e| refused("the opening", &e))?;
        self.make(&fresh).map_err(|e| refused("making a huge stream", &e))?;
        let mut db = Some(fresh);
        for _ in 0..ROUNDS {
            let open = match db.take() {
                Some(open) => open,
                None => self.recover()?,
            };
            let after = *self.dice.pick(&[20, 60, 200]);
            self.world.crash_after(self.dice.below(after));
            for _ in 0..operations / ROUNDS / 4 {
                if self.world.crashed() {
                    break;
                }
                self.transactions(&open)?;
            }
            self.world.stop();
            drop(open);
            self.die();
        }
        let open = self.recover()?;
        open.close().map_err(|e| refused("closing", &e))?;
        let again = self.open().map_err(|e| refused("opening once more", &e))?;
        self.compare(&again)?;
        let bytes: u64 = self.known.states.iter().map(Huge::bytes).max().unwrap_or(0);
        reached!("a recovery of streams of a gigabyte was struck by a crash", self.crashes_in_recovery > 0);
        Ok(format!("streams of {bytes} bytes came through {ROUNDS} crashes"))
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
    fn transactions(&mut self, db: &Database<SimEnv>) -> Result<(), Finding> {
        if self.dice.chance(1, 4) {
            let done = db.checkpoint();
            if done.is_ok() {
                self.known.floor = self.known.states.len() - 1;
            }
            return self.unless_crashed("a checkpoint", done);
        }
        let mut open = Vec::new();
        for (name, _) in STREAMS {
            match db.begin() {
                Ok(tx) => open.push((name, tx, self.newest().clone(), false)),
                Err(e) => return self.unless_crashed("a beginning", Err(e)),
            }
        }
        for _ in 0..self.dice.between(1, 6) {
            let (name, tx, view, changed) = &mut open[self.dice.index(STREAMS.len())];
            let done = edit(tx, name, view, &mut self.dice);
            match done {
                Ok(writes) => *changed |= writes,
                Err(Stopped::Finding(finding)) => return Err(finding),
                Err(Stopped::Refused(what, e)) => return self.unless_crashed(&what, Err(e)),
            }
        }
        for (name, tx, view, changed) in open {
            if self.dice.chance(1, 4) {
                self.unless_crashed("a rollback", tx.rollback())?;
            } else {
                self.commit(name, tx, changed.then_some(&view))?;
            }
        }
        Ok(())
    }

    /// Commits; without a view nothing was changed, and nothing else is made durable by that.
    fn commit(&mut self, name: &str, tx: Transaction<SimEnv>, view: Option<&Huge>) -> Result<(), Finding> {
        let sync = self.dice.chance(1, 2);
        let done = tx.commit_with(if sync { Durability::Sync } else { Durability::Deferred });
        if let Some(view) = view {
            // If it failed it is in doubt.
            let mut next = self.newest().clone();
            next.take_from(view, name);
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

    fn die(&mut self) {
        let kill = self.without.has(FaultKind::PowerLoss) || self.dice.chance(1, 4);
        if kill && !self.without.has(FaultKind::Kill) {
            self.world.kill();
        } else {
            self.world.power_loss(Persist::Swarm);
        }
    }

    /// Opens what a crash has left, at times after more crashes, and compares.
    fn recover(&mut self) -> Result<Database<SimEnv>, Finding> {
        if self.dice.chance(1, 2) && !self.without.has(FaultKind::CrashInRecovery) {
            self.world.crash_after(self.dice.below(40));
            let opened = self.open();
            if self.world.crashed() {
                self.crashes_in_recovery += 1;
                drop(opened);
                self.die();
            } else {
                self.world.disarm();
                drop(opened.map_err(|e| refused("an opening", &e))?);
            }
        }
        let db = self.open().map_err(|e| refused("a recovery", &e))?;
        self.compare(&db)?;
        if self.leaves_log2 <= WALKED_LOG2_MAX {
            let audit = db.verify_above_leaves().map_err(|e| refused("the audit", &e))?;
            if !audit.is_clean() {
                return Err(Finding::new("audit", audit.problems.join("; ")));
            }
        }
        Ok(db)
    }

    /// The state is one of those that may be there; from now on it is the only one.
    fn compare(&mut self, db: &Database<SimEnv>) -> Result<(), Finding> {
        let samples: Vec<u64> = (0..6).map(|_| self.dice.bits()).collect();
        let candidates = &self.known.states[self.known.floor..];
        let mut found = Candidate::new(db, candidates, &samples);
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

/// Why an edit did not go through.
pub(super) enum Stopped {
    Refused(String, Error),
    Finding(Finding),
}

/// One edit, in the database and in what the transaction sees. Whether it changes anything.
fn edit(tx: &Transaction<SimEnv>, name: &str, view: &mut Huge, dice: &mut Dice) -> Result<bool, Stopped> {
    let edit = draw(dice, view.len(name));
    let what = format!("{edit:?} of {name:?}");
    let answer = edit.ask(tx, name).map_err(|e| Stopped::Refused(what.clone(), e))?;
    let writes = edit.writes(view.len(name));
    let expected = view.apply(name, &edit);
    if answer == expected {
        return Ok(writes);
    }
    Err(Stopped::Finding(Finding::new("answer", format!("of a huge stream: {what}"))))
}

fn refused(what: &str, e: &Error) -> Finding {
    Finding::new("answer", format!("a huge stream was refused: {what}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which streams of a gigabyte were made, and its database.
    fn made() -> (Giant, Database<SimEnv>) {
        let mut giant = Giant::new(1, Without::default(), *LEAVES_LOG2.start());
        let db = giant.open().unwrap();
        giant.make(&db).unwrap();
        (giant, db)
    }

    #[test]
    fn what_is_not_as_it_should_be_is_seen() {
        let (mut giant, db) = made();
        giant.compare(&db).unwrap();
        db.write("zeros", 700 << 20, b"something").unwrap();
        let mut edited = giant.known.states[0].clone();
        let splice = |at, delete, len| HugeEdit::Splice { at, delete, word: 1, len };
        edited.apply("ones", &splice(900 << 20, 5, 5));
        for (what, edit) in [("a byte too many", splice(3, 0, 1)), ("another byte", splice(700 << 20, 1, 1))]
        {
            let mut state = giant.known.states[0].clone();
            state.apply("zeros", &edit);
            giant.known = Known { states: vec![state], floor: 0 };
            assert!(giant.compare(&db).is_err(), "{what}");
            giant.known = Known { states: vec![edited.clone()], floor: 0 };
            assert!(giant.compare(&db).is_err(), "what was not written");
            giant.known = made().0.known;
        }
    }

    #[test]
    fn forged_leaves_are_what_a_full_audit_reads() {
        let (giant, db) = made();
        db.drop_stream("ones").unwrap();
        db.truncate("zeros", 64 << 20).unwrap();
        db.checkpoint().unwrap();
        assert!(db.verify().unwrap().is_clean());
        assert_eq!(db.read("zeros", (64 << 20) - 3..).unwrap(), [0; 3]);
        assert!(!giant.world.crashed());
    }
}
