//! The commands that work on many runs: a campaign, and the corpus that comes first in it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sim::campaign::{self, Conditions, HISTORIES_PER_UNDECIDED, Heard, Request, State};
use sim::world::FaultKind;

use crate::commands::say;
use crate::{describe, parse_seeds};

/// A campaign over so many seeds has failed if it does not reach every rare state.
const LONG_SEEDS: u64 = 10_000;

/// What a campaign is to do.
#[derive(clap::Args)]
pub struct Arguments {
    /// First seed and the one behind the last, as `A..B`; `A..` goes on until the time is up.
    #[arg(long, value_parser = parse_seeds)]
    seeds: Option<Range<u64>>,
    /// How long to run, from now on: `90s`, `10min`, `8h`.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Write the report for programs to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report for people to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The report of `sim score --json`, to be told in both reports.
    #[arg(long, value_name = "FILE")]
    score: Option<PathBuf>,
    /// Keep in this file what was done; go on from there if there is such a file.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// The folder of logs that come first, and to which findings add theirs.
    #[arg(long, value_name = "DIR", conflicts_with = "no_corpus")]
    corpus: Option<PathBuf>,
    /// No such folder.
    #[arg(long)]
    no_corpus: bool,
    /// Run each seed twice and compare.
    #[arg(long)]
    twice: bool,
    /// Kinds of faults that do not occur.
    #[arg(long, value_parser = FaultKind::parse)]
    without: Vec<FaultKind>,
}

impl Arguments {
    /// With a planted bug only if it is asked for: what that finds is nothing to keep.
    fn corpus(&self) -> Option<PathBuf> {
        let is_default = !self.no_corpus && campaign::planted().is_none();
        self.corpus.clone().or_else(|| is_default.then(campaign::default_dir))
    }

    fn begin(&self) -> Result<State, String> {
        let (seeds, time, twice) = (self.seeds.clone(), self.time, self.twice);
        let request = Request { seeds, time, twice, without: self.without.clone() };
        match &self.resume {
            Some(path) => State::resume(path, &request),
            None => State::new(&request),
        }
    }
}

/// Runs a campaign; whether it came to its end and nothing was found.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let score = arguments.score.as_deref().map(read_json).transpose()?;
    let mut state = arguments.begin()?;
    let interrupted = until_interrupted()?;
    let (jobs, corpus, keep) = (arguments.jobs, arguments.corpus(), arguments.resume.clone());
    if let Some(dir) = &corpus {
        campaign::play_corpus(&mut state, dir)?;
    }
    let by_time = state.end == u64::MAX;
    let bar = bar(&state);
    let conditions = Conditions { jobs, corpus, keep, interrupted };
    let driven = campaign::drive(&mut state, &conditions, &mut |heard| show(&bar, by_time, heard));
    bar.finish_and_clear();
    driven?;
    tell(&state);
    if let Some(path) = &arguments.json {
        write(path, &format!("{:#}\n", campaign::to_json(&state, score.as_ref())))?;
    }
    if let Some(path) = &arguments.html {
        write(path, &campaign::page(&state, score.as_ref())?)?;
    }
    if conditions.interrupted.load(Ordering::Relaxed) && !state.is_done() {
        let kept = arguments.resume.as_ref().map(|path| format!("; to go on: --resume {}", path.display()));
        say(format!("interrupted at seed {}{}", state.next, kept.unwrap_or_default()));
        return Ok(false);
    }
    Ok(state.findings.is_empty() && !misses_markers(&state) && !leaves_too_much_open(&state))
}

/// Whether a long campaign with all kinds of faults has not reached every rare state.
fn misses_markers(state: &State) -> bool {
    let is_long = state.tally.seeds >= LONG_SEEDS && state.without.is_empty();
    let misses = is_long && !state.tally.markers.missed().is_empty();
    if misses {
        say(format!("{LONG_SEEDS} seeds and more reach every rare state: this campaign has failed"));
    }
    misses
}

/// Whether a judge gave up so often that a campaign without findings says little.
fn leaves_too_much_open(state: &State) -> bool {
    let open = state.is_undecided();
    if open {
        say(format!(
            "more than one in {HISTORIES_PER_UNDECIDED} histories of clients is undecided: this campaign has failed"
        ));
    }
    open
}

/// Set when the user wants an end. Who asks twice does not want to wait for the seeds that run.
fn until_interrupted() -> Result<Arc<AtomicBool>, String> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupted);
    let handler = move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler).map_err(|e| format!("signals cannot be handled: {e}"))?;
    Ok(interrupted)
}

/// On a terminal; elsewhere nothing is drawn.
fn bar(state: &State) -> ProgressBar {
    let by_time = state.seconds_max.filter(|_| state.end == u64::MAX);
    let length = by_time.map_or(state.end - state.from, |most| most as u64);
    let bar = ProgressBar::new(length);
    let template = if by_time.is_some() {
        "{bar:30} {elapsed_precise} {msg}, ETA {eta}"
    } else {
        "{bar:30} {percent} % of {len}: {msg}, ETA {eta}"
    };
    let style = ProgressStyle::with_template(template).expect("invariant: the template is valid");
    bar.set_style(style);
    bar
}

fn show(bar: &ProgressBar, by_time: bool, heard: Heard) {
    let rate = heard.seeds as f64 / heard.seconds.max(0.001);
    bar.set_message(format!("{} seeds, {rate:.0} a second, {} findings", heard.seeds, heard.findings));
    bar.set_position(if by_time { heard.seconds as u64 } else { heard.seeds });
}

/// What came of it, for people.
fn tell(state: &State) {
    for played in &state.corpus {
        if let Some(at) = &played.stale {
            say(format!("stale: {}: {at}; record it anew: sim corpus --refresh", played.path.display()));
        }
    }
    let clean = state.corpus.iter().filter(|played| played.clean && played.stale.is_none()).count();
    say(format!("corpus: {} logs, {clean} clean as recorded", state.corpus.len()));
    say(format!("{} seeds in {:.1} s, {:.0} a second", state.tally.seeds, state.seconds, state.rate()));
    say(format!("medians: {}", describe(&state.tally.medians())));
    say(format!("seeds with a crash in a recovery: {}", state.tally.seeds_with_crash_in_recovery));
    let (judged, undecided) = state.client_histories();
    say(format!("histories of clients side by side: {judged}, {undecided} of them undecided"));
    let reads = |what: &str| state.tally.total(&format!("version_read{what}"));
    say(format!(
        "reads of versions: {}, with {} latches of caches and of the published version; {} times one spun or slept at these",
        reads("s"),
        reads("_latches"),
        reads("_waits")
    ));
    say(format!("hash of all traces {:016x}", state.tally.trace_hash));
    say(state.tally.markers.describe());
    if let Some(bound) = state.bound() {
        say(bound);
    }
    for found in &state.findings {
        say(format!("{}\n  build {}\n  {}", found.verdict, found.build, found.replay));
        if let Some(log) = &found.log {
            say(format!("  log {}", log.display()));
        }
    }
}

/// Plays the corpus; stale logs are recorded anew if that is wanted. Whether all are clean and none is stale.
pub fn corpus(dir: Option<PathBuf>, refresh: bool) -> Result<bool, String> {
    let mut good = true;
    for path in campaign::logs_in(&dir.unwrap_or_else(campaign::default_dir))? {
        let fate = campaign::play(&path)?;
        let mut told =
            fate.finding.as_ref().map_or("clean".to_owned(), |finding| format!("failed: {finding}"));
        good &= fate.finding.is_none();
        if let Some(at) = fate.stale {
            told += &format!(", stale: {at}");
            if refresh {
                campaign::refresh(&path)?;
                told += ", recorded anew";
            }
            good &= refresh;
        }
        say(format!("{}: {told}", path.display()));
    }
    Ok(good)
}

fn read_json(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes a report where it is wanted.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
