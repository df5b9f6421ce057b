//! Turns of a world: before each act every concern is told where its draws come from, afterwards what it drew is
//! collected.

use std::collections::BTreeMap;

use super::World;
use super::dice::{Concern, Dice, Draw, Source, Turn};
use super::state::State;

/// What the world drew in one act, by concern; concerns that drew nothing are not there.
pub type Choices = BTreeMap<Concern, Vec<Draw>>;

/// Where the draws of an act come from.
#[derive(Clone, Copy, Debug)]
pub enum Draws<'a> {
    /// From the seed.
    Seed,
    /// From a record that must fit.
    Strict(&'a Choices),
    /// From a record as far as it fits.
    Lenient(&'a Choices),
}

impl Draws<'_> {
    fn of(self, concern: Concern) -> Source {
        let taken = |choices: &Choices| choices.get(&concern).cloned().unwrap_or_default();
        match self {
            Draws::Seed => Source::Seed,
            Draws::Strict(choices) => Source::Strict(taken(choices)),
            Draws::Lenient(choices) => Source::Lenient(taken(choices)),
        }
    }
}

impl World {
    /// Begins act `number`: where its draws come from, and whether they are recorded.
    pub fn begin_act(&self, number: u64, draws: Draws<'_>, records: bool) {
        self.each_dice(|concern, dice| dice.begin_turn(number, draws.of(concern), records));
    }

    /// Ends an act: what was drawn in it, and how a strict record did not fit.
    pub fn end_act(&self) -> (Choices, Option<String>) {
        let mut choices = Choices::new();
        let mut misfit = None;
        self.each_dice(|concern, dice| {
            let Turn { draws, misfit: found } = dice.end_turn();
            if !draws.is_empty() {
                choices.insert(concern, draws);
            }
            misfit = misfit.take().or(found);
        });
        (choices, misfit)
    }

    fn each_dice(&self, mut body: impl FnMut(Concern, &mut Dice)) {
        self.shared.tasks.with_dice(|dice| body(Concern::Schedule, dice));
        let mut state = self.shared.lock();
        let State { disk_dice, fault_dice, clock_dice, identity_dice, .. } = &mut *state;
        body(Concern::Disk, disk_dice);
        body(Concern::Faults, fault_dice);
        body(Concern::Clock, clock_dice);
        body(Concern::Identity, identity_dice);
    }
}
