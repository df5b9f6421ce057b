//! The system's disk with counted reads, on which zeros take no space.
//!
//! A write of zeros leaves a hole in the file: whoever reads it sees the same bytes, and a stream of a tebibyte of
//! zeros fits any disk.

use std::io::{self, IoSlice, IoSliceMut};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use numstore::env::{
    Disk, DiskFile, Env, OpenMode, RealClock, RealDisk, RealFile, RealPlatform, RealScheduler,
};
use numstore::{BLOCK_BYTES, RealEnv};

static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Reads so far.
#[derive(Default, Debug)]
pub struct Reads {
    calls: AtomicU64,
    bytes: AtomicU64,
}

impl Reads {
    /// Read calls and the bytes that they gave.
    pub fn calls_and_bytes(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    fn count(&self, read: io::Result<usize>) -> io::Result<usize> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(*read.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
        read
    }
}

/// The system, but for its disk.
#[derive(Clone, Default)]
pub struct CountingEnv {
    real: RealEnv,
    disk: CountingDisk,
}

impl CountingEnv {
    /// What has been read through this environment.
    pub fn reads(&self) -> &Reads {
        &self.disk.reads
    }
}

impl Env for CountingEnv {
    type Clock = RealClock;
    type Disk = CountingDisk;
    type Scheduler = RealScheduler;
    type Platform = RealPlatform;

    fn clock(&self) -> &RealClock {
        self.real.clock()
    }

    fn disk(&self) -> &CountingDisk {
        &self.disk
    }

    fn scheduler(&self) -> &RealScheduler {
        self.real.scheduler()
    }

    fn random_u64(&self) -> u64 {
        self.real.random_u64()
    }
}

/// The system's files.
#[derive(Clone, Default)]
pub struct CountingDisk {
    real: RealDisk,
    reads: Arc<Reads>,
}

impl Disk for CountingDisk {
    type File = CountingFile;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<CountingFile> {
        Ok(CountingFile { real: self.real.open(path, mode)?, reads: Arc::clone(&self.reads) })
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

/// An open file.
pub struct CountingFile {
    real: RealFile,
    reads: Arc<Reads>,
}

impl DiskFile for CountingFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.count(self.real.read_at(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let is_hole = buf.len() >= BLOCK_BYTES && buf.chunks(BLOCK_BYTES).all(|b| *b == ZEROS[..b.len()]);
        if !is_hole {
            return self.real.write_at(buf, offset);
        }
        let (len, end) = (self.real.len()?, offset + buf.len() as u64);
        if offset < len {
            self.real.punch(offset, end.min(len) - offset)?;
        }
        if end > len {
            self.real.set_len(end)?;
        }
        Ok(buf.len())
    }

    fn read_vectored_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.reads.count(self.real.read_vectored_at(bufs, offset))
    }

    fn write_vectored_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.real.write_vectored_at(bufs, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.real.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.real.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
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
