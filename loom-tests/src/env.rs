//! A world for models of tasks: a disk that takes everything until it breaks down, and a clock that stands still.

use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use numstore::env::{Clock, Disk, DiskFile, Env, OpenMode, Scheduler, TaskHandle};

use crate::{Flavor, LoomPlatform, Sure, Watched};

/// The world of a model.
#[derive(Debug)]
pub struct LoomEnv<F>(LoomDisk, PhantomData<fn() -> F>);

impl<F> Default for LoomEnv<F> {
    fn default() -> Self {
        LoomEnv(LoomDisk::default(), PhantomData)
    }
}

impl<F> Clone for LoomEnv<F> {
    fn clone(&self) -> Self {
        LoomEnv::default()
    }
}

/// Files that can be written and not read.
#[derive(Clone, Default, Debug)]
pub struct LoomDisk {
    /// Whether writes fail. Set before a model has other tasks, so that loom need not know of it.
    is_broken: Arc<AtomicBool>,
}

impl LoomDisk {
    /// From now on writes fail.
    pub fn break_down(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }
}

/// A file whose writes and syncs loom looks at: two at once that nothing orders are a race.
#[derive(Clone, Debug)]
pub struct LoomFile {
    touched: Arc<Watched>,
    disk: LoomDisk,
}

impl LoomFile {
    fn write(&self, bytes: usize) -> io::Result<usize> {
        self.touched.bump();
        if self.disk.is_broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is broken"));
        }
        Ok(bytes)
    }
}

/// Tasks are loom's own threads.
#[derive(Debug)]
pub struct NoTask;

impl<F: Flavor> Env for LoomEnv<F> {
    type Clock = LoomDisk;
    type Disk = LoomDisk;
    type Scheduler = LoomDisk;
    type Platform = LoomPlatform<Sure<F>>;

    fn clock(&self) -> &LoomDisk {
        &self.0
    }

    fn disk(&self) -> &LoomDisk {
        &self.0
    }

    fn scheduler(&self) -> &LoomDisk {
        &self.0
    }

    fn random_u64(&self) -> u64 {
        1
    }
}

impl Clock for LoomDisk {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wall(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep_until(&self, _: Duration) {
        loom::thread::yield_now();
    }
}

impl Scheduler for LoomDisk {
    type Task = NoTask;

    fn spawn(&self, _: &str, _: Box<dyn FnOnce() + Send>) -> io::Result<NoTask> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn yield_now(&self) {
        loom::thread::yield_now();
    }

    fn parallelism(&self) -> usize {
        1
    }
}

impl TaskHandle for NoTask {
    fn join(self) -> Result<(), String> {
        Ok(())
    }
}

impl Disk for LoomDisk {
    type File = LoomFile;

    fn open(&self, _: &Path, mode: OpenMode) -> io::Result<LoomFile> {
        if !mode.write {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(LoomFile { touched: Arc::new(Watched::new(0)), disk: self.clone() })
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for LoomFile {
    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Ok(0)
    }

    fn write_at(&self, buf: &[u8], _: u64) -> io::Result<usize> {
        self.write(buf.len())
    }

    fn read_vectored_at(&self, _: &mut [IoSliceMut<'_>], _: u64) -> io::Result<usize> {
        Ok(0)
    }

    fn write_vectored_at(&self, bufs: &[IoSlice<'_>], _: u64) -> io::Result<usize> {
        self.write(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn punch(&self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.touched.bump();
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn alignment(&self) -> usize {
        1
    }
}
