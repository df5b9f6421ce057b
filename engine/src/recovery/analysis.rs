//! The first pass over the log: who ended, and which blocks later records will need.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{Error, Result, TxnId};
use crate::catalog::FileOf;
use crate::env::Env;
use crate::format::record::Body;
use crate::log::LogScan;
use crate::space::Reservation;
use crate::txn::Core;

/// What the log says before anything is repeated.
#[derive(Default, Debug)]
pub struct Analysis {
    /// The transactions of which nothing in the log says that they ended, those of the checkpoint included.
    pub losers: BTreeSet<TxnId>,
}

/// Reads the whole log behind the checkpoint and takes every extent that a record names out of the free space, so
/// that nothing that redo writes can land on one that a later record brings in.
pub fn analyse<E: Env>(core: &mut Core<E>, scan: &mut LogScan<FileOf<E>>) -> Result<Analysis> {
    let mut analysis = Analysis { losers: core.table.active().map(|(txn, _)| txn).collect() };
    let store = Arc::clone(&core.store);
    let log = scan.path().to_owned();
    scan.for_each(|lsn, record| {
        let ends = record.is_commit() || record.body == Body::End;
        if ends {
            analysis.losers.remove(&record.txn);
        } else {
            analysis.losers.insert(record.txn);
        }
        core.next_txn = core.next_txn.max(TxnId(record.txn.0.saturating_add(1)));
        let careless = mutant!("extents in the log are not reserved");
        for extent in record.extents().iter().filter(|_| !careless) {
            match core.space.reserve(store.free(), *extent)? {
                Reservation::Taken => {}
                Reservation::NotFree => {
                    let found = format!("blocks {}..{} in the record at {lsn}", extent.start, extent.end());
                    return Err(Error::corruption(&log, 0, "extents that are free", found));
                }
            }
        }
        Ok(())
    })?;
    reached!("many transactions did not end", analysis.losers.len() > 3);
    Ok(analysis)
}
