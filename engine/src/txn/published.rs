//! The versions that readers may see, and those that wait until everything in them is durable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Lsn;
use crate::catalog::Version;
use crate::env::Env;
use crate::sync::Latched;

/// The newest durable version, which readers take without the core's latch; and its successors.
pub struct Published<E: Env> {
    newest: Latched<Arc<Version>, E::Platform>,
    waiting: Latched<Waiting, E::Platform>,
}

/// Versions in which something is not durable yet, and up to where everything is.
#[derive(Default)]
struct Waiting {
    /// Oldest first.
    versions: VecDeque<Arc<Version>>,
    /// The greatest LSN that anybody told: a flight tells it before the log knows.
    durable: Lsn,
}

impl<E: Env> Published<E> {
    /// Starts with `version`.
    pub fn new(version: Arc<Version>) -> Published<E> {
        Published { newest: Latched::new(version), waiting: Latched::default() }
    }

    /// The newest durable version.
    pub fn get(&self) -> Arc<Version> {
        Arc::clone(&self.newest.read())
    }

    /// Whether `version` waits for the log: nobody can have it then.
    pub fn is_waiting(&self, version: &Arc<Version>) -> bool {
        self.waiting.read().versions.iter().any(|waiting| Arc::ptr_eq(waiting, version))
    }

    /// Adds a version that is newer than all others.
    pub fn push(&self, version: Arc<Version>) {
        let waiting = &mut self.waiting.lock().versions;
        reached!("a version waits that follows one that waits", !waiting.is_empty());
        // Nobody waits for the one before if this one has all its commits.
        if waiting.back().is_some_and(|last| last.committed == version.committed) {
            waiting.pop_back();
        }
        waiting.push_back(version);
    }

    /// Shows the newest version in which everything is durable, `now` that the log is up to `durable` at least. One before it
    /// that somebody reads grows old from here on.
    pub fn publish(&self, durable: Lsn, now: impl FnOnce() -> Duration) {
        let early = mutant!("a version is shown too early");
        let mut waiting = self.waiting.lock();
        let known = waiting.durable.max(durable);
        waiting.durable = known;
        let mut newest = None;
        while waiting.versions.front().is_some_and(|version| early || version.committed <= known) {
            newest = waiting.versions.pop_front();
        }
        if let Some(version) = newest {
            // Under the other latch, so that two who publish do not change places.
            let before = std::mem::replace(&mut *self.newest.lock(), version);
            if Arc::strong_count(&before) > 1 {
                before.note_superseded(now);
            }
        }
    }
}
