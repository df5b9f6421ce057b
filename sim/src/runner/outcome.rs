//! What came of one seed.

use crate::judge::Finding;
use crate::markers::Reached;
use crate::world::{ReadCounters, WorldCounters};

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Operations of the workload.
    pub operations: u64,
    /// Sessions with the open database; nearly all end with a crash.
    pub rounds: u64,
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
    /// Transactions of clients that ran side by side.
    pub client_transactions: u64,
    /// Histories of such clients for which a serial order was looked for.
    pub client_histories: u64,
    /// Of those, the ones where the search gave up: nobody knows whether there is one.
    pub client_histories_undecided: u64,
    /// What reads of versions came to.
    pub versions: ReadCounters,
    /// What the world did.
    pub world: WorldCounters,
}

/// The place of a counter.
type Field = fn(&mut Counters) -> &mut u64;

impl Counters {
    /// What is told of a campaign: the names, and where the numbers are.
    pub(super) const NAMED: [(&'static str, Field); 19] = [
        ("operations", |c| &mut c.operations),
        ("rounds", |c| &mut c.rounds),
        ("crashes", |c| &mut c.crashes),
        ("recoveries", |c| &mut c.recoveries),
        ("crashes_in_recovery", |c| &mut c.crashes_in_recovery),
        ("concurrent_transactions", |c| &mut c.open_max),
        ("tree_height", |c| &mut c.height_max),
        ("losers_undone", |c| &mut c.losers),
        ("compensation_records", |c| &mut c.clrs_written),
        ("records_redone", |c| &mut c.records_redone),
        ("checkpoints", |c| &mut c.checkpoints),
        ("busy", |c| &mut c.busy),
        ("failures", |c| &mut c.failures),
        ("client_transactions", |c| &mut c.client_transactions),
        ("client_histories", |c| &mut c.client_histories),
        ("client_histories_undecided", |c| &mut c.client_histories_undecided),
        ("version_reads", |c| &mut c.versions.reads),
        ("version_read_latches", |c| &mut c.versions.latches),
        ("version_read_waits", |c| &mut c.versions.waits),
    ];

    /// Each counter that is told of a campaign, by name.
    pub fn named(mut self) -> Vec<(&'static str, u64)> {
        Counters::NAMED.into_iter().map(|(name, field)| (name, *field(&mut self))).collect()
    }
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
    /// The rare states that it reached.
    pub reached: Reached,
}

impl Outcome {
    /// Of a run of which nothing but a finding is left.
    pub(super) fn broken_off(seed: u64, finding: Finding) -> Outcome {
        let (counters, reached) = (Counters::default(), Reached::default());
        Outcome { seed, finding: Some(finding), trace_hash: 0, counters, reached }
    }

    /// The verdict in a sentence.
    pub fn verdict(&self) -> String {
        match &self.finding {
            None => format!("seed {} is clean", self.seed),
            Some(finding) => format!("seed {} failed: {finding}", self.seed),
        }
    }
}
