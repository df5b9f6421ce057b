//! What an open database says of itself between two operations, and what it does without being asked.

use std::time::Duration;

use numstore::env::{Clock, Env};

use crate::judge::{Changed, Finding, check_bounds, check_open_transactions};
use crate::workload::DEFERRED_DELAY;

use super::session::{Session, Stop};

/// More than the disk takes for everything that is to be done in the background.
const DEFERRED_SLACK: Duration = Duration::from_secs(100);

impl Session {
    /// Judges the counters, and what is to happen without being asked for.
    ///
    /// # Errors
    /// What they should not say.
    pub(super) fn check_stats(&mut self) -> Result<(), Stop> {
        // Those that have asked for nothing yet begin with this.
        self.transactions.values().for_each(|(tx, _)| _ = tx.id());
        let stats = self.db.stats();
        let open = self.transactions.len() as u64;
        // One that could not be rolled back stays open until the database is opened again.
        if !self.is_refused() && !self.is_betrayed() {
            check_open_transactions(open, stats.transactions_open)?;
        }
        self.check_bounds()?;
        self.wait_for_deferred();
        Ok(())
    }

    /// Judges how much has changed and is in no checkpoint, if the disk takes one.
    pub(super) fn check_bounds(&self) -> Result<(), Finding> {
        let stats = self.db.stats();
        let (dirty_bytes_due, log_bytes_due) = self.geometry.checkpoint_due();
        let changed = Changed {
            dirty_bytes: stats.dirty_bytes,
            dirty_bytes_due,
            log_bytes: stats.log_bytes_since_capture,
            log_bytes_due,
        };
        let may_refuse = self.is_faulty() || self.is_refused() || self.is_betrayed() || self.world.is_full();
        if may_refuse { Ok(()) } else { check_bounds(changed) }
    }

    /// Lets so much time pass that all deferred commits must be durable, without anybody asking for it.
    fn wait_for_deferred(&mut self) {
        if !self.geometry.has_background() {
            return;
        }
        let env = self.world.env();
        let is_due = env.clock().monotonic() + DEFERRED_DELAY + DEFERRED_SLACK;
        env.clock().sleep_until(is_due);
        let is_sound = !self.is_faulty() && !self.is_refused() && !self.is_betrayed();
        if is_sound && self.db.begin().is_ok() {
            self.model.history_mut().acknowledge();
        }
    }
}
