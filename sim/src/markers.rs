//! Rare states that a run has reached: those that the engine notes, and those of the simulated machine.
//!
//! A marker that more than half of all histories reach says nothing; one that no history reaches says that the
//! workload or the faults are aimed badly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use numstore::hooks::{CAPACITY, Collector, MARKERS, is_same};

/// The markers of the simulated machine, in one row behind those of the engine.
pub const SIM_MARKERS: &[&str] = &[
    // The simulated machine.
    "a sync of a log failed",
    "a failed sync of the data file took writes back",
    "a gap behind the old end of a file holds stale bytes",
    "a file lost its end and with it what was written there",
    "the disk was too full for the data file",
    "the disk was too full for the log",
    "a write of the data file failed",
    "a write of the log failed",
    "the background task panicked while it wrote to the data file",
    "the background task panicked while it wrote to the log",
    "a call panicked while it wrote to the data file",
    "a call panicked while it wrote to the log",
    "a call of one of several clients panicked",
    "a power loss lost a name",
    "a power loss kept one name and lost another",
    "a power loss tore nothing but names",
    "a crash struck the writing of slot 0",
    "a crash struck the writing of slot 1",
    "a crash struck the creation of a file",
    "a crash struck the removal of a file",
    "a crash struck a rename",
    "a crash struck a sync of a directory",
    "a crash struck the growth of a log",
    "a file could not be created",
    "a file could not be removed",
    "a file could not be renamed",
    "a sync of a directory failed",
    "a file has a new length and nothing of what was written there",
    "the beginning of a torn unit is old",
    "the end of a torn unit is old",
    "a torn unit holds zeros",
    "a torn unit holds garbage",
    "a unit of 4 KiB was torn inside",
    "what a failed sync did not write is not seen any more",
    "an I/O call took seconds",
    "a node could not be read",
    "a part of the data file could not be written",
    "a part of a log could not be read",
    "a part of a log could not be written",
    "a write landed on a superblock",
    "a write landed elsewhere in the data file",
    "a write landed elsewhere in a log",
    "a part of a file was bad before a power loss and behind it",
    "a failed sync of a directory made one name durable and not another",
    "a sync of a directory made no name durable and said that it did",
    // The run.
    "a recovery of streams of a gigabyte was struck by a crash",
    "streams of a gigabyte came back without the newest commits",
    "wall time stood still during a recovery",
    "four openings in a row were struck by a crash",
    "a bit rotted that a superblock needs",
    "a log with a rotten bit was read rightly",
    "a commit in doubt has happened",
    "a commit in doubt has not happened",
    "a process whose opening failed opened the database once more",
    "a misplaced write was detected",
    "a misplaced write did no harm",
    "a misplaced write in a log was detected",
    "after a disk had lied the damage was detected",
    "after a disk had lied the database was whole",
    "a commit went through while the disk was full",
    "a rollback went through while the disk was full",
    "a checkpoint went through while the disk was full",
    "a poisoned database was brought to its end with transactions open",
    "everything was ended after a write had failed",
    // Clients side by side.
    "a crash struck clients side by side",
    "a process ended between two calls of the disk",
    "a commit that returned later comes first in the order",
    "a commit of one of several clients is in doubt",
    "a recovery left what an order of several clients leaves",
    "several clients wait for locks",
    "a client begins a transaction for the third time",
    "a client goes on in a transaction that gave way",
];

const _: () = assert!(MARKERS.len() + SIM_MARKERS.len() <= CAPACITY, "there is a bit for every marker");

/// As the macro of this name in the engine, for [`SIM_MARKERS`].
macro_rules! reached {
    ($name:literal) => {{
        const MARKER: usize = $crate::markers::marker($name);
        numstore::hooks::mark(MARKER);
    }};
    ($name:literal, $condition:expr) => {
        if $condition {
            reached!($name);
        }
    };
}

/// The number of a marker of the simulated machine.
pub const fn marker(name: &str) -> usize {
    let mut at = 0;
    while at < SIM_MARKERS.len() {
        if is_same(SIM_MARKERS[at], name) {
            return MARKERS.len() + at;
        }
        at += 1;
    }
    panic!("no marker has this name")
}

/// The name of every marker, by number.
pub fn names() -> impl Iterator<Item = &'static str> {
    MARKERS.iter().chain(SIM_MARKERS).copied()
}

/// Which markers one run has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reached([u64; CAPACITY / 64]);

impl Reached {
    /// What was gathered so far.
    pub fn of(collector: &Collector) -> Reached {
        Reached(collector.words())
    }

    /// Whether marker `number` was reached.
    pub fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }
}

/// How many of some runs have reached each marker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "Named", into = "Named")]
pub struct Census {
    /// How many runs there were.
    pub runs: u64,
    counts: Vec<u64>,
}

impl Default for Census {
    fn default() -> Census {
        Census { runs: 0, counts: vec![0; names().count()] }
    }
}

/// A census as it is kept: by name, since numbers move when a marker is added.
#[derive(Serialize, Deserialize)]
struct Named {
    runs: u64,
    counts: BTreeMap<String, u64>,
}

impl From<Census> for Named {
    fn from(census: Census) -> Named {
        let counts = census.counts().map(|(name, count)| (name.to_owned(), count)).collect();
        Named { runs: census.runs, counts }
    }
}

impl From<Named> for Census {
    fn from(named: Named) -> Census {
        let count = |name| named.counts.get(name).copied().unwrap_or(0);
        Census { runs: named.runs, counts: names().map(count).collect() }
    }
}

impl Census {
    /// Counts one more run.
    pub fn count(&mut self, reached: &Reached) {
        self.runs += 1;
        for (number, count) in self.counts.iter_mut().enumerate() {
            *count += u64::from(reached.contains(number));
        }
    }

    /// Counts other runs.
    pub fn add(&mut self, other: &Census) {
        self.runs += other.runs;
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
    }

    /// Each marker, and how many runs have reached it.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        names().zip(self.counts.iter().copied())
    }

    /// The markers that no run has reached.
    pub fn missed(&self) -> Vec<&'static str> {
        self.counts().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }

    /// The markers that more than half of the runs have reached.
    pub fn common(&self) -> Vec<&'static str> {
        self.counts().filter(|(_, count)| 2 * count > self.runs).map(|(name, _)| name).collect()
    }

    /// For people: how many were reached, and the names of the others.
    pub fn describe(&self) -> String {
        let (all, missed, common) = (self.counts.len(), self.missed(), self.common());
        let reached = all - missed.len();
        let mut text =
            format!("markers: {reached} of {all} reached, {} of them rare", reached - common.len());
        for (what, names) in [("not reached", missed), ("reached by more than half", common)] {
            for name in names {
                text += &format!("\n  {what}: {name}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_census_tells_the_missed_from_the_common() {
        let collector = Collector::new();
        let before = numstore::hooks::install(Some(collector.clone()));
        reached!("a crash struck a rename");
        reached!("a sync of a log failed", 1 > 2);
        numstore::hooks::install(before);
        let (once, never) = (Reached::of(&collector), Reached::default());
        assert!(
            once.contains(marker("a crash struck a rename"))
                && !once.contains(marker("a sync of a log failed"))
        );
        let mut census = Census::default();
        [once, once, never].iter().for_each(|reached| census.count(reached));
        assert_eq!(census.common(), ["a crash struck a rename"]);
        assert_eq!(census.missed().len(), names().count() - 1);
        assert_eq!(census.runs, 3);
    }
}
