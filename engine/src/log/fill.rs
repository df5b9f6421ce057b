//! Making the file of a log: its name, its header, and segments of zeros.

use std::io;
use std::path::Path;

use crate::base::{Error, Result};
use crate::env::{Disk, DiskFile, OpenMode, write_all_at};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};

use super::is_database;

/// How much is zero-filled in one write.
const FILL_BYTES: usize = 256 * 1024;

/// Makes room for a new log: what has its name is left over from an attempt that was never published, unless it is a
/// database that somebody called so.
pub(super) fn remove_leftover(disk: &impl Disk, path: &Path) -> Result<()> {
    if is_database(disk, path) {
        let what = format!("{} is a database and stands where a log is to be made", path.display());
        return Err(Error::invalid(what));
    }
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, 0, error)),
        removed => {
            reached!("a leftover log made room for a new one", removed.is_ok());
            Ok(())
        }
    }
}

/// Whether there is a file of at least so many bytes.
pub(super) fn is_as_long(disk: &impl Disk, path: &Path, least: u64) -> bool {
    disk.open(path, OpenMode::default()).is_ok_and(|file| file.len().is_ok_and(|len| len >= least))
}

/// Writes the header and, unless the file `is_filled`, the first segment, durably.
pub(super) fn fill_new_file(
    file: &impl DiskFile,
    path: &Path,
    header: &LogHeader,
    is_filled: bool,
) -> Result<()> {
    write_all_at(file, &header.encode(), 0).map_err(|error| Error::io("write", path, 0, error))?;
    if mutant!("a new log is synced before it is filled") {
        file.sync().map_err(|error| Error::io("sync", path, 0, error))?;
        return fill_with_zeros(file, path, LOG_HEADER_BYTES as u64, header.segment_bytes);
    }
    if !is_filled {
        fill_with_zeros(file, path, LOG_HEADER_BYTES as u64, header.segment_bytes)?;
    }
    file.sync().map_err(|error| Error::io("sync", path, 0, error))
}

pub(super) fn fill_with_zeros(file: &impl DiskFile, path: &Path, start: u64, bytes: u32) -> Result<()> {
    file.allocate(start, u64::from(bytes)).map_err(|error| Error::io("allocate", path, start, error))?;
    let zeros = vec![0; FILL_BYTES.min(bytes as usize)];
    let end = start + u64::from(bytes);
    let mut at = start;
    while at < end {
        let chunk = &zeros[..zeros.len().min(usize::try_from(end - at).unwrap_or(usize::MAX))];
        write_all_at(file, chunk, at).map_err(|error| Error::io("write", path, at, error))?;
        at += chunk.len() as u64;
    }
    Ok(())
}
