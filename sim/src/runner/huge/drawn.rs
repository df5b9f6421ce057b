//! Which steps a seed leads to: rounds of transactions, each of which ends in a crash.

use crate::judge::Finding;
use crate::world::{Concern, Dice, FaultKind};

use super::STREAMS;
use super::edits::draw;
use super::machine::HugeMachine;
use super::steps::HugeStep;

const OPERATIONS_MAX: u64 = 240;
/// Rounds, each of which ends in a crash.
const ROUNDS: u64 = 3;

impl HugeMachine {
    /// Makes the streams, and crashes and recovers with them, as is drawn; says what there was.
    pub(super) fn run(&mut self, seed: u64, operations: u64) -> Result<String, Finding> {
        let operations = operations.min(OPERATIONS_MAX);
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
}

/// Places that are looked at besides.
fn samples(dice: &mut Dice) -> Vec<u64> {
    (0..6).map(|_| dice.bits() >> 16).collect()
}
