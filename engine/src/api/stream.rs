//! A stream inside a transaction.

use std::ops::RangeBounds;

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::{Name, shown};
use crate::env::{Env, RealEnv};
use crate::format::stride::Stride;
use crate::recovery::{remove_strided, splice, write_strided};
use crate::tree::Tree;
use crate::txn::Core;

use super::range::resolve;
use super::{Transaction, reads};

/// A stream, as a transaction sees it: with its own changes in it. Offsets and lengths are bytes.
pub struct Stream<'tx, E: Env = RealEnv> {
    transaction: &'tx Transaction<E>,
    id: StreamId,
    name: Name,
}

impl<'tx, E: Env> Stream<'tx, E> {
    pub(super) fn new(transaction: &'tx Transaction<E>, id: StreamId, name: Name) -> Stream<'tx, E> {
        Stream { transaction, id, name }
    }

    pub(super) fn id(&self) -> StreamId {
        self.id
    }

    /// The length in bytes.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`] if the transaction has dropped the stream, as for every call here.
    pub fn len(&self) -> Result<u64> {
        self.read_with(|_, tree| Ok(tree.len()))
    }

    /// Whether the stream has no bytes.
    ///
    /// # Errors
    /// As [`Stream::len`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The bytes in `range`.
    ///
    /// - Cost: O(log n + length of the range)
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn read(&self, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        self.read_with(|core, tree| reads::read(&core.store, tree, &range))
    }

    /// Fills `buffer` from `offset` on; returns how many bytes there were, fewer than asked for only at the end.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if `offset` is behind the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.read_with(|core, tree| reads::read_at(&core.store, tree, offset, buffer))
    }

    /// The elements of `stride`, one after the other.
    ///
    /// - Cost: O(log n + hull) where elements lie close together, O(count log n) where they do not
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]; [`Error::OutOfBounds`] if the last element does not fit.
    pub fn read_strided(&self, stride: Stride) -> Result<Vec<u8>> {
        self.read_with(|core, tree| reads::read_strided(&core.store, tree, &stride))
    }

    /// Inserts `data` at `offset`; what is behind moves right.
    ///
    /// `offset` is at most the length; there it appends. No `data` does nothing.
    ///
    /// - Cost: O(log n + length of `data`)
    /// - Logs: one record for each 256 leaves' worth, 16 MiB by default; the bytes themselves only below [`Options::bulk_bytes`](super::Options::bulk_bytes)
    ///
    /// # Errors
    /// [`Error::OutOfBounds`], [`Error::TooLong`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
    /// let tx = db.begin()?;
    /// let s = tx.create("s")?;
    /// s.append(b"held")?;
    /// s.insert(3, b"lo wor")?;
    /// assert_eq!(s.read(..)?, b"hello word");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.splice_with(data, |len| Ok((resolve(&(offset..offset), len)?.start, 0)))
    }

    /// Appends `data`.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn append(&self, data: &[u8]) -> Result<()> {
        self.splice_with(data, |len| Ok((len, 0)))
    }

    /// Overwrites from `offset` on; runs past the end and lets the stream grow if `data` is longer than what is there.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if `offset` is behind the end.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.splice_with(data, |len| {
            let offset = resolve(&(offset..offset), len)?.start;
            Ok((offset, (data.len() as u64).min(len - offset)))
        })
    }

    /// Removes `range`; what is behind moves left.
    ///
    /// - Cost: O(log n), whatever the length of the range
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn remove(&self, range: impl RangeBounds<u64>) -> Result<()> {
        self.splice_with(&[], |len| resolve(&range, len).map(|range| (range.start, range.end - range.start)))
    }

    /// Removes `range` and returns what was there.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn cut(&self, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        self.transaction.change(|core, txn| {
            let tree = self.tree_in(core)?;
            let range = resolve(&range, tree.len())?;
            let bytes = core.store.trees().read_range(&tree, range.clone())?;
            if !range.is_empty() {
                splice(core, txn, self.id, range, &[])?;
            }
            Ok(bytes)
        })
    }

    /// Cuts the stream to `len` bytes.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if it is shorter.
    pub fn truncate(&self, len: u64) -> Result<()> {
        self.remove(len..)
    }

    /// Replaces `delete_len` bytes at `offset` by `data`: what every other change is made of.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`], [`Error::TooLong`].
    pub fn splice(&self, offset: u64, delete_len: u64, data: &[u8]) -> Result<()> {
        self.splice_with(data, |len| {
            let range = resolve(&(offset..offset.saturating_add(delete_len)), len)?;
            Ok((range.start, range.end - range.start))
        })
    }

    /// Overwrites the elements of `stride` with `data`, which has exactly their length.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], also if `data` has another length; [`Error::OutOfBounds`].
    pub fn write_strided(&self, stride: Stride, data: &[u8]) -> Result<()> {
        self.transaction.change(|core, txn| {
            self.check_stride(core, &stride)?;
            if stride.bytes() != Some(data.len() as u64) {
                return Err(Error::invalid(format!("{} bytes for {stride}", data.len())));
            }
            write_strided(core, txn, self.id, &stride, data)
        })
    }

    /// Removes the elements of `stride`; what is between them moves together.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::OutOfBounds`].
    pub fn remove_strided(&self, stride: Stride) -> Result<()> {
        self.transaction.change(|core, txn| {
            self.check_stride(core, &stride)?;
            remove_strided(core, txn, self.id, &stride)
        })
    }

    fn check_stride(&self, core: &Core<E>, stride: &Stride) -> Result<()> {
        stride.check()?;
        let hull = stride.hull().unwrap_or(0..u64::MAX);
        resolve(&hull, self.len_in(core)?).map(|_| ())
    }

    fn splice_with(&self, data: &[u8], place: impl Fn(u64) -> Result<(u64, u64)>) -> Result<()> {
        self.transaction.change(|core, txn: TxnId| {
            let (offset, delete_len) = place(self.len_in(core)?)?;
            if delete_len == 0 && data.is_empty() {
                return Ok(());
            }
            splice(core, txn, self.id, offset..offset + delete_len, data)
        })
    }

    fn len_in(&self, core: &Core<E>) -> Result<u64> {
        match core.catalog.changing(self.id) {
            Some(tree) => Ok(tree.len()),
            None => Ok(self.settled(core)?.len()),
        }
    }

    fn tree_in(&self, core: &Core<E>) -> Result<Tree> {
        match core.catalog.changing(self.id) {
            Some(tree) => Ok(tree.clone()),
            None => self.settled(core),
        }
    }

    fn settled(&self, core: &Core<E>) -> Result<Tree> {
        match core.catalog.stream(&core.store, self.id)? {
            Some(record) => Ok(record.tree),
            None => Err(Error::NoSuchStream { name: shown(&self.name) }),
        }
    }

    fn read_with<R>(&self, read: impl FnOnce(&Core<E>, &Tree) -> Result<R>) -> Result<R> {
        self.transaction.with_core(|core, _| match core.catalog.changing(self.id) {
            Some(tree) => read(core, tree),
            None => read(core, &self.settled(core)?),
        })
    }
}
