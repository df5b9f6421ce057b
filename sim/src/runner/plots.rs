//! Faults that are aimed: what they are to strike is made to happen there and then, since by chance it is rare.
//!
//! A plot is a few acts that are decided at once. Each of them may fail or not fit: what comes next is decided by what
//! is there then.

use crate::model::Model;
use crate::script::{Act, Death, FaultOrder, Rot};
use crate::workload::Operation;
use crate::world::{BadPart, FaultKind, Persist, WriteFault};

use super::director::{Director, Part};
use super::stage::BLOCK_BYTES;

impl Director {
    /// A fault and what it strikes, drawn from all that are worth it.
    pub(super) fn plot(&mut self, model: &Model) -> Act {
        // Most often what needs the most to come together.
        match self.dice.below(10) {
            5.. => self.endanger_both_slots(),
            0 => {
                self.queue.push_back(Act::Do(Operation::Checkpoint));
                Act::Arm(FaultOrder::FailSync { after: self.dice.below(5) })
            }
            1 => {
                let order = FaultOrder::FailWrites { after: self.dice.below(24), fault: WriteFault::Full };
                self.strike_first_write(order, model)
            }
            2 => {
                let order = FaultOrder::FailName { after: self.dice.below(6) };
                self.strike_first_write(order, model)
            }
            3 => {
                // What the look leaves in the cache is read all the same; what else is needed is not.
                let bad = FaultOrder::GoBad { part: BadPart::DataReads, first: 0, blocks: 1 << 12 };
                let [look, change] = self.generator.change_half(model).map(Act::Do);
                self.queue.extend([look, Act::Arm(bad), change]);
                self.reopen()
            }
            4 => {
                let after = self.dice.below(8);
                Act::Arm(FaultOrder::StayFull { after, refusals: self.dice.between(1, 12) })
            }
        }
    }

    /// A crash while a slot is under way, or a failed sync of it: it may be visible and not durable. Another crash while the
    /// recovery writes that slot again, or a sync of it that fails, before that slot or behind it.
    fn endanger_both_slots(&mut self) -> Act {
        let [first, second] = [self.dice.below(2), *self.dice.pick(&[0, 0, 1, 3])];
        let power = Death::PowerLoss(*self.dice.pick(&[Persist::Swarm, Persist::Torn]));
        let kill = if self.without.has(FaultKind::Kill) { power } else { Death::Kill };
        let power = if self.without.has(FaultKind::PowerLoss) { kill } else { power };
        self.queue.extend([Act::Do(Operation::Checkpoint), Act::Die(kill)]);
        if !self.without.has(FaultKind::CrashInRecovery) {
            let strikes = match self.dice.below(3) {
                0 => FaultOrder::FailSync { after: self.dice.below(5) },
                _ => FaultOrder::CrashBehindSuperblock { after: second },
            };
            self.queue.extend([Act::Arm(strikes), Act::Open]);
        }
        self.queue.push_back(Act::Die(power));
        Act::Arm(match self.dice.below(2) {
            0 => FaultOrder::CrashBehindSuperblock { after: first },
            _ => FaultOrder::FailSync { after: 1 + first },
        })
    }

    /// The first write to a database that was closed: it makes a log, and finds no room set aside.
    fn strike_first_write(&mut self, order: FaultOrder, model: &Model) -> Act {
        let write = Act::Do(self.generator.bulk(model));
        self.queue.extend([Act::Arm(order), write]);
        self.reopen()
    }

    /// Closes the database and opens it, before anything else that is decided.
    fn reopen(&mut self) -> Act {
        self.generator.forget_handles();
        self.queue.push_front(Act::Open);
        Act::Do(Operation::Close)
    }

    /// The worst that the disk does to this seed, at its end.
    pub(super) fn betrayal(&mut self, model: &Model) -> Option<Act> {
        let aimed = self.dice.chance(1, 2);
        let round = Part::Round { left: self.dice.between(5, 60), fault_in: None };
        match (self.swarm.betrayal, aimed) {
            (0, true) => {
                self.part = Part::Closing;
                if self.dice.chance(1, 3) {
                    return Some(self.lose_both_slots(model));
                }
                Some(self.misplace_while_closing(model))
            }
            (0, false) => {
                self.part = round;
                let order = self.misdirect();
                Some(Act::Arm(match order {
                    FaultOrder::Misdirect { after, to } if self.dice.chance(1, 2) => {
                        FaultOrder::MisdirectLog { after, to }
                    }
                    order => order,
                }))
            }
            (1, true) => {
                self.part = round;
                Some(self.lie_from_the_first_write(model))
            }
            (1, false) => {
                self.part = round;
                Some(Act::Arm(FaultOrder::Lie { after: self.dice.below(6) }))
            }
            _ => None,
        }
    }

    fn misdirect(&mut self) -> FaultOrder {
        let most = *self.dice.pick(&[2, 1 << 12]);
        FaultOrder::Misdirect { after: self.dice.below(12), to: self.dice.below(most) }
    }

    /// What was written last is there, and the superblock knows nothing of it: the next log takes the same name.
    fn lie_from_the_first_write(&mut self, model: &Model) -> Act {
        let mut touch =
            |times| -> Vec<Act> { (0..times).map(|_| Act::Do(self.generator.touch(model))).collect() };
        let (first, again) = (touch(6), touch(2));
        let newest = if self.without.has(FaultKind::PowerLoss) {
            Death::Kill
        } else {
            Death::PowerLoss(Persist::Suffix(self.dice.between(10, 70)))
        };
        self.queue.extend([Act::Arm(FaultOrder::Lie { after: 0 }), Act::Open]);
        self.queue.extend(first);
        self.queue.extend([Act::Die(newest), Act::Open]);
        self.queue.extend(again);
        self.generator.forget_handles();
        Act::Do(Operation::Close)
    }

    /// A slot that misses its last write stands by until the other one rots.
    fn misplace_while_closing(&mut self, model: &Model) -> Act {
        let (close, misdirect) = (Act::Do(Operation::Close), self.misdirect());
        self.queue.extend([Act::Arm(misdirect), close.clone(), Act::Open, close.clone()]);
        if !self.without.has(FaultKind::Rot) {
            let slot = self.rot_slot();
            self.queue.extend([slot, Act::Open, close]);
        }
        Act::Do(self.generator.bulk(model))
    }

    /// Of the two slots that say that a closed database was written to, one lands elsewhere, and a recovery tears the other one.
    fn lose_both_slots(&mut self, model: &Model) -> Act {
        let kill =
            if self.without.has(FaultKind::Kill) { Death::PowerLoss(Persist::All) } else { Death::Kill };
        let misdirect =
            FaultOrder::Misdirect { after: self.dice.below(2), to: self.dice.between(2, 1 << 12) };
        let touch = self.generator.touch(model);
        self.queue.extend([Act::Open, Act::Arm(misdirect), Act::Do(touch), Act::Die(kill)]);
        if !self.without.has(FaultKind::PowerLoss) && !self.without.has(FaultKind::CrashInRecovery) {
            let order = FaultOrder::CrashBehindSuperblock { after: self.dice.below(2) };
            self.queue.extend([Act::Arm(order), Act::Open, Act::Die(Death::PowerLoss(Persist::Torn))]);
        }
        self.queue.push_back(Act::Open);
        self.generator.forget_handles();
        Act::Do(Operation::Close)
    }

    /// A bit of a slot turns over, often one that is needed.
    pub(super) fn rot_slot(&mut self) -> Act {
        let most = *self.dice.pick(&[256, BLOCK_BYTES]);
        let at = self.dice.below(2) * BLOCK_BYTES + self.dice.below(most);
        Act::Rot(Rot::Slot { at, bit: self.dice.below(8) as u8 })
    }
}
