//! What came of one seed.

use crate::judge::Finding;
use crate::world::WorldCounters;

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Operations of the workload.
    pub operations: u64,
    /// Process kills and power losses.
    pub crashes: u64,
    /// Successful openings after a crash.
    pub recoveries: u64,
    /// Crashes that struck while the database was being opened.
    pub crashes_in_recovery: u64,
    /// Rounds that ended with a failed write or sync.
    pub failures: u64,
    /// Most transactions open at once.
    pub open_max: u64,
    /// Tallest tree seen by an audit.
    pub height_max: u64,
    /// Transactions that recoveries rolled back.
    pub losers: u64,
    /// Compensation records that recoveries wrote.
    pub clrs_written: u64,
    /// Log records that recoveries redid.
    pub records_redone: u64,
    /// Checkpoints, asked for or not.
    pub checkpoints: u64,
    /// Refusals because a stream or a name belonged to another transaction.
    pub busy: u64,
    /// What the world did.
    pub world: WorldCounters,
}

/// A run that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Nothing, or what was found wrong.
    pub finding: Option<Finding>,
    /// The hash of everything that happened.
    pub trace_hash: u64,
    /// What the run did.
    pub counters: Counters,
}

impl Outcome {
    /// Of a run of which nothing but a finding is left.
    pub(super) fn broken_off(seed: u64, finding: Finding) -> Outcome {
        Outcome { seed, finding: Some(finding), trace_hash: 0, counters: Counters::default() }
    }

    /// The verdict in a sentence.
    pub fn verdict(&self) -> String {
        match &self.finding {
            None => format!("seed {} is clean", self.seed),
            Some(finding) => format!("seed {} failed: {finding}", self.seed),
        }
    }
}
