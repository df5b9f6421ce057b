//! Files, as the engine sees them, with what each call promises about durability.

use std::io;
use std::path::Path;

/// How a file is opened. All opens are for reading; see the fields for the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenMode {
    /// Also for writing.
    pub write: bool,
    /// Create the file; fails with [`io::ErrorKind::AlreadyExists`] if it is there. Implies nothing about
    /// durability: the name lasts only after [`Disk::sync_dir`].
    pub create_new: bool,
}

/// A directory tree of files.
///
/// Names appear, vanish and move at once for every reader, but a crash may undo any of that until
/// [`Disk::sync_dir`] of the directory has returned `Ok`; until then the operations may last in any order.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// Opens `path`. Without `create_new` a missing file is [`io::ErrorKind::NotFound`].
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Self::File>;
    /// Removes the name `path`. The file must not be open (some systems refuse).
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Moves `from` over `to`, atomically. Neither may be open.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// The names of the files directly inside `dir`, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes all returned creations, removals and renames inside `dir` durable; a no-op where the system has none.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file. All calls may run concurrently; overlapped I/O is concurrent calls from several tasks.
///
/// - A write is *visible* to every reader when it returns, and *not durable*: a power loss may keep, lose or tear
///   any sector of it, in any order, until a [`DiskFile::sync`] that began after it returned has succeeded.
/// - A read that races with a write may see a mix of old and new sectors.
/// - Transfers may be short, but never of zero bytes except a read at the end of the file; a short direct transfer
///   stops at an aligned offset.
pub trait DiskFile: Send + Sync + 'static {
    /// Reads into `buf` from `offset`; returns how many bytes, 0 only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Appends what a [`DiskFile::read_at`] of `len` bytes gives to `buf`, in memory that need not be filled with zeros before.
    fn read_more_at(&self, buf: &mut Vec<u8>, len: usize, offset: u64) -> io::Result<usize> {
        append_read(buf, len, |new| self.read_at(new, offset))
    }
    /// Writes from `buf` to `offset`; returns how many bytes. Writing behind the end grows the file; the gap reads
    /// as zeros until a crash, and as anything after one.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;
    /// As [`DiskFile::read_at`], into several buffers in order.
    fn read_vectored_at(&self, bufs: &mut [io::IoSliceMut<'_>], offset: u64) -> io::Result<usize>;
    /// As [`DiskFile::write_at`], from several buffers in order.
    fn write_vectored_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize>;
    /// The length in bytes, as every reader sees it.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts the file, or grows it with zeros. Durable like a write.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves space for `offset..offset + len`, growing the file if need be, so that later writes there do not
    /// fail for want of space. May be a plain `set_len` where the system can do no better.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Gives the space of `offset..offset + len` back; the range reads as zeros or as before. Advisory.
    fn punch(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Makes durable every write and `set_len` on this file, through whichever handle, that had returned before
    /// this call began. `Err` means that the fate of all of them is unknown, and that a later `Ok` says nothing
    /// about them: never retry, poison.
    fn sync(&self) -> io::Result<()>;
    /// Takes the exclusive lock of the file, without waiting; `false` if another handle has it. Held until the
    /// handle is dropped.
    fn try_lock(&self) -> io::Result<bool>;
    /// What offsets, lengths and addresses of transfers must be multiples of; 1 for handles that have the system's cache.
    fn alignment(&self) -> usize;
    /// Another handle on this very file, whatever its name is by now, whose transfers go around the system's cache. What is
    /// written through either is visible through both.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] or any other where there is no such way. Some systems find out later: a transfer
    /// is then refused with [`io::ErrorKind::InvalidInput`], and goes through this handle.
    fn open_direct(&self) -> io::Result<Self>
    where
        Self: Sized,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Reads exactly `buf.len()` bytes, going on after short reads; the end of the file is
/// [`io::ErrorKind::UnexpectedEof`].
pub fn read_exact_at(file: &impl DiskFile, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.read_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                reached!("a read was short", n < buf.len());
                buf = &mut buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Appends what `read` puts into `len` new bytes to `buf`, which are zeros before.
pub(in crate::env) fn append_read(
    buf: &mut Vec<u8>,
    len: usize,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let start = buf.len();
    buf.resize(start + len, 0);
    let read = read(&mut buf[start..]);
    buf.truncate(start + read.as_ref().map_or(0, |read| *read));
    read
}

/// Reads exactly `len` bytes into memory of their own, as [`read_exact_at`].
pub fn read_new_at(file: &impl DiskFile, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    match file.read_more_at(&mut bytes, len, offset) {
        Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
        _ => {}
    }
    let read = bytes.len();
    bytes.resize(len, 0);
    read_exact_at(file, &mut bytes[read..], offset + read as u64)?;
    Ok(bytes)
}

/// Writes all of `buf`, going on after short writes.
pub fn write_all_at(file: &impl DiskFile, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.write_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                reached!("a write was short", n < buf.len());
                buf = &buf[n..];
                offset += if mutant!("a short write begins again") { 0 } else { n as u64 };
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
