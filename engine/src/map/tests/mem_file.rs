//! A file in memory whose reads and syncs can be made to fail.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::env::{DiskFile, RealPlatform};
use crate::sync::Latched;

pub(crate) struct MemFile {
    bytes: Latched<Vec<u8>, RealPlatform>,
    reads_left: AtomicU64,
    fail_sync: AtomicBool,
}

impl MemFile {
    pub(crate) fn new() -> MemFile {
        MemFile {
            bytes: Latched::new(Vec::new()),
            reads_left: AtomicU64::new(u64::MAX),
            fail_sync: AtomicBool::new(false),
        }
    }

    /// Lets the next sync fail, and then none, as systems do.
    pub(crate) fn fail_one_sync(&self) {
        self.fail_sync.store(true, Ordering::Relaxed);
    }

    /// Lets so many reads succeed, and then none.
    pub(crate) fn fail_reads_after(&self, reads: u64) {
        self.reads_left.store(reads, Ordering::Relaxed);
    }

    pub(crate) fn heal(&self) {
        self.fail_reads_after(u64::MAX);
    }
}

fn spend(left: &AtomicU64) -> io::Result<()> {
    let take = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
    match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::other("made to fail")),
    }
}

impl DiskFile for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        spend(&self.reads_left)?;
        let bytes = self.bytes.read();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let n = buf.len().min(rest.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let mut bytes = self.bytes.lock();
        let end = offset as usize + buf.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(buf);
        Ok(buf.len())
    }
    fn read_vectored_at(&self, bufs: &mut [io::IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.read_at(&mut bufs[0], offset)
    }
    fn write_vectored_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.write_at(&bufs[0], offset)
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.read().len() as u64)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().resize(len as usize, 0);
        Ok(())
    }
    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }
    fn punch(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }
    fn sync(&self) -> io::Result<()> {
        let fails = self.fail_sync.swap(false, Ordering::Relaxed);
        if fails { Err(io::Error::other("made to fail")) } else { Ok(()) }
    }
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }
    fn alignment(&self) -> usize {
        1
    }
}
