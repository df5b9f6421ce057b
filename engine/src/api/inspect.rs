//! Looking at files without opening the database: nothing is recovered, locked or written.

use std::fmt;
use std::path::Path;

use crate::base::{Error, Lsn, Result, TxnId};
use crate::cache::{DataFile, SuperblockSlots};
use crate::env::{Disk, Env, OpenMode};
use crate::log::LogIdentity;

pub use crate::format::record::{Body, Bulk, Operation, Payload, Record};
pub use crate::format::superblock::Superblock;

/// The numbers that `docs/FORMAT.md` states, so that a test can compare.
pub const FORMAT_CONSTANTS: &[(&str, u64)] = &[
    ("BATCH_HEADER_BYTES", crate::format::batch::BATCH_HEADER_BYTES as u64),
    ("BLOCK_BYTES", crate::base::BLOCK_BYTES as u64),
    ("CHECKED_BYTES", crate::format::block_ref::CHECKED_BYTES as u64),
    ("FIRST_USABLE_BLOCK", crate::format::space_root::FIRST_USABLE_BLOCK),
    ("FORMAT_VERSION", crate::format::superblock::FORMAT_VERSION as u64),
    ("LOG_HEADER_BYTES", crate::format::log_header::LOG_HEADER_BYTES as u64),
    ("LOG_POSITION_BYTES", crate::format::log_position::LOG_POSITION_BYTES as u64),
    ("MAP_ROOT_BYTES", crate::format::map_root::MAP_ROOT_BYTES as u64),
    ("MAX_FANOUT", crate::format::inner::MAX_FANOUT as u64),
    ("MAX_NAME_BYTES", crate::format::record::MAX_NAME_BYTES as u64),
    ("MAX_NODE_BYTES", crate::format::block_ref::MAX_NODE_BYTES as u64),
    ("SPACE_ROOT_BYTES", crate::format::space_root::SPACE_ROOT_BYTES as u64),
    ("SUPERBLOCK_BYTES", crate::format::superblock::SUPERBLOCK_BYTES as u64),
    ("SUPERBLOCK_SLOTS", crate::format::superblock::SUPERBLOCK_SLOTS),
    ("TREE_ROOT_BYTES", crate::format::tree_root::TREE_ROOT_BYTES as u64),
];

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
    let file: DataFile<_, E::Platform> = DataFile::new(file, path);
    Ok(SuperblockSlots::read(&file)?.current)
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
        let commits = record.is_commit();
        entries.push(LogEntry { lsn, txn: record.txn, commits, record: record.into_owned() });
        Ok(())
    })?;
    Ok(entries)
}
