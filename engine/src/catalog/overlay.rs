//! The committed state of everything that open transactions have changed, which the current state hides.
//!
//! Several transactions may have changed a stream, each in its own ranges. When one of them commits, the committed state
//! gets a tree that is put together from parts of the current one and of the committed one before (`txn`).
//!
//! What the committed tree reaches may have died: each entry says since when. What was put in at some era comes from a
//! state that was current then; what lies in the ranges of a transaction is as old as the entry was when that transaction
//! made its first change.

use std::collections::BTreeMap;

use crate::base::{Era, IdMap, StreamId, TxnId};

use super::{Name, StreamRecord};

/// The committed state of everything that open transactions have changed.
#[derive(Clone, Default)]
pub struct Overlay {
    streams: BTreeMap<StreamId, Covered>,
    names: BTreeMap<Name, (Era, Option<StreamId>)>,
}

#[derive(Clone)]
struct Covered {
    committed: Option<StreamRecord>,
    /// When everything outside the writers' ranges was last taken from the current state.
    refreshed: Era,
    /// Who has changed the stream, and how old the committed state of its ranges may be.
    writers: IdMap<TxnId, Era>,
}

impl Overlay {
    /// `txn` is about to change `stream`, in `era`. Nobody has: it is `committed`.
    pub fn cover_stream(&mut self, txn: TxnId, stream: StreamId, era: Era, committed: Option<StreamRecord>) {
        let writers = IdMap::from_iter([(txn, era)]);
        self.streams.insert(stream, Covered { committed, refreshed: era, writers });
    }

    /// `txn` is about to change `stream`, as others have. Whether there are others.
    pub fn join_writers(&mut self, txn: TxnId, stream: StreamId) -> bool {
        let Some(covered) = self.streams.get_mut(&stream) else { return false };
        let since = covered.refreshed;
        covered.writers.entry(txn).or_insert(since);
        reached!("an old committed tree still pins when another writer comes", covered.oldest() < since);
        !mutant!("a late writer is taken for the first")
    }

    /// Remembers what `name` was before its first uncommitted change, which comes in `era`.
    pub fn cover_name(&mut self, name: &Name, era: Era, committed: Option<StreamId>) {
        self.names.entry(name.clone()).or_insert((era, committed));
    }

    /// Whether `stream` is covered.
    pub fn covers_stream(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Who beside `txn` has changed `stream`, in order.
    pub fn other_writers(&self, txn: TxnId, stream: StreamId) -> Vec<TxnId> {
        let writers = self.streams.get(&stream).into_iter().flat_map(|covered| covered.writers.keys());
        let mut others: Vec<TxnId> = writers.copied().filter(|writer| *writer != txn).collect();
        others.sort_unstable();
        others
    }

    /// The committed state of `stream`, if it is covered and existed.
    pub fn committed(&self, stream: StreamId) -> Option<&StreamRecord> {
        self.streams.get(&stream).and_then(|covered| covered.committed.as_ref())
    }

    /// `stream` as committed, with or without the names and streams that are not covered.
    pub(super) fn stream(&self, stream: StreamId) -> Option<&Option<StreamRecord>> {
        self.streams.get(&stream).map(|covered| &covered.committed)
    }

    /// `name` as committed, if it is covered.
    pub(super) fn name(&self, name: &Name) -> Option<Option<StreamId>> {
        self.names.get(name).map(|(_, committed)| *committed)
    }

    /// The covered names in `range`, as committed.
    pub(super) fn names(
        &self,
        range: impl std::ops::RangeBounds<Name>,
    ) -> impl Iterator<Item = (&Name, Option<StreamId>)> {
        self.names.range(range).map(|(name, (_, committed))| (name, *committed))
    }

    /// Replaces the committed state of `stream`, which others have changed as well. `refreshed` says that everything
    /// outside their ranges is from the current state.
    pub fn commit_stream(&mut self, stream: StreamId, committed: StreamRecord, refreshed: Option<Era>) {
        let covered = self.streams.get_mut(&stream).expect("invariant: whoever changes a stream covers it");
        covered.committed = Some(committed);
        covered.refreshed = refreshed.unwrap_or(covered.refreshed);
    }

    /// The committed state of `stream` still reaches what `txn`, which ends, has replaced.
    pub fn keep_pin(&mut self, txn: TxnId, stream: StreamId) {
        let Some(covered) = self.streams.get_mut(&stream) else { return };
        if let Some(since) = covered.writers.get(&txn) {
            covered.refreshed = covered.refreshed.min(*since);
        }
    }

    /// How long ago the committed state of `stream` was last taken from the current one, in eras.
    pub fn age(&self, stream: StreamId, now: Era) -> u64 {
        self.streams.get(&stream).map_or(0, |covered| now.0.saturating_sub(covered.refreshed.0))
    }

    /// `txn` has no uncommitted change in `stream` any more.
    pub fn uncover_stream(&mut self, txn: TxnId, stream: StreamId) {
        let Some(covered) = self.streams.get_mut(&stream) else { return };
        covered.writers.remove(&txn);
        if covered.writers.is_empty() {
            self.streams.remove(&stream);
        }
    }

    /// `name` has no uncommitted change any more.
    pub fn uncover_name(&mut self, name: &Name) {
        self.names.remove(name);
    }

    /// Lets go of the nodes in memory that are written: a committed state shares what a checkpoint has written of the current
    /// one, and whatever of it dies later is pinned.
    pub fn forget_written(&mut self) {
        let committed = self.streams.values_mut().filter_map(|covered| covered.committed.as_mut());
        for record in committed {
            record.tree.forget_written();
        }
    }

    /// The oldest era of which a committed state may reach blocks that died in it.
    pub fn oldest(&self) -> Option<Era> {
        let streams = self.streams.values().map(Covered::oldest);
        streams.chain(self.names.values().map(|(era, _)| *era)).min()
    }
}

impl Covered {
    fn oldest(&self) -> Era {
        if mutant!("an old committed tree pins too little") {
            return self.refreshed;
        }
        self.writers.values().copied().fold(self.refreshed, Era::min)
    }
}
