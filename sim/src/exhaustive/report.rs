//! What a search came to.

use serde::Serialize;

use super::workloads::{alphabet, count};

/// What was run, and what was found wrong.
#[derive(Clone, Default, Debug, Serialize)]
pub struct Report {
    /// The longest workload, in operations.
    pub operations: u32,
    /// Workloads that were run to their end.
    pub workloads: u64,
    /// Of so many.
    pub workloads_all: u64,
    /// Crashes, each in another I/O call of a workload.
    pub crashes: u64,
    /// What power losses have left, with repetitions.
    pub images: u64,
    /// Without.
    pub distinct: u64,
    /// Of these, those that only a crash in a recovery has left.
    pub distinct_in_recovery: u64,
    /// Openings that were judged.
    pub recoveries: u64,
    /// Whether all workloads were run.
    pub complete: bool,
    /// Seconds.
    pub seconds: f64,
    /// What was found wrong, each with the way to it.
    pub findings: Vec<String>,
}

impl Report {
    /// A search for workloads of up to so many operations that has not begun.
    pub(super) fn new(operations: u32) -> Report {
        Report { operations, workloads_all: count(operations), ..Report::default() }
    }

    /// Takes in what a thread did.
    pub(super) fn add(&mut self, other: &Report) {
        self.crashes += other.crashes;
        self.images += other.images;
        self.recoveries += other.recoveries;
        self.findings.extend_from_slice(&other.findings);
    }

    /// In words.
    pub fn describe(&self) -> String {
        let mut text = format!("{} operations to choose from:\n", alphabet().len());
        for letter in alphabet() {
            text += &format!("  {}\n", letter.words);
        }
        text += &format!(
            "{} of {} workloads of up to {} operations, {} crashes in them\n\
             {} images, {} of them distinct, {} of those only after a crash in a recovery; {} openings, in {:.1} s\n",
            self.workloads,
            self.workloads_all,
            self.operations,
            self.crashes,
            self.images,
            self.distinct,
            self.distinct_in_recovery,
            self.recoveries,
            self.seconds
        );
        for finding in &self.findings {
            text += &format!("{finding}\n");
        }
        text + &format!("{} findings", self.findings.len())
    }
}
