//! A stream's locks: the queue of the stream as a whole, and the spans that are held and waited for.
//!
//! Spans have no queue of their own: a request waits for those, held or of lower rank, that overlap it and exclude it.

use crate::base::TxnId;

use super::intervals::{Entry, Intervals};
use super::queue::{Ask, Blocker, Queue};
use super::spans::{Edit, Spans};
use super::{Mode, Span};

/// The locks of one stream.
#[derive(Default, Debug)]
pub struct StreamLocks {
    pub whole: Queue,
    held: Intervals,
    waiting: Intervals,
}

impl StreamLocks {
    /// Whether anybody is before `ask`, whose transaction holds `own`, on `span`.
    pub fn is_blocked(&self, ask: Ask, span: Span, own: &Spans) -> bool {
        let is_blocked = self.held.find(span, ask.mode, &mut |entry| entry.txn != ask.txn).is_some()
            || self
                .waiting
                .find(span, in_queue(ask.mode), &mut |waiter| is_before(waiter, ask, own))
                .is_some();
        reached!("a read for update goes beside those who read", {
            let is_other = &mut |entry: &Entry| entry.txn != ask.txn;
            !is_blocked && ask.mode == Mode::U && self.held.find(span, Mode::X, is_other).is_some()
        });
        is_blocked
    }

    /// Everybody who is before `ask`, as often as there are spans.
    pub fn blockers(&self, ask: Ask, span: Span, own: &Spans) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        self.held.visit(span, ask.mode, &mut |entry| {
            if entry.txn != ask.txn {
                blockers.push(Blocker { txn: entry.txn, queued: false });
            }
        });
        self.waiting.visit(span, in_queue(ask.mode), &mut |waiter| {
            if is_before(waiter, ask, own) {
                blockers.push(Blocker { txn: waiter.txn, queued: true });
            }
        });
        blockers
    }

    /// Whether `txn` could have `mode` on `span` with nobody waiting for that, now.
    pub fn is_free(&self, txn: TxnId, span: Span, mode: Mode) -> bool {
        let is_other = &mut |entry: &Entry| entry.txn != txn;
        self.held.find(span, mode, is_other).is_none()
            && self.waiting.find(span, in_queue(mode), is_other).is_none()
    }

    /// Follows a change of the spans that `txn` holds.
    pub fn edit(&mut self, txn: TxnId, edit: Edit) {
        match edit {
            Edit::Remove(span) => self.held.remove(span, txn),
            Edit::Insert(span, mode) => self.held.insert(Entry { span, mode, txn, rank: 0 }),
        }
    }

    pub fn enqueue(&mut self, ask: Ask, span: Span) {
        reached!("a read for update waits for another one", {
            let is_update = &mut |entry: &Entry| entry.txn != ask.txn && entry.mode == Mode::U;
            ask.mode == Mode::U && self.held.find(span, ask.mode, is_update).is_some()
        });
        self.waiting.insert(Entry { span, mode: ask.mode, txn: ask.txn, rank: ask.rank });
    }

    pub fn dequeue(&mut self, txn: TxnId, span: Span) {
        self.waiting.remove(span, txn);
    }

    /// The transactions that wait for anything on `span`, by rank.
    pub fn waiters_on(&self, span: Span) -> Vec<TxnId> {
        let mut waiters = Vec::new();
        self.waiting.visit(span, Mode::X, &mut |waiter| waiters.push((waiter.rank, waiter.txn)));
        waiters.sort_unstable();
        waiters.into_iter().map(|(_, txn)| txn).collect()
    }

    /// Whether anybody waits for points of `span` in U.
    pub fn is_waited_for_in_update(&self, span: Span) -> bool {
        self.waiting.find(span, Mode::S, &mut |waiter| waiter.mode == Mode::U).is_some()
    }

    /// Whether anybody waits for a span.
    pub fn are_spans_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether nothing is held and nobody waits.
    pub fn is_idle(&self) -> bool {
        self.whole.is_idle() && self.held.is_empty() && self.waiting.is_empty()
    }

    /// The spans that are held, by place.
    pub fn held(&self) -> Vec<Entry> {
        self.held.entries()
    }

    /// The spans that are waited for, by rank.
    pub fn waiting(&self) -> Vec<Entry> {
        let mut waiting = self.waiting.entries();
        waiting.sort_unstable_by_key(|waiter| waiter.rank);
        waiting
    }

    /// Whether both trees are sound.
    pub fn is_sound(&self) -> bool {
        self.held.is_sound() && self.waiting.is_sound()
    }
}

/// What excludes the same of those who wait as `mode` must not overtake: of U that is everybody, since those who read would
/// not come in beside it.
fn in_queue(mode: Mode) -> Mode {
    if mode == Mode::U { Mode::X } else { mode }
}

/// Whether `ask` must not overtake `waiter`, with which it conflicts. One that waits for what the transaction of `ask`
/// holds can be overtaken: it goes on only when that transaction has ended.
fn is_before(waiter: &Entry, ask: Ask, own: &Spans) -> bool {
    let is_earlier = waiter.rank < ask.rank && waiter.txn != ask.txn;
    let waits_for_ask = own.exclude(waiter.span, waiter.mode);
    reached!("a request for bytes passes one that waits for its transaction", is_earlier && waits_for_ask);
    is_earlier && !waits_for_ask && !mutant!("who comes late for bytes goes first")
}
