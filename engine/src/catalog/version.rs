//! The catalog as a commit left it.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use crate::base::{Era, Lsn, Result, StreamId};
use crate::env::Env;

use super::{Maps, Name, Store, StreamRecord};

/// The committed state of everything that open transactions have changed.
#[derive(Clone, Default)]
pub struct Overlay {
    streams: BTreeMap<StreamId, (Era, Option<StreamRecord>)>,
    names: BTreeMap<Name, (Era, Option<StreamId>)>,
}

impl Overlay {
    /// Remembers what `stream` was before its first uncommitted change, which comes in `era`.
    pub fn cover_stream(&mut self, stream: StreamId, era: Era, committed: Option<StreamRecord>) {
        self.streams.entry(stream).or_insert((era, committed));
    }

    /// Remembers what `name` was before its first uncommitted change, which comes in `era`.
    pub fn cover_name(&mut self, name: &Name, era: Era, committed: Option<StreamId>) {
        self.names.entry(name.clone()).or_insert((era, committed));
    }

    /// Whether `stream` is covered.
    pub fn covers_stream(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// The committed state of `stream`, if it is covered and existed.
    pub fn committed(&self, stream: StreamId) -> Option<&StreamRecord> {
        self.streams.get(&stream).and_then(|(_, committed)| committed.as_ref())
    }

    /// `stream` has no uncommitted change any more.
    pub fn uncover_stream(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    /// `name` has no uncommitted change any more.
    pub fn uncover_name(&mut self, name: &Name) {
        self.names.remove(name);
    }

    /// Whether nothing is uncommitted.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.names.is_empty()
    }

    /// The era of the oldest change that is covered.
    pub fn oldest(&self) -> Option<Era> {
        let streams = self.streams.values().map(|(era, _)| *era);
        streams.chain(self.names.values().map(|(era, _)| *era)).min()
    }
}

/// An immutable, committed state of the whole database.
pub struct Version {
    /// The LSN behind the newest commit in it: it may be shown once this much of the log is durable.
    pub committed: Lsn,
    /// No block that died before this era is reached.
    pub pin: Era,
    maps: Maps,
    overlay: Overlay,
}

impl Version {
    /// The version made of the maps as they are at `now`, less what `overlay` covers.
    pub fn new(maps: Maps, overlay: &Overlay, committed: Lsn, now: Era) -> Version {
        let oldest = overlay.oldest().filter(|_| !mutant!("open changes pin nothing"));
        let pin = oldest.map_or(now, |oldest| oldest.min(now));
        Version { committed, pin, maps, overlay: overlay.clone() }
    }

    /// The stream called `name`.
    pub fn find<E: Env>(&self, store: &Store<E>, name: &Name) -> Result<Option<StreamRecord>> {
        let stream = match self.overlay.names.get(name) {
            Some((_, committed)) => {
                reached!(
                    "a reader looks for a name that somebody has dropped and not committed",
                    committed.is_some()
                );
                reached!("a reader looks for a name that is not committed", committed.is_none());
                *committed
            }
            None => self.maps.names.get(store.names(), name)?.map(StreamId),
        };
        match stream {
            Some(stream) => self.stream(store, stream),
            None => Ok(None),
        }
    }

    fn stream<E: Env>(&self, store: &Store<E>, stream: StreamId) -> Result<Option<StreamRecord>> {
        match self.overlay.streams.get(&stream) {
            Some((_, committed)) => Ok(committed.clone()),
            None => self.maps.streams.get(store.streams(), &stream.0),
        }
    }

    /// Calls `each` with every stream, in the order of names.
    pub fn for_each<E: Env>(
        &self,
        store: &Store<E>,
        mut each: impl FnMut(&Name, &StreamRecord) -> Result<()>,
    ) -> Result<()> {
        let mut covered_from: Bound<Name> = Bound::Unbounded;
        self.maps.names.scan(store.names(), None, |name, &id| {
            let before = (covered_from.clone(), Bound::Excluded(name.clone()));
            self.for_each_covered(store, before, &mut each)?;
            covered_from = Bound::Included(name.clone());
            if !self.overlay.names.contains_key(name)
                && let Some(record) = self.stream(store, StreamId(id))?
            {
                each(name, &record)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.for_each_covered(store, (covered_from, Bound::Unbounded), &mut each)
    }

    fn for_each_covered<E: Env>(
        &self,
        store: &Store<E>,
        range: (Bound<Name>, Bound<Name>),
        each: &mut impl FnMut(&Name, &StreamRecord) -> Result<()>,
    ) -> Result<()> {
        for (name, (_, committed)) in self.overlay.names.range(range) {
            reached!("a list leaves out a name that is not committed", committed.is_none());
            if let Some(stream) = committed
                && let Some(record) = self.stream(store, *stream)?
            {
                each(name, &record)?;
            }
        }
        Ok(())
    }
}
