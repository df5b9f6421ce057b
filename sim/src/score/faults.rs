//! For each kind of fault a bug that only it finds: without such a bug nobody could say what the fault is good for.

use numstore::hooks::mutant;

use crate::world::FaultKind;

use super::hunt::{Catch, Hunt};

/// Each kind of fault, and the bug that is found with it and not without it.
pub const ONLY: [(FaultKind, usize); 22] = [
    (FaultKind::Kill, mutant("the slot that stands by is written first")),
    (FaultKind::PowerLoss, mutant("the name of a new database is not synced")),
    (FaultKind::Tears, mutant("the only valid slot is written first")),
    (FaultKind::NameLoss, mutant("the name of a log is not synced")),
    (FaultKind::SyncFailures, mutant("a failed sync is tried again")),
    (FaultKind::WriteFailures, mutant("a failed write does not poison")),
    (FaultKind::FullDisk, mutant("a full disk costs blocks")),
    (FaultKind::Rot, mutant("the first bad batch ends the log")),
    (FaultKind::ShortTransfers, mutant("a short write begins again")),
    (FaultKind::CrashInRecovery, mutant("a recovery removes its log too early")),
    (FaultKind::RevertedPages, mutant("a transaction reads on after a failed sync")),
    (FaultKind::WideSectors, mutant("batches share a block")),
    (FaultKind::ClockJumps, mutant("a recovery is timed by the wall clock")),
    (FaultKind::BadRanges, mutant("what a failed change replaced is free")),
    (FaultKind::MisdirectedWrites, mutant("a slot of an earlier publication stays")),
    (FaultKind::LyingDisk, mutant("a leftover log is used as it is")),
    (FaultKind::NameFailures, mutant("nobody asks whether a name was synced")),
    (FaultKind::SlowIo, mutant("a wait whose time is up counts as granted")),
    (FaultKind::LostLengths, mutant("a new log is synced before it is filled")),
    (FaultKind::StaleGaps, mutant("batches of an earlier log count")),
    (FaultKind::Panics, mutant("a checkpoint whose writer panics never ends")),
    (FaultKind::NoDirectIo, mutant("what cannot go around the cache is not written")),
];

/// Fewest seeds that a bug must survive without its fault.
const SEEDS_MIN: u64 = 300;

/// The hunts without the fault, each over more seeds than the one with it took.
pub(super) fn pairs(caught: &[Catch], seeds_max: u64) -> Vec<Hunt> {
    let pair = |(kind, mutant): (FaultKind, usize)| {
        let needed = caught.iter().find(|caught| caught.hunt.mutant == mutant)?.seeds_needed()?;
        let seeds = (2 * needed).max(SEEDS_MIN).min(seeds_max.max(needed));
        Some(Hunt { mutant, seeds, without: Some(kind) })
    };
    ONLY.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_fault_has_a_bug() {
        for kind in FaultKind::ALL {
            let bugs = ONLY.iter().filter(|(with, _)| *with == kind).count();
            assert_eq!(bugs, 1, "{}", kind.name());
        }
    }
}
