//! Whether an operation makes sense in a session, so that any list of acts is a valid run.

use crate::model::{Edit, Step};
use crate::workload::Operation;

use super::session::Session;

/// The handles that somebody has on an open database.
pub(super) trait Handles {
    /// How many savepoints an open transaction has; nothing if it is not open.
    fn savepoints(&self, txn: u64) -> Option<usize>;

    /// Whether a snapshot is open.
    fn has_snapshot(&self, id: u64) -> bool;
}

impl Handles for Session {
    fn savepoints(&self, txn: u64) -> Option<usize> {
        Session::savepoints(self, txn)
    }

    fn has_snapshot(&self, id: u64) -> bool {
        Session::has_snapshot(self, id)
    }
}

/// Whether the operation can be asked for at all; refusals with a typed error are answers like any other.
pub(super) fn fits(session: &impl Handles, operation: &Operation) -> bool {
    let savepoints = |txn: u64| session.savepoints(txn);
    match operation {
        Operation::Begin(txn) => savepoints(*txn).is_none() && *txn != u64::MAX,
        Operation::In(txn, step) => savepoints(*txn).is_some_and(|count| in_transaction(step, count)),
        Operation::Commit { txn, .. } | Operation::Rollback(txn) | Operation::Abandon(txn) => {
            savepoints(*txn).is_some()
        }
        Operation::Direct(step) => directly(step),
        Operation::ReadDurable(step) => reads(step),
        Operation::Snapshot(id) => !session.has_snapshot(*id),
        Operation::ReadSnapshot(id, step) => session.has_snapshot(*id) && reads(step),
        Operation::Release(id) => session.has_snapshot(*id),
        Operation::Checkpoint | Operation::Compact | Operation::Sync => true,
        Operation::Verify | Operation::Stats | Operation::Close => true,
    }
}

fn in_transaction(step: &Step, savepoints: usize) -> bool {
    match step {
        Step::RollbackTo { index } => *index < savepoints,
        Step::Rename { from, to } => from != to,
        _ => true,
    }
}

/// What the database offers without a transaction.
fn directly(step: &Step) -> bool {
    match step {
        Step::Create { .. } | Step::Drop { .. } => true,
        Step::Rename { from, to } => from != to,
        Step::Edit { edit, .. } => matches!(
            edit,
            Edit::Insert { .. }
                | Edit::Append { .. }
                | Edit::Write { .. }
                | Edit::Remove { .. }
                | Edit::Cut { .. }
                | Edit::Truncate { .. }
        ),
        _ => false,
    }
}

/// What durable versions answer.
fn reads(step: &Step) -> bool {
    match step {
        Step::Exists { .. } | Step::List => true,
        Step::Edit { edit, .. } => matches!(edit, Edit::Len | Edit::Read { .. }),
        _ => false,
    }
}
