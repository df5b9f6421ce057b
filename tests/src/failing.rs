//! The system's own environment, on a disk that begins to refuse calls.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use numstore::RealEnv;
use numstore::env::{
    Disk, DiskFile, Env, OpenMode, RealClock, RealDisk, RealFile, RealPlatform, RealScheduler,
};

/// Calls that can be refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Opening a file for writing, or creating it.
    Open,
    /// Writing.
    Write,
    /// Reserving space.
    Allocate,
    /// Changing a length.
    SetLen,
}

/// Everything that takes space.
pub const SPACE: &[Call] = &[Call::Write, Call::Allocate, Call::SetLen];

#[derive(Debug)]
struct Plan {
    calls: &'static [Call],
    /// So many of them go through, and no more until the disk is mended.
    good: u64,
    kind: io::ErrorKind,
    seen: AtomicU64,
    refused: AtomicU64,
    mended: AtomicBool,
}

impl Plan {
    fn enter(&self, call: Call) -> io::Result<()> {
        if !self.calls.contains(&call) || self.mended.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.seen.fetch_add(1, Ordering::AcqRel) < self.good {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::AcqRel);
        Err(self.kind.into())
    }
}

/// The machine that the program runs on, with a disk that refuses some calls from some moment on.
#[derive(Clone, Debug)]
pub struct FailingEnv {
    real: RealEnv,
    disk: FailingDisk,
}

/// The disk of [`FailingEnv`].
#[derive(Clone, Debug)]
pub struct FailingDisk {
    real: RealDisk,
    plan: Arc<Plan>,
}

/// A file of [`FailingDisk`].
#[derive(Debug)]
pub struct FailingFile {
    real: RealFile,
    plan: Arc<Plan>,
}

impl FailingEnv {
    /// Of `calls`, `good` go through; the others fail with `kind`.
    pub fn new(calls: &'static [Call], good: u64, kind: io::ErrorKind) -> FailingEnv {
        let plan = Plan {
            calls,
            good,
            kind,
            seen: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            mended: AtomicBool::new(false),
        };
        FailingEnv { real: RealEnv::new(), disk: FailingDisk { real: RealDisk, plan: Arc::new(plan) } }
    }

    /// How many calls were refused.
    pub fn refused(&self) -> u64 {
        self.disk.plan.refused.load(Ordering::Acquire)
    }

    /// Refuses nothing from now on.
    pub fn mend(&self) {
        self.disk.plan.mended.store(true, Ordering::Release);
    }
}

impl Env for FailingEnv {
    type Clock = RealClock;
    type Disk = FailingDisk;
    type Scheduler = RealScheduler;
    type Platform = RealPlatform;

    fn clock(&self) -> &RealClock {
        self.real.clock()
    }

    fn disk(&self) -> &FailingDisk {
        &self.disk
    }

    fn scheduler(&self) -> &RealScheduler {
        self.real.scheduler()
    }

    fn random_u64(&self) -> u64 {
        self.real.random_u64()
    }
}

impl Disk for FailingDisk {
    type File = FailingFile;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<FailingFile> {
        if mode.write || mode.create_new {
            self.plan.enter(Call::Open)?;
        }
        Ok(FailingFile { real: self.real.open(path, mode)?, plan: Arc::clone(&self.plan) })
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

impl DiskFile for FailingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.real.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.plan.enter(Call::Write)?;
        self.real.write_at(buf, offset)
    }

    fn read_vectored_at(&self, bufs: &mut [io::IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.real.read_vectored_at(bufs, offset)
    }

    fn write_vectored_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.plan.enter(Call::Write)?;
        self.real.write_vectored_at(bufs, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.real.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.plan.enter(Call::SetLen)?;
        self.real.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.plan.enter(Call::Allocate)?;
        self.real.allocate(offset, len)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.real.punch(offset, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.real.sync()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.real.try_lock()
    }

    fn alignment(&self) -> usize {
        self.real.alignment()
    }
}
