//! Everything that a program can do with an open database.

use crate::model::Step;

/// One operation. Transactions and snapshots go by numbers that the generator gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Opens a transaction.
    Begin(u64),
    /// A step inside a transaction.
    In(u64, Step),
    /// Commits; durable at once if `sync`.
    Commit {
        /// The transaction.
        txn: u64,
        /// Whether it must be durable when the call returns.
        sync: bool,
    },
    /// Rolls back.
    Rollback(u64),
    /// Drops the handle, which rolls back.
    Abandon(u64),
    /// A step as a transaction of its own.
    Direct(Step),
    /// Reads the newest durable version, outside any transaction.
    ReadDurable(Step),
    /// Takes a snapshot.
    Snapshot(u64),
    /// Reads from a snapshot.
    ReadSnapshot(u64, Step),
    /// Drops a snapshot.
    Release(u64),
    /// Writes a checkpoint.
    Checkpoint,
    /// Moves the end of the file to the front.
    Compact,
    /// Makes everything committed durable.
    Sync,
    /// Audits the whole database.
    Verify,
    /// Reads the counters.
    Stats,
    /// Ends all transactions and snapshots, and closes.
    Close,
}
