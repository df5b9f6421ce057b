//! What std lacks, as typed system calls of Linux.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, fcntl_getfl};
use rustix::io::{Errno, preadv, pwritev};
use rustix::thread::futex;

use crate::env::disk::append_read;

/// Positioned transfers on a file.
#[derive(Debug)]
pub(super) struct Transfers(File);

impl Transfers {
    pub(super) fn new(file: File) -> Transfers {
        Transfers(file)
    }

    pub(super) fn file(&self) -> &File {
        &self.0
    }

    pub(super) fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pread(&self.0, buf, offset)?)
    }

    /// As `read_at`, behind what is in `buf`, whose new memory the system alone writes to.
    pub(super) fn read_more_at(&self, buf: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        buf.reserve_exact(len);
        // The system would fill all the room that there is.
        if len == 0 || buf.capacity() - buf.len() > len {
            return append_read(buf, len, |new| self.read_at(new, offset));
        }
        Ok(rustix::io::pread(&self.0, rustix::buffer::spare_capacity(buf), offset)?)
    }

    pub(super) fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwrite(&self.0, buf, offset)?)
    }

    pub(super) fn read_vectored_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        Ok(preadv(&self.0, bufs, offset)?)
    }

    pub(super) fn write_vectored_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(pwritev(&self.0, bufs, offset)?)
    }
}

/// The same file once more, with transfers that go around the page cache. By its descriptor and not by its name, which may
/// lead to another file by now.
pub(super) fn open_direct(file: &File) -> io::Result<File> {
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    let access = fcntl_getfl(file)? & OFlags::RWMODE;
    let flags = access | OFlags::DIRECT | OFlags::CLOEXEC;
    Ok(rustix::fs::open(itself, flags, Mode::empty())?.into())
}

/// Reserves space, growing the file; `false` if the file system cannot.
pub(super) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<bool> {
    fallocate_supported(file, FallocateFlags::empty(), offset, len)
}

/// Gives space back, where the file system can.
pub(super) fn punch(file: &File, offset: u64, len: u64) -> io::Result<()> {
    fallocate_supported(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len).map(|_| ())
}

fn fallocate_supported(file: &File, flags: FallocateFlags, offset: u64, len: u64) -> io::Result<bool> {
    loop {
        match fallocate(file, flags, offset, len) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
    }
}

/// Sleeps while `*word == expected`, at most for `timeout`.
pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    // A timeout too long for the system's type is longer than any machine runs.
    let timeout = timeout.and_then(|timeout| timeout.try_into().ok());
    // A changed word, a signal, a timeout: the caller looks at the word again whatever it was.
    let _ = futex::wait(word, futex::Flags::PRIVATE, expected, timeout.as_ref());
}

/// Wakes one sleeper of `word`.
pub(super) fn wake_one(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
}

/// Wakes all sleepers of `word`.
pub(super) fn wake_all(word: &AtomicU32) {
    // The kernel reads the number as signed.
    let _ = futex::wake(word, futex::Flags::PRIVATE, i32::MAX as u32);
}
