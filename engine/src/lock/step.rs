//! The way of a request from the top of the hierarchy to its target, a step for each level.

use crate::base::{StreamId, TxnId};

use super::queue::{Ask, Blocker, Queue};
use super::table::Wait;
use super::{LockTable, Mode, Target};

impl LockTable {
    /// Takes the steps to `goal` that are still to be taken. `false` if one waits; it is in its queue then, and is to be
    /// looked at for deadlocks.
    pub(super) fn advance(&mut self, txn: TxnId, goal: &Target, mode: Mode) -> bool {
        if self.covers(txn, goal, mode) {
            return true;
        }
        for above in goal.above().into_iter().flatten() {
            let intention = mode.intention();
            if !self.covers(txn, &above, intention) && !self.step(txn, above, intention, (goal, mode)) {
                return false;
            }
        }
        self.step(txn, goal.clone(), mode, (goal, mode))
    }

    /// Takes one step, or waits at it.
    fn step(&mut self, txn: TxnId, at: Target, mode: Mode, goal: (&Target, Mode)) -> bool {
        let ask = self.ask(txn, &at, mode);
        if !self.is_blocked(ask, &at) {
            self.install(ask, &at);
            return true;
        }
        match &at {
            Target::Range(stream, span) => {
                let locks = self.streams.get_mut(stream).expect("invariant: what blocks is held");
                locks.enqueue(ask, *span);
            }
            whole => self.queue_mut(whole).enqueue(ask),
        }
        let wait = Wait { goal: goal.0.clone(), mode: goal.1, at, ask };
        self.txns.entry(txn).or_default().waiting = Some(wait);
        self.blocked.push_back(txn);
        self.counters.waits += 1;
        false
    }

    /// The request of `txn` for `mode` at one target, with its place in the queue.
    fn ask(&mut self, txn: TxnId, at: &Target, mode: Mode) -> Ask {
        let queue = self.queue(at);
        let held = queue.and_then(|queue| queue.held(txn));
        let arrived = queue.and_then(|queue| queue.rank(txn));
        let (mode, is_upgrade) = match at {
            Target::Range(stream, span) => {
                let own = self.own_stream(txn, *stream);
                (mode, own.is_some_and(|own| own.spans.is_upgrade(*span, mode)))
            }
            _ => (held.map_or(mode, |held| held.supremum(mode)), held.is_some()),
        };
        self.counters.upgrades += u64::from(is_upgrade);
        let rank = arrived.filter(|_| is_upgrade).unwrap_or_else(|| {
            self.next_rank += 1;
            self.next_rank
        });
        Ask { txn, mode, rank }
    }

    /// Whether anybody is before `ask` at its target.
    pub(super) fn is_blocked(&self, ask: Ask, at: &Target) -> bool {
        match at {
            Target::Range(stream, span) => {
                let own =
                    self.own_stream(ask.txn, *stream).expect("invariant: the stream comes before its ranges");
                self.streams.get(stream).is_some_and(|locks| locks.is_blocked(ask, *span, &own.spans))
            }
            whole => self.queue(whole).is_some_and(|queue| queue.is_blocked(ask)),
        }
    }

    /// For whom `txn` waits, by id.
    pub(super) fn blockers(&self, txn: TxnId) -> Vec<Blocker> {
        let Some(wait) = self.wait(txn) else { return Vec::new() };
        let mut blockers: Vec<Blocker> = match &wait.at {
            Target::Range(stream, span) => {
                let own =
                    self.own_stream(txn, *stream).expect("invariant: the stream comes before its ranges");
                let locks = self.streams.get(stream).expect("invariant: what is waited for has locks");
                locks.blockers(wait.ask, *span, &own.spans)
            }
            whole => self.queue(whole).into_iter().flat_map(|queue| queue.blockers(wait.ask)).collect(),
        };
        blockers.sort_unstable();
        blockers.dedup_by_key(|blocker| blocker.txn);
        blockers
    }

    /// Gives `ask`, which nobody blocks, what it wants.
    pub(super) fn install(&mut self, ask: Ask, at: &Target) {
        match at {
            Target::Range(stream, span) => {
                let owned = self.txns.get_mut(&ask.txn);
                let own = owned.and_then(|owned| owned.streams.get_mut(stream));
                let own = own.expect("invariant: the stream comes before its ranges");
                let locks = self.streams.get_mut(stream).expect("invariant: a stream that is held has locks");
                own.spans.add(*span, ask.mode, |edit| locks.edit(ask.txn, edit));
                self.escalate(ask.txn, *stream);
            }
            Target::Stream(stream) => self.install_stream(ask, *stream),
            Target::Name(name) => {
                self.install_whole(ask, at);
                self.txns.entry(ask.txn).or_default().names.insert(name.clone());
            }
            Target::Database => {
                self.install_whole(ask, at);
                self.txns.entry(ask.txn).or_default();
            }
        }
    }

    fn install_whole(&mut self, ask: Ask, at: &Target) {
        let queue = self.queue_mut(at);
        // The one upgrade that lets others in: readers of parts, who wait at U and not at SIX.
        let opens = ask.mode == Mode::SIX && queue.held(ask.txn) == Some(Mode::U) && queue.is_waited_for();
        queue.grant(ask);
        if opens {
            self.freed.push_back(at.clone());
        }
    }

    /// Grants a lock on a whole stream. Ranges that it covers are given up; nobody waits for these, since whoever waits
    /// for a range holds an intention that this lock excludes.
    pub(super) fn install_stream(&mut self, ask: Ask, stream: StreamId) {
        self.install_whole(ask, &Target::Stream(stream));
        let own = self.txns.entry(ask.txn).or_default().streams.entry(stream).or_default();
        let locks = self.streams.entry(stream).or_default();
        own.spans.shed(ask.mode, |edit| locks.edit(ask.txn, edit));
    }

    /// The queue of a whole target, made if it is not there.
    pub(super) fn queue_mut(&mut self, whole: &Target) -> &mut Queue {
        match whole {
            Target::Database => &mut self.database,
            Target::Name(name) => self.names.entry(name.clone()).or_default(),
            Target::Stream(stream) | Target::Range(stream, _) => {
                &mut self.streams.entry(*stream).or_default().whole
            }
        }
    }
}
