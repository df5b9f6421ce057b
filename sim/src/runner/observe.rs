//! The whole state of an open database, read in two ways.

use std::sync::Arc;

use numstore::{Database, Error, Result};

use crate::judge::{Finding, check_views};
use crate::model::Streams;
use crate::world::SimEnv;

/// So many versions may still be shown when everybody has ended.
const VERSIONS_TO_COME: u32 = 3;

/// Every stream of the newest durable version, and that a transaction sees the same.
///
/// # Errors
/// If something cannot be read, or the two differ. No other transaction may be open, and nothing deferred.
pub fn observe(db: &Database<SimEnv>) -> Result<Streams, Finding> {
    // A version may be too old once the next one is shown, which only what has ended before can bring.
    let mut durable = newest(db);
    for _ in 0..VERSIONS_TO_COME {
        if matches!(durable, Err(Error::SnapshotTooOld)) {
            durable = newest(db);
        }
    }
    let durable = durable.map_err(|e| Finding::new("reading", format!("a durable version: {e}")))?;
    let current = current(db).map_err(|e| Finding::new("reading", format!("in a transaction: {e}")))?;
    check_views(&durable, &current)?;
    Ok(durable)
}

fn newest(db: &Database<SimEnv>) -> Result<Streams> {
    let snapshot = db.snapshot();
    let mut found = Streams::new();
    for info in snapshot.list()? {
        let bytes = snapshot.stream(&info.name)?.read(..)?;
        found.insert(info.name, Arc::new(bytes));
    }
    Ok(found)
}

fn current(db: &Database<SimEnv>) -> Result<Streams> {
    let tx = db.begin()?;
    let mut found = Streams::new();
    for info in tx.list()? {
        let bytes = tx.stream(&info.name)?.read(..)?;
        found.insert(info.name, Arc::new(bytes));
    }
    tx.rollback()?;
    Ok(found)
}
