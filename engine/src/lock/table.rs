//! The table itself: what callers ask of it and what they hear.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::base::{IdMap, SharedBytes, StreamId, TxnId};

use super::queue::{Ask, Queue};
use super::ranges::StreamLocks;
use super::spans::{Edit, Spans};
use super::{Cycle, Mode, Span, Target};

/// So many spans a transaction may hold in one stream before they are made fewer.
const RANGES_MAX: usize = 64;

/// What became of a request.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The lock is held, with all that it needs above it.
    Granted,
    /// The transaction waits, until an [`Event`] names it or [`LockTable::cancel`] ends it.
    Waits {
        /// For whom, by id.
        waits_for: Vec<TxnId>,
    },
    /// The request would have closed `cycle`, in which its transaction is the youngest, and is forgotten. The
    /// transaction holds what it held, and perhaps intentions above the target.
    Deadlock {
        /// Who waited for whom.
        cycle: Cycle,
    },
}

/// The end of a wait, of which the caller tells the task that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The transaction has what it waited for.
    Granted(TxnId),
    /// The request of the cycle's victim was cancelled, since it was in a deadlock. It still holds what it held.
    Victim(Cycle),
}

impl Event {
    /// Whose wait is over.
    pub fn txn(&self) -> TxnId {
        match self {
            Event::Granted(txn) => *txn,
            Event::Victim(cycle) => cycle.victim,
        }
    }
}

/// What happened since the table was made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Calls of [`LockTable::request`].
    pub requests: u64,
    /// Waits that began; one request may wait at each level.
    pub waits: u64,
    /// Cycles that were broken.
    pub deadlocks: u64,
    /// Steps of requests in which a transaction asked for more where it had something.
    pub upgrades: u64,
    /// Times that many spans were replaced by fewer, or by the stream.
    pub escalations: u64,
}

/// A request that waits.
#[derive(Clone, Debug)]
pub struct Wait {
    /// What was asked for.
    pub goal: Target,
    pub mode: Mode,
    /// The step of the way there that waits: `goal` or something above it.
    pub at: Target,
    pub ask: Ask,
}

/// What a transaction has in one stream besides its mode on the whole.
#[derive(Default, Debug)]
pub struct OwnStream {
    pub spans: Spans,
    /// How often its spans were made fewer and wider.
    pub widenings: u32,
    /// As many spans are put up with before the next try to make them fewer, if that is more than the table's limit.
    pub patience: usize,
}

/// Where a transaction holds something, and for what it waits.
#[derive(Default, Debug)]
pub struct Owned {
    pub names: BTreeSet<SharedBytes>,
    pub streams: BTreeMap<StreamId, OwnStream>,
    pub waiting: Option<Wait>,
}

/// The locks of all transactions. See the module for the rules.
#[derive(Debug)]
pub struct LockTable {
    pub(super) txns: IdMap<TxnId, Owned>,
    /// Of transactions that are done once more, the first attempt of each.
    pub(super) ages: IdMap<TxnId, TxnId>,
    pub(super) database: Queue,
    pub(super) names: BTreeMap<SharedBytes, Queue>,
    pub(super) streams: IdMap<StreamId, StreamLocks>,
    pub(super) ranges_max: usize,
    pub(super) counters: Counters,
    pub(super) next_rank: u64,
    /// What the callers have not heard yet.
    pub(super) events: Vec<Event>,
    /// Where something was released and those who wait are to be looked at. Empty between calls, as is the next.
    pub(super) freed: VecDeque<Target>,
    /// Who began to wait and is to be looked at for deadlocks.
    pub(super) blocked: VecDeque<TxnId>,
}

impl Default for LockTable {
    fn default() -> LockTable {
        LockTable::new(RANGES_MAX)
    }
}

impl LockTable {
    /// A table in which nothing is locked. Of a transaction with more than `ranges_max` spans in a stream these are
    /// replaced by fewer, if nobody is in the way.
    pub fn new(ranges_max: usize) -> LockTable {
        LockTable {
            txns: IdMap::default(),
            ages: IdMap::default(),
            database: Queue::default(),
            names: BTreeMap::new(),
            streams: IdMap::default(),
            ranges_max,
            counters: Counters::default(),
            next_rank: 0,
            events: Vec::new(),
            freed: VecDeque::new(),
            blocked: VecDeque::new(),
        }
    }

    /// Lets `txn`, which does once more what `first` has not brought to its end, be as old as that one, until it ends
    /// itself: it gives way to nobody who has come since.
    pub fn begin_again(&mut self, txn: TxnId, first: TxnId) {
        self.ages.insert(txn, first);
    }

    /// Asks for `mode` on `target`, and for intentions above it, from the top down. What is held already is not asked
    /// for again. Other transactions may lose their requests: see [`LockTable::take_events`].
    ///
    /// - Cost: O(log n + k), k being what is in the way; a wait also looks at all that wait, directly or not, for it
    ///
    /// # Panics
    /// If `txn` waits already, or `target` is a range and `mode` is an intention.
    pub fn request(&mut self, txn: TxnId, target: &Target, mode: Mode) -> Outcome {
        assert!(!self.is_waiting(txn), "transaction {txn} asks while it waits");
        let has_mode = !matches!(target, Target::Range(..)) || matches!(mode, Mode::S | Mode::U | Mode::X);
        assert!(has_mode, "{target} cannot be locked in {mode}");
        self.counters.requests += 1;
        let heard = self.events.len();
        let is_granted = self.advance(txn, target, mode);
        self.settle();
        if is_granted {
            return Outcome::Granted;
        }
        if let Some(at) = self.events[heard..].iter().position(|event| event.txn() == txn) {
            return match self.events.remove(heard + at) {
                Event::Granted(_) => Outcome::Granted,
                Event::Victim(cycle) => {
                    reached!("whoever closes a circle is the youngest in it");
                    Outcome::Deadlock { cycle }
                }
            };
        }
        let waits_for = self.blockers(txn).into_iter().map(|blocker| blocker.txn).collect();
        Outcome::Waits { waits_for }
    }

    /// Ends the wait of `txn`, if it waits. What it holds it keeps. Says whose waits are over by that.
    #[must_use = "those who wait are to be told"]
    pub fn cancel(&mut self, txn: TxnId) -> Vec<Event> {
        self.cancel_wait(txn);
        self.settle();
        self.take_events()
    }

    /// Takes all from `txn` that it holds or waits for: it has ended. Says whose waits are over by that.
    #[must_use = "those who wait are to be told"]
    pub fn release_all(&mut self, txn: TxnId) -> Vec<Event> {
        self.cancel_wait(txn);
        self.events.retain(|event| event.txn() != txn);
        self.ages.remove(&txn);
        if let Some(owned) = self.txns.remove(&txn) {
            self.release_database(txn);
            for name in owned.names {
                self.release_name(txn, name);
            }
            for (stream, own) in &owned.streams {
                self.release_stream(txn, *stream, own);
            }
        }
        self.settle();
        self.take_events()
    }

    /// Whose waits are over and who was not told yet, in the order in which it happened.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether `txn` holds `mode` on `target`, by a lock on it or on something above it.
    pub fn covers(&self, txn: TxnId, target: &Target, mode: Mode) -> bool {
        let database = self.database.held(txn);
        let is_below = |held: Option<Mode>| held.is_some_and(|held| held.covers_below(mode));
        let is_at = |held: Option<Mode>| held.is_some_and(|held| held.includes(mode));
        match target {
            Target::Database => is_at(database),
            _ if is_below(database) => true,
            Target::Range(stream, span) => {
                is_below(self.held(txn, &Target::Stream(*stream)))
                    || self.own_stream(txn, *stream).is_some_and(|own| own.spans.covers(*span, mode))
            }
            whole => is_at(self.held(txn, whole)),
        }
    }

    /// The spans of `stream` on which `txn` has at least `mode`, S, U or X, by place; neighbours may touch.
    pub fn spans(&self, txn: TxnId, stream: StreamId, mode: Mode) -> Vec<Span> {
        if self.covers(txn, &Target::Range(stream, Span::ALL), mode) {
            return vec![Span::ALL];
        }
        let own = self.own_stream(txn, stream).into_iter();
        let pieces = own.flat_map(|own| own.spans.iter());
        pieces.filter(|(_, held)| held.includes(mode)).map(|(span, _)| span).collect()
    }

    /// Whether `txn` waits.
    pub fn is_waiting(&self, txn: TxnId) -> bool {
        self.wait(txn).is_some()
    }

    /// Whether nothing is held and nobody waits.
    pub fn is_idle(&self) -> bool {
        self.database.is_idle() && self.names.is_empty() && self.streams.is_empty()
    }

    /// What happened since the table was made.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The mode in which `txn` holds a whole target.
    pub(super) fn held(&self, txn: TxnId, whole: &Target) -> Option<Mode> {
        self.queue(whole)?.held(txn)
    }

    /// The queue of a whole target that somebody holds.
    pub(super) fn queue(&self, whole: &Target) -> Option<&Queue> {
        match whole {
            Target::Database => Some(&self.database),
            Target::Name(name) => self.names.get(name),
            Target::Stream(stream) | Target::Range(stream, _) => Some(&self.streams.get(stream)?.whole),
        }
    }

    /// What `txn` waits for.
    pub(super) fn wait(&self, txn: TxnId) -> Option<&Wait> {
        self.txns.get(&txn)?.waiting.as_ref()
    }

    /// What `txn` has in `stream`, if it holds anything there.
    pub(super) fn own_stream(&self, txn: TxnId, stream: StreamId) -> Option<&OwnStream> {
        self.txns.get(&txn)?.streams.get(&stream)
    }

    fn release_database(&mut self, txn: TxnId) {
        if self.database.held(txn).is_some() {
            self.database.release(txn);
        }
        if self.database.is_waited_for() {
            self.freed.push_back(Target::Database);
        }
    }

    fn release_name(&mut self, txn: TxnId, name: SharedBytes) {
        let queue = self.names.get_mut(&name).expect("invariant: a name that is held has a queue");
        queue.release(txn);
        if queue.is_idle() {
            self.names.remove(&name);
        } else if queue.is_waited_for() {
            self.freed.push_back(Target::Name(name));
        }
    }

    fn release_stream(&mut self, txn: TxnId, stream: StreamId, own: &OwnStream) {
        let locks = self.streams.get_mut(&stream).expect("invariant: a stream that is held has locks");
        locks.whole.release(txn);
        if locks.whole.is_waited_for() {
            self.freed.push_back(Target::Stream(stream));
        }
        for (span, _) in own.spans.iter() {
            locks.edit(txn, Edit::Remove(span));
            if locks.are_spans_waited_for() {
                self.freed.push_back(Target::Range(stream, span));
            }
        }
        if locks.is_idle() {
            self.streams.remove(&stream);
        }
    }
}
