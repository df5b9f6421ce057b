//! The system's disk with counted reads, on which zeros take no space.
//!
//! A write of zeros leaves a hole in the file: whoever reads it sees the same bytes, and a stream of a tebibyte of
//! zeros fits any disk.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use numstore::BLOCK_BYTES;
use numstore::env::{DiskFile, RealFile};
use tests::{DelegatingEnv, Hook};

static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// The system, but for its disk.
pub type CountingEnv = DelegatingEnv<Reads>;

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
}

impl Hook for Reads {
    fn has_read(&self, read: &io::Result<usize>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(*read.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
    }

    fn write_at(&self, file: &RealFile, buf: &[u8], offset: u64) -> io::Result<usize> {
        let is_hole = buf.len() >= BLOCK_BYTES && buf.chunks(BLOCK_BYTES).all(|b| *b == ZEROS[..b.len()]);
        if !is_hole {
            return file.write_at(buf, offset);
        }
        let (len, end) = (file.len()?, offset + buf.len() as u64);
        if offset < len {
            file.punch(offset, end.min(len) - offset)?;
        }
        if end > len {
            file.set_len(end)?;
        }
        Ok(buf.len())
    }
}
