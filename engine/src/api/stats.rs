//! Counters and sizes of an open database.

use std::time::Duration;

use crate::base::BLOCK_BYTES;
use crate::env::{DiskFile, Env};
use crate::log::Log;
use crate::recovery::RecoveryReport;
use crate::txn::Core;

/// Counters since the database was opened, and sizes as they are now.
#[derive(Clone, Copy, Default, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Streams there are now, uncommitted ones included.
    pub streams: u64,
    /// Length of the data file in bytes.
    pub file_bytes: u64,
    /// Blocks of 4 KiB that are free inside the data file.
    pub free_blocks: u64,
    /// Bytes of log records written.
    pub log_bytes: u64,
    /// Bytes of log records since the last checkpoint was captured. A recovery repeats as many once that checkpoint is
    /// published, and more before.
    pub log_bytes_since_capture: u64,
    /// Bytes written to the log in batches: records, headers and padding.
    pub log_bytes_written: u64,
    /// Batches written to the log, each with one sync.
    pub log_batches: u64,
    /// Length of the log file in bytes; 0 if there is none.
    pub log_file_bytes: u64,
    /// Syncs of log and data file.
    pub syncs: u64,
    /// Checkpoints taken.
    pub checkpoints: u64,
    /// Compensation records written.
    pub clrs: u64,
    /// Commits that changed something, those of calls directly on the database included.
    pub commits: u64,
    /// Transactions that had changed something and were rolled back as a whole, in a recovery too.
    pub rollbacks: u64,
    /// Times that a call had to wait for a lock.
    pub lock_waits: u64,
    /// Deadlocks that were broken.
    pub deadlocks: u64,
    /// Transactions open now.
    pub transactions_open: u64,
    /// Versions in use by snapshots, beside the newest.
    pub snapshots_open: u64,
    /// How long the oldest of them has been read though there is a newer version.
    pub oldest_snapshot_age: Duration,
    /// Bytes of the file that nothing but snapshots and open transactions keep from being used again.
    pub held_back_bytes: u64,
    /// Nodes found in the caches.
    pub cache_hits: u64,
    /// Nodes read from disk.
    pub cache_misses: u64,
    /// About how much memory has changed since the last checkpoint, in bytes.
    pub dirty_bytes: u64,
    /// Undo stacks and subtrees whose blocks are still to be freed.
    pub graveyard_nodes: u64,
    /// What recovery did when the database was opened, if it had to.
    pub recovery: Option<RecoveryReport>,
}

pub(super) fn stats<E: Env>(core: &Core<E>, recovery: Option<RecoveryReport>) -> Stats {
    let log = core.log.as_ref().map(Log::counters).unwrap_or_default();
    let locks = core.locks.table().counters();
    let (cache_hits, cache_misses) = core.store.hits_and_misses();
    Stats {
        streams: core.catalog.len(),
        file_bytes: core.store.file.file().len().unwrap_or(0),
        free_blocks: core.space.free_blocks(),
        log_bytes: core.counters.log_bytes,
        log_bytes_since_capture: core.log_bytes_since_capture(),
        log_bytes_written: log.bytes_written,
        log_batches: log.batches,
        log_file_bytes: core.log.as_ref().map_or(0, Log::file_bytes),
        syncs: log.syncs + core.store.file.syncs(),
        checkpoints: core.counters.checkpoints,
        clrs: core.counters.clrs,
        commits: core.counters.commits,
        rollbacks: core.counters.rollbacks,
        lock_waits: locks.waits,
        deadlocks: locks.deadlocks,
        transactions_open: core.table.len() as u64,
        snapshots_open: core.snapshots(),
        oldest_snapshot_age: core.oldest_snapshot_age(),
        held_back_bytes: core.space.pinned_blocks() * BLOCK_BYTES as u64,
        cache_hits,
        cache_misses,
        dirty_bytes: core.dirty_bytes,
        graveyard_nodes: core.graveyard.len() as u64,
        recovery,
    }
}
