//! Rolling transactions back, for users and for recovery: undo newest first, with checkpoints in between, so that the
//! compensations of a huge transaction take neither memory nor log space without bound.

use crate::base::{Lsn, Result, TxnId};
use crate::env::Env;
use crate::txn::{Core, Savepoint};

use super::checkpoint::checkpoint_if_due;

/// Undoes everything that `txn` did and ends it.
pub fn roll_back<E: Env>(core: &mut Core<E>, txn: TxnId) -> Result<()> {
    undo_down_to(core, txn, None)?;
    core.end_rollback(txn)
}

/// Undoes what `txn` did since `savepoint`, which stays; later ones are gone.
pub fn roll_back_to<E: Env>(core: &mut Core<E>, txn: TxnId, savepoint: &Savepoint) -> Result<()> {
    let top = core.savepoint_top(txn, savepoint)?;
    undo_down_to(core, txn, top)
}

fn undo_down_to<E: Env>(core: &mut Core<E>, txn: TxnId, top: Option<Lsn>) -> Result<()> {
    while core.undo_one(txn, top)? {
        checkpoint_if_due(core)?;
    }
    Ok(())
}
