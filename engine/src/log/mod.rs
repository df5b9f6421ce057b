//! The log: records go in at one end, are made durable in batches, and are read back after a crash.
//!
//! One file a generation, `<database>-log-<generation>`: a header that says whose log this is, and equal *segments* of
//! `segment_bytes`. A segment holds a row of batches; when nothing needs any of them any more, it is used again.
//!
//! ```text
//!   4 KiB    segment 0         segment 1         segment 2
//!  +--------+--------+-------+--------+-------+-----------------+
//!  | header | 5      | 6     | 7      | 2 …   | 3      | 4      |    the number is the batch's sequence
//!  +--------+--------+-------+--------+-------+-----------------+
//!                                     ^ tail: what follows is left over from an earlier use
//! ```
//!
//! 1. A batch lies in one segment, at a multiple of 4 KiB; the next one stands right behind it or at the start of another
//!    segment.
//! 2. A batch is written only after the sync of its predecessor has succeeded. Therefore an invalid batch with nothing
//!    later behind it is the torn tail, and one with something later anywhere in the file is damage.
//! 3. A block of the file is written once in each use of its segment: a durable batch is never rewritten.
//! 4. Segments are zero-filled and synced when they are made, so that a sync of a batch changes no metadata of the file.
//! 5. A segment is used again only after [`Log::truncate`] passed it, so whatever it still holds has lower sequence
//!    numbers than any retained batch.
//! 6. The header is written with the first segment, synced before the superblock names the file, and never written again.
//!    A file without this log's header is damaged or another log, and not an empty one.
//! 7. After a failed write or sync the log is poisoned: nothing is ever written to it again.
//!
//! Not here: what records mean (`recovery`, `txn`), their bytes (`format::record`, `format::batch`) and those of the header
//! (`format::log_header`), and when the data that they refer to must be synced (`txn`).

mod fill;
mod flight;
mod leftover;
mod reader;
mod segments;
mod writer;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::{BLOCK_BYTES, Error, Result};
use crate::env::{Disk, OpenMode, read_exact_at};
use crate::format::superblock::MAGIC;

pub use crate::format::batch::LogIdentity;
pub use flight::{Flight, LogFile, Wait};
pub use leftover::has_batches;
pub use reader::{LogScan, read_log};
pub use writer::Log;

/// The smallest segment: two blocks.
pub const MIN_SEGMENT_BYTES: u64 = 2 * BLOCK_BYTES as u64;
/// The largest segment.
pub const MAX_SEGMENT_BYTES: u64 = 1 << 30;

/// The log file of a generation of the database at `db_path`.
pub fn log_path(db_path: &Path, generation: u64) -> PathBuf {
    let mut name = OsString::from(db_path);
    name.push(format!("-log-{generation}"));
    PathBuf::from(name)
}

/// Whether the file at `path` begins like a database: such a file is never taken for a log, whatever its name.
pub fn is_database(disk: &impl Disk, path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    disk.open(path, OpenMode::default()).is_ok_and(|file| read_exact_at(&file, &mut magic, 0).is_ok())
        && magic == MAGIC
}

/// That segments can have this length.
///
/// # Errors
/// [`Error::InvalidArgument`] if it is not a multiple of 4 KiB from [`MIN_SEGMENT_BYTES`] to [`MAX_SEGMENT_BYTES`].
pub fn check_segment_bytes(segment_bytes: u64) -> Result<u32> {
    let in_range = (MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&segment_bytes);
    match u32::try_from(segment_bytes) {
        Ok(bytes) if in_range && segment_bytes.is_multiple_of(BLOCK_BYTES as u64) => Ok(bytes),
        _ => Err(Error::invalid(format!(
            "a log segment is a multiple of {BLOCK_BYTES} bytes from {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES}, \
             not {segment_bytes}"
        ))),
    }
}
