//! Commits that were logged and may still vanish, by what they changed.
//!
//! Locks are released when a commit is logged, before it is durable. Others may go on from there at once, since their own
//! commits come later in the log; but whatever a call tells of it must last, an error included, so such a call waits until
//! it is durable. What [`Durability::Deferred`] has left to later is told at once; only a commit of something else waits
//! for it.

use crate::base::{IdMap, Lsn, StreamId};

use super::Durability;

/// So many entries are looked through for those that are durable by now, and after that whenever there are twice as many
/// as were left.
const ENTRIES_MAX: usize = 1024;

/// Up to where the log has to be durable because of something that was looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Needs {
    /// Before a call tells of it.
    pub to_tell: Lsn,
    /// Before a commit lasts that has seen it.
    pub to_last: Lsn,
}

impl Needs {
    /// Those of both.
    #[must_use]
    pub fn and(self, other: Needs) -> Needs {
        Needs { to_tell: self.to_tell.max(other.to_tell), to_last: self.to_last.max(other.to_last) }
    }
}

/// What is needed because of the newest commits that changed a stream, the names, or anything.
#[derive(Default)]
pub struct Unsettled {
    streams: IdMap<StreamId, Needs>,
    names: Needs,
    all: Needs,
    /// How many entries there are when they are looked through next.
    enough: usize,
}

impl Unsettled {
    /// A commit that ends at `lsn` has changed `streams`, and names if `names`. The log is durable up to `durable`.
    pub fn note(
        &mut self,
        streams: impl IntoIterator<Item = StreamId>,
        names: bool,
        lsn: Lsn,
        durability: Durability,
        durable: impl FnOnce() -> Lsn,
    ) {
        if self.streams.len() >= self.enough.max(ENTRIES_MAX) {
            let durable = durable();
            self.streams.retain(|_, needs| needs.to_last > durable);
            self.enough = 2 * self.streams.len();
        }
        let to_tell = if durability == Durability::Sync { lsn } else { Lsn(0) };
        let needs = Needs { to_tell, to_last: lsn };
        for stream in streams {
            let entry = self.streams.entry(stream).or_default();
            *entry = entry.and(needs);
        }
        if names {
            self.names = self.names.and(needs);
        }
        self.all = self.all.and(needs);
    }

    /// What the content of `stream` needs.
    pub fn stream(&self, stream: StreamId) -> Needs {
        self.streams.get(&stream).copied().unwrap_or_default()
    }

    /// What it needs to say which names there are.
    pub fn names(&self) -> Needs {
        self.names
    }

    /// What everything needs.
    pub fn all(&self) -> Needs {
        self.all
    }
}
