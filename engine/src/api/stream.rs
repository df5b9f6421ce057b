//! A stream inside a transaction.

use std::ops::RangeBounds;

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::{Name, Store, shown};
use crate::env::{Env, RealEnv};
use crate::format::stride::Stride;
use crate::lock::{Mode, Span};
use crate::recovery::{check_not_behind, remove_strided, splice, with_room, write_strided};
use crate::tree::Tree;
use crate::txn::{Core, Stop};

use super::place::{Held, Place, hull_span, span_of};
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

    /// The length in bytes.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`] if the transaction has dropped the stream, as for every call here.
    pub fn len(&self) -> Result<u64> {
        self.show(|core, txn| {
            self.held().lock(core, txn, Span::END, Mode::S)?;
            Ok(core.len(self.id)?)
        })
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
        self.read_with(span_of(&range), Mode::S, |store, tree| reads::read(store, tree, &range))
    }

    /// As [`Stream::read`], of what this transaction is going to change.
    ///
    /// Nobody else begins to read these bytes in a transaction, or reads them for update, until this transaction has ended;
    /// those who read them already go on. So of two that read and then change the same bytes one waits for the other,
    /// where after plain reads each would wait for the other to end, and one would get [`Error::Deadlock`].
    ///
    /// - Cost: O(log n + length of the range)
    /// - Locks: U on the range, one byte at least, with the end of the stream if the range has none. A later change by this
    ///   transaction waits only for those who read there before
    ///
    /// # Errors
    /// [`Error::OutOfBounds`], [`Error::Busy`], [`Error::Deadlock`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
    /// # db.create("counter")?;
    /// # db.append("counter", &[0])?;
    /// let tx = db.begin()?;
    /// let counter = tx.stream("counter")?;
    /// let now = counter.read_for_update(0..1)?[0];
    /// counter.write(0, &[now + 1])?;
    /// tx.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_for_update(&self, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        self.read_with(span_of(&range), Mode::U, |store, tree| reads::read(store, tree, &range))
    }

    /// Fills `buffer` from `offset` on; returns how many bytes there were, fewer than asked for only at the end.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if `offset` is behind the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        self.read_with(span_of(&range), Mode::S, |store, tree| reads::read_at(store, tree, offset, buffer))
    }

    /// The elements of `stride`, one after the other.
    ///
    /// - Cost: O(log n + hull) where elements lie close together, O(count log n) where they do not
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]; [`Error::OutOfBounds`] if the last element does not fit.
    pub fn read_strided(&self, stride: Stride) -> Result<Vec<u8>> {
        stride.check()?;
        self.read_with(hull_span(&stride), Mode::S, |store, tree| reads::read_strided(store, tree, &stride))
    }

    /// Inserts `data` at `offset`; what is behind moves right.
    ///
    /// `offset` is at most the length; there it appends. No `data` does nothing.
    ///
    /// - Cost: O(log n + length of `data`)
    /// - Logs: one record for each 256 leaves' worth, 16 MiB by default; the bytes themselves only below [`Options::bulk_bytes`](super::Options::bulk_bytes).
    ///   Small insertions that go on where the last one ended share one, some hundred bytes long at most
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
        self.put(data, Place::Insert(offset))
    }

    /// Appends `data`.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn append(&self, data: &[u8]) -> Result<()> {
        self.put(data, Place::Append)
    }

    /// Overwrites from `offset` on; runs past the end and lets the stream grow if `data` is longer than what is there.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if `offset` is behind the end.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.put(data, Place::Write(offset))
    }

    /// Removes `range`; what is behind moves left.
    ///
    /// - Cost: O(log n), whatever the length of the range
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn remove(&self, range: impl RangeBounds<u64>) -> Result<()> {
        self.put(&[], Place::remove(&range))
    }

    /// Removes `range` and returns what was there.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`].
    pub fn cut(&self, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        let place = Place::remove(&range);
        self.show(|core, txn| {
            let range = place.lock(core, txn, self.held(), 0)?;
            check_not_behind(core)?;
            let bytes = core.store.trees().read_range(&core.tree(self.id)?, range.clone())?;
            if !range.is_empty() {
                with_room(core, |core| splice(core, txn, self.id, range.clone(), &[]))?;
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
        self.put(data, Place::Splice(offset, delete_len))
    }

    /// Overwrites the elements of `stride` with `data`, which has exactly their length.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], also if `data` has another length; [`Error::OutOfBounds`].
    pub fn write_strided(&self, stride: Stride, data: &[u8]) -> Result<()> {
        stride.check()?;
        if stride.bytes() != Some(data.len() as u64) {
            return Err(Error::invalid(format!("{} bytes for {stride}", data.len())));
        }
        self.change(|core, txn| {
            self.held().lock(core, txn, hull_span(&stride), Mode::X)?;
            self.check_stride(core, &stride)?;
            with_room(core, |core| write_strided(core, txn, self.id, &stride, data))
        })
    }

    /// Removes the elements of `stride`; what is between them moves together.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::OutOfBounds`].
    pub fn remove_strided(&self, stride: Stride) -> Result<()> {
        stride.check()?;
        self.change(|core, txn| {
            self.held().lock(core, txn, Span::suffix(stride.start), Mode::X)?;
            self.check_stride(core, &stride)?;
            with_room(core, |core| remove_strided(core, txn, self.id, &stride))
        })
    }

    fn held(&self) -> Held {
        Held(self.id)
    }

    fn check_stride(&self, core: &Core<E>, stride: &Stride) -> Result<()> {
        let hull = stride.hull().unwrap_or(0..u64::MAX);
        resolve(&hull, core.len(self.id)?).map(|_| ())
    }

    fn put(&self, data: &[u8], place: Place) -> Result<()> {
        if self.transaction.types_on(self.id, place, data) {
            return Ok(());
        }
        let end = self.change(|core, txn| {
            let typing = core.typing_at(txn, self.id).filter(|&at| place.is_insertion_at(at));
            let range = match typing {
                Some(at) => at..at,
                None => place.lock(core, txn, self.held(), data.len() as u64)?,
            };
            let end = range.start + data.len() as u64;
            if range.is_empty() && data.is_empty() {
                return Ok(end);
            }
            // Where it types on, nothing was looked at: only an error would tell of it.
            with_room(core, |core| splice(core, txn, self.id, range.clone(), data))
                .inspect_err(|_| core.look_at_stream(self.id))?;
            if place.shifts(data.len() as u64) {
                core.note_suffix_lock(txn, self.id);
            }
            Ok(end)
        })?;
        self.transaction.note_typed_to(self.id, end);
        Ok(())
    }

    /// Reads what lies in `span`, locked in `mode`: takes the locks, and the tree as it is then, under the core's latch;
    /// visits it without.
    fn read_with<R>(
        &self,
        span: Span,
        mode: Mode,
        read: impl FnOnce(&Store<E>, &Tree) -> Result<R>,
    ) -> Result<R> {
        let mut early = None;
        if mutant!("a read looks before it locks") {
            early = Some(self.show(|core, _| Ok(core.tree(self.id)?))?);
        }
        let (tree, pin) = self.show(|core, txn| {
            self.held().lock(core, txn, span, mode)?;
            let tree = early.take().map_or_else(|| core.tree(self.id), Ok)?;
            Ok((tree, core.begin_read(txn)))
        })?;
        let outcome = read(self.transaction.store(), &tree);
        drop(tree);
        drop(pin);
        outcome.map_err(|e| self.with_name(self.transaction.blame(e)))
    }

    /// Runs a call that shows what is in the stream.
    fn show<R>(&self, call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>) -> Result<R> {
        self.transaction.show(call).map_err(|e| self.with_name(e))
    }

    /// Runs a call that changes the stream.
    fn change<R>(&self, call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>) -> Result<R> {
        self.transaction.change(call).map_err(|e| self.with_name(e))
    }

    /// The transaction may have dropped the stream: the error says which.
    fn with_name(&self, error: Error) -> Error {
        match error {
            Error::NoSuchStream { .. } => Error::NoSuchStream { name: shown(&self.name) },
            other => other,
        }
    }
}
