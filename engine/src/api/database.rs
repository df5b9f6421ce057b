//! The handle of an open database.

use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::{Name, Store, check_name};
use crate::env::{Env, RealEnv};
use crate::format::record::Operation;
use crate::recovery::{
    RecoveryReport, Verification, checkpoint, close, roll_back, splice, verify, with_room,
};
use crate::sync::Latched;
use crate::txn::{Core, Published};

use super::range::resolve;
use super::stats::{Stats, stats};
use super::{Options, Snapshot, StreamInfo, Transaction};

/// Nodes of removed streams freed after each commit.
pub(super) const RECLAIM_AT_COMMIT: usize = 64;
/// Never the id of a transaction: what a call outside transactions owns nothing as.
const NOBODY: TxnId = TxnId(0);

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
    shared: Arc<Shared<E>>,
}

/// What all handles, transactions and snapshots hold on to.
pub(super) struct Shared<E: Env> {
    pub core: Latched<Core<E>, E::Platform>,
    pub store: Arc<Store<E>>,
    pub published: Arc<Published<E>>,
    recovery: Option<RecoveryReport>,
}

impl<E: Env> Drop for Shared<E> {
    fn drop(&mut self) {
        // What is durable is safe without this; a failure only means that the next opening recovers.
        let _ = self.core.get_mut().guarded(close);
    }
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
    pub(super) fn new(core: Core<E>, recovery: Option<RecoveryReport>) -> Database<E> {
        let (store, published) = (Arc::clone(&core.store), Arc::clone(&core.published));
        Database { shared: Arc::new(Shared { core: Latched::new(core), store, published, recovery }) }
    }

    /// Makes an empty stream called `name`, 1 to 1024 bytes of UTF-8.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::StreamExists`], [`Error::Busy`].
    pub fn create(&self, name: &str) -> Result<()> {
        let key = check_name(name)?;
        self.change(|core| {
            core.table.check_name(NOBODY, &key)?;
            if core.catalog.find(&core.store, &key)?.is_some() {
                return Err(Error::StreamExists { name: name.to_owned() });
            }
            let stream = core.take_stream_id();
            core.execute_committed(Operation::Create { stream, name: name.into() })
        })
    }

    /// Deletes a stream with all its bytes. Costs O(log n), whatever its length; the space is freed later.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`].
    pub fn drop_stream(&self, name: &str) -> Result<()> {
        self.change(|core| {
            let stream = find(core, name)?;
            core.execute_committed(Operation::Drop { stream, name: name.into() })
        })
    }

    /// Gives the stream `from` the name `to`.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::StreamExists`], [`Error::BadName`], [`Error::Busy`].
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let key = check_name(to)?;
        self.change(|core| {
            core.table.check_name(NOBODY, &check_name(from)?)?;
            core.table.check_name(NOBODY, &key)?;
            let stream = find(core, from)?;
            if core.catalog.find(&core.store, &key)?.is_some() {
                return Err(Error::StreamExists { name: to.to_owned() });
            }
            core.execute_committed(Operation::Rename { stream, from: from.into(), to: to.into() })
        })
    }

    /// Inserts `data` at `offset` of a stream; what is behind moves right. See [`Stream::insert`](super::Stream::insert).
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`] if `offset` is behind the end, [`Error::Busy`].
    pub fn insert(&self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.splice(name, data, |len| Ok((resolve(&(offset..offset), len)?.start, 0)))
    }

    /// Appends `data` to a stream.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`].
    pub fn append(&self, name: &str, data: &[u8]) -> Result<()> {
        self.splice(name, data, |len| Ok((len, 0)))
    }

    /// Overwrites a stream from `offset` on; runs past the end and lets it grow if `data` is longer than what is there.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`] if `offset` is behind the end, [`Error::Busy`].
    pub fn write(&self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        self.splice(name, data, |len| {
            let offset = resolve(&(offset..offset), len)?.start;
            Ok((offset, (data.len() as u64).min(len - offset)))
        })
    }

    /// Removes `range` of a stream; what is behind moves left. Costs O(log n), whatever the length of the range.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`], [`Error::Busy`].
    pub fn remove(&self, name: &str, range: impl RangeBounds<u64>) -> Result<()> {
        self.splice(name, &[], |len| resolve(&range, len).map(|range| (range.start, range.end - range.start)))
    }

    /// Removes `range` of a stream and returns what was there.
    ///
    /// # Errors
    /// As [`Database::remove`].
    pub fn cut(&self, name: &str, range: impl RangeBounds<u64>) -> Result<Vec<u8>> {
        let txn = self.begin()?;
        let bytes = txn.stream(name)?.cut(range)?;
        txn.commit()?;
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
    /// [`Error::NoSuchStream`], [`Error::OutOfBounds`].
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
    /// Only what reading can meet: [`Error::Corruption`], [`Error::Io`].
    pub fn list(&self) -> Result<Vec<StreamInfo>> {
        self.snapshot().list()
    }

    /// Opens a transaction. Any number may be open at a time; a stream belongs to the first one that touches it.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after a failed write.
    pub fn begin(&self) -> Result<Transaction<E>> {
        let begin = |core: &mut Core<E>| core.check_health().map(|()| core.begin());
        let txn = self.shared.core.lock().guarded(begin)?;
        Ok(Transaction::new(Arc::clone(&self.shared), txn))
    }

    /// The newest durable state of the whole database, for as long as the snapshot lives. Waits for nobody and stops
    /// nobody; blocks that it can reach are not used again meanwhile.
    pub fn snapshot(&self) -> Snapshot<E> {
        Snapshot::new(Arc::clone(&self.shared), self.shared.published.get())
    }

    /// Writes everything that is only in memory to its place, and shortens the log.
    ///
    /// # Errors
    /// [`Error::Io`], after which the database is [`Error::Poisoned`]; nothing durable is lost.
    pub fn checkpoint(&self) -> Result<()> {
        let mut core = self.shared.core.lock();
        let done = core.guarded(checkpoint);
        if done.is_err() && mutant!("a checkpoint that fails keeps its latch") {
            let _kept = std::mem::ManuallyDrop::new(core);
        }
        done
    }

    /// Makes all commits durable, those of [`Durability::Deferred`](super::Durability::Deferred) included.
    ///
    /// # Errors
    /// [`Error::InDoubt`] if that failed now, [`Error::Poisoned`] if something failed before.
    pub fn sync(&self) -> Result<()> {
        if mutant!("deferred commits are not synced") {
            return Ok(());
        }
        self.shared.core.lock().guarded(Core::flush)
    }

    /// Reads every node of the database and checks every invariant. Takes as long as reading it all.
    ///
    /// # Errors
    /// [`Error::Io`]; whatever is wrong with the content is in the report. [`Error::Poisoned`] after a failed write: what
    /// is in memory may then lead to nodes that were never written.
    pub fn verify(&self) -> Result<Verification> {
        self.shared.core.lock().guarded(|core| {
            core.check_health()?;
            verify(core)
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
            Ok(mut shared) => shared.core.get_mut().guarded(close),
            Err(_) => Err(Error::Busy { what: "the database: other handles are open; it".to_owned() }),
        }
    }

    /// Runs one change as a transaction of its own, after a checkpoint if one is due.
    fn change<R>(&self, run: impl Fn(&mut Core<E>) -> Result<R>) -> Result<R> {
        self.shared.core.lock().guarded(|core| {
            core.check_health()?;
            let result = with_room(core, run)?;
            core.reclaim(RECLAIM_AT_COMMIT);
            Ok(result)
        })
    }

    /// Replaces what `place` says, given the stream's length, by `data`.
    fn splice(&self, name: &str, data: &[u8], place: impl Fn(u64) -> Result<(u64, u64)>) -> Result<()> {
        self.change(|core| {
            let stream = find(core, name)?;
            let len = core.catalog.stream(&core.store, stream)?.map_or(0, |record| record.tree.len());
            let (offset, delete_len) = place(len)?;
            if delete_len == 0 && data.is_empty() {
                // Nothing to log; but what the call has seen is durable when it returns, as always.
                return core.flush();
            }
            if data.len() <= core.max_payload_bytes() {
                return core.splice_committed(stream, offset, delete_len, data);
            }
            let txn = core.begin();
            let done =
                splice(core, txn, stream, offset..offset + delete_len, data).and_then(|()| core.commit(txn));
            match done {
                Ok(()) => core.flush(),
                Err(e) => {
                    // The caller wants to know what went wrong first.
                    let _ = roll_back(core, txn).map_err(|e| core.poison(e));
                    Err(e)
                }
            }
        })
    }
}

/// The stream called `name`, if no open transaction owns it.
fn find<E: Env>(core: &Core<E>, name: &str) -> Result<StreamId> {
    let key: Name = check_name(name)?;
    core.table.check_name(NOBODY, &key)?;
    let found = core.catalog.find(&core.store, &key)?;
    let stream = found.ok_or_else(|| Error::NoSuchStream { name: name.to_owned() })?;
    core.table.check_stream(NOBODY, stream, &key)?;
    Ok(stream)
}
