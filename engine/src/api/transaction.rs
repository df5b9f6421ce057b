//! Transactions, as users see them.

use std::sync::Arc;

use crate::base::{Error, Result, TxnId};
use crate::catalog::{Name, check_name, shown};
use crate::env::{Env, RealEnv};
use crate::format::record::Operation;
use crate::recovery::{roll_back, roll_back_to, with_room};
use crate::txn::{Core, Savepoint};

use super::database::{RECLAIM_AT_COMMIT, Shared};
use super::{Stream, StreamInfo};

/// When a commit is durable.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Durability {
    /// When the call returns.
    #[default]
    Sync,
    /// With the next commit that is [`Durability::Sync`], the next [`Database::sync`](super::Database::sync), or the next
    /// checkpoint. Other transactions see it at once; snapshots, and reads directly on the database, when it is durable.
    Deferred,
}

/// A group of changes that happen together or not at all.
///
/// A stream or a name belongs to the first open transaction that touches it; all others get [`Error::Busy`] until that
/// one has ended. An error leaves the transaction as it was before the call, unless it is [`Error::Poisoned`] or
/// [`Error::InDoubt`]. Dropping a transaction rolls it back.
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
    id: TxnId,
    ended: bool,
}

impl<E: Env> Transaction<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, id: TxnId) -> Transaction<E> {
        Transaction { shared, id, ended: false }
    }

    /// Its number, which the log's records carry.
    pub fn id(&self) -> TxnId {
        self.id
    }

    /// Makes an empty stream called `name`, 1 to 1024 bytes of UTF-8.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::StreamExists`], [`Error::Busy`].
    pub fn create(&self, name: &str) -> Result<Stream<'_, E>> {
        let key = check_name(name)?;
        let id = self.change(|core, txn| {
            core.table.check_name(txn, &key)?;
            core.table.claim_name(txn, &key);
            if core.catalog.find(&core.store, &key)?.is_some() {
                return Err(Error::StreamExists { name: name.to_owned() });
            }
            let stream = core.take_stream_id();
            core.table.claim_stream(txn, stream);
            core.execute(txn, Operation::Create { stream, name: name.into() })?;
            Ok(stream)
        })?;
        Ok(Stream::new(self, id, key))
    }

    /// The stream called `name`.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::NoSuchStream`], [`Error::Busy`].
    pub fn stream(&self, name: &str) -> Result<Stream<'_, E>> {
        let key = check_name(name)?;
        let late = mutant!("a stream is claimed after its check");
        if late {
            self.with_core(|core, txn| core.table.check_name(txn, &key))?;
        }
        let id = self.with_core(|core, txn| {
            if !late {
                core.table.check_name(txn, &key)?;
            }
            let found = core.catalog.find(&core.store, &key)?;
            if let Some(stream) = found {
                if !late {
                    core.table.check_stream(txn, stream, &key)?;
                }
                core.table.claim_stream(txn, stream);
            }
            core.table.claim_name(txn, &key);
            found.ok_or_else(|| Error::NoSuchStream { name: name.to_owned() })
        })?;
        Ok(Stream::new(self, id, key))
    }

    /// Deletes a stream with all its bytes. Costs O(log n), whatever its length.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::Busy`].
    pub fn drop_stream(&self, name: &str) -> Result<()> {
        let stream = self.stream(name)?.id();
        self.change(|core, txn| core.execute(txn, Operation::Drop { stream, name: name.into() }))
    }

    /// Gives the stream `from` the name `to`.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`], [`Error::StreamExists`], [`Error::BadName`], [`Error::Busy`].
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (old, key) = (check_name(from)?, check_name(to)?);
        self.with_core(|core, txn| {
            core.table.check_name(txn, &old)?;
            core.table.check_name(txn, &key)?;
            core.table.claim_name(txn, &old);
            core.table.claim_name(txn, &key);
            Ok(())
        })?;
        let stream = self.stream(from)?.id();
        self.change(|core, txn| {
            if core.catalog.find(&core.store, &key)?.is_some() {
                return Err(Error::StreamExists { name: to.to_owned() });
            }
            core.execute(txn, Operation::Rename { stream, from: from.into(), to: to.into() })
        })
    }

    /// Whether there is a stream called `name`.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::Busy`].
    pub fn exists(&self, name: &str) -> Result<bool> {
        match self.stream(name) {
            Ok(_) => Ok(true),
            Err(Error::NoSuchStream { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// All streams in the order of their names, with this transaction's changes and nobody else's.
    ///
    /// # Errors
    /// [`Error::Busy`] while another open transaction has created, renamed or dropped a stream.
    pub fn list(&self) -> Result<Vec<StreamInfo>> {
        self.with_core(|core, txn| {
            core.table.check_list(txn)?;
            let mut streams = Vec::new();
            core.catalog.for_each(&core.store, |name: &Name, stream, record| {
                // What others have changed and not committed is not seen.
                let committed = core.committed_by_others(txn, stream);
                reached!("a list shows the length before another transaction's change", committed.is_some());
                let len = committed.unwrap_or(record).tree.len();
                streams.push(StreamInfo { name: shown(name), len });
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
        self.with_core(|core, txn| core.check_health().map(|()| core.savepoint(txn)))
    }

    /// Undoes everything since `savepoint`, which stays valid; later savepoints are gone. Gives no stream back.
    ///
    /// # Errors
    /// [`Error::NoSuchSavepoint`]. [`Error::Corruption`] or [`Error::Io`] if something that is needed cannot be read, after
    /// which the database is [`Error::Poisoned`].
    pub fn rollback_to(&self, savepoint: &Savepoint) -> Result<()> {
        self.change(|core, txn| roll_back_to(core, txn, savepoint))
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
        let shared = Arc::clone(&self.shared);
        shared.core.lock().guarded(|core| {
            core.commit(self.id).inspect_err(|_| self.end(core))?;
            let deferred = durability == Durability::Deferred && core.table.len() > 4;
            reached!("a commit was deferred while many transactions are open", deferred);
            self.ended = true;
            if durability == Durability::Sync {
                core.flush()?;
            }
            core.reclaim(RECLAIM_AT_COMMIT);
            Ok(())
        })
    }

    /// Undoes everything and ends the transaction.
    ///
    /// # Errors
    /// [`Error::Poisoned`]: the next opening rolls it back. [`Error::Corruption`] or [`Error::Io`] if something that is
    /// needed cannot be read.
    pub fn rollback(mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        self.ended = true;
        shared.core.lock().guarded(|core| roll_back(core, self.id).map_err(|e| core.poison(e)))
    }

    /// Rolls back without anybody to tell; a database that cannot is poisoned, and recovery does it.
    fn end(&mut self, core: &mut Core<E>) {
        if !self.ended {
            self.ended = true;
            if let Err(e) = roll_back(core, self.id) {
                core.poison(e);
            }
        }
    }

    /// Runs something that changes no content. Not on a poisoned database: the current state may lead to nodes that a
    /// failed checkpoint did not write.
    pub(super) fn with_core<R>(&self, run: impl FnOnce(&mut Core<E>, TxnId) -> Result<R>) -> Result<R> {
        self.shared.core.lock().guarded(|core| {
            // It also holds what a failed commit wrote and what may vanish; snapshots go on.
            core.check_health()?;
            run(core, self.id)
        })
    }

    /// Runs a change, after a checkpoint if one is due.
    pub(super) fn change<R>(&self, run: impl Fn(&mut Core<E>, TxnId) -> Result<R>) -> Result<R> {
        self.shared.core.lock().guarded(|core| {
            core.check_health()?;
            with_room(core, |core| run(core, self.id))
        })
    }
}

impl<E: Env> Drop for Transaction<E> {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        // A call that panicked may have left anything: the log knows better, and recovery reads it.
        let _ = shared.core.lock().guarded(|core| {
            self.end(core);
            Ok(())
        });
    }
}
