//! Rounds: in each of them every engine is measured in turn, so that what disturbs the machine for a while disturbs all.
//!
//! A round whose raw baseline moved by more than a factor of two against the others is measured again, at most as many
//! times in all as there are rounds; how often that was, and what could not be calmed, is in the result.
//!
//! Not here: what is measured (`workloads`), what becomes of the numbers (`results`).

use crate::Result;
use crate::statistics::disturbed;

/// What a number is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub less_is_better: bool,
}

impl Metric {
    /// One of which more is better.
    pub const fn more(name: &'static str, unit: &'static str) -> Metric {
        Metric { name, unit, less_is_better: false }
    }

    /// One of which less is better.
    pub const fn less(name: &'static str, unit: &'static str) -> Metric {
        Metric { name, unit, less_is_better: true }
    }
}

/// A number of one engine in one round.
#[derive(Clone, Debug)]
pub struct Sample {
    pub engine: &'static str,
    pub metric: Metric,
    pub value: f64,
}

/// What one round gave.
#[derive(Clone, Default, Debug)]
pub struct Round {
    pub samples: Vec<Sample>,
    /// Microseconds of each call, by engine, where calls were timed one by one.
    pub latencies: Vec<(&'static str, Vec<f64>)>,
    /// What the machine itself did, by which rounds are compared.
    pub baseline: Option<f64>,
}

impl Round {
    /// Notes a number.
    pub fn add(&mut self, engine: &'static str, metric: Metric, value: f64) {
        self.samples.push(Sample { engine, metric, value });
    }
}

/// What all rounds gave.
#[derive(Debug)]
pub struct Rounds {
    pub rounds: Vec<Round>,
    /// How many rounds were measured again.
    pub repeated: usize,
    /// How many still have a baseline that is off.
    pub left_disturbed: usize,
}

/// Measures `count` rounds, and those again that were disturbed.
pub fn run_rounds(count: usize, mut round: impl FnMut(usize) -> Result<Round>) -> Result<Rounds> {
    let mut rounds = Vec::new();
    for number in 0..count {
        rounds.push(round(number)?);
    }
    let mut repeated = 0;
    while repeated < count
        && let Some(&worst) = disturbed_rounds(&rounds).first()
    {
        rounds[worst] = round(count + repeated)?;
        repeated += 1;
    }
    let left_disturbed = disturbed_rounds(&rounds).len();
    Ok(Rounds { rounds, repeated, left_disturbed })
}

fn disturbed_rounds(rounds: &[Round]) -> Vec<usize> {
    let baselines: Vec<f64> = rounds.iter().filter_map(|round| round.baseline).collect();
    if baselines.len() == rounds.len() { disturbed(&baselines) } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRIC: Metric = Metric::more("speed", "1");

    fn rounds_with(baselines: &[f64], count: usize) -> (Rounds, usize) {
        let mut calls = 0;
        let rounds = run_rounds(count, |number| {
            calls += 1;
            let mut round = Round { baseline: Some(baselines[number]), ..Round::default() };
            round.add("x", METRIC, number as f64);
            Ok(round)
        });
        (rounds.unwrap(), calls)
    }

    #[test]
    fn a_disturbed_round_is_measured_again() {
        let (rounds, calls) = rounds_with(&[10.0, 50.0, 11.0, 12.0], 3);
        assert_eq!((calls, rounds.repeated, rounds.left_disturbed), (4, 1, 0));
        let values: Vec<f64> = rounds.rounds.iter().map(|round| round.samples[0].value).collect();
        assert_eq!(values, [0.0, 3.0, 2.0], "the second round was replaced");
    }

    #[test]
    fn quiet_rounds_are_measured_once() {
        assert_eq!(rounds_with(&[10.0, 15.0, 11.0], 3).1, 3);
    }

    #[test]
    fn there_is_an_end_to_measuring_again() {
        let (rounds, calls) = rounds_with(&[10.0, 50.0, 11.0, 60.0, 70.0, 80.0], 3);
        assert_eq!((calls, rounds.repeated, rounds.left_disturbed), (6, 3, 1));
    }

    #[test]
    fn without_a_baseline_nothing_is_measured_again() {
        let rounds = run_rounds(4, |_| Ok(Round::default())).unwrap();
        assert_eq!((rounds.rounds.len(), rounds.repeated, rounds.left_disturbed), (4, 0, 0));
    }
}
