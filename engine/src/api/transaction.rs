//! Transactions, as users see them.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::{Name, Store, check_name, shown};
use crate::env::{Env, RealEnv};
use crate::format::record::Operation;
use crate::lock::{Mode, Target};
use crate::recovery::{Undone, check_not_behind, commit, roll_back, roll_back_some, roll_back_to, with_room};
use crate::txn::{Core, Durability, Pace, Savepoint, Stop};

use super::place::Place;
use super::shared::{Shared, Tells};
use super::{Stream, StreamInfo};

/// A group of changes that happen together or not at all.
///
/// Any number may be open, and each is as if it were alone: what it reads it locks against changes, what it changes it
/// locks for itself, until it ends. Locks of a stream are on ranges of its bytes, so that transactions may edit the same
/// stream at a time; see [`Stream`]. A call that needs a lock that another transaction has waits for it, at most
/// [`Options::lock_timeout`](super::Options::lock_timeout); then it is [`Error::Busy`]. Where transactions wait for each
/// other in a circle one of them gets [`Error::Deadlock`].
///
/// An error leaves the transaction as it was before the call, unless it is [`Error::Poisoned`] or [`Error::InDoubt`].
/// Dropping a transaction rolls it back. It can be sent to another thread, and not be shared between threads.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
/// let tx = db.begin()?;
/// let words = tx.create("words")?;
/// words.append(b"one three")?;
/// let before = tx.savepoint()?;
/// words.insert(3, b" two")?;
/// tx.rollback_to(&before)?;
/// assert_eq!(words.read(..)?, b"one three");
/// tx.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Transaction<E: Env = RealEnv> {
    shared: Arc<Shared<E>>,
    /// Its number, from its first call on. Only one task at a time has the cell, as it must be: two could wait for two
    /// locks at once.
    number: OnceCell<TxnId>,
    /// Where its last change of bytes ended: an insertion that goes on there is likely to be typed.
    typed_to: Cell<Option<(StreamId, u64)>>,
    /// The stream that it opened last: its name is locked, so that it goes on to lead there unless the transaction changes
    /// that itself.
    opened: RefCell<Option<(Name, StreamId)>>,
    /// The first attempt, if this is another one.
    first: Option<TxnId>,
    ended: bool,
}

impl<E: Env> Transaction<E> {
    pub(super) fn new(shared: Arc<Shared<E>>) -> Transaction<E> {
        Transaction {
            shared,
            number: OnceCell::new(),
            typed_to: Cell::new(None),
            opened: RefCell::new(None),
            first: None,
            ended: false,
        }
    }

    /// As old as `first`, of which this is another attempt.
    pub(super) fn again(mut self, first: Option<TxnId>) -> Transaction<E> {
        self.first = first;
        self
    }

    /// Its number, if it has one.
    pub(super) fn number(&self) -> Option<TxnId> {
        self.number.get().copied()
    }

    /// Its number, which the log's records carry. It has one from its first call on, of which this may be one; of those who
    /// close a circle of waits the one with the highest number gives way. In [`Database::transact`](super::Database::transact)
    /// the number of the first attempt counts.
    pub fn id(&self) -> TxnId {
        *self.number.get_or_init(|| self.shared.core.lock().begin_again(self.first))
    }

    /// Makes an empty stream called `name`, 1 to 1024 bytes of UTF-8.
    ///
    /// - Locks: X on the name and on the stream
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::StreamExists`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn create(&self, name: &str) -> Result<Stream<'_, E>> {
        let key = check_name(name)?;
        let stream = self.change(|core, txn| {
            if find(core, txn, &key, Mode::X)?.is_some() {
                return Err(Error::StreamExists { name: name.to_owned() }.into());
            }
            check_not_behind(core)?;
            let stream = core.take_stream_id();
            core.locks.take(txn, &Target::Stream(stream), Mode::X)?;
            with_room(core, |core| {
                core.execute(txn, Operation::Create { stream, name: name.into() }).map(|()| stream)
            })
        })?;
        Ok(Stream::new(self, stream, key))
    }

    /// The stream called `name`. Asking again for the one that was asked for last costs next to nothing.
    ///
    /// - Locks: S on the name
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::NoSuchStream`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn stream(&self, name: &str) -> Result<Stream<'_, E>> {
        let key = check_name(name)?;
        if let Some((_, stream)) = self.opened.borrow().as_ref().filter(|(name, _)| *name == key)
            && !self.shared.sign.is_up()
        {
            return Ok(Stream::new(self, *stream, key));
        }
        match self.look_up(&key, Mode::S)? {
            Some(stream) => {
                self.opened.replace(Some((key.clone(), stream)));
                Ok(Stream::new(self, stream, key))
            }
            None => Err(Error::NoSuchStream { name: name.to_owned() }),
        }
    }

    /// Deletes a stream with all its bytes. Costs O(log n), whatever its length.
    ///
    /// - Locks: X on the name, which nobody has who uses the stream
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn drop_stream(&self, name: &str) -> Result<()> {
        let key = check_name(name)?;
        self.forget_opened();
        self.change(|core, txn| {
            let found = find(core, txn, &key, Mode::X)?;
            let stream = found.ok_or_else(|| Error::NoSuchStream { name: name.to_owned() })?;
            with_room(core, |core| core.execute(txn, Operation::Drop { stream, name: name.into() }))
        })
    }

    /// Gives the stream `from` the name `to`.
    ///
    /// - Locks: X on both names
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::StreamExists`], [`Error::BadName`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (old, new) = (check_name(from)?, check_name(to)?);
        self.forget_opened();
        self.change(|core, txn| {
            let stream = find_for_rename(core, txn, &old, &new)?;
            with_room(core, |core| {
                core.execute(txn, Operation::Rename { stream, from: from.into(), to: to.into() })
            })
        })
    }

    /// Whether there is a stream called `name`.
    ///
    /// - Locks: S on the name
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.look_up(&check_name(name)?, Mode::S)?.is_some())
    }

    /// All streams in the order of their names, with this transaction's changes.
    ///
    /// - Locks: S on the database: waits until no other transaction has changed anything, and lets none change anything
    ///   until this one has ended. A [`Snapshot`](super::Snapshot) lists without.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Deadlock`].
    pub fn list(&self) -> Result<Vec<StreamInfo>> {
        self.show(|core, txn| {
            core.locks.take(txn, &Target::Database, Mode::S)?;
            core.look_at_all();
            let mut streams = Vec::new();
            core.catalog.for_each(&core.store, |name: &Name, _, record| {
                streams.push(StreamInfo { name: shown(name), len: record.tree.len() });
                Ok(())
            })?;
            Ok(streams)
        })
    }

    /// Remembers the present state, to come back to with [`Transaction::rollback_to`].
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    pub fn savepoint(&self) -> Result<Savepoint> {
        self.change(|core, txn| Ok(core.savepoint(txn)))
    }

    /// Undoes everything since `savepoint`, which stays valid; later savepoints are gone. Gives no lock back.
    ///
    /// # Errors
    /// [`Error::NoSuchSavepoint`]. [`Error::Corruption`] or [`Error::Io`] if something that is needed cannot be read, after
    /// which the database is [`Error::Poisoned`].
    pub fn rollback_to(&self, savepoint: &Savepoint) -> Result<()> {
        self.forget_opened();
        self.change(|core, txn| with_room(core, |core| roll_back_to(core, txn, savepoint)))
    }

    /// Makes all changes visible to others, and durable before it returns.
    ///
    /// - Cost: one sync of the log; two if more than [`Options::bulk_bytes`](super::Options::bulk_bytes) were inserted at once
    ///
    /// # Errors
    /// [`Error::InDoubt`] if the sync failed: whether the commit happened is known when the database is opened again.
    /// After any other error the transaction is rolled back.
    pub fn commit(self) -> Result<()> {
        self.commit_with(Durability::Sync)
    }

    /// As [`Transaction::commit`], durable when `durability` says.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit_with(mut self, durability: Durability) -> Result<()> {
        let Some(&txn) = self.number.get() else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        if mutant!("a commit gives its locks back first") {
            shared.core.lock().locks.release(txn);
        }
        let ended = shared.core.lock().guarded(|core| {
            let before = core.next_lsn();
            let lsn = commit(core, txn, durability).inspect_err(|_| self.end(core, txn))?;
            let deferred = durability == Durability::Deferred && core.table.len() > 4;
            reached!("a commit was deferred while many transactions are open", deferred);
            self.ended = true;
            core.locks.release(txn);
            core.reclaim_some();
            let logged = core.logged_before(lsn);
            if durability == Durability::Deferred && logged.is_some() {
                shared.defer(core);
            }
            Ok((logged, core.pace(before)))
        });
        let (logged, pace) = ended.map_err(|e| shared.blame(e))?;
        if durability == Durability::Sync {
            shared.make_durable(logged)?;
        }
        pace.inspect(Pace::keep);
        Ok(())
    }

    /// Undoes everything and ends the transaction. Others go on meanwhile: the core's latch is let go of between a few undone
    /// operations and the next.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: the next opening rolls it back. [`Error::Corruption`] or [`Error::Io`] if something that is
    /// needed cannot be read.
    pub fn rollback(mut self) -> Result<()> {
        let Some(&txn) = self.number.get() else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        self.roll_back_beside_others(txn).map_err(|e| shared.blame(e))
    }

    fn roll_back_beside_others(&mut self, txn: TxnId) -> Result<()> {
        self.ended = true;
        if mutant!("a rollback gives its locks back first") {
            self.shared.core.lock().locks.release(txn);
        }
        let (mut left_at, mut writes) = (None, true);
        loop {
            let undone = self.shared.core.lock().guarded(|core| {
                let now = core.next_lsn();
                reached!(
                    "others changed something in the midst of a rollback",
                    left_at.is_some_and(|at| at < now)
                );
                let undone = roll_back_some(core, txn, &mut writes).map_err(|e| core.poison(e));
                if !matches!(undone, Ok(Undone::Some)) {
                    core.locks.release(txn);
                }
                if matches!(undone, Ok(Undone::All)) {
                    core.reclaim_some();
                }
                left_at = Some(core.next_lsn());
                undone
            })?;
            if undone == Undone::All {
                return Ok(());
            }
        }
    }

    /// Rolls back without anybody to tell; a database that cannot is poisoned, and recovery does it.
    fn end(&mut self, core: &mut Core<E>, txn: TxnId) {
        if !self.ended {
            self.ended = true;
            if let Err(e) = roll_back(core, txn) {
                core.poison(e);
            }
            core.locks.release(txn);
        }
    }

    /// Runs a call that takes locks, and then changes what it likes; shows nothing of what others did.
    pub(super) fn change<R>(&self, call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>) -> Result<R> {
        self.shared.with_locks(&self.number, |core| core.begin_again(self.first), Tells::Errors, call)
    }

    /// Runs a call that shows what it looks at.
    pub(super) fn show<R>(&self, call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>) -> Result<R> {
        self.shared.with_locks(&self.number, |core| core.begin_again(self.first), Tells::Everything, call)
    }

    /// Puts `data` into `place` of `stream` if that goes on where the transaction was typing. Whether it did; if not, nothing
    /// has happened.
    pub(super) fn types_on(&self, stream: StreamId, place: Place, data: &[u8]) -> bool {
        let Some((_, to)) = self.typed_to.get().filter(|(typing, _)| *typing == stream) else { return false };
        let Some(&txn) = self.number.get() else { return false };
        let is_append = matches!(place, Place::Append);
        if is_append || place.is_insertion_at(to) {
            let mut core = self.shared.core.lock();
            let types = if is_append {
                core.type_on_at_end(txn, stream, to, data)
            } else {
                core.type_on(txn, stream, to, data)
            };
            self.typed_to.set(types.then(|| (stream, to + data.len() as u64)));
            return types;
        }
        let Some(range) = place.removal_before(to).filter(|_| data.is_empty()) else { return false };
        let takes_back = self.shared.core.lock().take_back(txn, stream, &range);
        self.typed_to.set(takes_back.then_some((stream, range.start)));
        takes_back
    }

    /// Names may lead elsewhere.
    fn forget_opened(&self) {
        if !mutant!("a dropped stream is still found by its name") {
            self.opened.take();
        }
    }

    /// A change of bytes of `stream` ended at `offset`.
    pub(super) fn note_typed_to(&self, stream: StreamId, offset: u64) {
        self.typed_to.set(Some((stream, offset)));
    }

    /// What reads go through that need no latch.
    pub(super) fn store(&self) -> &Store<E> {
        &self.shared.store
    }

    /// What to tell of `error`, which a read without the core's latch has met: what a failed checkpoint did not write, or a
    /// failed sync has lost, is not damaged.
    pub(super) fn blame(&self, error: Error) -> Error {
        let readable = self.shared.core.lock().guarded(|core| core.check_readable());
        readable.err().unwrap_or_else(|| self.shared.blame(error))
    }

    fn look_up(&self, name: &Name, mode: Mode) -> Result<Option<StreamId>> {
        self.show(|core, txn| find(core, txn, name, mode))
    }
}

/// Locks a name; says to which stream it leads.
pub(super) fn find<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    name: &Name,
    mode: Mode,
) -> Result<Option<StreamId>, Stop> {
    core.locks.take(txn, &Target::Name(name.clone()), mode)?;
    core.look_at_names();
    Ok(core.catalog.find(&core.store, name)?)
}

/// Locks both names of a renaming; says which stream is called `from`.
pub(super) fn find_for_rename<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    from: &Name,
    to: &Name,
) -> Result<StreamId, Stop> {
    core.locks.take(txn, &Target::Name(from.clone()), Mode::X)?;
    let taken = find(core, txn, to, Mode::X)?;
    let found = core.catalog.find(&core.store, from)?;
    let stream = found.ok_or_else(|| Error::NoSuchStream { name: shown(from) })?;
    match taken {
        Some(_) => Err(Error::StreamExists { name: shown(to) }.into()),
        None => Ok(stream),
    }
}

impl<E: Env> Drop for Transaction<E> {
    fn drop(&mut self) {
        let Some(&txn) = self.number.get().filter(|_| !self.ended) else { return };
        // A call that panicked may have left anything: the log knows better, and recovery reads it.
        let _ = self.roll_back_beside_others(txn);
    }
}
