//! The data file as blocks: every read is verified against the reference that led to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{BLOCK_BYTES, BlockId, Error, Result};
use crate::env::{DiskFile, Platform, read_exact_at, read_new_at, write_all_at};
use crate::format::block_ref::{BlockRef, CHECKED_BYTES};
use crate::sync::Latched;

use super::around::{Around, FreshBlocks};

/// The open data file.
pub struct DataFile<F, P: Platform> {
    file: F,
    path: PathBuf,
    syncs: AtomicU64,
    /// Whether a sync has failed. Syncs come one after the other: the system tells only one of two at once.
    sync_failed: Latched<bool, P>,
    around: Latched<Around<F>, P>,
}

impl<F: DiskFile, P: Platform> DataFile<F, P> {
    /// Wraps an open file that is called `path` in errors.
    pub fn new(file: F, path: &Path) -> DataFile<F, P> {
        DataFile {
            file,
            path: path.to_owned(),
            syncs: AtomicU64::new(0),
            sync_failed: Latched::new(false),
            around: Latched::new(Around::new()),
        }
    }

    /// The path, as the user gave it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself, for its length and its lock.
    pub fn file(&self) -> &F {
        &self.file
    }

    /// Reads the node behind `reference` and verifies it.
    ///
    /// # Errors
    /// [`Error::Corruption`] if a checksum differs or the file ends too early.
    pub fn read_node(&self, reference: &BlockRef) -> Result<Vec<u8>> {
        let bytes = read_new_at(&self.file, reference.bytes as usize, reference.offset())
            .map_err(|e| self.unreadable(reference.offset(), reference.bytes as usize, e))?;
        self.verify(reference, &bytes).map(|()| bytes)
    }

    /// As [`DataFile::read_node`], into bytes that many can hold.
    pub fn read_shared(&self, reference: &BlockRef) -> Result<Arc<[u8]>> {
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, reference.bytes as usize).collect();
        let own = Arc::get_mut(&mut bytes).expect("invariant: nobody else has it yet");
        self.read_bytes(reference.offset(), own)?;
        self.verify(reference, &bytes).map(|()| bytes)
    }

    fn verify(&self, reference: &BlockRef, bytes: &[u8]) -> Result<()> {
        let careless = mutant!("checksums of nodes are not looked at");
        match reference.first_mismatch(bytes).filter(|_| !careless) {
            None => Ok(()),
            Some(piece) => {
                let offset = reference.offset() + (piece * CHECKED_BYTES) as u64;
                let expected = format!("checksum {:#010x}", reference.sums[piece]);
                Err(Error::corruption(&self.path, offset, expected, "other bytes"))
            }
        }
    }

    /// Reads exactly `bytes.len()` bytes at byte `offset`, unverified.
    pub fn read_bytes(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, bytes, offset).map_err(|e| self.unreadable(offset, bytes.len(), e))
    }

    fn unreadable(&self, offset: u64, len: usize, e: std::io::Error) -> Error {
        if e.kind() == std::io::ErrorKind::UnexpectedEof {
            Error::corruption(&self.path, offset, format!("{len} bytes"), "the end of the file")
        } else {
            Error::io("read", &self.path, offset, e)
        }
    }

    /// Writes `bytes` at the start of `block`. Not durable before [`DataFile::sync`].
    pub fn write_blocks(&self, block: BlockId, bytes: &[u8]) -> Result<()> {
        let offset = block.0 * BLOCK_BYTES as u64;
        write_all_at(&self.file, bytes, offset).map_err(|e| Error::io("write", &self.path, offset, e))
    }

    /// A way to write many fresh blocks around the system's cache, if there is one. One at a time has it.
    pub fn around_cache(&self) -> Option<FreshBlocks<'_, F, P>> {
        FreshBlocks::begin(self, self.around.lock())
    }

    /// Makes every write that has returned durable. After an error nothing is known: poison.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Poisoned`] if another sync failed before: what it lost cannot be made durable any more.
    pub fn sync(&self) -> Result<()> {
        let mut failed = self.sync_failed.lock();
        if *failed {
            return Err(self.is_unsynced());
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let synced = self.file.sync().map_err(|e| Error::io("sync", &self.path, 0, e));
        *failed |= synced.is_err();
        synced
    }

    /// That no sync has failed. Waits for one that is under way: the system may have dropped already what it cannot write.
    ///
    /// # Errors
    /// [`Error::Poisoned`] otherwise.
    pub fn check_synced(&self) -> Result<()> {
        if *self.sync_failed.read() { Err(self.is_unsynced()) } else { Ok(()) }
    }

    /// What to tell of `error`: what a failed sync has lost is not damaged. Waits as [`DataFile::check_synced`] does.
    pub fn blame(&self, error: Error) -> Error {
        if !matches!(error, Error::Corruption { .. }) {
            return error;
        }
        self.check_synced().err().unwrap_or(error)
    }

    fn is_unsynced(&self) -> Error {
        Error::Poisoned { cause: format!("a sync of {} failed", self.path.display()) }
    }

    /// How often the file was synced.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// The [`Error::Corruption`] for a node whose checksum is right and whose content is not.
    pub fn malformed(&self, reference: &BlockRef, what: &'static str) -> Error {
        Error::corruption(&self.path, reference.offset(), "a well-formed node", what)
    }
}
