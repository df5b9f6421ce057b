//! What a campaign has done so far, as a file: whoever is stopped goes on from there.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::runner::Tally;
use crate::world::{FaultKind, Without};

use super::build;
use super::corpus::Played;
use super::finding::Found;

/// The judge of clients side by side may give up once in so many histories.
pub const HISTORIES_PER_UNDECIDED: u64 = 1000;

/// What is asked of a campaign.
#[derive(Clone, Default, Debug)]
pub struct Request {
    /// The seeds; without them a new campaign begins with 0 and has no last one.
    pub seeds: Option<Range<u64>>,
    /// How long to run, from now on.
    pub time: Option<Duration>,
    /// Whether each seed runs twice.
    pub twice: bool,
    /// Kinds of faults that do not occur.
    pub without: Vec<FaultKind>,
}

/// A campaign, up to where it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u64,
    /// The build that has run it.
    pub build: String,
    /// The first seed.
    pub from: u64,
    /// The one behind the last; `u64::MAX` if only time ends it.
    pub end: u64,
    /// The seed at which to go on.
    pub next: u64,
    /// Seconds that it has taken.
    pub seconds: f64,
    /// Seconds that it may take.
    pub seconds_max: Option<f64>,
    /// Whether each seed runs twice.
    pub twice: bool,
    /// Kinds of faults that do not occur.
    pub without: Vec<String>,
    /// What the seeds did.
    pub tally: Tally,
    /// What was found.
    pub findings: Vec<Found>,
    /// What came of the corpus, when it was played last.
    pub corpus: Vec<Played>,
}

impl State {
    /// The form of the file.
    const VERSION: u64 = 1;

    /// A campaign that has not begun.
    ///
    /// # Errors
    /// If nothing would ever end it.
    pub fn new(request: &Request) -> Result<State, String> {
        let seeds = request.seeds.clone().unwrap_or(0..u64::MAX);
        if seeds.end == u64::MAX && request.time.is_none() {
            return Err("a campaign needs --seeds A..B, or a time with --for".to_owned());
        }
        Ok(State {
            version: State::VERSION,
            build: build(),
            from: seeds.start,
            end: seeds.end,
            next: seeds.start,
            seconds: 0.0,
            seconds_max: request.time.map(|time| time.as_secs_f64()),
            twice: request.twice,
            without: request.without.iter().map(|kind| kind.name().to_owned()).collect(),
            tally: Tally::default(),
            findings: Vec::new(),
            corpus: Vec::new(),
        })
    }

    /// The campaign in a file, or a new one if there is no such file.
    ///
    /// # Errors
    /// If the file is none of a campaign, or that of another one.
    pub fn resume(path: &Path, request: &Request) -> Result<State, String> {
        if !path.exists() {
            return State::new(request);
        }
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?;
        let mut state: State = serde_json::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
        state.accept(request).map_err(|what| format!("{name} is the state of a campaign {what}"))?;
        if let Some(time) = request.time {
            state.seconds_max = Some(state.seconds + time.as_secs_f64());
        }
        Ok(state)
    }

    /// Whether it is the campaign that is asked for; what is not said is as it was.
    fn accept(&mut self, request: &Request) -> Result<(), String> {
        if self.version != State::VERSION {
            return Err(format!("in form {}, and this is {}", self.version, State::VERSION));
        }
        if self.build != build() {
            return Err(format!("of build {}, and this is {}", self.build, build()));
        }
        if let Some(seeds) = &request.seeds {
            if seeds.start != self.from || seeds.end < self.next {
                return Err(format!("that began with seed {} and is at {}", self.from, self.next));
            }
            self.end = seeds.end;
        }
        let without: Vec<&str> = request.without.iter().map(|kind| kind.name()).collect();
        if (!without.is_empty() && self.without != without) || (request.twice && !self.twice) {
            return Err(format!("without {:?}, {}", self.without, if self.twice { "twice" } else { "once" }));
        }
        Ok(())
    }

    /// Writes the file: the old one or the new one is there at any time, and whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string(self).map_err(|e| e.to_string())?;
        let new = path.with_extension("new");
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
        written.map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The kinds of faults that do not occur.
    pub fn without(&self) -> Without {
        self.without.iter().filter_map(|name| FaultKind::parse(name).ok()).collect()
    }

    /// Seconds that are left, if they are limited.
    pub fn seconds_left(&self) -> Option<f64> {
        self.seconds_max.map(|most| (most - self.seconds).max(0.0))
    }

    /// Whether all of it was done.
    pub fn is_done(&self) -> bool {
        self.next >= self.end || self.seconds_left().is_some_and(|left| left <= 0.0)
    }

    /// Seeds that were run in a second.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.tally.seeds as f64 / self.seconds } else { 0.0 }
    }

    /// Histories of clients side by side that were judged, and those where the judge gave up.
    pub fn client_histories(&self) -> (u64, u64) {
        let total = |what| self.tally.total(what);
        (total("client_histories"), total("client_histories_undecided"))
    }

    /// Whether the judge gave up so often that what it does not object to says little: more than once, and more than once in
    /// [`HISTORIES_PER_UNDECIDED`] histories.
    pub fn is_undecided(&self) -> bool {
        let (judged, undecided) = self.client_histories();
        are_too_many(judged, undecided)
    }

    /// How many seeds may fail at most, with 95 % confidence; nothing if one did, or none was run.
    pub fn bound(&self) -> Option<String> {
        let seeds = self.tally.seeds;
        let clean = self.findings.is_empty() && seeds > 0;
        clean.then(|| format!("{seeds} clean seeds: p < 3/{seeds} = {:.2e} at 95 %", 3.0 / seeds as f64))
    }
}

/// Whether of so many histories too many are undecided.
fn are_too_many(judged: u64, undecided: u64) -> bool {
    undecided > judged.div_ceil(HISTORIES_PER_UNDECIDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_may_be_undecided() {
        for (judged, undecided) in [(0, 0), (5, 1), (1000, 1), (1001, 2), (50_000, 50)] {
            assert!(!are_too_many(judged, undecided), "{undecided} of {judged}");
        }
        for (judged, undecided) in [(5, 2), (1000, 2), (50_000, 51)] {
            assert!(are_too_many(judged, undecided), "{undecided} of {judged}");
        }
    }
}
