//! The command line of the simulator: single runs, and campaigns of many seeds.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sim::exhaustive::Scope;
use sim::runner::Counters;
#[cfg(feature = "mutants")]
use sim::world::FaultKind;

mod bench;
mod campaigns;
mod commands;
mod diff;

use commands::{Subject, Telling};

/// Where no bar can be drawn, progress is told so often.
const TELLING_PAUSE: Duration = Duration::from_secs(10);

/// Deterministic simulation of NumStore.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one seed, or the log of a run, and tells what happens in it.
    Replay {
        /// The seed, or the file with the log.
        run: Subject,
        #[command(flatten)]
        telling: Telling,
    },
    /// Prints the log of a run as text: its acts, one a line, and the choices drawn below them.
    Show {
        /// The seed, or the file with the log.
        run: Subject,
    },
    /// Tells where two runs part.
    Diff {
        /// The one run.
        a: Subject,
        /// The other one.
        b: Subject,
    },
    /// Shrinks a run that fails to the shortest one that fails in the same way.
    Shrink {
        /// The seed, or the file with the log.
        run: Subject,
        /// Write the log of the shrunk run to this file; else it is printed.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Write a Rust test of explicit operations to this file.
        #[arg(long, value_name = "FILE")]
        emit_test: Option<PathBuf>,
        /// Find something on purpose, to see what becomes of findings.
        #[arg(long, hide = true)]
        canary: bool,
    },
    /// Measures how fast the simulator is, on one core.
    Bench {
        /// Seconds for each line of the table.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
    },
    /// Runs every short workload, with a crash at every I/O call of it and of the recovery.
    Exhaustive {
        /// The longest workload, in operations.
        #[arg(long, default_value_t = 2)]
        operations: u32,
        /// Distinct images after which no workload begins.
        #[arg(long, default_value_t = u64::MAX)]
        limit: u64,
        /// Minutes after which no workload begins.
        #[arg(long)]
        minutes: Option<u64>,
        /// Threads.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Write the report to this file too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Plays the logs of the corpus, then runs many seeds.
    Campaign(campaigns::Arguments),
    /// Plays the logs of the corpus.
    Corpus {
        /// Another folder than that of the repository.
        dir: Option<PathBuf>,
        /// Record those anew that do not fit any more.
        #[arg(long)]
        refresh: bool,
    },
    /// Measures how soon planted bugs are found; fails where a goal is missed.
    #[cfg(feature = "mutants")]
    Score {
        /// Seeds after which a bug counts as not found.
        #[arg(long, default_value_t = 10_000)]
        seeds_max: u64,
        /// Processes at once.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Seeds without a bug, for the markers.
        #[arg(long, default_value_t = 10_000)]
        clean_seeds: u64,
        /// Write the report to this file too.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Runs seeds with one planted bug until it is found.
    #[cfg(feature = "mutants")]
    Hunt {
        /// The name of the bug.
        mutant: String,
        /// First seed and the one behind the last, as `A..B`.
        #[arg(long, value_parser = parse_seeds)]
        seeds: Range<u64>,
        /// Kinds of faults that do not occur.
        #[arg(long, value_parser = FaultKind::parse)]
        without: Vec<FaultKind>,
    },
    /// Lists the planted bugs, one a line, and whether plain tests are expected to pass with them.
    #[cfg(feature = "mutants")]
    Mutants,
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("expected A..B")?;
    let number = |text: &str| text.replace('_', "").parse::<u64>().map_err(|e| format!("{text:?}: {e}"));
    let (from, to) = (number(from)?, if to.is_empty() { u64::MAX } else { number(to)? });
    if from >= to { Err("A must be less than B".to_owned()) } else { Ok(from..to) }
}

fn main() -> ExitCode {
    let good = match Arguments::parse().command {
        Command::Replay { run, telling } => commands::replay(&run, &telling),
        Command::Show { run } => commands::show(&run),
        Command::Diff { a, b } => diff::diff(&a, &b),
        Command::Shrink { run, output, emit_test, canary } => {
            commands::shrink_run(&run, output.as_deref(), emit_test.as_deref(), canary)
        }
        Command::Bench { seconds } => Ok(bench::bench(std::time::Duration::from_secs_f64(seconds))),
        Command::Exhaustive { operations, limit, minutes, jobs, json } => {
            let time_max = minutes.map_or(Duration::MAX, |minutes| Duration::from_secs(60 * minutes));
            exhaustive(Scope { operations, images_max: limit, time_max, jobs }, json)
        }
        Command::Campaign(arguments) => campaigns::run(&arguments),
        Command::Corpus { dir, refresh } => campaigns::corpus(dir, refresh),
        #[cfg(feature = "mutants")]
        Command::Score { seeds_max, jobs, clean_seeds, json } => {
            score(&sim::score::Options { seeds_max, jobs, clean_seeds, twice_seeds: 300 }, json)
        }
        #[cfg(feature = "mutants")]
        Command::Hunt { mutant, seeds, without } => {
            sim::score::hunt(&mutant, seeds, without.into_iter().collect())
        }
        #[cfg(feature = "mutants")]
        Command::Mutants => {
            for mutant in numstore::hooks::MUTANTS {
                let fate = if mutant.survives_tests { "survives" } else { "dies" };
                commands::say(format!("{fate}\t{}", mutant.name));
            }
            Ok(true)
        }
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn exhaustive(scope: Scope, json: Option<PathBuf>) -> Result<bool, String> {
    let bar = indicatif::ProgressBar::new(sim::exhaustive::count(scope.operations));
    let style = indicatif::ProgressStyle::with_template("{bar:30} {msg}");
    bar.set_style(style.map_err(|e| e.to_string())?);
    let mut told = Duration::ZERO;
    let report = sim::exhaustive::search(scope, &mut |at| {
        let text = format!(
            "{} of {} workloads, {} distinct images, in {} s",
            at.workloads,
            at.workloads_all,
            at.distinct,
            at.time.as_secs()
        );
        if bar.is_hidden() && at.time >= told + TELLING_PAUSE {
            told = at.time;
            eprintln!("{text}");
        }
        bar.set_position(at.workloads);
        bar.set_message(text);
    });
    bar.finish_and_clear();
    commands::say(report.describe());
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?;
        campaigns::write(&path, &(text + "\n"))?;
    }
    Ok(report.findings.is_empty())
}

fn describe(c: &Counters) -> String {
    format!(
        "{} operations, {} rounds, {} crashes, {} recoveries, {} crashes in recovery, {} transactions open at most, tree height {}, \
         {} losers undone, {} compensation records, {} records redone, {} checkpoints, {} busy, {} failed writes and syncs",
        c.operations,
        c.rounds,
        c.crashes,
        c.recoveries,
        c.crashes_in_recovery,
        c.open_max,
        c.height_max,
        c.losers,
        c.clrs_written,
        c.records_redone,
        c.checkpoints,
        c.busy,
        c.failures
    )
}

#[cfg(feature = "mutants")]
fn score(options: &sim::score::Options, json: Option<PathBuf>) -> Result<bool, String> {
    let score = sim::score::run(options, &mut |line| eprintln!("{line}"));
    commands::say(score.describe());
    if let Some(path) = json {
        campaigns::write(&path, &format!("{:#}\n", score.to_json()))?;
    }
    Ok(score.goals().iter().all(|goal| goal.met))
}
