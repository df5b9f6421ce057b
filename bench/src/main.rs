//! NumStore measured in one run with raw files, other embedded stores and ropes in memory.
//!
//! `cargo run --release -p bench -- [WORKLOAD…] [--size 64MiB,1GiB] [--quick] [--rounds N] [--json FILE] [--html FILE]`
//!
//! Absolute times do not travel between machines or hours. So all engines are measured in turn in every round, and what
//! counts are the ratios to raw files and to the best peer. Every engine's bytes are compared with a model after each
//! workload: what is not done is not measured.
//!
//! | Module | What it does |
//! |---|---|
//! | [`engines`] | the stores and texts, each behind one trait, set up as a competent user would |
//! | [`workloads`] | what is done to them |
//! | [`context`], [`content`], [`model`] | what all workloads have at hand: bytes, edits, and what must come of them |
//! | [`harness`], [`statistics`], [`disk`] | rounds, numbers, bytes written |
//! | [`results`], [`targets`], [`table`], [`report`], [`recorded`] | what becomes of the numbers |

#![expect(clippy::print_stdout, reason = "results are for people to read")]

mod args;
mod content;
mod context;
mod disk;
mod engines;
mod harness;
mod model;
mod recorded;
mod report;
mod results;
mod statistics;
mod table;
mod targets;
mod workloads;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::Args;
use context::Context;
use disk::Disk;
use results::{Results, bytes};
use workloads::{Sizes, Workload};

/// Whatever any of the engines may say.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let began = Instant::now();
    let workloads = args.workloads()?;
    let dir = tempfile::Builder::new().prefix("numstore-bench").tempdir_in(args.dir())?;
    let disk = Disk::of(dir.path())?;
    let mut results = Results::default();
    println!("{}", disk.describe());
    for workload in &workloads {
        for size in args.sizes(workload) {
            measure(workload, size, args, &disk, dir.path(), &mut results)?;
        }
    }
    print!("{}", table::notes(&results));
    println!(
        "{} comparisons with the model, all equal; {:.0} s",
        results.verified,
        began.elapsed().as_secs_f64()
    );
    let rows = results.rows();
    if let Some(path) = &args.json {
        std::fs::write(path, report::json::to_json(&rows))?;
    }
    if let Some(path) = &args.html {
        std::fs::write(path, report::html::page(&results))?;
    }
    if let Some(path) = &args.recorded {
        print!("{}", recorded::compare(&rows, path)?);
        if args.record {
            std::fs::write(path, report::json::to_json(&recorded::merged(&rows, path)?))?;
        }
    }
    Ok(())
}

/// One workload at one size, in a folder that is gone afterwards; prints what came of it.
fn measure(
    workload: &Workload,
    size: u64,
    args: &Args,
    disk: &Disk,
    dir: &std::path::Path,
    results: &mut Results,
) -> Result<()> {
    let (dir, began) = (tempfile::tempdir_in(dir)?, Instant::now());
    let shown =
        if matches!(workload.sizes, Sizes::Own(_)) { String::new() } else { format!(", {}", bytes(size)) };
    println!("\n{}{shown}: {}", workload.name, workload.about);
    let before = results.series.len();
    let scale = args.scale();
    let name = workload.name;
    let mut context = Context { workload: name, size, scale: &scale, disk, dir: dir.path(), results };
    (workload.run)(&mut context).map_err(|error| format!("{name}, {}: {error}", bytes(size)))?;
    print!("{}", table::of(&results.series[before..]));
    println!("  {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
