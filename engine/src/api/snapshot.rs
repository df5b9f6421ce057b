//! Reading a committed state that stays as it is.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeBounds;
use std::sync::Arc;

use crate::base::{Error, Result};
use crate::catalog::{Store, Version, check_name, shown};
use crate::env::{Env, RealEnv};
use crate::format::stride::Stride;
use crate::tree::Tree;

use super::shared::Shared;
use super::{StreamInfo, reads};

/// The whole database as one commit left it. Nothing that happens later is seen.
///
/// While it lives, what it can reach is not overwritten, so a very old one makes the file grow; see
/// [`Options::snapshot_max_age`](super::Options::snapshot_max_age).
pub struct Snapshot<E: Env = RealEnv> {
    shared: Arc<Shared<E>>,
    version: Arc<Version>,
}

impl<E: Env> Clone for Snapshot<E> {
    fn clone(&self) -> Self {
        Snapshot { shared: Arc::clone(&self.shared), version: Arc::clone(&self.version) }
    }
}

impl<E: Env> Snapshot<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, version: Arc<Version>) -> Snapshot<E> {
        Snapshot { shared, version }
    }

    /// All streams in the order of their names.
    ///
    /// # Errors
    /// [`Error::SnapshotTooOld`], [`Error::Corruption`], [`Error::Io`].
    pub fn list(&self) -> Result<Vec<StreamInfo>> {
        self.read_whole(|store| {
            let mut streams = Vec::new();
            self.version.for_each(store, |name, record| {
                streams.push(StreamInfo { name: shown(name), len: record.tree.len() });
                Ok(())
            })?;
            Ok(streams)
        })
    }

    /// Reads what may be given to others in between, if the snapshot is too old.
    fn read_whole<R>(&self, read: impl FnOnce(&Store<E>) -> Result<R>) -> Result<R> {
        let _waits = mutant!("a read of a version takes the core's latch").then(|| self.shared.core.lock());
        let result = read(&self.shared.store);
        // Behind the read: whatever was read of others came after this was noted.
        if self.version.is_expired() { Err(Error::SnapshotTooOld) } else { result }
    }

    /// Whether there is a stream called `name`.
    ///
    /// # Errors
    /// [`Error::BadName`].
    pub fn exists(&self, name: &str) -> Result<bool> {
        let name = check_name(name)?;
        self.read_whole(|store| Ok(self.version.find(store, &name)?.is_some()))
    }

    /// The stream called `name`.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::NoSuchStream`].
    pub fn stream(&self, name: &str) -> Result<SnapshotStream<E>> {
        let key = check_name(name)?;
        match self.read_whole(|store| self.version.find(store, &key))? {
            Some(record) => Ok(SnapshotStream { snapshot: self.clone(), tree: record.tree }),
            None => Err(Error::NoSuchStream { name: name.to_owned() }),
        }
    }
}

/// A stream in a snapshot.
pub struct SnapshotStream<E: Env = RealEnv> {
    snapshot: Snapshot<E>,
    tree: Tree,
}

impl<E: Env> SnapshotStream<E> {
    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether the stream has no bytes.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The bytes in `range`.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn read(&self, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        self.snapshot.read_whole(|store| reads::read(store, &self.tree, &range))
    }

    /// Fills `buffer` from `offset` on; returns how many bytes there were, fewer than asked for only at the end.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if `offset` is behind the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.snapshot.read_whole(|store| reads::read_at(store, &self.tree, offset, buffer))
    }

    /// Shows `call` the bytes in `range` in their order, where they lie in memory: in slices inside leaves, and without a copy.
    /// No latch is held meanwhile. An error may come behind bytes that were shown.
    ///
    /// - Cost: O(log n + number of leaves)
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
    /// # db.create("s")?;
    /// # db.append("s", b"one two three")?;
    /// let stream = db.snapshot().stream("s")?;
    /// let mut spaces = 0;
    /// stream.visit(.., |bytes| spaces += bytes.iter().filter(|&&byte| byte == b' ').count())?;
    /// assert_eq!(spaces, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn visit(&self, range: impl RangeBounds<u64>, mut call: impl FnMut(&[u8])) -> Result<()> {
        self.snapshot.read_whole(|store| reads::visit(store, &self.tree, &range, &mut call))
    }

    /// The elements of `stride`, one after the other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]; [`Error::OutOfBounds`] if the last element does not fit.
    pub fn read_strided(&self, stride: Stride) -> Result<Vec<u8>> {
        self.snapshot.read_whole(|store| reads::read_strided(store, &self.tree, &stride))
    }

    /// The stream as a file to read and seek in, from its start.
    pub fn reader(self) -> StreamReader<E> {
        StreamReader { stream: self, position: 0 }
    }
}

/// Reads a stream of a snapshot through [`Read`] and [`Seek`].
pub struct StreamReader<E: Env = RealEnv> {
    stream: SnapshotStream<E>,
    position: u64,
}

impl<E: Env> Read for StreamReader<E> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.stream.len() {
            return Ok(0);
        }
        let read = self.stream.read_at(self.position, buffer).map_err(io::Error::other)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl<E: Env> Seek for StreamReader<E> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(delta) => self.stream.len().checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
