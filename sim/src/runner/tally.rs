//! What many seeds did, added up: parts of a campaign can be added too, in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::markers::Census;

use super::outcome::{Counters, Outcome};

/// A sum over seeds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Seeds that ran to the end.
    pub seeds: u64,
    /// Seeds in which a crash struck during a recovery.
    pub seeds_with_crash_in_recovery: u64,
    /// The hash of all trace hashes, whatever the order in which the seeds ended.
    pub trace_hash: u64,
    /// How many seeds have reached each marker.
    pub markers: Census,
    /// Of each counter, how many seeds have come to each number.
    counters: BTreeMap<String, BTreeMap<u64, u64>>,
}

impl Tally {
    /// Adds a seed.
    pub fn count(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.seeds_with_crash_in_recovery += u64::from(outcome.counters.crashes_in_recovery > 0);
        self.trace_hash ^= crate::world::mix(outcome.trace_hash ^ outcome.seed);
        self.markers.count(&outcome.reached);
        for (name, number) in outcome.counters.named() {
            *self.counters.entry(name.to_owned()).or_default().entry(number).or_default() += 1;
        }
    }

    /// Adds other seeds.
    pub fn add(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.seeds_with_crash_in_recovery += other.seeds_with_crash_in_recovery;
        self.trace_hash ^= other.trace_hash;
        self.markers.add(&other.markers);
        for (name, numbers) in &other.counters {
            let own = self.counters.entry(name.clone()).or_default();
            for (number, seeds) in numbers {
                *own.entry(*number).or_default() += seeds;
            }
        }
    }

    /// What all seeds have come to of what a counter counts.
    pub fn total(&self, counter: &str) -> u64 {
        self.counters
            .get(counter)
            .map_or(0, |numbers| numbers.iter().map(|(number, seeds)| number * seeds).sum())
    }

    /// Of each counter, its median.
    pub fn medians(&self) -> Counters {
        let mut medians = Counters::default();
        for (name, field) in Counters::NAMED {
            *field(&mut medians) = self.counters.get(name).map_or(0, median);
        }
        medians
    }
}

fn median(numbers: &BTreeMap<u64, u64>) -> u64 {
    let middle = numbers.values().sum::<u64>() / 2;
    let mut below = 0;
    let mut found = numbers.iter().filter(|(_, seeds)| {
        below += **seeds;
        below > middle
    });
    found.next().map_or(0, |(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::run_seed;

    #[test]
    fn parts_add_up_to_the_whole() {
        let outcomes: Vec<Outcome> = (0..9).map(|seed| run_seed(seed, None)).collect();
        let tally = |outcomes: &[Outcome]| {
            let mut tally = Tally::default();
            outcomes.iter().for_each(|outcome| tally.count(outcome));
            tally
        };
        let (whole, mut parts) = (tally(&outcomes), tally(&outcomes[4..]));
        parts.add(&tally(&outcomes[..4]));
        assert_eq!(whole, parts);
        let mut crashes: Vec<u64> = outcomes.iter().map(|outcome| outcome.counters.crashes).collect();
        crashes.sort_unstable();
        assert_eq!(whole.medians().crashes, crashes[4]);
        let kept = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&kept).unwrap(), whole);
    }
}
