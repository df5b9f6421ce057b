//! Rounds that begin with clients side by side: what they are after, and the fault that strikes them.

use crate::model::Model;
use crate::script::{Act, Death, FaultOrder, Turns};
use crate::workload::{Generator, Operation};
use crate::world::{FaultKind, Persist};

use super::director::{Director, Part};

/// What makes the programs of a scene: of each operation the client, in order.
type Scene = fn(&mut Generator, &Model) -> Vec<(u64, Operation)>;

impl Director {
    /// Clients run side by side, half of the time into a fault. If they come through, a short round follows.
    pub(super) fn clients(&mut self, model: &Model) -> Act {
        self.part = Part::Round { left: self.dice.below(30), fault_in: None };
        match self.dice.below(10) {
            0 => self.be_watched(model),
            1 => self.play(Generator::knot, model),
            2 => self.play(Generator::relay, model),
            3 => self.play(Generator::comb, model),
            4 => self.play(Generator::readers, model),
            _ => self.meet(model),
        }
        self.queue.pop_front().unwrap_or(Act::Disarm)
    }

    /// They do whatever comes.
    fn meet(&mut self, model: &Model) {
        let programs = self.generator.programs(model);
        self.plan(programs);
        if self.dice.chance(self.swarm.waits, 100) {
            self.be_patient();
        }
        if self.dice.chance(1, 2) {
            let fault = self.fault();
            self.queue.push_back(Act::Arm(fault));
        }
        let end_after = if self.dice.chance(1, 4) { self.dice.between(1, 200) } else { 0 };
        self.take_turns(end_after);
    }

    /// All look at what one of them commits, until that is lost: whoever was shown it too early was shown what is not there.
    fn be_watched(&mut self, model: &Model) {
        // What was left to later may be shown before it lasts.
        self.queue.push_back(Act::Do(Operation::Sync));
        let programs = self.generator.watchers(model);
        self.plan(programs);
        self.be_patient();
        let crashes = self.dice.chance(2, 3);
        self.queue.push_back(Act::Arm(if crashes {
            FaultOrder::Crash { after: self.dice.below(8) }
        } else {
            FaultOrder::FailSync { after: self.dice.below(4) }
        }));
        self.take_turns(0);
        let fails = !self.without.has(FaultKind::PowerLoss);
        let death = if fails { Act::Die(Death::PowerLoss(Persist::Swarm)) } else { self.die() };
        self.queue.push_back(death);
    }

    /// They come through, if they do what they should.
    fn play(&mut self, scene: Scene, model: &Model) {
        let programs = scene(&mut self.generator, model);
        self.plan(programs);
        self.be_patient();
        self.take_turns(0);
    }

    fn plan(&mut self, programs: Vec<(u64, Operation)>) {
        self.operations += programs.len() as u64;
        self.queue.extend(programs.into_iter().map(|(client, operation)| Act::Plan { client, operation }));
    }

    fn be_patient(&mut self) {
        let millis = *self.dice.pick(&[2_000, 10_000, 3_600_000]);
        self.queue.push_back(Act::Patience { millis });
    }

    fn take_turns(&mut self, end_after: u64) {
        let turns = if self.dice.chance(1, 2) {
            Turns::Uniform
        } else {
            Turns::Priorities { changes: self.dice.below(8), steps: 1 << self.dice.between(5, 12) }
        };
        self.queue.push_back(Act::Clients { turns, end_after });
    }
}
