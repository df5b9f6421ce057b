//! How often faults strike that nothing else orders: each seed has odds of its own, from never to nearly always.
//!
//! What they decide is recorded as decided, so that a log is replayed without them.

use std::fmt;

use super::dice::{Concern, Dice};
use super::faults::FaultKind;

/// The chances in a hundred of the kinds of faults that come by chance, for one seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Odds([u64; KINDS.len()]);

/// The kinds, the odds in a world that has none of a seed, and what a seed draws them from.
const KINDS: [(FaultKind, u64, &[u64]); 9] = [
    // Of ends of a process; the others are losses of power.
    (FaultKind::Kill, 40, &[0, 20, 40, 40, 40, 60, 80, 100]),
    // Of losses of power, how many tear something.
    (FaultKind::Tears, 33, &[0, 15, 33, 33, 50, 90]),
    (FaultKind::StaleGaps, 33, &[0, 15, 33, 33, 50, 90]),
    // Of losses of power, how many can lose lengths, or names.
    (FaultKind::LostLengths, 100, &[0, 50, 100, 100, 100]),
    (FaultKind::NameLoss, 100, &[0, 50, 100, 100, 100]),
    // Of syncs that fail.
    (FaultKind::RevertedPages, 50, &[0, 20, 50, 50, 100]),
    // Of times when bits could rot unseen, or in the log, or in a slot.
    (FaultKind::Rot, 50, &[0, 25, 50, 50, 100]),
    // Of rounds with a background task that end with a fault of no other kind.
    (FaultKind::Panics, 17, &[0, 17, 17, 50]),
    // Of files that are opened for direct transfers.
    (FaultKind::NoDirectIo, 25, &[0, 10, 25, 25, 80]),
];

impl Default for Odds {
    fn default() -> Odds {
        Odds(KINDS.map(|(_, usual, _)| usual))
    }
}

impl Odds {
    /// Those of a seed. Each kind draws for itself: one more changes none of the others.
    pub fn draw(seed: u64) -> Odds {
        let dice = Dice::new(seed, Concern::Swarm);
        Odds(KINDS.map(|(kind, _, choices)| *dice.aside(kind.name()).pick(choices)))
    }

    /// The chance of a kind in a hundred; a kind that is ordered otherwise has none here.
    pub fn of(&self, kind: FaultKind) -> u64 {
        let place = KINDS.iter().position(|(known, ..)| *known == kind);
        place.map_or(0, |place| self.0[place])
    }
}

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, ((kind, ..), percent)) in KINDS.iter().zip(self.0).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{} {percent} %", kind.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_off_in_some_seeds_and_common_in_others() {
        let seeds: Vec<Odds> = (0..400).map(Odds::draw).collect();
        for (kind, usual, choices) in KINDS {
            let most = *choices.iter().max().unwrap();
            for percent in [0, usual, most] {
                let count = seeds.iter().filter(|odds| odds.of(kind) == percent).count();
                assert!(count > 20, "{} at {percent} %: {count} of 400", kind.name());
            }
        }
        let both = |seed: &&Odds| seed.of(FaultKind::Tears) == 0 && seed.of(FaultKind::Kill) == 0;
        assert!(seeds.iter().any(|seed| both(&seed)), "each for itself");
        assert!(seeds[0].to_string().starts_with("kill "));
    }
}
