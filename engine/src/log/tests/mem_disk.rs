//! A disk in memory that tells durable bytes from visible ones, and fails on demand.
#![expect(clippy::disallowed_types, reason = "a test double runs on plain threads")]

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::env::{Disk, DiskFile, OpenMode};

/// What was done to files, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Write { offset: u64, bytes: u64 },
    Sync,
    SyncDir,
}

#[derive(Clone, Default)]
pub struct Bytes {
    pub visible: Vec<u8>,
    pub durable: Vec<u8>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Arc<Mutex<Bytes>>>,
    events: Vec<Event>,
    /// How many more writes succeed; then all fail.
    writes_left: Option<u64>,
    /// How many more syncs succeed; then one fails.
    syncs_left: Option<u64>,
    /// No file can be longer.
    most_bytes: Option<u64>,
    /// No transfer is longer.
    most_transfer: Option<usize>,
}

/// A handle to one disk.
#[derive(Clone, Default)]
pub struct MemDisk(Arc<Mutex<State>>);

impl MemDisk {
    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap())
    }

    pub fn take_events(&self) -> Vec<Event> {
        self.with(|state| std::mem::take(&mut state.events))
    }

    pub fn fail_writes_after(&self, writes: u64) {
        self.with(|state| state.writes_left = Some(writes));
    }

    pub fn fail_sync_after(&self, syncs: u64) {
        self.with(|state| state.syncs_left = Some(syncs));
    }

    pub fn limit_file_bytes(&self, most: Option<u64>) {
        self.with(|state| state.most_bytes = most);
    }

    pub fn limit_transfers(&self, most: usize) {
        self.with(|state| state.most_transfer = Some(most));
    }

    /// The bytes of the file, as every reader sees them and as a power loss would leave them at worst.
    pub fn bytes(&self, path: &Path) -> Bytes {
        self.with(|state| state.files[path].lock().unwrap().clone())
    }

    /// Puts a file there, durably.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let bytes = Bytes { durable: bytes.clone(), visible: bytes };
        self.with(|state| state.files.insert(path.to_owned(), Arc::new(Mutex::new(bytes))));
    }

    /// Changes a file, durably.
    pub fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes(path).visible;
        edit(&mut bytes);
        self.put(path, bytes);
    }

    /// Cuts the power: each sector that differs is taken from the visible bytes if `keep` says so of its offset.
    pub fn cut_power(&self, path: &Path, mut keep: impl FnMut(u64) -> bool) {
        let Bytes { visible, durable } = self.bytes(path);
        let mut left = visible.clone();
        for (index, sector) in left.chunks_mut(512).enumerate() {
            let start = index * 512;
            let end = start + sector.len();
            let mut old = durable.get(start..durable.len().min(end)).unwrap_or_default().to_vec();
            old.resize(sector.len(), 0);
            if sector != old && !keep(start as u64) {
                sector.copy_from_slice(&old);
            }
        }
        self.put(path, left);
    }
}

fn failure(what: &'static str) -> io::Error {
    io::Error::other(what)
}

impl Disk for MemDisk {
    type File = MemFile;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<MemFile> {
        let bytes = self.with(|state| {
            let there = state.files.get(path).cloned();
            match (there, mode.create_new) {
                (Some(_), true) => Err(io::ErrorKind::AlreadyExists.into()),
                (None, false) => Err(io::Error::from(io::ErrorKind::NotFound)),
                (Some(bytes), false) => Ok(bytes),
                (None, true) => Ok(state.files.entry(path.to_owned()).or_default().clone()),
            }
        })?;
        Ok(MemFile { disk: self.clone(), bytes, write: mode.write })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.with(|state| state.files.remove(path)).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(failure("the log renames nothing"))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Err(failure("the log lists nothing"))
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.with(|state| state.events.push(Event::SyncDir));
        Ok(())
    }
}

pub struct MemFile {
    disk: MemDisk,
    bytes: Arc<Mutex<Bytes>>,
    write: bool,
}

impl MemFile {
    fn transfer(&self, bytes: usize) -> usize {
        self.disk.with(|state| state.most_transfer).map_or(bytes, |most| bytes.min(most))
    }
}

impl DiskFile for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes.lock().unwrap();
        let start = bytes.visible.len().min(offset as usize);
        let len = self.transfer(buf.len().min(bytes.visible.len() - start));
        buf[..len].copy_from_slice(&bytes.visible[start..start + len]);
        Ok(len)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        assert!(self.write, "a file opened for reading is written");
        let len = self.transfer(buf.len());
        self.disk.with(|state| {
            state.events.push(Event::Write { offset, bytes: len as u64 });
            match &mut state.writes_left {
                Some(0) => Err(failure("injected write failure")),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        })?;
        let (start, end) = (offset as usize, offset as usize + len);
        let mut bytes = self.bytes.lock().unwrap();
        if bytes.visible.len() < end {
            bytes.visible.resize(end, 0);
        }
        bytes.visible[start..end].copy_from_slice(&buf[..len]);
        Ok(len)
    }

    fn read_vectored_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.read_at(&mut bufs[0], offset)
    }

    fn write_vectored_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.write_at(&bufs[0], offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().visible.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().visible.resize(len as usize, 0);
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        if self.disk.with(|state| state.most_bytes).is_some_and(|most| offset + len > most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let end = (offset + len).max(self.len()?);
        self.set_len(end)
    }

    fn punch(&self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let fails = self.disk.with(|state| {
            state.events.push(Event::Sync);
            match &mut state.syncs_left {
                Some(0) => {
                    state.syncs_left = None;
                    true
                }
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        });
        if fails {
            return Err(failure("injected sync failure"));
        }
        let mut bytes = self.bytes.lock().unwrap();
        bytes.durable = bytes.visible.clone();
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn alignment(&self) -> usize {
        1
    }
}
