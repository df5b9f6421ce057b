//! What is done to the engines, one file for each workload. Each one loads its engines, measures them in turn, and in the
//! end compares what they hold with the model.

mod batch_insert;
mod bulk_load;
mod durable_insert;
mod group_commit;
mod middle_insert;
mod open;
mod random_read;
mod reader_beside_writer;
mod recovery;
mod scan;
mod space;
mod stride;
mod sustained_insert;
mod traces;

use std::time::Instant;

use crate::Result;
use crate::context::Context;

/// At which sizes a workload runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sizes {
    /// At each that is asked for.
    Each,
    /// At each, and at 1 MiB.
    FromSmall,
    /// Once: it brings its own bytes, so many.
    Own(u64),
}

/// A workload.
pub struct Workload {
    pub name: &'static str,
    pub about: &'static str,
    pub sizes: Sizes,
    pub run: fn(&mut Context<'_>) -> Result<()>,
}

/// All of them, in the order in which they run.
pub const ALL: [Workload; 16] = [
    each("bulk-load", "a new stream in one durable transaction", bulk_load::run),
    each("durable-insert", "100 B at random places, each durable, call by call", durable_insert::run),
    each("batch-insert", "insertions of 100 B in one durable transaction", batch_insert::run),
    each("sustained-insert", "many such transactions, with a checkpoint", sustained_insert::run),
    each("random-read-100", "100 B at random places, in memory", random_read::run_100),
    each("random-read-4k", "4 KiB at random places, in memory", random_read::run_4k),
    each("scan", "all bytes in their order, in memory", scan::run),
    each("scan-after-edits", "the same after random insertions", scan::run_after_edits),
    each("stride", "4 B of every 64 B", stride::run),
    each("open", "opening what was closed, until the first byte is read", open::run),
    each("recovery", "opening after a crash with a full log", recovery::run),
    each("space", "disk taken for each byte of data", space::run),
    each("reader-beside-writer", "one reader's speed beside a committing writer", reader_beside_writer::run),
    Workload {
        name: "group-commit",
        about: "commits of 1, 8 and 32 threads",
        sizes: Sizes::Own(group_commit::STREAM_BYTES),
        run: group_commit::run,
    },
    Workload {
        name: "traces",
        about: "two recorded editing histories",
        sizes: Sizes::Own(0),
        run: traces::run,
    },
    Workload {
        name: "middle-insert",
        about: "a durable insertion by the length of the stream",
        sizes: Sizes::FromSmall,
        run: middle_insert::run,
    },
];

const fn each(name: &'static str, about: &'static str, run: fn(&mut Context<'_>) -> Result<()>) -> Workload {
    Workload { name, about, sizes: Sizes::Each, run }
}

/// Runs `call` and says how many seconds it took.
fn seconds<R>(call: impl FnOnce() -> Result<R>) -> Result<(R, f64)> {
    let began = Instant::now();
    let result = call()?;
    Ok((result, began.elapsed().as_secs_f64()))
}

/// As [`seconds`], microseconds of what returns nothing.
fn micros(call: impl FnOnce() -> Result<()>) -> Result<f64> {
    Ok(seconds(call)?.1 * 1e6)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::context::Scale;
    use crate::disk::Disk;
    use crate::engines::{OURS, stores};
    use crate::results::Results;

    /// Runs a workload over a few hundred KiB, which takes no time and does all of its work.
    fn run_small(workload: &Workload) -> Results {
        let scale = Scale {
            rounds: 2,
            commits: 3,
            counted: 2,
            count_rounds: 1,
            batch: 20,
            sustained: 60,
            per_checkpoint: 40,
            checkpoints: 2,
            reads: 50,
            edits: 200,
            crash_after: 60,
            window: Duration::from_millis(20),
            trace_commits: 20,
        };
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path()).unwrap();
        let mut results = Results::default();
        let mut context = Context {
            workload: workload.name,
            size: 192 << 10,
            scale: &scale,
            disk: &disk,
            dir: dir.path(),
            results: &mut results,
        };
        (workload.run)(&mut context).unwrap();
        results
    }

    #[test]
    fn every_workload_measures_every_round_and_verifies_what_it_did() {
        for workload in &ALL {
            let results = run_small(workload);
            assert!(results.verified >= 1, "{}: nothing was verified", workload.name);
            assert!(results.series.iter().any(|series| series.engine == OURS), "{}", workload.name);
            for series in &results.series {
                let (name, metric) = (workload.name, series.metric.name);
                assert!(!series.values.is_empty(), "{name}, {metric}");
                assert!(series.values.iter().all(|value| value.is_finite()), "{name}, {metric}: {series:?}");
            }
        }
    }

    #[test]
    fn every_store_is_verified_after_insertions() {
        for name in ["durable-insert", "batch-insert", "sustained-insert", "scan-after-edits", "space"] {
            let workload = ALL.iter().find(|workload| workload.name == name).unwrap();
            assert!(run_small(workload).verified >= stores().len(), "{name}");
        }
    }

    #[test]
    fn a_full_disk_takes_one_after_the_other() {
        let apart =
            Workload { run: middle_insert::run_apart, ..each("middle-insert", "", middle_insert::run) };
        let engines: BTreeSet<&str> = run_small(&apart).series.iter().map(|series| series.engine).collect();
        assert!(engines.is_superset(&[OURS, "raw-rewrite"].into()), "{engines:?}");
    }

    #[test]
    fn names_are_different() {
        assert_eq!(ALL.iter().map(|workload| workload.name).collect::<BTreeSet<_>>().len(), ALL.len());
    }
}
