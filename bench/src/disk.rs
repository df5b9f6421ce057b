//! Bytes written, as the block device counts them, and the space that files take.
//!
//! The device's counter has everything that reached it: journals, metadata, and what other programs write at the time.
//! Where there is no such counter the process's own is used, which counts what was given to the page cache and
//! over-reports engines that write through a memory map; [`Disk::describe`] says which one it is.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::Result;

/// The disk that has the folder in which is measured.
pub struct Disk {
    dir: PathBuf,
    /// The statistics of its block device.
    device: Option<PathBuf>,
}

impl Disk {
    /// The disk that has `dir`.
    pub fn of(dir: &Path) -> Result<Disk> {
        let device = fs::metadata(dir)?.dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let statistics = PathBuf::from(format!("/sys/dev/block/{major}:{minor}/stat"));
        Ok(Disk { dir: dir.to_owned(), device: statistics.exists().then_some(statistics) })
    }

    /// Where the numbers come from.
    pub fn describe(&self) -> String {
        match &self.device {
            Some(path) => format!("bytes written are those of the block device ({})", path.display()),
            None => {
                "bytes written are those of the process (/proc/self/io): there is no block device".to_owned()
            }
        }
    }

    fn written(&self) -> Result<u64> {
        match &self.device {
            Some(path) => sectors_written(&fs::read_to_string(path)?).map(|sectors| sectors * 512),
            None => process_bytes(&fs::read_to_string("/proc/self/io")?),
        }
        .ok_or_else(|| "the counter of bytes written cannot be read".into())
    }

    /// Brings everything to the device that the system has in memory.
    pub fn settle(&self) -> Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.dir)?)?)
    }

    /// Runs `call`, and returns what it did and how many bytes it wrote, those included that were still in memory after it.
    pub fn count<R>(&self, call: impl FnOnce() -> Result<R>) -> Result<(R, u64)> {
        self.settle()?;
        let before = self.written()?;
        let result = call()?;
        self.settle()?;
        Ok((result, self.written()?.wrapping_sub(before)))
    }

    /// As [`Disk::count`], of durable calls: what they left in memory is not theirs.
    pub fn count_durable(&self, call: impl FnOnce() -> Result<()>) -> Result<u64> {
        self.settle()?;
        let before = self.written()?;
        call()?;
        Ok(self.written()?.wrapping_sub(before))
    }

    /// Bytes that can still be written.
    pub fn free_bytes(&self) -> Result<u64> {
        let found = rustix::fs::statvfs(&self.dir)?;
        Ok(found.f_bavail * found.f_frsize)
    }
}

/// The seventh number of a device's statistics.
fn sectors_written(text: &str) -> Option<u64> {
    text.split_whitespace().nth(6)?.parse().ok()
}

fn process_bytes(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|bytes| bytes.trim().parse().ok())
}

/// What the files in `dir` take of the disk, in bytes.
pub fn allocated(dir: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // A log that was there a moment ago may be gone.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => sum += allocated(&path)?,
            Ok(found) => sum += found.blocks() * 512,
            Err(_) => {}
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_read_from_where_they_stand() {
        assert_eq!(sectors_written("  75 34 323 134 598 481 582 241 0 85 16\n"), Some(582));
        assert_eq!(sectors_written("75 34"), None);
        assert_eq!(process_bytes("rchar: 5\nwrite_bytes: 4096\n"), Some(4096));
    }

    #[test]
    fn what_is_written_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path()).unwrap();
        let path = dir.path().join("file");
        let ((), bytes) = disk.count(|| Ok(fs::write(&path, vec![1; 1 << 20])?)).unwrap();
        // A file system in memory writes nothing anywhere.
        assert!(bytes >= 1 << 20 || disk.device.is_none(), "{bytes}; {}", disk.describe());
        assert!(allocated(dir.path()).unwrap() >= 1 << 20);
        assert!(disk.free_bytes().unwrap() > 0);
    }
}
