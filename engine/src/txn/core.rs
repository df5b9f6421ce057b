//! The state of an open database that one task changes at a time.

use std::sync::{Arc, Weak};

use crate::base::{Era, Error, Lsn, Result, StreamId, TxnId, parent_dir};
use crate::cache::{Deaths, SuperblockSlots};
use crate::catalog::{Catalog, FileOf, Overlay, Store, StreamRecord, Version};
use crate::env::{Disk, Env};
use crate::format::record::MAX_RECORD_OVERHEAD;
use crate::format::superblock::Superblock;
use crate::log::{Log, LogIdentity, is_database, log_path};
use crate::space::Space;
use crate::sync::Latched;

use super::{Graveyard, Room, Table};

/// Nodes of the graveyard that are freed at a time.
const RECLAIM_STEP: usize = 256;

/// What can be tuned while a database is open.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From which size on a splice is written straight to extents.
    pub bulk_bytes: u64,
    /// A checkpoint is due when about so much memory has changed.
    pub dirty_bytes: u64,
    /// A checkpoint is due after so many bytes of log records.
    pub checkpoint_log_bytes: u64,
    /// Bytes in a segment of the log.
    pub segment_bytes: u64,
}

/// What was counted since the database was opened.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counters {
    /// Checkpoints published.
    pub checkpoints: u64,
    /// Compensation records written.
    pub clrs: u64,
    /// Bytes of log records written.
    pub log_bytes: u64,
}

/// The newest durable version, which readers take without the core's latch.
pub struct Published<E: Env> {
    version: Latched<Arc<Version>, E::Platform>,
}

impl<E: Env> Published<E> {
    /// Starts with `version`.
    pub fn new(version: Arc<Version>) -> Published<E> {
        Published { version: Latched::new(version) }
    }

    /// The newest durable version.
    pub fn get(&self) -> Arc<Version> {
        Arc::clone(&self.version.read())
    }

    fn set(&self, version: Arc<Version>) {
        *self.version.lock() = version;
    }
}

/// Everything that operations change.
pub struct Core<E: Env> {
    /// Files and caches.
    pub store: Arc<Store<E>>,
    /// What can be tuned.
    pub settings: Settings,
    /// Which blocks are free.
    pub space: Space,
    /// The streams as they are now.
    pub catalog: Catalog,
    /// The log; `None` until the first write after a clean opening.
    pub log: Option<Log<FileOf<E>>>,
    /// The superblock in force, and what is known of its two slots.
    pub superblocks: SuperblockSlots,
    /// Open transactions.
    pub table: Table,
    /// What waits to be freed.
    pub graveyard: Graveyard,
    /// The next transaction id.
    pub next_txn: TxnId,
    /// The next stream id.
    pub next_stream: StreamId,
    /// The newest durable version.
    pub published: Arc<Published<E>>,
    /// The committed state of what open transactions changed.
    pub overlay: Overlay,
    /// Blocks that died since they were last buried, which versions may reach.
    pub deaths: Deaths,
    /// The same for blocks that no version can reach: those of undo stacks and the transaction table.
    pub private_deaths: Deaths,
    /// About how much memory has changed since the last checkpoint.
    pub dirty_bytes: u64,
    /// Space for the next checkpoint.
    pub room: Room,
    /// What was counted.
    pub counters: Counters,
    pub(super) era: Era,
    pub(super) last_commit: Lsn,
    pub(super) waiting: Option<Arc<Version>>,
    pub(super) in_use: Vec<Weak<Version>>,
    pub(super) unsynced_bulk: bool,
    poison: Option<String>,
    /// A call is changing the state; found set at the start of another, it says that one panicked half-way.
    changing: bool,
}

impl<E: Env> Core<E> {
    /// A core over what a checkpoint left in a file of `file_bytes`. Transactions and the graveyard are the caller's to
    /// fill in.
    pub fn new(
        store: Arc<Store<E>>,
        settings: Settings,
        superblocks: SuperblockSlots,
        map_node_bytes: u32,
        file_bytes: u64,
    ) -> Core<E> {
        let superblock = &superblocks.current;
        let catalog = Catalog::from_roots(&superblock.names, &superblock.streams, map_node_bytes);
        let lsn = superblock.capture_lsn();
        let version = Arc::new(Version::new(catalog.maps().clone(), &Overlay::default(), lsn, Era(0)));
        Core {
            space: Space::from_root(&superblock.space, map_node_bytes),
            catalog,
            log: None,
            table: Table::default(),
            graveyard: Graveyard::default(),
            next_txn: superblock.next_txn,
            next_stream: superblock.next_stream,
            published: Arc::new(Published::new(Arc::clone(&version))),
            overlay: Overlay::default(),
            deaths: Deaths::default(),
            private_deaths: Deaths::default(),
            dirty_bytes: 0,
            room: Room::new(file_bytes),
            counters: Counters::default(),
            era: Era(0),
            last_commit: lsn,
            waiting: None,
            in_use: vec![Arc::downgrade(&version)],
            unsynced_bulk: false,
            poison: None,
            changing: false,
            store,
            settings,
            superblocks,
        }
    }

    /// The present era.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The LSN of the next record.
    pub fn next_lsn(&self) -> Lsn {
        self.log.as_ref().map_or(self.superblocks.current.log.lsn, Log::next_lsn)
    }

    /// The log.
    ///
    /// # Panics
    /// If nothing made it yet; see [`Core::make_writable`].
    pub fn log(&mut self) -> &mut Log<FileOf<E>> {
        self.log.as_mut().expect("invariant: every write makes the database writable first")
    }

    /// Log records since the last checkpoint, in bytes.
    pub fn log_bytes_since_checkpoint(&self) -> u64 {
        self.next_lsn().0 - self.superblocks.current.log.lsn.0
    }

    /// Runs a call that may change the state. One that panics half-way leaves a poisoned core behind, which writes nothing
    /// any more: not even a rollback or a close.
    pub fn guarded<R>(&mut self, call: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if std::mem::replace(&mut self.changing, true) {
            self.poison.get_or_insert_with(|| "a call panicked half-way".to_owned());
        }
        let outcome = call(self);
        self.changing = false;
        outcome
    }

    /// That writing is still allowed.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after an earlier failure.
    pub fn check_health(&self) -> Result<()> {
        match &self.poison {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// Refuses all writes from now on, because of `error`, which it returns.
    pub fn poison(&mut self, error: Error) -> Error {
        self.poison.get_or_insert_with(|| error.to_string());
        error
    }

    /// Makes sure that there is a log and that the superblock says so. The first write after a clean opening comes
    /// through here before anything is acknowledged.
    pub fn make_writable(&mut self) -> Result<()> {
        self.check_health()?;
        if self.log.is_some() {
            return Ok(());
        }
        let current = self.superblocks.current.clone();
        let log = self.create_log(current.log.generation + 1, current.log.lsn);
        reached!("the first write could not make its log", log.is_err());
        let log = log.map_err(|e| if e.is_failed_sync() { self.poison(e) } else { e })?;
        let segment_bytes =
            u32::try_from(self.settings.segment_bytes).expect("invariant: the log was made with it");
        let next = Superblock { clean: false, log: log.position(), segment_bytes, ..current };
        if !mutant!("the first write does not publish its log") {
            self.superblocks.publish(&self.store.file, next).map_err(|e| self.poison(e))?;
        }
        self.log = Some(log);
        self.remove_other_logs();
        Ok(())
    }

    /// Creates the log of a generation, durably.
    pub fn create_log(&self, generation: u64, start: Lsn) -> Result<Log<FileOf<E>>> {
        let identity = LogIdentity { uuid: self.superblocks.current.uuid, generation };
        let path = self.store.file.path();
        Log::create(self.store.env.disk(), path, identity, self.settings.segment_bytes, start)
    }

    /// Removes the logs of earlier generations, which nothing needs once another is published. A failure leaves a
    /// file that the next log that is made removes.
    pub fn remove_other_logs(&self) {
        let path = self.store.file.path();
        let dir = parent_dir(path);
        let keep = self.log.as_ref().map(|log| log_path(path, log.identity().generation));
        let stem = log_path(path, 0);
        let prefix = stem.file_name().map(|name| name.to_string_lossy().trim_end_matches('0').to_owned());
        let (Some(prefix), Ok(names)) = (prefix, self.store.env.disk().list(dir)) else { return };
        for name in names.iter().filter(|name| name.starts_with(&prefix)) {
            let generation = name[prefix.len()..].parse::<u64>();
            let is_log = generation.as_ref().is_ok_and(|generation| format!("{prefix}{generation}") == *name);
            let stale = dir.join(name);
            let is_kept = Some(stale.file_name()) == keep.as_ref().map(|keep| keep.file_name());
            if is_log && !is_kept && !is_database(self.store.env.disk(), &stale) {
                let now = self.superblocks.current.log.generation;
                reached!("a log of long ago was still there", generation.is_ok_and(|old| old + 1 < now));
                let _ = self.store.env.disk().remove(&stale);
            }
        }
        let _ = self.store.env.disk().sync_dir(dir);
    }

    /// Notes everything that died in an operation.
    pub fn bury_deaths(&mut self) {
        let death = self.era;
        let mut freed = 0;
        if mutant!("blocks of undo stacks are free at once") {
            self.private_deaths.drain().for_each(|extent| self.space.give_back(extent));
        }
        self.space.bury(self.deaths.drain().inspect(|extent| freed += extent.bytes()), death, true);
        self.space.bury(self.private_deaths.drain().inspect(|extent| freed += extent.bytes()), death, false);
        // A node that was replaced on disk is now one in memory.
        self.dirty_bytes += freed;
        self.room.owe(freed);
    }

    /// Makes the current state, less what is uncommitted, the next version; it is published when it is durable.
    pub fn make_version(&mut self) {
        let covered = |stream| self.overlay.covers_stream(stream);
        assert!(self.catalog.changing_streams().all(covered), "a version would miss what is not settled");
        self.era.0 += 1;
        let version = Version::new(self.catalog.maps().clone(), &self.overlay, self.last_commit, self.era);
        let version = Arc::new(version);
        self.in_use.retain(|version| version.strong_count() > 0);
        if !mutant!("versions in use are forgotten") {
            self.in_use.push(Arc::downgrade(&version));
        }
        reached!(
            "a version waits that follows one that waits",
            self.waiting.is_some() && self.in_use.len() > 4
        );
        self.waiting = Some(version);
        self.publish_durable();
    }

    /// Publishes the waiting version if everything in it is durable.
    pub fn publish_durable(&mut self) {
        let durable = self.log.as_ref().map_or(self.superblocks.current.log.lsn, Log::durable_lsn);
        let early = mutant!("a version is shown too early");
        if let Some(version) = self.waiting.take_if(|version| early || version.committed <= durable) {
            self.published.set(version);
        }
    }

    /// What `stream` was before another transaction than `txn` changed it, if one that is still open did.
    pub fn committed_by_others(&self, txn: TxnId, stream: StreamId) -> Option<&StreamRecord> {
        let committed = self.overlay.committed(stream)?;
        let own = self.table.get(txn).is_some_and(|state| state.changed_streams.contains(&stream));
        if own { None } else { Some(committed) }
    }

    /// The oldest era that anything in use may read blocks of.
    pub fn oldest_pin(&self) -> Era {
        if mutant!("snapshots pin nothing") {
            return Era(u64::MAX);
        }
        let versions = self.in_use.iter().filter_map(Weak::upgrade).map(|version| version.pin);
        versions.chain(self.overlay.oldest()).min().unwrap_or(Era(u64::MAX))
    }

    /// How many versions are in use beside the newest.
    pub fn snapshots(&self) -> u64 {
        let published = self.published.get();
        let is_own = |version: &Arc<Version>| {
            // Nobody can have one that waits for the log.
            Arc::ptr_eq(version, &published) || self.waiting.as_ref().is_some_and(|w| Arc::ptr_eq(version, w))
        };
        self.in_use.iter().filter_map(Weak::upgrade).filter(|version| !is_own(version)).count() as u64
    }

    /// Makes sure that the log has room for `bytes` more of records, and behind these for ending every open transaction:
    /// a full disk is found here, where a call can be refused. A rollback that fills a segment takes a checkpoint, so
    /// more than one is not needed for them.
    pub fn reserve_log(&mut self, bytes: usize) -> Result<()> {
        let log = self.log.as_ref().expect("invariant: every write makes the database writable first");
        let ends = self.table.ending_bytes(log.max_record_bytes());
        let reserved = self.log().reserve(bytes as u64 + ends).and_then(|()| self.log().keep_spare());
        self.poison_by_sync(reserved)
    }

    /// Makes sure that the log has room for one record that ends something, for which [`Core::reserve_log`] kept room.
    pub(super) fn reserve_end(&mut self) -> Result<()> {
        let reserved = self.log().reserve(MAX_RECORD_OVERHEAD as u64);
        self.poison_by_sync(reserved)
    }

    fn poison_by_sync(&mut self, outcome: Result<()>) -> Result<()> {
        outcome.map_err(|e| if e.is_failed_sync() { self.poison(e) } else { e })
    }

    /// Makes everything that was logged durable, the data that it refers to first.
    ///
    /// # Errors
    /// [`Error::InDoubt`] for whoever waits for a commit; everything later is [`Error::Poisoned`].
    pub fn flush(&mut self) -> Result<()> {
        self.check_health()?;
        let Some(log) = &mut self.log else { return Ok(()) };
        if log.buffered_bytes() == 0 {
            return Ok(());
        }
        if self.unsynced_bulk && !mutant!("payloads are not synced") {
            if let Err(e) = self.store.file.sync() {
                reached!("the payloads of a batch could not be synced");
                return Err(in_doubt(&self.poison(e)));
            }
            self.unsynced_bulk = false;
        }
        let flushed = self.log().flush();
        self.publish_durable();
        if let Err(e @ Error::Io { op: "write", .. }) = &flushed
            && mutant!("a failed write does not poison")
        {
            return Err(in_doubt(e));
        }
        flushed.map_err(|e| match self.poison(e) {
            // Nothing was written now: something failed before.
            e @ Error::Poisoned { .. } => e,
            e => in_doubt(&e),
        })
    }

    /// Frees up to `budget` nodes of what committed transactions removed, as long as there is room to write down what is
    /// free then. Nothing that is alive needs them: what cannot be read stays owned, and is tried again after the others.
    pub fn reclaim(&mut self, mut budget: usize) {
        let store = Arc::clone(&self.store);
        while budget > 0 && !self.graveyard.is_empty() {
            let mut step = budget.min(RECLAIM_STEP);
            let mut room = self.make_room_for_reclaim(step);
            while room.is_err() && step > 1 {
                // On a full disk a few at a time: each makes room for more.
                step = step.div_ceil(16);
                room = self.make_room_for_reclaim(step);
            }
            budget -= step;
            let stepped = room
                .and_then(|()| self.graveyard.step(&store, step, &mut self.deaths, &mut self.private_deaths));
            self.bury_deaths();
            if stepped.is_err() {
                return;
            }
        }
    }
}

fn in_doubt(cause: &Error) -> Error {
    Error::InDoubt { cause: cause.to_string() }
}
