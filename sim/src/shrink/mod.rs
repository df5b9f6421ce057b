//! From a long run that fails to the shortest one that fails in the same way.
//!
//! 1. The same way is the same [`Signature`]: a smaller run that fails otherwise does not count.
//! 2. The result is 1-minimal: without any single act of it the failure is gone.
//! 3. What is left is as plain as it can be: numbers are as low, data as short and uniform, and choices as often the
//!    benign ones, as the failure allows.

mod acts;
mod arguments;
mod choices;
mod emit;

#[cfg(test)]
mod tests;

pub use emit::emit_test;

use crate::judge::{Finding, Signature};
use crate::runner::{Canary, Conduct, Ended, Fidelity, conduct_log};
use crate::script::Log;

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest run, without choices that are benign: to be followed leniently.
    pub minimal: Log,
    /// The same run with all its choices: to be followed strictly.
    pub log: Log,
    /// What it fails with.
    pub finding: Finding,
    /// Runs that it took.
    pub runs: u64,
}

/// Shrinks the run of `log`; `progress` hears of each phase. Nothing if the run does not fail.
pub fn shrink(log: &Log, canary: Option<Canary>, progress: &mut dyn FnMut(&str)) -> Option<Shrunk> {
    let ended = follow(log, canary, false);
    let signature = ended.finding.as_ref()?.signature();
    let mut shrinker = Shrinker { best: log.clone(), signature, canary, runs: 1, progress };
    shrinker.best.entries.truncate(ended.skipped.len());
    shrinker.tell("");
    shrinker.run();
    let ended = follow(&shrinker.best, canary, true);
    let Shrinker { best: minimal, runs, .. } = shrinker;
    Some(Shrunk { minimal, log: ended.log?, finding: ended.finding?, runs })
}

fn follow(log: &Log, canary: Option<Canary>, records: bool) -> Ended {
    conduct_log(log, Fidelity::Lenient, Conduct { canary, records, ..Conduct::default() })
}

struct Shrinker<'p> {
    /// The smallest run so far that fails in the same way.
    best: Log,
    signature: Signature,
    canary: Option<Canary>,
    runs: u64,
    progress: &'p mut dyn FnMut(&str),
}

impl Shrinker<'_> {
    fn run(&mut self) {
        self.simplify_head();
        loop {
            let before = self.best.clone();
            self.remove_acts();
            self.tell("acts removed");
            self.simplify_acts();
            self.tell("arguments simplified");
            self.simplify_choices();
            self.tell("choices made benign");
            if self.best == before {
                return;
            }
        }
    }

    /// Takes `candidate` if it fails in the same way. It ends where it fails.
    fn attempt(&mut self, mut candidate: Log) -> bool {
        if candidate == self.best {
            return false;
        }
        self.runs += 1;
        let ended = follow(&candidate, self.canary, false);
        let same = ended.finding.is_some_and(|finding| finding.signature() == self.signature);
        if same {
            candidate.entries.truncate(ended.skipped.len());
            self.best = candidate;
        }
        same
    }

    /// Takes the best run with a change if it fails in the same way.
    fn attempt_with(&mut self, change: impl FnOnce(&mut Log)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.attempt(candidate)
    }

    /// The default geometry, no seed, no short transfers.
    fn simplify_head(&mut self) {
        self.attempt_with(|log| log.seed = None);
        self.attempt_with(|log| log.short_transfers = 0);
        self.attempt_with(|log| log.geometry = Default::default());
    }

    fn tell(&mut self, what: &str) {
        let choices: usize =
            self.best.entries.iter().flat_map(|entry| entry.choices.values()).map(Vec::len).sum();
        let comma = if what.is_empty() { "" } else { ": " };
        let line =
            format!("{what}{comma}{} acts, {choices} choices, {} runs", self.best.entries.len(), self.runs);
        (self.progress)(&line);
    }
}
