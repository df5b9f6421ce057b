//! An open file of the system.

use std::fs::{File, TryLockError};
use std::io;

use super::back_end;
use crate::env::DiskFile;

/// What direct transfers are aligned to: no disk in use has larger sectors.
const DIRECT_ALIGNMENT: usize = 4096;

/// An open file of the system.
///
/// Transfers are single system calls: they may be short, and may be interrupted by a signal.
#[derive(Debug)]
pub struct RealFile {
    file: back_end::Transfers,
    direct: bool,
}

impl RealFile {
    /// Takes over an open file.
    pub(super) fn new(file: File) -> RealFile {
        RealFile { file: back_end::Transfers::new(file), direct: false }
    }
}

impl Drop for RealFile {
    /// Gives the lock back by name. Closing would not do: while another thread starts a process, that process has a copy
    /// of every open file, for the moment between fork and exec, and a lock lasts as long as any copy.
    fn drop(&mut self) {
        // One that was not locked has nothing to give back, and the system closes the file either way.
        let _ = self.file.file().unlock();
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn read_more_at(&self, buf: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        self.file.read_more_at(buf, len, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(buf, offset)
    }

    fn read_vectored_at(&self, bufs: &mut [io::IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        // A call takes a limited number of buffers; were the first ones all empty, it would look like the end.
        match bufs.iter().position(|buf| !buf.is_empty()) {
            Some(first) => self.file.read_vectored_at(&mut bufs[first..], offset),
            None => Ok(0),
        }
    }

    fn write_vectored_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize> {
        match bufs.iter().position(|buf| !buf.is_empty()) {
            Some(first) => self.file.write_vectored_at(&bufs[first..], offset),
            None => Ok(0),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.file().metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.file().set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let Some(end) = offset.checked_add(len) else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        if len == 0 || back_end::allocate(self.file.file(), offset, len)? {
            return Ok(());
        }
        if self.len()? < end { self.set_len(end) } else { Ok(()) }
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        if len == 0 { Ok(()) } else { back_end::punch(self.file.file(), offset, len) }
    }

    /// As `fdatasync`: the bytes and the length, not the times. A length is needed to read the bytes back, so it is
    /// covered.
    fn sync(&self) -> io::Result<()> {
        self.file.file().sync_data()
    }

    /// The lock belongs to the open file, not to the process, so a second handle of the same process is refused too.
    fn try_lock(&self) -> io::Result<bool> {
        match self.file.file().try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn alignment(&self) -> usize {
        if self.direct { DIRECT_ALIGNMENT } else { 1 }
    }

    fn open_direct(&self) -> io::Result<RealFile> {
        let file = back_end::open_direct(self.file.file())?;
        Ok(RealFile { file: back_end::Transfers::new(file), direct: true })
    }
}
