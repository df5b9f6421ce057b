//! The system's directories: std alone, on every system.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::RealFile;
use crate::env::{Disk, OpenMode};

/// The system's file systems.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    type File = RealFile;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<RealFile> {
        let file = OpenOptions::new()
            .read(true)
            .write(mode.write || mode.create_new)
            .create_new(mode.create_new)
            .open(path)?;
        // Unix opens directories for reading; every later call on one would fail less clearly.
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(RealFile::new(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Names that are not UTF-8 are left out: none of ours is one.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(or_here(dir))? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            if let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        match fs::File::open(or_here(dir))?.sync_all() {
            // Some file systems have no such operation: their names are as durable as they will ever be.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        }
    }

    #[cfg(not(unix))]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::metadata(or_here(dir)).map(|_| ())
    }
}

/// The parent of a bare file name is the empty path, by which std means the working directory and systems nothing.
fn or_here(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}
