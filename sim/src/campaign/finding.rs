//! A finding as it is told and kept: what it is, and how to see it again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::judge::Finding;
use crate::runner::{Conduct, Outcome, conduct_seed};

use super::corpus::{shown, write};
use super::state::State;
use super::{build, planted};

/// Something that a campaign found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The seed, unless it was found by a log of the corpus.
    pub seed: Option<u64>,
    /// The verdict, in a sentence.
    pub verdict: String,
    /// The judge.
    pub judge: String,
    /// What it said.
    pub what: String,
    /// What this has in common with others of the same failure.
    pub signature: String,
    /// The build that it was found in.
    pub build: String,
    /// The command that runs it again.
    pub replay: String,
    /// Where the log of the run is.
    pub log: Option<PathBuf>,
}

impl Found {
    /// What a seed found; its run is recorded in `corpus`.
    pub(super) fn by_seed(outcome: &Outcome, state: &State, corpus: Option<&Path>) -> Option<Found> {
        let finding = outcome.finding.as_ref()?;
        let mut arguments = outcome.seed.to_string();
        state.without.iter().for_each(|kind| arguments += &format!(" --without {kind}"));
        let log = corpus.and_then(|dir| record(outcome.seed, finding, state, dir));
        let found = Found::new(outcome.verdict(), finding, &arguments);
        Some(Found { seed: Some(outcome.seed), log, ..found })
    }

    /// What a log of the corpus found.
    pub(super) fn by_log(path: &Path, finding: &Finding, diverges: bool) -> Found {
        let (name, lenient) = (shown(path), if diverges { " --lenient" } else { "" });
        let verdict = format!("{name} failed: {finding}");
        let found = Found::new(verdict, finding, &format!("{name}{lenient}"));
        Found { log: Some(path.to_owned()), ..found }
    }

    fn new(verdict: String, finding: &Finding, arguments: &str) -> Found {
        Found {
            seed: None,
            verdict,
            judge: finding.judge.to_owned(),
            what: finding.what.clone(),
            signature: finding.signature().to_string(),
            build: build(),
            replay: replay_command(arguments),
            log: None,
        }
    }
}

/// The command that runs something again, with the bug that is planted now.
fn replay_command(arguments: &str) -> String {
    match planted() {
        None => format!("cargo run --release -p sim -- replay {arguments}"),
        Some(name) => format!(
            "NUMSTORE_MUTANT={name:?} cargo run --release -p sim --features mutants -- replay {arguments}"
        ),
    }
}

/// Runs the seed again to have its log. One that hangs would do so again, so there is none of it.
fn record(seed: u64, finding: &Finding, state: &State, dir: &Path) -> Option<PathBuf> {
    if finding.judge == "hang" {
        return None;
    }
    let conduct = Conduct { records: true, without: state.without(), ..Conduct::default() };
    let log = conduct_seed(seed, conduct).log?;
    write(&log, dir, &format!("{} {seed}", finding.signature())).ok()
}
