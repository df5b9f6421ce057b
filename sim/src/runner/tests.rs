//! A record gives the same run again, and says where it does not.

use std::collections::BTreeSet;

use crate::script::{Act, Death, Log, Rot};
use crate::workload::{Geometry, Operation};
use crate::world::{Concern, Draw, Persist};

use super::*;

fn recorded(seed: u64) -> (Ended, Log) {
    let ended = conduct_seed(seed, Conduct { records: true, ..Conduct::default() });
    let log = ended.log.clone().unwrap();
    (ended, log)
}

#[test]
fn a_record_gives_the_same_run_again() {
    for seed in 0..30 {
        let (first, log) = recorded(seed);
        assert_eq!(first.finding, None);
        for fidelity in [Fidelity::Strict, Fidelity::Lenient] {
            let again = conduct_log(&log, fidelity, Conduct { records: true, ..Conduct::default() });
            assert_eq!((again.diverged, again.finding), (None, None));
            assert_eq!(again.trace_hash, first.trace_hash, "seed {seed}");
            assert_eq!(again.counters, first.counters);
            assert!(again.log.as_ref() == Some(&log));
        }
    }
}

#[test]
fn recording_changes_nothing() {
    assert_eq!(run_seed(7, None).trace_hash, recorded(7).0.trace_hash);
}

/// The first entry with draws for `concern`.
fn first_with(log: &Log, concern: Concern) -> usize {
    log.entries.iter().position(|entry| entry.choices.contains_key(&concern)).unwrap()
}

#[test]
fn a_record_that_does_not_fit_says_where() {
    // Slow disks draw from more values.
    let is_plain =
        |log: &Log| log.entries[first_with(log, Concern::Clock)].choices[&Concern::Clock][0].bound == 64;
    let log = (0..).map(|seed| recorded(seed).1).find(is_plain).unwrap();
    let diverged = |change: &dyn Fn(&mut Vec<Draw>)| {
        let mut log = log.clone();
        let at = first_with(&log, Concern::Clock);
        change(log.entries[at].choices.get_mut(&Concern::Clock).unwrap());
        let ended = conduct_log(&log, Fidelity::Strict, Conduct::default());
        let diverged = ended.diverged.unwrap();
        diverged.strip_prefix(&format!("diverged at step {}: ", at + 1)).unwrap().to_owned()
    };
    assert_eq!(
        diverged(&|draws| draws[0].bound = 7),
        "choice 0 for clock is one of 64, and ".to_owned()
            + &{
                let draw = log.entries[first_with(&log, Concern::Clock)].choices[&Concern::Clock][0];
                format!("{} of 7 is recorded", draw.value)
            }
    );
    assert!(diverged(&|draws| draws.truncate(1)).ends_with("choice 1 for clock, one of 64, is missing"));
    assert_eq!(
        diverged(&|draws| draws.push(Draw { bound: 64, value: 0 })),
        "1 choices for clock are left over"
    );
}

#[test]
fn a_lenient_replay_takes_what_fits() {
    let (_, log) = recorded(2);
    let mut acts_only = log.clone();
    acts_only.entries.iter_mut().for_each(|entry| entry.choices.clear());
    let ended = conduct_log(&acts_only, Fidelity::Lenient, Conduct { records: true, ..Conduct::default() });
    assert_eq!((ended.finding, ended.diverged), (None, None));
    // What came of it is a full record of its own.
    let full = ended.log.unwrap();
    let again = conduct_log(&full, Fidelity::Strict, Conduct::default());
    assert_eq!((again.diverged, again.trace_hash), (None, ended.trace_hash));
}

#[test]
fn any_part_of_a_record_is_a_valid_run() {
    for seed in 0..40 {
        let (_, mut log) = recorded(seed);
        let keep = |at: usize| !crate::world::mix(seed ^ (at as u64) << 8).is_multiple_of(4);
        let mut at = 0;
        log.entries.retain(|_| {
            at += 1;
            keep(at)
        });
        let ended = conduct_log(&log, Fidelity::Lenient, Conduct::default());
        assert_eq!(ended.finding, None, "seed {seed}");
    }
}

#[test]
fn what_does_not_fit_is_skipped() {
    let acts = [
        Act::Do(Operation::Checkpoint),
        Act::Mend,
        Act::Churn,
        Act::Rot(Rot::Slot { at: 3, bit: 1 }),
        Act::Open,
        Act::Open,
        Act::Do(Operation::Commit { txn: 5, sync: true }),
        Act::Rot(Rot::Node { at: 9000, bit: 1 }),
        Act::Die(Death::Kill),
        Act::Die(Death::PowerLoss(Persist::None)),
        Act::Open,
    ];
    let ended = conduct_log(&Log::of_acts(Geometry::default(), acts), Fidelity::Lenient, Conduct::default());
    assert_eq!(ended.finding, None);
    let skipped = [true, true, true, true, false, true, true, true, false, false, false];
    assert_eq!(ended.skipped, skipped);
}

#[test]
fn seeds_use_every_kind_of_act() {
    let mut words = BTreeSet::new();
    for seed in 0..120 {
        let (_, log) = recorded(seed);
        for act in log.acts() {
            let line = act.to_string();
            let nested = ["arm", "rot"].iter().any(|word| line.starts_with(word));
            words.insert(line.split(' ').take(1 + usize::from(nested)).collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(words.len(), 52, "{words:?}");
}
