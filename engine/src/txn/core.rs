//! The state of an open database that one task changes at a time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::{Era, Error, Lsn, Result, StreamId, TxnId, parent_dir};
use crate::cache::{Deaths, SuperblockSlots};
use crate::catalog::{Catalog, FileOf, Overlay, Store, Version};
use crate::env::{Clock, Disk, Env};
use crate::format::record::MAX_RECORD_OVERHEAD;
use crate::format::superblock::Superblock;
use crate::log::{Log, LogIdentity, is_database, log_path};
use crate::space::Space;
use crate::tree::Tree;

use super::apply::existing;
use super::growing::Growing;
use super::typing::Typed;
use super::{
    Backoff, Bell, Graveyard, Health, Locks, Needs, Pace, Published, ReadPin, Room, Sign, Table, Underway,
    Unsettled,
};

/// Nodes of the graveyard that are freed at a time.
const RECLAIM_STEP: usize = 256;
/// Nodes of it that whoever ends a transaction frees.
const RECLAIM_AT_END: usize = 64;

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
    /// How long a version pins blocks when there is a newer one.
    pub snapshot_max_age: Duration,
}

/// What was counted since the database was opened.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counters {
    /// Commits logged.
    pub commits: u64,
    /// Ends of rollbacks logged.
    pub rollbacks: u64,
    /// Checkpoints published.
    pub checkpoints: u64,
    /// Compensation records written.
    pub clrs: u64,
    /// Bytes of log records written.
    pub log_bytes: u64,
    /// Bytes of blocks that died.
    pub freed_bytes: u64,
}

/// The log of a database.
pub type LogOf<E> = Log<FileOf<E>, <E as Env>::Platform>;

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
    pub log: Option<LogOf<E>>,
    /// The superblock in force, and what is known of its two slots.
    pub superblocks: SuperblockSlots,
    /// Open transactions.
    pub table: Table,
    /// Their locks.
    pub locks: Locks<E::Platform>,
    /// Commits that may still vanish.
    pub unsettled: Unsettled,
    /// The newest record, while it may still grow.
    pub(super) growing: Option<Growing>,
    /// What was typed behind it.
    pub(super) typed: Typed,
    /// What the call under way has looked at needs.
    pub looked: Needs,
    /// Whether the call under way may let go of the latch and start over, as long as it has changed nothing.
    pub may_start_over: bool,
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
    /// Where the log stood at the last capture.
    pub captured_lsn: Lsn,
    /// When a checkpoint that was refused is tried again.
    pub backoff: Backoff,
    /// The checkpoint that is being written.
    pub underway: Option<Arc<Underway<E::Platform>>>,
    /// Calls the background task, if there is one.
    pub bell: Option<Arc<Bell<E::Platform>>>,
    /// When what was deferred is to be durable.
    pub sync_by: Option<Duration>,
    /// What was counted.
    pub counters: Counters,
    pub(super) era: Era,
    pub(super) last_commit: Lsn,
    /// Something was committed, or rolled back, that no version has yet.
    pub(super) version_due: bool,
    /// The versions that somebody may have, oldest first, with what is committed in each.
    in_use: Vec<(Lsn, Weak<Version>)>,
    health: Health<E::Platform>,
    /// A call is changing the state; found set at the start of another, it says that one panicked half-way.
    changing: bool,
    /// One has: what it left in memory is shown to nobody.
    pub(super) untrusted: bool,
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
            locks: Locks::default(),
            unsettled: Unsettled::default(),
            growing: None,
            typed: Typed::default(),
            looked: Needs::default(),
            may_start_over: false,
            graveyard: Graveyard::default(),
            next_txn: superblock.next_txn,
            next_stream: superblock.next_stream,
            published: Arc::new(Published::new(Arc::clone(&version))),
            overlay: Overlay::default(),
            deaths: Deaths::default(),
            private_deaths: Deaths::default(),
            dirty_bytes: 0,
            room: Room::new(file_bytes),
            captured_lsn: lsn,
            backoff: Backoff::default(),
            underway: None,
            bell: None,
            sync_by: None,
            counters: Counters::default(),
            era: Era(0),
            last_commit: lsn,
            version_due: false,
            in_use: vec![(lsn, Arc::downgrade(&version))],
            health: Health::default(),
            changing: false,
            untrusted: false,
            store,
            settings,
            superblocks,
        }
    }

    /// The length of `stream` as it is now.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`].
    pub fn len(&self, stream: StreamId) -> Result<u64> {
        match self.catalog.changing(stream) {
            Some(tree) => Ok(tree.len()),
            None => Ok(existing(self.catalog.stream(&self.store, stream)?, stream)?.tree.len()),
        }
    }

    /// The bytes of `stream` as they are now.
    ///
    /// # Errors
    /// [`Error::NoSuchStream`].
    pub fn tree(&self, stream: StreamId) -> Result<Tree> {
        match self.catalog.changing(stream) {
            Some(tree) => Ok(tree.clone()),
            None => Ok(existing(self.catalog.stream(&self.store, stream)?, stream)?.tree),
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
    pub fn log(&mut self) -> &mut LogOf<E> {
        self.log.as_mut().expect("invariant: every write makes the database writable first")
    }

    /// Log records since the last capture, in bytes.
    pub fn log_bytes_since_capture(&self) -> u64 {
        self.next_lsn().0 - self.captured_lsn.0
    }

    /// What whoever has ended a transaction waits for, without the latch and when its commit is durable, if that has added to
    /// the log behind `before`. The first half of what makes a checkpoint due is free, so that most slow nobody down.
    pub fn pace(&self, before: Lsn) -> Option<Pace<E::Platform>> {
        self.underway.as_ref()?;
        let (changed_bytes, most_bytes) = self.changed();
        let pace = self.pace_from(before, changed_bytes, most_bytes / 2, most_bytes / 2);
        reached!("a writer keeps to the pace of a checkpoint", pace.is_some());
        pace
    }

    /// As [`Core::pace`], for a call of a transaction that goes on and keeps its locks meanwhile: only whoever has changed as
    /// much as makes a checkpoint due waits, so that it comes to twice of that when the one under way has ended.
    pub fn pace_within(&self, txn: TxnId, before: Lsn) -> Option<Pace<E::Platform>> {
        self.underway.as_ref()?;
        let (changed_bytes, most_bytes) = self.changed();
        let goes_on = self.table.get(txn).is_some();
        let pace = self.pace_from(before, changed_bytes, most_bytes, most_bytes).filter(|_| goes_on);
        reached!("a transaction keeps to the pace of a checkpoint", pace.is_some());
        pace
    }

    /// Of what makes a checkpoint due that of which the greater part has come: how much there is, and how much it takes.
    fn changed(&self) -> (u64, u64) {
        let by_log = (self.log_bytes_since_capture(), self.settings.checkpoint_log_bytes);
        let by_memory = (self.dirty_bytes, self.settings.dirty_bytes);
        let fuller = |a: (u64, u64), b: (u64, u64)| {
            u128::from(a.0) * u128::from(b.1) >= u128::from(b.0) * u128::from(a.1)
        };
        if fuller(by_log, by_memory) { by_log } else { by_memory }
    }

    fn pace_from(&self, before: Lsn, changed: u64, free: u64, most: u64) -> Option<Pace<E::Platform>> {
        let underway = self.underway.as_ref().filter(|_| self.bell.is_some() && self.next_lsn() > before)?;
        let changed_bytes = changed.checked_sub(free).filter(|bytes| *bytes > 0)?;
        Some(Pace { underway: Arc::clone(underway), changed_bytes, most_bytes: most.max(1) })
    }

    /// Runs a call that may change the state. One that panics half-way leaves a poisoned core behind, which writes nothing
    /// any more: not even a rollback or a close.
    pub fn guarded<R>(&mut self, call: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        if self.bell.as_ref().is_some_and(|bell| bell.is_broken()) {
            self.poison_by_panic();
        }
        if self.underway.as_ref().is_some_and(|underway| underway.is_broken_off()) {
            reached!("the writer of a checkpoint has panicked");
            self.health.poison(|| "the writing of a checkpoint panicked".to_owned());
            self.locks.wake_all();
        }
        let before = std::mem::replace(&mut self.changing, true);
        if before && !mutant!("nobody notes that a call has panicked") {
            reached!("a call panicked while it held the core's latch");
            self.untrusted = true;
            self.health.poison(|| "a call panicked half-way".to_owned());
            self.locks.wake_all();
        }
        self.apply_typed();
        let outcome = call(self);
        self.changing = false;
        outcome
    }

    /// Whether a call is changing the state, or has panicked half-way.
    pub(super) fn is_changing(&self) -> bool {
        self.changing
    }

    /// What tells of a failure without the latch.
    pub fn sign(&self) -> Arc<Sign<E::Platform>> {
        self.health.sign()
    }

    /// That writing is still allowed.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after an earlier failure.
    pub fn check_health(&self) -> Result<()> {
        self.health.check()
    }

    /// That an open transaction may still read. The current state may lead to nodes that a failed checkpoint did not write.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after an earlier failure.
    pub fn check_readable(&self) -> Result<()> {
        let unsynced = || {
            let data_file = format!("sync failed on {} at", self.store.file.path().display());
            self.health.cause().is_some_and(|cause| cause.starts_with(&data_file))
        };
        let all_last = || self.logged_before(self.unsettled.all().to_last).is_none();
        if mutant!("a transaction reads on after a failed sync") && unsynced() && all_last() {
            return Ok(());
        }
        self.check_health()
    }

    /// Refuses all writes from now on, because of `error`, or of a failed sync that has led to it, which it returns.
    pub fn poison(&mut self, error: Error) -> Error {
        let error = self.store.file.blame(error);
        self.health.poison(|| error.to_string());
        self.locks.wake_all();
        error
    }

    /// Refuses all writes from now on, since the background task has panicked: nobody does what is left to it any more.
    pub fn poison_by_panic(&mut self) {
        reached!("the background task has panicked");
        self.bell = None;
        self.health.poison(|| "the background task panicked".to_owned());
        self.locks.wake_all();
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
    pub fn create_log(&self, generation: u64, start: Lsn) -> Result<LogOf<E>> {
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
        self.counters.freed_bytes += freed;
        self.room.owe(freed);
    }

    /// Makes the current state, less what is uncommitted, the next version; it is published when it is durable. Nobody can see
    /// a commit before it is, so that one version does for all commits of a flight.
    pub fn make_version(&mut self) {
        if self.untrusted {
            return;
        }
        let covered = |stream| self.overlay.covers_stream(stream);
        assert!(self.catalog.changing_streams().all(covered), "a version would miss what is not settled");
        self.version_due = false;
        self.era.0 += 1;
        let version = Version::new(self.catalog.maps().clone(), &self.overlay, self.last_commit, self.era);
        let version = Arc::new(version);
        self.in_use.retain(|(_, version)| version.strong_count() > 0);
        if !mutant!("versions in use are forgotten") {
            self.in_use.push((version.committed, Arc::downgrade(&version)));
        }
        self.published.push(version);
        self.publish_durable();
    }

    /// Publishes the versions of which everything is durable.
    fn publish_durable(&self) {
        let durable = self.log.as_ref().map_or(self.superblocks.current.log.lsn, Log::durable_lsn);
        self.published.publish(durable, || self.store.env.clock().monotonic());
    }

    /// The oldest era that anything in use may read blocks of. Versions that are too old do not count any more.
    pub fn oldest_pin(&self) -> Era {
        if mutant!("snapshots pin nothing") {
            return Era(u64::MAX);
        }
        let versions = self.versions_in_use();
        let versions = versions.filter(|version| !self.has_expired(version)).map(|version| version.pin);
        let others = versions.chain(self.overlay.oldest()).min().unwrap_or(Era(u64::MAX));
        let reads = self.table.oldest_read().unwrap_or(Era(u64::MAX));
        reached!("a read of a transaction is the oldest that pins", reads < others);
        others.min(reads)
    }

    /// Pins the current state for a read of `txn` that goes on without the latch.
    pub fn begin_read(&mut self, txn: TxnId) -> ReadPin {
        let now = self.era;
        self.table.state(txn).reading.get_or_insert_default().begin(now)
    }

    fn versions_in_use(&self) -> impl Iterator<Item = Arc<Version>> {
        self.in_use.iter().filter_map(|(_, version)| version.upgrade())
    }

    fn has_expired(&self, version: &Version) -> bool {
        let most = self.settings.snapshot_max_age;
        // The newest has no age, however long its successors wait for the log.
        let too_old = most < Duration::MAX && version.age(self.store.env.clock().monotonic()) > most;
        if too_old && !version.is_expired() {
            version.expire();
        }
        too_old
    }

    /// How long the oldest version in use has been read though there is a newer one.
    pub fn oldest_snapshot_age(&self) -> Duration {
        let now = self.store.env.clock().monotonic();
        let versions = self.versions_in_use();
        versions
            .filter(|version| !version.is_expired())
            .map(|version| version.age(now))
            .max()
            .unwrap_or_default()
    }

    /// How many versions are in use beside the newest.
    pub fn snapshots(&self) -> u64 {
        let published = self.published.get();
        let is_own =
            |version: &Arc<Version>| Arc::ptr_eq(version, &published) || self.published.is_waiting(version);
        self.versions_in_use().filter(|version| !is_own(version)).count() as u64
    }

    /// Makes sure that the log has room for `bytes` more of records, and behind these for ending every open transaction:
    /// a full disk is found here, where a call can be refused. A rollback that fills a segment takes a checkpoint, so
    /// more than one is not needed for them.
    pub fn reserve_log(&mut self, bytes: usize) -> Result<()> {
        let log = self.log.as_ref().expect("invariant: every write makes the database writable first");
        let ends = self.table.ending_bytes(log.max_record_bytes());
        let reserved = if mutant!("the log keeps no room for what ends transactions") {
            self.log().reserve(bytes as u64)
        } else {
            self.log().reserve(bytes as u64 + ends).and_then(|()| self.log().keep_spare())
        };
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

    /// Frees some of what committed transactions removed, for whoever has just ended one, and leaves the rest to the background
    /// task, unless that would fare no better.
    pub fn reclaim_some(&mut self) {
        let went_on = self.reclaim(RECLAIM_AT_END);
        if let Some(bell) = self.bell.as_ref().filter(|_| went_on && !self.graveyard.is_empty()) {
            bell.ring();
        }
    }

    /// Frees up to `budget` nodes of what committed transactions removed, as long as there is room to write down what is
    /// free then; whether it came to an end of either. Nothing that is alive needs them: what cannot be read stays owned, and is
    /// tried again after the others.
    pub fn reclaim(&mut self, mut budget: usize) -> bool {
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
                return false;
            }
        }
        true
    }
}
