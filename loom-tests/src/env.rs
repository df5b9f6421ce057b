//! A world for models of tasks: a disk that takes everything, and a clock that stands still.

use std::io::{self, IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use numstore::env::{Clock, Disk, DiskFile, Env, OpenMode, Scheduler, TaskHandle};

use crate::{Flavor, LoomPlatform, Sure, Watched};

/// The world of a model.
#[derive(Debug)]
pub struct LoomEnv<F>(LoomDisk, PhantomData<fn() -> F>);

impl<F> Default for LoomEnv<F> {
    fn default() -> Self {
        LoomEnv(LoomDisk, PhantomData)
    }
}

impl<F> Clone for LoomEnv<F> {
    fn clone(&self) -> Self {
        LoomEnv::default()
    }
}

/// Files that can be written and not read.
#[derive(Debug)]
pub struct LoomDisk;

/// A file whose writes and syncs loom looks at: two at once that nothing orders are a race.
#[derive(Clone, Debug)]
pub struct LoomFile(Arc<Watched>);

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
        if mode.write { Ok(LoomFile(Arc::new(Watched::new(0)))) } else { Err(io::ErrorKind::NotFound.into()) }
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
        self.0.bump();
        Ok(buf.len())
    }

    fn read_vectored_at(&self, _: &mut [IoSliceMut<'_>], _: u64) -> io::Result<usize> {
        Ok(0)
    }

    fn write_vectored_at(&self, bufs: &[IoSlice<'_>], _: u64) -> io::Result<usize> {
        self.0.bump();
        Ok(bufs.iter().map(|buf| buf.len()).sum())
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
        self.0.bump();
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn alignment(&self) -> usize {
        1
    }
}
