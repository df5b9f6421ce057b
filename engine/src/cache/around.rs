//! Long runs of fresh blocks, written around the system's cache where that can be.
//!
//! Through the cache every byte is copied into pages that must be found first, and is written back later. Around it a run
//! goes straight to the device, from a buffer whose address, offset and length suit the device. The buffer is kept: new memory
//! is touched for the first time at the speed of a disk.
//!
//! 1. What is written so is fresh: no reference to it exists before the write has returned.
//! 2. The system's cache may have pages of an earlier life of the blocks. It drops them when they are written around it, before
//!    and after, and writes changed ones back first (the contract of [`DiskFile::open_direct`]), so reads see what was written.
//! 3. Nothing is durable before [`DataFile::sync`], which covers the file whichever handle wrote.
//! 4. A run that the system does not take directly is written through the cache, all of it.

use std::io::{self, ErrorKind};

use crate::base::{BLOCK_BYTES, BlockId, Error, Result};
use crate::env::{DiskFile, Platform, write_all_at};
use crate::sync::LatchedMut;

use super::DataFile;

/// What is put together before it is written: a payload of 1 MiB and the nodes above it, say, in one call.
const RUN_BYTES: usize = 2 << 20;
/// Shorter runs go through the cache: waiting for the device costs more than copying them.
const LEAST_BYTES: usize = 64 << 10;

/// The way around the cache, and the buffer for it.
pub(super) struct Around<F> {
    way: Way<F>,
    /// Has an aligned part of [`RUN_BYTES`].
    buffer: Vec<u8>,
}

enum Way<F> {
    Untried,
    Open(F),
    /// The system has none.
    Closed,
}

impl<F> Around<F> {
    pub(super) fn new() -> Around<F> {
        Around { way: Way::Untried, buffer: Vec::new() }
    }
}

impl<F: DiskFile> Around<F> {
    /// Whether there is a way; the first time it is looked for.
    fn is_open(&mut self, file: &F) -> bool {
        if let Way::Untried = self.way {
            self.way = match file.open_direct() {
                Ok(direct) if BLOCK_BYTES.is_multiple_of(direct.alignment()) => Way::Open(direct),
                // Whatever the reason: what cannot be written so is written as everything else is.
                _ => Way::Closed,
            };
            reached!("there is no way around the cache", matches!(self.way, Way::Closed));
        }
        matches!(self.way, Way::Open(_))
    }

    /// Writes a part of the buffer, around the cache if it takes that.
    fn write(&mut self, file: &F, start: usize, len: usize, offset: u64) -> io::Result<()> {
        let run = &self.buffer[start..start + len];
        reached!("a run was too short to go around the cache", 0 < len && len < LEAST_BYTES);
        if let Way::Open(direct) = &self.way
            && len >= LEAST_BYTES
        {
            match write_all_at(direct, run, offset) {
                // Some systems find out only now.
                Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                    reached!("the way around the cache ended at its first write");
                    self.way = Way::Closed;
                    if mutant!("what cannot go around the cache is not written") {
                        return Ok(());
                    }
                }
                written => {
                    reached!("a write around the cache failed", written.is_err());
                    return written;
                }
            }
        }
        write_all_at(file, run, offset)
    }
}

/// Fresh blocks on their way to the data file. What was not flushed is not written.
pub struct FreshBlocks<'a, F, P: Platform> {
    file: &'a DataFile<F, P>,
    around: LatchedMut<'a, Around<F>, P>,
    /// Where the aligned part of the buffer begins.
    start: usize,
    /// Where what is in the buffer goes, and how much that is.
    at: BlockId,
    filled: usize,
}

impl<'a, F: DiskFile, P: Platform> FreshBlocks<'a, F, P> {
    /// Nothing, if there is no way around the cache.
    pub(super) fn begin(
        file: &'a DataFile<F, P>,
        mut around: LatchedMut<'a, Around<F>, P>,
    ) -> Option<FreshBlocks<'a, F, P>> {
        if !around.is_open(file.file()) {
            return None;
        }
        around.buffer.resize(RUN_BYTES + BLOCK_BYTES, 0);
        let address = around.buffer.as_ptr().addr();
        let start = address.next_multiple_of(BLOCK_BYTES) - address;
        Some(FreshBlocks { file, around, start, at: BlockId(0), filled: 0 })
    }

    /// Puts a node at the start of `block`; zeros fill its last block.
    ///
    /// # Errors
    /// [`Error::Io`], if what came before had to be written and could not.
    pub fn put(&mut self, mut block: BlockId, mut node: &[u8]) -> Result<()> {
        while !node.is_empty() {
            let continues = self.at.0 + (self.filled / BLOCK_BYTES) as u64 == block.0;
            if !continues || self.filled == RUN_BYTES {
                reached!("blocks that go around the cache lie apart", !continues && self.filled > 0);
                self.flush()?;
                self.at = block;
            }
            let (part, rest) = node.split_at(node.len().min(RUN_BYTES - self.filled));
            let from = self.start + self.filled;
            let (end, padded) = (from + part.len(), part.len().next_multiple_of(BLOCK_BYTES));
            self.around.buffer[from..end].copy_from_slice(part);
            self.around.buffer[end..from + padded].fill(0);
            self.filled += padded;
            block.0 += (padded / BLOCK_BYTES) as u64;
            node = rest;
        }
        Ok(())
    }

    /// Writes what is there. Not durable before [`DataFile::sync`].
    ///
    /// # Errors
    /// [`Error::Io`]; what was to be written is forgotten.
    pub fn flush(&mut self) -> Result<()> {
        let offset = self.at.0 * BLOCK_BYTES as u64;
        let len = std::mem::take(&mut self.filled);
        self.around
            .write(self.file.file(), self.start, len, offset)
            .map_err(|e| Error::io("write", self.file.path(), offset, e))
    }
}
