//! Logs that are in the way: whether one was ever written to.

use std::io::ErrorKind;
use std::path::Path;

use crate::base::{Error, Result};
use crate::env::{Disk, DiskFile, OpenMode, read_exact_at};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::log_position::LogPosition;

use super::{LogIdentity, log_path, read_log};

/// Whether the log with this identity is there and has had a batch. A file of its name that is no log, or that of another
/// database, does not count.
///
/// # Errors
/// [`Error::Io`].
pub fn has_batches<D: Disk>(disk: &D, db_path: &Path, identity: LogIdentity) -> Result<bool> {
    let path = log_path(db_path, identity.generation);
    let file = match disk.open(&path, OpenMode::default()) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Error::io("open", &path, 0, e)),
    };
    let mut block = [0; LOG_HEADER_BYTES];
    let length = file.len().map_err(|e| Error::io("length", &path, 0, e))?;
    if length < LOG_HEADER_BYTES as u64 {
        return Ok(false);
    }
    read_exact_at(&file, &mut block, 0).map_err(|e| Error::io("read", &path, 0, e))?;
    let Ok(header) = LogHeader::decode(&block) else { return Ok(false) };
    // A segment is there as a whole before any batch goes to it.
    if header.identity != identity || length < LOG_HEADER_BYTES as u64 + u64::from(header.segment_bytes) {
        return Ok(false);
    }
    let (generation, lsn) = (identity.generation, header.start_lsn);
    let from =
        LogPosition { generation, lsn, sequence: 1, segment: 0, offset: 0, previous_sum: identity.seed() };
    let mut scan = read_log(disk, db_path, identity, u64::from(header.segment_bytes), &from)?;
    match scan.next_batch() {
        Ok(batch) => Ok(batch.is_some()),
        // Its first batch is gone, and later ones are there.
        Err(Error::Corruption { .. }) => Ok(true),
        Err(e) => Err(e),
    }
}
