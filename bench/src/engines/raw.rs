//! Plain system calls: the limits that a store is compared with.
//!
//! - [`append`] and [`append_direct`]: the bytes, 1 MiB at a time, into a new file, then one `fdatasync`.
//! - [`PreparedLog`]: what any log must do for a commit: a small write into space that is already there, `fdatasync`.
//! - [`PlainFile`]: a file that is read with `pread`; an insertion rewrites all that is behind it.
//! - [`insert_range`]: the kernel's own insertion, which takes whole blocks only.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::{Gatherer, Reader};
use crate::Result;
use crate::content::{Content, Edit, PIECE_BYTES};

const BLOCK_BYTES: usize = 4096;
/// What is read at a time to pick elements from.
const GATHER_BYTES: usize = 64 << 10;

/// Appends through the page cache.
pub fn append(path: &Path, content: &Content) -> Result<File> {
    let file = OpenOptions::new().create_new(true).read(true).write(true).open(path)?;
    let mut at = 0;
    content.for_each_piece(|piece| {
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
        Ok(())
    })?;
    file.sync_data()?;
    Ok(file)
}

/// Appends around the page cache; the last bytes that fill no block go through it.
pub fn append_direct(path: &Path, content: &Content) -> Result<()> {
    let flags = OFlags::DIRECT.bits().cast_signed();
    let file = OpenOptions::new().create_new(true).write(true).custom_flags(flags).open(path)?;
    let mut space = vec![0; PIECE_BYTES + BLOCK_BYTES];
    let from = space.as_ptr().align_offset(BLOCK_BYTES);
    let piece = &mut space[from..from + PIECE_BYTES];
    let whole = content.len - content.len % BLOCK_BYTES as u64;
    let mut at = 0;
    while at < whole {
        let take = (PIECE_BYTES as u64).min(whole - at) as usize;
        content.fill(at, &mut piece[..take]);
        file.write_all_at(&piece[..take], at)?;
        at += take as u64;
    }
    let rest = (content.len - whole) as usize;
    content.fill(whole, &mut piece[..rest]);
    OpenOptions::new().write(true).open(path)?.write_all_at(&piece[..rest], whole)?;
    Ok(file.sync_data()?)
}

/// A log with space that is written already, used again from its start when it is full.
pub struct PreparedLog {
    file: File,
    at: u64,
}

impl PreparedLog {
    const BYTES: usize = 16 << 20;

    /// Makes one.
    pub fn new(path: &Path) -> Result<PreparedLog> {
        let file = OpenOptions::new().create_new(true).write(true).open(path)?;
        file.write_all_at(&vec![0; PreparedLog::BYTES], 0)?;
        file.sync_all()?;
        Ok(PreparedLog { file, at: 0 })
    }

    /// Makes `bytes` durable.
    pub fn commit(&mut self, bytes: &[u8]) -> Result<()> {
        if self.at + bytes.len() as u64 > PreparedLog::BYTES as u64 {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(self.file.sync_data()?)
    }
}

/// Inserts a block of zeros at `at`, a multiple of a block's length, durably. `false` if the file system cannot.
pub fn insert_range(file: &File, at: u64) -> Result<bool> {
    match fallocate(file, FallocateFlags::INSERT_RANGE, at, BLOCK_BYTES as u64) {
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    file.sync_data()?;
    Ok(true)
}

/// A file that holds the bytes of the stream and nothing else.
pub struct PlainFile {
    pub file: File,
    len: u64,
}

impl PlainFile {
    /// Makes one of `content`.
    pub fn new(path: &Path, content: &Content) -> Result<PlainFile> {
        Ok(PlainFile { file: append(path, content)?, len: content.len })
    }

    /// Inserts durably: all that is behind is read and written again, last part first.
    pub fn rewrite(&mut self, edit: &Edit) -> Result<()> {
        let shift = edit.inserted.len() as u64;
        let mut piece = vec![0; PIECE_BYTES];
        let mut end = self.len;
        while end > edit.at {
            let start = end.saturating_sub(PIECE_BYTES as u64).max(edit.at);
            let piece = &mut piece[..(end - start) as usize];
            self.file.read_exact_at(piece, start)?;
            self.file.write_all_at(piece, start + shift)?;
            end = start;
        }
        self.file.write_all_at(edit.inserted.as_bytes(), edit.at)?;
        self.len += shift;
        Ok(self.file.sync_data()?)
    }
}

impl Reader for PlainFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        Ok(self.file.read_exact_at(buffer, offset)?)
    }

    /// Through a buffer that stays in the processor's cache, which is as near as reading comes to not copying.
    fn visit(&mut self, call: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let mut buffer = vec![0; GATHER_BYTES];
        for at in (0..self.len).step_by(GATHER_BYTES) {
            let take = (GATHER_BYTES as u64).min(self.len - at) as usize;
            self.file.read_exact_at(&mut buffer[..take], at)?;
            call(&buffer[..take]);
        }
        Ok(true)
    }

    fn gather(&mut self, element: usize, step: usize) -> Result<Vec<u8>> {
        let mut gatherer = Gatherer::new(element, step, self.len);
        self.visit(&mut |part| gatherer.take(part))?;
        Ok(gatherer.picked)
    }
}
