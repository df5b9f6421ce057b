//! The catalog as a commit left it.

use std::ops::{Bound, ControlFlow};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use crate::base::{Era, Lsn, Result, StreamId};
use crate::env::Env;

use super::{Maps, Name, Overlay, Store, StreamRecord};

/// An immutable, committed state of the whole database.
pub struct Version {
    /// The LSN behind the newest commit in it: it may be shown once this much of the log is durable.
    pub committed: Lsn,
    /// No block that died before this era is reached.
    pub pin: Era,
    maps: Maps,
    overlay: Overlay,
    /// When a newer one was shown while somebody had this one.
    superseded: OnceLock<Duration>,
    /// It pins nothing any more.
    expired: AtomicBool,
}

impl Version {
    /// Somebody has it, and there is a newer one.
    pub fn note_superseded(&self, now: impl FnOnce() -> Duration) {
        self.superseded.get_or_init(now);
    }

    /// How long somebody has read it though there is a newer one.
    pub fn age(&self, now: Duration) -> Duration {
        self.superseded.get().map_or(Duration::ZERO, |since| now.saturating_sub(*since))
    }

    /// From now on it pins nothing. Its blocks are given to others only after this.
    pub fn expire(&self) {
        reached!("a snapshot that is still read is given up");
        self.expired.store(true, Ordering::Release);
    }

    /// Whether it pins nothing any more: what was read of it before this says no was whole.
    pub fn is_expired(&self) -> bool {
        // What was read comes before the look.
        fence(Ordering::Acquire);
        self.expired.load(Ordering::Relaxed) && !mutant!("a snapshot that was given up is read on")
    }

    /// The version made of the maps as they are at `now`, less what `overlay` covers.
    pub fn new(maps: Maps, overlay: &Overlay, committed: Lsn, now: Era) -> Version {
        let oldest = overlay.oldest().filter(|_| !mutant!("open changes pin nothing"));
        let pin = oldest.map_or(now, |oldest| oldest.min(now));
        let (superseded, expired) = (OnceLock::new(), AtomicBool::new(false));
        Version { committed, pin, maps, overlay: overlay.clone(), superseded, expired }
    }

    /// The stream called `name`.
    pub fn find<E: Env>(&self, store: &Store<E>, name: &Name) -> Result<Option<StreamRecord>> {
        let stream = match self.overlay.name(name) {
            Some(committed) => {
                reached!(
                    "a reader looks for a name that somebody has dropped and not committed",
                    committed.is_some()
                );
                reached!("a reader looks for a name that is not committed", committed.is_none());
                committed
            }
            None => self.maps.names.get(store.names(), name)?.map(StreamId),
        };
        match stream {
            Some(stream) => self.stream(store, stream),
            None => Ok(None),
        }
    }

    fn stream<E: Env>(&self, store: &Store<E>, stream: StreamId) -> Result<Option<StreamRecord>> {
        match self.overlay.stream(stream) {
            Some(committed) => Ok(committed.clone()),
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
            if self.overlay.name(name).is_none()
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
        for (name, committed) in self.overlay.names(range) {
            reached!("a list leaves out a name that is not committed", committed.is_none());
            if let Some(stream) = committed
                && let Some(record) = self.stream(store, stream)?
            {
                each(name, &record)?;
            }
        }
        Ok(())
    }
}
