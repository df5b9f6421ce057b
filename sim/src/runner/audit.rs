//! What a database that was just opened says of itself, gathered for the judge.

use numstore::{Database, inspect};

use crate::judge::{Audit, Finding};
use crate::model::Streams;
use crate::world::SimEnv;

use super::rot::newest_log;
use super::stage::{BLOCK_BYTES, PATH, Stage};

impl Stage {
    /// Asks the database, which was found in the state `found`, about everything.
    pub(super) fn audit(&mut self, db: &Database<SimEnv>, found: &Streams) -> Result<Audit, Finding> {
        let report = db.verify().map_err(|e| Finding::new("audit", format!("it failed: {e}")))?;
        self.counters.height_max = self.counters.height_max.max(u64::from(report.height));
        let stats = db.stats();
        let log_file = newest_log(&self.world).map(|(_, len)| len);
        let log = inspect::read_log(&self.world.env(), PATH);
        Ok(Audit {
            problems: report.problems,
            counted: (report.streams, report.bytes),
            read: (found.len() as u64, found.values().map(|bytes| bytes.len() as u64).sum()),
            blocks: (report.blocks_used, report.blocks_free),
            file_blocks: self.data_bytes().div_ceil(BLOCK_BYTES),
            transactions: stats.transactions_open,
            snapshots: stats.snapshots_open,
            locks: db.locks().locks.iter().map(|lock| format!("{} of {}", lock.target, lock.txn)).collect(),
            log: (stats.log_file_bytes, log_file),
            log_error: log.err().map(|e| e.to_string()),
        })
    }
}
