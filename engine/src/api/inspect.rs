//! Looking at files without opening the database: nothing is recovered, locked or written.

use std::fmt;
use std::path::Path;

use crate::base::{Error, Lsn, Result, TxnId};
use crate::cache::DataFile;
use crate::env::{Disk, Env, OpenMode};
use crate::log::LogIdentity;
use crate::txn::read_slots;

pub use crate::format::record::{Body, Bulk, Operation, Payload, Record};
pub use crate::format::superblock::Superblock;

/// A record of the log, decoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Its place in the log.
    pub lsn: Lsn,
    /// The transaction that wrote it.
    pub txn: TxnId,
    /// Whether it commits that transaction, by itself or beside its operation.
    pub commits: bool,
    /// What it says.
    pub record: Record<'static>,
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10}  {}", self.lsn, self.record)
    }
}

/// The superblock in force of the database at `path`.
///
/// # Errors
/// [`Error::NoDatabase`], [`Error::NotADatabase`], [`Error::UnsupportedVersion`], [`Error::Corruption`], [`Error::Io`].
pub fn superblock<E: Env>(env: &E, path: impl AsRef<Path>) -> Result<Superblock> {
    let path = path.as_ref();
    let file = env.disk().open(path, OpenMode::default()).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::NoDatabase { file: path.to_owned() },
        _ => Error::io("open", path, 0, e),
    })?;
    Ok(read_slots(&DataFile::new(file, path))?.current)
}

/// The records behind the last checkpoint of the database at `path`, oldest first; none if it was closed cleanly.
///
/// # Errors
/// As [`superblock`], and [`Error::LogMissing`].
pub fn read_log<E: Env>(env: &E, path: impl AsRef<Path>) -> Result<Vec<LogEntry>> {
    let path = path.as_ref();
    let superblock = superblock(env, path)?;
    if superblock.clean {
        return Ok(Vec::new());
    }
    let identity = LogIdentity { uuid: superblock.uuid, generation: superblock.log.generation };
    let segment_bytes = u64::from(superblock.segment_bytes);
    let mut scan = crate::log::read_log(env.disk(), path, identity, segment_bytes, &superblock.log)?;
    let mut entries = Vec::new();
    scan.for_each(|lsn, record| {
        let commits = record.commits || record.body == Body::Commit;
        entries.push(LogEntry { lsn, txn: record.txn, commits, record: record.into_owned() });
        Ok(())
    })?;
    Ok(entries)
}
