//! The system's own environment, whose disk asks a hook on the way.

use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use numstore::RealEnv;
use numstore::env::{
    Disk, DiskFile, Env, OpenMode, RealClock, RealDisk, RealFile, RealPlatform, RealScheduler,
};

/// Calls that a hook can refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Opening a file for writing, or creating it.
    Open,
    /// Opening a file to read.
    Look,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Reserving space.
    Allocate,
    /// Changing a length.
    SetLen,
}

/// What a disk does differently from the system's. Each function does what the system does if it is left out.
pub trait Hook: Send + Sync + 'static {
    /// Hears of `call` before it is made.
    ///
    /// # Errors
    /// What the call fails with; then it is not made.
    fn enter(&self, call: Call) -> io::Result<()> {
        let _ = call;
        Ok(())
    }

    /// As [`Hook::enter`], for a call on the file at `path`.
    ///
    /// # Errors
    /// What the call fails with; then it is not made.
    fn enter_file(&self, call: Call, path: &Path) -> io::Result<()> {
        let _ = path;
        self.enter(call)
    }

    /// Hears what came of a read.
    fn has_read(&self, read: &io::Result<usize>) {
        let _ = read;
    }

    /// Writes.
    ///
    /// # Errors
    /// As [`DiskFile::write_at`].
    fn write_at(&self, file: &RealFile, buf: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(buf, offset)
    }

    /// Syncs the file at `path`.
    ///
    /// # Errors
    /// As [`DiskFile::sync`].
    fn sync(&self, file: &RealFile, path: &Path) -> io::Result<()> {
        let _ = path;
        file.sync()
    }
}

/// The machine that the program runs on, but for what `H` does on its disk.
#[derive(Debug)]
pub struct DelegatingEnv<H> {
    real: RealEnv,
    disk: DelegatingDisk<H>,
}

/// The disk of [`DelegatingEnv`].
#[derive(Debug)]
pub struct DelegatingDisk<H> {
    real: RealDisk,
    hook: Arc<H>,
}

/// A file of [`DelegatingDisk`].
#[derive(Debug)]
pub struct DelegatingFile<H> {
    real: RealFile,
    path: PathBuf,
    hook: Arc<H>,
}

impl<H> DelegatingEnv<H> {
    /// The machine, with `hook` on its disk.
    pub fn with(hook: H) -> Self {
        DelegatingEnv { real: RealEnv::new(), disk: DelegatingDisk { real: RealDisk, hook: Arc::new(hook) } }
    }

    /// What hangs on the disk.
    pub fn hook(&self) -> &H {
        &self.disk.hook
    }
}

impl<H: Default> Default for DelegatingEnv<H> {
    fn default() -> Self {
        DelegatingEnv::with(H::default())
    }
}

// Derived, these would ask for a hook that can be cloned; it is shared.
impl<H> Clone for DelegatingEnv<H> {
    fn clone(&self) -> Self {
        DelegatingEnv { real: self.real, disk: self.disk.clone() }
    }
}

impl<H> Clone for DelegatingDisk<H> {
    fn clone(&self) -> Self {
        DelegatingDisk { real: self.real, hook: Arc::clone(&self.hook) }
    }
}

impl<H: Hook> Env for DelegatingEnv<H> {
    type Clock = RealClock;
    type Disk = DelegatingDisk<H>;
    type Scheduler = RealScheduler;
    type Platform = RealPlatform;

    fn clock(&self) -> &RealClock {
        self.real.clock()
    }

    fn disk(&self) -> &DelegatingDisk<H> {
        &self.disk
    }

    fn scheduler(&self) -> &RealScheduler {
        self.real.scheduler()
    }

    fn random_u64(&self) -> u64 {
        self.real.random_u64()
    }
}

impl<H: Hook> Disk for DelegatingDisk<H> {
    type File = DelegatingFile<H>;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<DelegatingFile<H>> {
        let call = if mode.write || mode.create_new { Call::Open } else { Call::Look };
        self.hook.enter_file(call, path)?;
        Ok(DelegatingFile {
            real: self.real.open(path, mode)?,
            path: path.to_owned(),
            hook: Arc::clone(&self.hook),
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.real.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.real.rename(from, to)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.real.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.real.sync_dir(dir)
    }
}

impl<H: Hook> DiskFile for DelegatingFile<H> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.hook.enter_file(Call::Read, &self.path)?;
        let read = self.real.read_at(buf, offset);
        self.hook.has_read(&read);
        read
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.hook.enter_file(Call::Write, &self.path)?;
        self.hook.write_at(&self.real, buf, offset)
    }

    fn read_vectored_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.hook.enter_file(Call::Read, &self.path)?;
        let read = self.real.read_vectored_at(bufs, offset);
        self.hook.has_read(&read);
        read
    }

    fn write_vectored_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.hook.enter_file(Call::Write, &self.path)?;
        self.real.write_vectored_at(bufs, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.real.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.hook.enter_file(Call::SetLen, &self.path)?;
        self.real.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.hook.enter_file(Call::Allocate, &self.path)?;
        self.real.allocate(offset, len)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.real.punch(offset, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.hook.sync(&self.real, &self.path)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.real.try_lock()
    }

    fn alignment(&self) -> usize {
        self.real.alignment()
    }

    fn open_direct(&self) -> io::Result<DelegatingFile<H>> {
        self.hook.enter_file(Call::Open, &self.path)?;
        let (path, hook) = (self.path.clone(), Arc::clone(&self.hook));
        Ok(DelegatingFile { real: self.real.open_direct()?, path, hook })
    }
}
