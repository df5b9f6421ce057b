//! A decoded log, asked the questions of the recovery tests.

use std::collections::BTreeSet;

use numstore::TxnId;
use numstore::inspect::{Body, LogEntry};

/// The records of one transaction in a log, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// LSNs of its operations.
    pub operations: Vec<u64>,
    /// LSNs of the operations that its compensations undid, in the order of the compensations.
    pub undone: Vec<u64>,
    /// LSNs of the compensations themselves.
    pub compensations: Vec<u64>,
    /// Whether it is committed.
    pub committed: bool,
    /// Whether its rollback is complete.
    pub ended: bool,
}

impl History {
    /// What `log` says of the transaction `txn`.
    pub fn of(txn: TxnId, log: &[LogEntry]) -> History {
        let mut history = History::default();
        for entry in log.iter().filter(|entry| entry.txn == txn) {
            history.committed |= entry.commits;
            match &entry.record.body {
                Body::Operation(_) => history.operations.push(entry.lsn.0),
                Body::Compensate { undone, .. } => {
                    history.undone.push(undone.0);
                    history.compensations.push(entry.lsn.0);
                }
                Body::Commit => history.committed = true,
                Body::End => history.ended = true,
            }
        }
        history
    }

    /// The same transaction, followed into the next log.
    pub fn and_then(mut self, later: &History) -> History {
        self.operations.extend(&later.operations);
        self.undone.extend(&later.undone);
        self.compensations.extend(&later.compensations);
        self.committed |= later.committed;
        self.ended |= later.ended;
        self
    }

    /// Panics unless each compensation undid another operation, newest first, and none undid a compensation.
    pub fn assert_compensations_are_final(&self) {
        let unique: BTreeSet<u64> = self.undone.iter().copied().collect();
        assert_eq!(unique.len(), self.undone.len(), "an operation was undone twice: {self:?}");
        for undone in &self.undone {
            assert!(
                !self.compensations.contains(undone),
                "the compensation at {undone} was undone: {self:?}"
            );
        }
        // Operations and compensations may alternate (savepoints); a run of compensations goes backwards.
        for (undone, clr) in self.undone.iter().zip(&self.compensations) {
            assert!(undone < clr, "{undone} was undone before it was done, at {clr}");
        }
    }
}

/// How many compensations a log holds.
pub fn compensations(log: &[LogEntry]) -> u64 {
    log.iter().filter(|entry| matches!(entry.record.body, Body::Compensate { .. })).count() as u64
}
