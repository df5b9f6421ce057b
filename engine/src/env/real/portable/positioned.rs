//! Transfers where std can pass an offset along.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
#[cfg(unix)]
use std::os::unix::fs::FileExt;
#[cfg(windows)]
use std::os::windows::fs::FileExt;

use crate::env::disk::append_read;

/// Positioned transfers on a file. Vectored ones stop after their first buffer.
#[derive(Debug)]
pub(in crate::env::real) struct Transfers(File);

impl Transfers {
    pub(in crate::env::real) fn new(file: File) -> Transfers {
        Transfers(file)
    }

    pub(in crate::env::real) fn file(&self) -> &File {
        &self.0
    }

    pub(in crate::env::real) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return self.0.read_at(buf, offset);
        #[cfg(windows)]
        return self.0.seek_read(buf, offset);
    }

    pub(in crate::env::real) fn read_more_at(
        &self,
        buf: &mut Vec<u8>,
        len: usize,
        offset: u64,
    ) -> io::Result<usize> {
        append_read(buf, len, |new| self.read_at(new, offset))
    }

    pub(in crate::env::real) fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return self.0.write_at(buf, offset);
        #[cfg(windows)]
        return self.0.seek_write(buf, offset);
    }

    pub(in crate::env::real) fn read_vectored_at(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        bufs.first_mut().map_or(Ok(0), |buf| self.read_at(buf, offset))
    }

    pub(in crate::env::real) fn write_vectored_at(
        &self,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        bufs.first().map_or(Ok(0), |buf| self.write_at(buf, offset))
    }
}
