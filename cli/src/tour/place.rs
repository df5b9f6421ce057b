//! Where the tour happens: a directory of its own, with enough space, gone afterwards.

use std::path::Path;

use tempfile::TempDir;

use crate::failure::{Failure, Result};
use crate::size::show_size;

/// Room beside the stream and the plain file: logs, copies of what was edited, checkpoints.
const EXTRA_BYTES: u64 = 512 << 20;

/// The directory.
pub struct Workplace {
    dir: TempDir,
}

impl Workplace {
    /// Makes a directory in `parent`, or in the system's temporary directory.
    pub fn new(parent: Option<&Path>, size: u64, keep: bool) -> Result<Workplace> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let needed = size.saturating_mul(2).saturating_add(EXTRA_BYTES.min(size.saturating_mul(2)));
        if let Some(free) = free_bytes(&parent)
            && free < needed
        {
            return Err(Failure::Tour(format!(
                "{} has {} free, and {} are needed; choose another directory with --dir",
                parent.display(),
                show_size(free),
                show_size(needed),
            )));
        }
        let dir = tempfile::Builder::new()
            .prefix("numstore-tour-")
            .disable_cleanup(keep)
            .tempdir_in(&parent)
            .map_err(|e| Failure::file("make a directory in", &parent, e))?;
        Ok(Workplace { dir })
    }

    /// Leaves the directory there.
    pub fn keep(&mut self) {
        self.dir.disable_cleanup(true);
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// How much may still be written in a directory, where the system tells.
#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// How much may still be written in a directory, where the system tells.
#[cfg(not(unix))]
fn free_bytes(_dir: &Path) -> Option<u64> {
    None
}
