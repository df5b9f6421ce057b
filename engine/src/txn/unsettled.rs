//! Commits that were logged and may still vanish, by what they changed.
//!
//! Locks are released when a commit is logged, before it is durable. Others may go on from there at once, since their own
//! commits come later in the log; but whatever a call shows of it must last, so such a call waits until it is durable.

use crate::base::{IdMap, Lsn, StreamId};

/// More entries than this are looked through for those that are durable by now.
const ENTRIES_MAX: usize = 1024;

/// For each stream the LSN behind the newest commit that changed it, unless that is durable; and the same for all names.
#[derive(Default)]
pub struct Unsettled {
    streams: IdMap<StreamId, Lsn>,
    names: Option<Lsn>,
}

impl Unsettled {
    /// A commit that ends at `lsn` has changed `streams`, and names if `names`. The log is durable up to `durable`.
    pub fn note(
        &mut self,
        streams: impl IntoIterator<Item = StreamId>,
        names: bool,
        lsn: Lsn,
        durable: impl FnOnce() -> Lsn,
    ) {
        if self.streams.len() >= ENTRIES_MAX {
            let durable = durable();
            self.streams.retain(|_, lsn| *lsn > durable);
        }
        self.streams.extend(streams.into_iter().map(|stream| (stream, lsn)));
        if names {
            self.names = Some(lsn);
        }
    }

    /// Up to where the log has to be durable before the content of `stream` is shown.
    pub fn stream(&self, stream: StreamId) -> Option<Lsn> {
        self.streams.get(&stream).copied()
    }

    /// Up to where it has to be before it is shown which names there are.
    pub fn names(&self) -> Option<Lsn> {
        self.names
    }
}
