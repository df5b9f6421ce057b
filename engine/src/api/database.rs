//! The handle of an open database.

use std::cell::OnceCell;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::check_name;
use crate::env::{Clock, Env, RealEnv};
use crate::format::record::Operation;
use crate::lock::{Mode, Picture as Locks};
use crate::recovery::{
    Verification, check_not_behind, checkpoint_beside, compact, run_committed, splice_committed, verify,
    with_room,
};
use crate::txn::{Core, Pace, Stop};

use super::place::{Held, Place};
use super::shared::{Shared, Tells};
use super::stats::{Stats, stats};
use super::transaction::{find, find_for_rename};
use super::{Options, Snapshot, StreamInfo, Transaction};

/// Pauses between the attempts of [`Database::transact`].
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// An open database: named streams of bytes, each of which can be changed anywhere.
///
/// A handle is cheap to clone and can be shared between threads. When the last one has gone, transactions and snapshots
/// included, the database is closed cleanly; [`Database::close`] does the same and reports errors.
///
/// The calls that change something directly on a database are transactions of their own, durable when they return.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("notes.ns");
/// let db = numstore::Database::open(path)?;
/// db.create("song")?;
/// db.append("song", b"la la")?;
/// db.insert("song", 2, b", lu")?;
/// assert_eq!(db.read("song", ..)?, b"la, lu la");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Database<E: Env = RealEnv> {
    pub(super) shared: Arc<Shared<E>>,
}

impl<E: Env> Clone for Database<E> {
    fn clone(&self) -> Self {
        Database { shared: Arc::clone(&self.shared) }
    }
}

impl Database {
    /// Opens the database at `path` with default [`Options`]; makes it if it is not there.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Database> {
        Options::new().open(path)
    }
}

impl<E: Env> Database<E> {
    pub(super) fn new(shared: Shared<E>) -> Database<E> {
        Database { shared: Arc::new(shared) }
    }

    /// How long calls wait for a lock from now on: [`Options::lock_timeout`] of a database that is open.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    pub fn set_lock_timeout(&self, timeout: Duration) {
        self.shared.core.lock().locks.timeout = timeout;
    }

    /// Makes an empty stream called `name`, 1 to 1024 bytes of UTF-8.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::StreamExists`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn create(&self, name: &str) -> Result<()> {
        let key = check_name(name)?;
        self.change(|core, txn| {
            if find(core, txn, &key, Mode::X)?.is_some() {
                return Err(Error::StreamExists { name: name.to_owned() }.into());
            }
            check_not_behind(core)?;
            let stream = core.take_stream_id();
            with_room(core, |core| run_committed(core, txn, Operation::Create { stream, name: name.into() }))
        })
    }

    /// Deletes a stream with all its bytes. Costs O(log n), whatever its length; the space is freed later.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn drop_stream(&self, name: &str) -> Result<()> {
        let key = check_name(name)?;
        self.change(|core, txn| {
            let stream = existing(find(core, txn, &key, Mode::X)?, name)?;
            with_room(core, |core| run_committed(core, txn, Operation::Drop { stream, name: name.into() }))
        })
    }

    /// Gives the stream `from` the name `to`.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::StreamExists`], [`Error::BadName`], [`Error::Busy`], [`Error::Deadlock`].
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (old, new) = (check_name(from)?, check_name(to)?);
        self.change(|core, txn| {
            let stream = find_for_rename(core, txn, &old, &new)?;
            with_room(core, |core| {
                run_committed(core, txn, Operation::Rename { stream, from: from.into(), to: to.into() })
            })
        })
    }

    /// Inserts `data` at `offset` of a stream; what is behind moves right. See [`Stream::insert`](super::Stream::insert).
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`] if `offset` is behind the end, [`Error::Busy`].
    pub fn insert(&self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.put(name, data, Place::Insert(offset))
    }

    /// Appends `data` to a stream.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`].
    pub fn append(&self, name: &str, data: &[u8]) -> Result<()> {
        self.put(name, data, Place::Append)
    }

    /// Overwrites a stream from `offset` on; runs past the end and lets it grow if `data` is longer than what is there.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`] if `offset` is behind the end, [`Error::Busy`].
    pub fn write(&self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.put(name, data, Place::Write(offset))
    }

    /// Removes `range` of a stream; what is behind moves left. Costs O(log n), whatever the length of the range.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`], [`Error::Busy`].
    pub fn remove(&self, name: &str, range: impl RangeBounds<u64>) -> Result<()> {
        self.put(name, &[], Place::remove(&range))
    }

    /// Removes `range` of a stream and returns what was there.
    ///
    /// # Errors
    /// As [`Database::remove`].
    pub fn cut(&self, name: &str, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        let tx = self.begin()?;
        let bytes = tx.stream(name)?.cut(range)?;
        tx.commit()?;
        Ok(bytes)
    }

    /// Cuts a stream to `len` bytes.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`] if the stream is shorter, [`Error::Busy`].
    pub fn truncate(&self, name: &str, len: u64) -> Result<()> {
        self.remove(name, len..)
    }

    /// The bytes in `range` of a stream, as the newest durable commit left them. Waits for nobody.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`]; [`Error::SnapshotTooOld`] if others commit meanwhile and it takes longer
    /// than [`Options::snapshot_max_age`].
    pub fn read(&self, name: &str, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        self.snapshot().stream(name)?.read(range)
    }

    /// The length of a stream in bytes, as the newest durable commit left it. Waits for nobody.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`].
    pub fn len(&self, name: &str) -> Result<u64> {
        Ok(self.snapshot().stream(name)?.len())
    }

    /// Whether there is a stream called `name`, as of the newest durable commit. Waits for nobody.
    ///
    /// # Errors
    /// [`Error::BadName`].
    pub fn exists(&self, name: &str) -> Result<bool> {
        self.snapshot().exists(name)
    }

    /// All streams in the order of their names, as of the newest durable commit. Waits for nobody.
    ///
    /// # Errors
    /// Only what reading can meet: [`Error::Corruption`], [`Error::Io`], [`Error::SnapshotTooOld`] as [`Database::read`].
    pub fn list(&self) -> Result<Vec<StreamInfo>> {
        self.snapshot().list()
    }

    /// Opens a transaction. Any number may be open at a time. Costs nothing and waits for nobody: the transaction begins
    /// with its first call.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after a failed write.
    pub fn begin(&self) -> Result<Transaction<E>> {
        if self.shared.sign.is_up() {
            self.shared.core.lock().guarded(|core| core.check_health())?;
        }
        Ok(Transaction::new(Arc::clone(&self.shared)))
    }

    /// Runs `call` in a transaction and commits it. If that meets a deadlock, the transaction is rolled back and `call` runs
    /// again in another one, after a pause that grows. So `call` may run several times, and only the last one counts. All of
    /// these are as old as the first, so that in the end nobody is left to whom it gives way.
    ///
    /// # Errors
    /// Whatever `call` or the commit returns, after which nothing has happened, as with [`Transaction::commit`].
    /// [`Error::Deadlock`] if there is no end to them.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
    /// db.create("counter")?;
    /// db.append("counter", &[0])?;
    /// db.transact(|tx| {
    ///     let counter = tx.stream("counter")?;
    ///     let now = counter.read_for_update(0..1)?[0];
    ///     counter.write(0, &[now + 1])
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transact<R>(&self, mut call: impl FnMut(&Transaction<E>) -> Result<R>) -> Result<R> {
        let (mut pause, mut first) = (FIRST_PAUSE, None);
        loop {
            let tx = self.begin()?.again(first);
            let called = call(&tx);
            first = first.or(tx.number());
            let done = called.and_then(|result| tx.commit().map(|()| result));
            match done {
                Err(Error::Deadlock { .. }) if pause < LAST_PAUSE => {}
                other => return other,
            }
            // Those who met shall not meet again.
            let (env, random) = (&self.shared.store.env, self.shared.store.env.random_u64());
            let some = pause.mul_f64(0.5 + (random % 1024) as f64 / 1024.0);
            env.clock().sleep_until(env.clock().monotonic() + some);
            pause = pause.mul_f64(1.5);
        }
    }

    /// All locks that are held, and all that are waited for, by whom.
    pub fn locks(&self) -> Locks {
        self.shared.core.lock().locks.picture()
    }

    /// The newest durable state of the whole database, for as long as the snapshot lives. Waits for nobody and stops
    /// nobody; blocks that it can reach are not used again meanwhile.
    pub fn snapshot(&self) -> Snapshot<E> {
        Snapshot::new(Arc::clone(&self.shared), self.shared.published.get())
    }

    /// Writes everything that is only in memory to its place, and shortens the log. Others go on meanwhile: they wait for the
    /// moment in which the state is captured, which takes one sync of the log.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Corruption`] of the free map, after which the database may be [`Error::Poisoned`], or that
    /// at once; nothing durable is lost.
    pub fn checkpoint(&self) -> Result<()> {
        let done = checkpoint_beside(&self.shared.core);
        if done.is_err() && mutant!("a checkpoint that fails keeps its latch") {
            let _kept = std::mem::ManuallyDrop::new(self.shared.core.lock());
        }
        done.map_err(|e| self.shared.blame(e))
    }

    /// Makes the data file shorter where much of it is free: what lies at its end moves to free blocks in front, portion by
    /// portion, and the file is cut. Returns by how many bytes the part in use became shorter: 0 if less than sixteen of the
    /// largest leaves were to be gained. Closing a database does so too, if more than a tenth of the file is free, for no more
    /// than has become free since it was opened.
    ///
    /// - Cost: a checkpoint before, and two for each portion; reads and writes what moves once, and for each portion every inner
    ///   node
    /// - Waits: for another call of this function to end, and then looks for what that has left
    /// - Locks: none. Others wait while the inner nodes of all streams are read, some 40 for each GiB, and a portion of 16 MiB
    ///   at most; then as for a checkpoint
    ///
    /// The file is not cut before what snapshots, and transactions that have changed something and are open, hold on to. What
    /// was removed a moment ago may be in the way still, since it is taken apart little by little: another call gains more.
    /// Others may make the file longer meanwhile; it ends all the same, with the first portion after which the file is not
    /// shorter by as much as it has to gain than it was after any before.
    ///
    /// # Errors
    /// As [`Database::checkpoint`]; [`Error::Corruption`] if something at the end cannot be read, which then stays where it is;
    /// [`Error::Io`] if the disk is too full for that.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = numstore::Database::open(dir.path().join("a.ns"))?;
    /// db.create("first")?;
    /// db.create("last")?;
    /// db.append("first", &vec![7; 8 << 20])?;
    /// db.append("last", &vec![8; 8 << 20])?;
    /// db.drop_stream("first")?;
    /// let gained = db.compact()?;
    /// assert!(gained <= db.len("last")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compact(&self) -> Result<u64> {
        let _alone = self.shared.compacting.exclusive();
        compact(&self.shared.core).map_err(|e| self.shared.blame(e))
    }

    /// Makes all commits durable, those of [`Durability::Deferred`](super::Durability::Deferred) included.
    ///
    /// # Errors
    /// [`Error::InDoubt`] if that failed now, [`Error::Poisoned`] if something failed before.
    pub fn sync(&self) -> Result<()> {
        if mutant!("deferred commits are not synced") {
            return Ok(());
        }
        let logged = self.shared.core.lock().guarded(|core| core.check_health().map(|()| core.logged()))?;
        self.shared.make_durable(logged)
    }

    /// Reads every node of the database and checks every invariant. Takes as long as reading it all.
    ///
    /// # Errors
    /// [`Error::Io`]; whatever is wrong with the content is in the report. [`Error::Poisoned`] after a failed write: what
    /// is in memory may then lead to nodes that were never written.
    pub fn verify(&self) -> Result<Verification> {
        self.shared.core.lock().guarded(|core| {
            core.check_health()?;
            let found = verify(core, false)?;
            if !found.is_clean() {
                core.store.file.check_synced()?;
            }
            Ok(found)
        })
    }

    /// Counters and sizes.
    pub fn stats(&self) -> Stats {
        stats(&self.shared.core.lock(), self.shared.recovery)
    }

    /// Closes the database: a last checkpoint, and no log is left.
    ///
    /// # Errors
    /// [`Error::Busy`] if other handles, transactions or snapshots are still there; the database then stays open until
    /// they have gone. Whatever [`Database::checkpoint`] can meet.
    pub fn close(self) -> Result<()> {
        match Arc::try_unwrap(self.shared) {
            Ok(mut shared) => shared.close(),
            Err(_) => Err(Error::Busy { what: "the database: other handles are open; it".to_owned() }),
        }
    }

    /// Runs one change as a transaction of its own, durable when this returns.
    pub(super) fn change<R>(
        &self,
        mut call: impl FnMut(&mut Core<E>, TxnId) -> Result<R, Stop>,
    ) -> Result<R> {
        let number = OnceCell::new();
        let (result, logged, pace) =
            self.shared.with_locks(&number, Core::take_txn_id, Tells::Errors, |core, txn| {
                let before = core.next_lsn();
                let result = call(core, txn)?;
                let after = core.next_lsn();
                core.reclaim_some();
                core.locks.release(txn);
                // Where there was nothing to log, what the call has seen is durable when it returns.
                let lsn = if after > before { after } else { core.looked.to_last };
                Ok((result, core.logged_before(lsn), core.pace(before)))
            })?;
        self.shared.make_durable(logged)?;
        pace.inspect(Pace::keep);
        Ok(result)
    }

    /// Replaces what `place` says by `data`.
    fn put(&self, name: &str, data: &[u8], place: Place) -> Result<()> {
        let key = check_name(name)?;
        self.change(|core, txn| {
            let stream = existing(find(core, txn, &key, Mode::S)?, name)?;
            let range = place.lock(core, txn, Held(stream), data.len() as u64)?;
            if range.is_empty() && data.is_empty() {
                return Ok(());
            }
            with_room(core, |core| splice_committed(core, txn, stream, range.clone(), data))
        })
    }
}

pub(super) fn existing(found: Option<StreamId>, name: &str) -> Result<StreamId> {
    found.ok_or_else(|| Error::NoSuchStream { name: name.to_owned() })
}
