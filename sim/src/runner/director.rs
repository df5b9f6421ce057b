//! Decides what comes next in a seed's run: rounds of work, each ended by a crash, each crash followed by recoveries.
//!
//! 1. A seed has at least [`OPERATIONS_MIN`] operations and [`CRASHES_MIN`] rounds.
//! 2. After every recovery it crashes again or is closed, and must come back in the same state.
//! 3. At the end the database is closed, and its file rots.

use std::collections::VecDeque;

use crate::model::Model;
use crate::script::{Act, Death, FaultOrder, Rot};
use crate::workload::{Generator, Operation, Swarm};
use crate::world::{
    BadPart, ClockFault, Concern, Dice, FaultKind, Odds, Persist, Source, Without, WriteFault,
};

use super::stage::{BLOCK_BYTES, Seen, Stage};

/// Fewest operations of a seed.
const OPERATIONS_MIN: u64 = 200;
/// Fewest rounds, each of which ends in a crash.
const CRASHES_MIN: u64 = 2;

/// What the run is busy with while the database is open.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// Work: operations to go, and how many of them before a fault is ordered.
    Round { left: u64, fault_in: Option<u64> },
    /// The first recovery after a crash: it must come back once more.
    Crashed,
    /// Between two rounds.
    Settled,
    /// Closing for good.
    Closing,
    /// What is closed rots, and is looked at once more.
    Rotting,
}

/// The source of a seed's acts.
pub struct Director {
    pub(super) dice: Dice,
    /// Acts so far; each has a turn of the dice.
    turn: u64,
    pub(super) generator: Generator,
    pub(super) swarm: Swarm,
    /// How often faults strike that are not aimed.
    odds: Odds,
    pub(super) without: Without,
    /// What is decided already.
    pub(super) queue: VecDeque<Act>,
    pub(super) part: Part,
    rounds: u64,
    pub(super) operations: u64,
    /// Whether the database was open when this last looked.
    up: bool,
    /// Crashes that are still to strike before the database is open again.
    crashes: u64,
    /// Whether the disk has done its worst.
    betrayed: bool,
    /// Whether it has worked on after that.
    aftermath: bool,
    /// Streams of a gigabyte and more come last, if they come.
    huge: Option<Act>,
}

impl Director {
    /// The acts of a seed, where some kinds of faults do not occur.
    pub fn new(seed: u64, without: Without) -> Director {
        let mut dice = Dice::new(seed, Concern::Workload);
        let swarm = Swarm::draw(&mut dice);
        let mut crashes = Dice::new(seed, Concern::Crashes);
        Director {
            huge: swarm.huge.map(|leaves_log2| Act::Huge { seed, leaves_log2, operations: 60 }),
            turn: 0,
            generator: Generator::new(dice, swarm.clone()),
            odds: Odds::draw(seed),
            without,
            queue: Director::settings(&swarm, &mut crashes),
            dice: crashes,
            swarm,
            part: Part::Settled,
            rounds: 0,
            operations: 0,
            up: true,
            crashes: 0,
            betrayed: false,
            aftermath: false,
        }
    }

    /// What a machine is like, before anything happens on it.
    fn settings(swarm: &Swarm, dice: &mut Dice) -> VecDeque<Act> {
        let unit = (swarm.atomic_unit > 512).then_some(FaultOrder::AtomicUnit { bytes: swarm.atomic_unit });
        let slow = (swarm.slow_ios > 0).then_some(FaultOrder::SlowIo { per_mille: swarm.slow_ios });
        let names = (swarm.name_failures > 0).then(|| FaultOrder::FailName { after: dice.below(4) });
        unit.into_iter().chain(slow).chain(names).map(Act::Arm).collect()
    }

    /// The character of the seed.
    pub fn swarm(&self) -> &Swarm {
        &self.swarm
    }

    /// How often those faults strike that nothing orders.
    pub fn odds(&self) -> Odds {
        self.odds
    }

    /// The next act, or nothing at the end.
    pub fn next(&mut self, stage: &Stage) -> Option<Act> {
        self.turn += 1;
        self.dice.begin_turn(self.turn, Source::Seed, false);
        if let Some(act) = self.queue.pop_front() {
            return Some(act);
        }
        match stage.seen() {
            Seen::Dead => {
                self.go_down(false);
                Some(self.die())
            }
            Seen::Down { clean, failed, rotten } => {
                self.go_down(clean);
                Some(self.bring_up(stage, clean, failed, rotten))
            }
            Seen::Up(model) => self.work(model).or_else(|| self.huge.take()),
            Seen::Ruined => self.huge.take(),
        }
    }

    /// The database is not open any more.
    fn go_down(&mut self, clean: bool) {
        if !self.up {
            return;
        }
        self.up = false;
        self.generator.forget_handles();
        let strikes = !clean && self.swarm.crash_in_recovery && !self.without.has(FaultKind::CrashInRecovery);
        self.crashes = if strikes { self.dice.between(1, 4) } else { 0 };
        if let (false, Part::Round { .. }) = (clean, self.part) {
            self.part = Part::Crashed;
        }
    }

    fn bring_up(&mut self, stage: &Stage, clean: bool, failed: bool, rotten: bool) -> Act {
        if rotten {
            return Act::Mend;
        }
        if failed && self.dice.chance(1, 3) {
            return Act::Disarm;
        }
        if failed && (self.dice.chance(3, 4) || self.without.has(FaultKind::Kill)) {
            return self.die();
        }
        if clean {
            self.queue.push_back(Act::Open);
            if let Part::Closing = self.part {
                self.part = Part::Rotting;
                let rots = self.dice.weighted(self.odds.of(FaultKind::Rot).saturating_mul(2));
                if !rots || self.without.has(FaultKind::Rot) {
                    return Act::Disarm;
                }
                return self.ruin(stage);
            }
            if self.odds.of(FaultKind::Kill) < 100
                && self.dice.chance(1, 2)
                && !self.without.has(FaultKind::PowerLoss)
            {
                return Act::Die(Death::PowerLoss(Persist::Swarm));
            }
            return Act::Disarm;
        }
        if self.crashes == 0 {
            return Act::Open;
        }
        self.crashes -= 1;
        self.queue.push_back(Act::Open);
        // The first few calls choose and republish the superblock: there every instant counts.
        let bound = *self.dice.pick(&[6, 16, stage.opening_ios()]);
        Act::Arm(match self.dice.below(12) {
            0 => FaultOrder::FailSync { after: self.dice.below(8) },
            1 => self.fail_writes(),
            2 if self.dice.chance(self.swarm.name_failures, 50) => {
                FaultOrder::FailName { after: self.dice.below(8) }
            }
            3 if self.dice.chance(self.swarm.bad_ranges, 50) => self.go_bad(),
            _ => FaultOrder::Crash { after: self.dice.below(bound) },
        })
    }

    fn work(&mut self, model: &Model) -> Option<Act> {
        self.up = true;
        if let Part::Crashed = self.part {
            self.part = Part::Settled;
            return Some(if self.dice.chance(1, 3) { Act::Do(Operation::Close) } else { self.die() });
        }
        if let Part::Settled = self.part
            && let Some(act) = self.go_on(model)
        {
            return Some(act);
        }
        match &mut self.part {
            Part::Round { fault_in: fault_in @ Some(0), .. } => {
                *fault_in = None;
                if self.dice.chance(self.swarm.aimed, 100) {
                    return Some(self.plot(model));
                }
                Some(Act::Arm(self.fault()))
            }
            Part::Round { left: 0, .. } => Some(self.end_round()),
            Part::Round { left, fault_in } => {
                *left -= 1;
                *fault_in = fault_in.map(|operations| operations - 1);
                self.operations += 1;
                Some(Act::Do(self.generator.next(model)))
            }
            // A file of superblocks alone has nothing that rots: it opens.
            Part::Rotting => None,
            _ => Some(self.close_for_good()),
        }
    }

    /// What comes after a round, and what begins it if that is an act of its own.
    fn go_on(&mut self, model: &Model) -> Option<Act> {
        let operations_min = OPERATIONS_MIN + self.swarm.extra_operations();
        let enough = self.rounds >= CRASHES_MIN && self.operations >= operations_min;
        if enough && !self.betrayed {
            self.betrayed = true;
            if let Some(act) = self.betrayal(model) {
                return Some(act);
            }
        }
        if enough && self.swarm.betrayal == 1 && !self.aftermath {
            // What the disk has kept of what it should not have may come to light now.
            self.aftermath = true;
            self.part = Part::Round { left: self.dice.between(5, 60), fault_in: None };
            return None;
        }
        if enough {
            self.part = Part::Closing;
            return None;
        }
        let likely = if self.swarm.name_failures > 0 { 4 } else { 1 };
        if self.rounds == 0 && self.dice.chance(likely, 8) {
            // Nothing but the database's making can be lost.
            self.part = Part::Crashed;
            return Some(self.die());
        }
        self.rounds += 1;
        let left = self.dice.between(50, 130);
        self.part = Part::Round { left, fault_in: Some(self.dice.below(left)) };
        if self.dice.chance(self.swarm.clients, 100) {
            return Some(self.clients(model));
        }
        let disturbed = self.dice.chance(self.swarm.clock_faults, 100);
        disturbed.then(|| Act::Arm(self.disturb_clock()))
    }

    /// No fault has struck: the process ends in between two operations.
    fn end_round(&mut self) -> Act {
        let rots = ![FaultKind::Rot, FaultKind::Kill].iter().any(|kind| self.without.has(*kind));
        if self.dice.weighted(self.odds.of(FaultKind::Rot) / 2) && rots {
            let rot = Rot::Log {
                back: self.dice.below(6),
                at: self.dice.below(1 << 16),
                bit: self.dice.below(8) as u8,
            };
            self.queue.extend([Act::Die(Death::Kill), Act::Rot(rot), Act::Open]);
        } else if self.dice.chance(1, 6) {
            self.part = Part::Crashed;
            return Act::Quiesce;
        } else {
            let death = self.die();
            self.queue.push_back(death);
        }
        self.part = Part::Crashed;
        Act::Disarm
    }

    fn close_for_good(&mut self) -> Act {
        let churns = self.dice.chance(1, 8);
        if churns {
            self.queue.push_back(Act::Do(Operation::Close));
        }
        if self.dice.weighted(self.odds.of(FaultKind::Rot)) && !self.without.has(FaultKind::Rot) {
            let slot = self.rot_slot();
            self.queue.push_back(slot);
        }
        self.queue.extend([Act::Open, Act::Do(Operation::Close)]);
        if churns { Act::Churn } else { Act::Do(Operation::Close) }
    }

    /// Bits of the data file turn over, wherever that is.
    fn ruin(&mut self, stage: &Stage) -> Act {
        let blocks = stage.data_bytes() / BLOCK_BYTES;
        let mut rot = || {
            // Most nodes are short.
            let most = *self.dice.pick(&[16, 256, 512]);
            let within = self.dice.below(most);
            let at = self.dice.between(2, blocks.max(3) - 1) * BLOCK_BYTES + within;
            Act::Rot(Rot::Node { at, bit: self.dice.below(8) as u8 })
        };
        for _ in 0..3 {
            self.queue.push_front(rot());
        }
        rot()
    }

    /// Ends the process in one way or the other.
    pub(super) fn die(&mut self) -> Act {
        let kill =
            self.dice.weighted(self.odds.of(FaultKind::Kill)) || self.without.has(FaultKind::PowerLoss);
        let kill = kill && !self.without.has(FaultKind::Kill);
        let tears = self.odds.of(FaultKind::Tears) > 0 && self.dice.chance(1, 10);
        let persist = if tears { Persist::Torn } else { Persist::Swarm };
        Act::Die(if kill { Death::Kill } else { Death::PowerLoss(persist) })
    }

    /// The fault that ends a round.
    pub(super) fn fault(&mut self) -> FaultOrder {
        if self.dice.chance(self.swarm.sync_failures, 100) {
            return FaultOrder::FailSync { after: self.dice.below(8) };
        }
        if self.dice.chance(self.swarm.write_failures, 100) {
            return self.fail_writes();
        }
        if self.dice.chance(self.swarm.bad_ranges, 100) {
            return self.go_bad();
        }
        if self.dice.chance(self.swarm.name_failures, 100) {
            return FaultOrder::FailName { after: self.dice.below(8) };
        }
        if self.dice.chance(1, 8) {
            return FaultOrder::CrashBehindSuperblock { after: self.dice.below(4) };
        }
        if self.swarm.geometry.has_background() && self.dice.weighted(self.odds.of(FaultKind::Panics)) {
            return FaultOrder::FailWrites { after: self.dice.below(4), fault: WriteFault::Panic };
        }
        if self.dice.chance(1, 10) {
            return FaultOrder::FailWrites { after: self.dice.below(12), fault: WriteFault::PanicInCall };
        }
        let bound = *self.dice.pick(&[1, 10, 50, 200]);
        FaultOrder::Crash { after: self.dice.below(bound) }
    }

    /// A part of a file goes bad: one block, or many.
    fn go_bad(&mut self) -> FaultOrder {
        let all = [
            BadPart::DataReads,
            BadPart::DataReads,
            BadPart::DataWrites,
            BadPart::LogReads,
            BadPart::LogWrites,
        ];
        let blocks = *self.dice.pick(&[1, 8, 64]);
        FaultOrder::GoBad { part: *self.dice.pick(&all), first: self.dice.below(80), blocks }
    }

    fn disturb_clock(&mut self) -> FaultOrder {
        let all = [ClockFault::Forwards, ClockFault::Backwards, ClockFault::Stall];
        let most = *self.dice.pick(&[10, 86_400, 400_000_000]);
        FaultOrder::DisturbClock { fault: *self.dice.pick(&all), seconds: self.dice.between(1, most) }
    }

    fn fail_writes(&mut self) -> FaultOrder {
        let fault = *self.dice.pick(&[WriteFault::Error, WriteFault::Full]);
        let bound = *self.dice.pick(&[1, 8, 40]);
        if fault == WriteFault::Full && self.dice.chance(self.swarm.staying_full, 100) {
            return FaultOrder::StayFull {
                after: self.dice.below(bound),
                refusals: self.dice.between(1, 12),
            };
        }
        FaultOrder::FailWrites { after: self.dice.below(bound), fault }
    }
}
