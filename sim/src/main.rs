//! The command line of the simulator: single runs, and campaigns of many seeds.
#![expect(clippy::print_stdout, reason = "this is a program for the terminal")]

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;
use sim::runner::{Campaign, Counters, Outcome, Report};
use sim::world::FaultKind;

mod bench;
mod commands;

use commands::{Subject, Telling};

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
    /// Runs many seeds.
    Campaign {
        /// First seed and the one behind the last, as `A..B`.
        #[arg(long, value_parser = parse_seeds)]
        seeds: Range<u64>,
        /// Threads.
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Write the report to this file too.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Run each seed twice and compare.
        #[arg(long)]
        twice: bool,
        /// Kinds of faults that do not occur.
        #[arg(long, value_parser = FaultKind::parse)]
        without: Vec<FaultKind>,
    },
    /// Measures how soon planted bugs are found; fails where a goal is missed.
    #[cfg(feature = "mutants")]
    Score {
        /// Seeds after which a bug counts as not found.
        #[arg(long, default_value_t = 3000)]
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
    let (from, to) = (number(from)?, number(to)?);
    if from >= to { Err("A must be less than B".to_owned()) } else { Ok(from..to) }
}

fn main() -> ExitCode {
    let good = match Arguments::parse().command {
        Command::Replay { run, telling } => commands::replay(&run, &telling),
        Command::Show { run } => commands::show(&run),
        Command::Diff { a, b } => commands::diff(&a, &b),
        Command::Shrink { run, output, emit_test, canary } => {
            commands::shrink_run(&run, output.as_deref(), emit_test.as_deref(), canary)
        }
        Command::Bench { seconds } => Ok(bench::bench(std::time::Duration::from_secs_f64(seconds))),
        Command::Campaign { seeds, jobs, json, twice, without } => {
            let without = without.into_iter().collect();
            Ok(campaign(&Campaign { seeds, jobs, twice, without }, json))
        }
        #[cfg(feature = "mutants")]
        Command::Score { seeds_max, jobs, clean_seeds, json } => {
            Ok(score(&sim::score::Options { seeds_max, jobs, clean_seeds, twice_seeds: 300 }, json))
        }
        #[cfg(feature = "mutants")]
        Command::Hunt { mutant, seeds, without } => {
            sim::score::hunt(&mutant, seeds, without.into_iter().collect())
        }
        #[cfg(feature = "mutants")]
        Command::Mutants => {
            for mutant in numstore::hooks::MUTANTS {
                println!("{}\t{}", if mutant.survives_tests { "survives" } else { "dies" }, mutant.name);
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

fn describe(c: &Counters) -> String {
    format!(
        "{} operations, {} crashes, {} recoveries, {} crashes in recovery, {} transactions open at most, tree height {}, \
         {} losers undone, {} compensation records, {} records redone, {} checkpoints, {} busy, {} failed writes and syncs",
        c.operations,
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

fn campaign(campaign: &Campaign, json: Option<PathBuf>) -> bool {
    let mut told = std::time::Instant::now();
    let report = campaign.run(|done, total, failed| {
        if told.elapsed().as_millis() >= 500 || done == total {
            told = std::time::Instant::now();
            eprint!("\r{done} of {total} seeds, {failed} failed ");
        }
    });
    eprintln!();
    println!("{} seeds in {:.1} s", report.seeds, report.duration.as_secs_f64());
    println!("medians: {}", describe(&report.medians));
    println!("seeds with a crash in a recovery: {}", report.seeds_with_crash_in_recovery);
    println!("hash of all traces {:016x}", report.trace_hash);
    println!("{}", report.markers.describe());
    let clean = report.failed.is_empty() && report.seeds > 0;
    if clean {
        let bound = 3.0 / report.seeds as f64;
        println!("{} clean seeds: p < 3/{} = {bound:.2e} at 95 %", report.seeds, report.seeds);
    }
    for outcome in &report.failed {
        println!("{}", outcome.verdict());
        println!("  {}", replay_command(outcome));
    }
    written(json, &to_json(campaign, &report)) && clean
}

/// Writes a report where it is wanted; whether that went well.
fn written(path: Option<PathBuf>, report: &serde_json::Value) -> bool {
    let outcome = path.map_or(Ok(()), |path| std::fs::write(path, format!("{report:#}\n")));
    outcome.inspect_err(|e| eprintln!("the report cannot be written: {e}")).is_ok()
}

#[cfg(feature = "mutants")]
fn score(options: &sim::score::Options, json: Option<PathBuf>) -> bool {
    let score = sim::score::run(options, &mut |line| eprintln!("{line}"));
    println!("{}", score.describe());
    written(json, &score.to_json()) && score.goals().iter().all(|goal| goal.met)
}

fn replay_command(outcome: &Outcome) -> String {
    format!("cargo run --release -p sim -- replay {}", outcome.seed)
}

fn to_json(campaign: &Campaign, report: &Report) -> serde_json::Value {
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|outcome| {
            let finding = outcome.finding.as_ref();
            json!({
                "seed": outcome.seed,
                "judge": finding.map(|finding| finding.judge),
                "what": finding.map(|finding| finding.what.clone()),
                "replay": replay_command(outcome),
                "trace_hash": format!("{:016x}", outcome.trace_hash),
            })
        })
        .collect();
    let m = &report.medians;
    json!({
        "seeds": { "from": campaign.seeds.start, "to": campaign.seeds.end, "run": report.seeds },
        "failed": failed,
        "trace_hash": format!("{:016x}", report.trace_hash),
        "markers": report.markers.counts().collect::<std::collections::BTreeMap<_, _>>(),
        "seconds": report.duration.as_secs_f64(),
        "seeds_with_crash_in_recovery": report.seeds_with_crash_in_recovery,
        "medians": {
            "operations": m.operations,
            "crashes": m.crashes,
            "recoveries": m.recoveries,
            "crashes_in_recovery": m.crashes_in_recovery,
            "concurrent_transactions": m.open_max,
            "tree_height": m.height_max,
            "losers_undone": m.losers,
            "compensation_records": m.clrs_written,
            "records_redone": m.records_redone,
            "checkpoints": m.checkpoints,
            "busy": m.busy,
            "failures": m.failures,
        },
    })
}
