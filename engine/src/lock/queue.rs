//! A whole target: who holds it, who waits for it.

use std::collections::BTreeMap;

use crate::base::TxnId;

use super::mode::{ALL, MODES, Mode};

/// A request at one target.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub txn: TxnId,
    /// With what the transaction holds there already.
    pub mode: Mode,
    pub rank: u64,
}

/// For whom a request waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Blocker {
    pub txn: TxnId,
    /// Whether it waits too, and is only before the request; else it holds the target.
    pub queued: bool,
}

/// A transaction that holds the target.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub mode: Mode,
    /// When it arrived.
    pub rank: u64,
}

/// Holders and waiting requests of one target.
#[derive(Default, Debug)]
pub struct Queue {
    holders: BTreeMap<TxnId, Holder>,
    /// How many hold each mode, so that a grant looks at modes and not at holders.
    counts: [usize; MODES],
    /// By rank.
    waiters: BTreeMap<u64, Ask>,
}

impl Queue {
    /// What `txn` holds.
    pub fn held(&self, txn: TxnId) -> Option<Mode> {
        self.holders.get(&txn).map(|holder| holder.mode)
    }

    /// When `txn`, a holder, arrived.
    pub fn rank(&self, txn: TxnId) -> Option<u64> {
        self.holders.get(&txn).map(|holder| holder.rank)
    }

    /// Whether a transaction that holds `own` may have `mode` besides the other holders.
    pub fn others_admit(&self, own: Option<Mode>, mode: Mode) -> bool {
        ALL.iter().all(|held| {
            let others = self.counts[*held as usize] - usize::from(own == Some(*held));
            others == 0 || held.admits(mode)
        })
    }

    /// Whether any request waits that `mode` would delay, or that would delay it.
    pub fn waiters_conflict(&self, mode: Mode) -> bool {
        self.waiters.values().any(|waiter| waiter.mode.conflicts(mode))
    }

    /// Whether anybody is before `ask`.
    pub fn is_blocked(&self, ask: Ask) -> bool {
        let own = self.held(ask.txn);
        let held = !self.others_admit(own, ask.mode);
        let passes = own.is_some() && mutant!("an upgrade does not look at those who hold");
        (held && !passes) || self.queued_before(ask, own).next().is_some()
    }

    /// Everybody who is before `ask`.
    pub fn blockers(&self, ask: Ask) -> impl Iterator<Item = Blocker> {
        let holders = self.holders.iter();
        let holders = holders.filter(move |(txn, held)| **txn != ask.txn && !held.mode.admits(ask.mode));
        let holders = holders.map(|(txn, _)| Blocker { txn: *txn, queued: false });
        holders.chain(self.queued_before(ask, self.held(ask.txn)))
    }

    /// The requests that `ask`, of a holder of `own`, must not overtake.
    fn queued_before(&self, ask: Ask, own: Option<Mode>) -> impl Iterator<Item = Blocker> {
        self.waiters.range(..ask.rank).filter_map(move |(_, waiter)| {
            let waits_for_ask = own.is_some_and(|own| !own.admits(waiter.mode));
            let is_other = waiter.txn != ask.txn && waiter.mode.conflicts(ask.mode);
            reached!("an upgrade passes one that waits for its transaction", is_other && waits_for_ask);
            let blocks = is_other && !waits_for_ask && !mutant!("who comes late goes first");
            blocks.then_some(Blocker { txn: waiter.txn, queued: true })
        })
    }

    /// Makes the transaction of `ask` a holder, or gives it more than it holds.
    pub fn grant(&mut self, ask: Ask) {
        reached!("a request is granted beside those who wait for what excludes it", {
            self.waiters.values().any(|waiter| waiter.mode.conflicts(ask.mode))
        });
        let holder = self.holders.entry(ask.txn);
        let holder = holder.and_modify(|holder| self.counts[holder.mode as usize] -= 1);
        holder.or_insert(Holder { mode: ask.mode, rank: ask.rank }).mode = ask.mode;
        self.counts[ask.mode as usize] += 1;
    }

    /// Takes away what `txn` holds.
    pub fn release(&mut self, txn: TxnId) {
        let holder = self.holders.remove(&txn).expect("invariant: what is released is held");
        self.counts[holder.mode as usize] -= 1;
    }

    pub fn enqueue(&mut self, ask: Ask) {
        let before = self.waiters.insert(ask.rank, ask);
        assert!(before.is_none(), "invariant: ranks are unique among those who wait");
    }

    pub fn dequeue(&mut self, rank: u64) {
        self.waiters.remove(&rank).expect("invariant: who waits is in the queue");
    }

    /// Whether anybody waits.
    pub fn is_waited_for(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Whether nobody holds it and nobody waits.
    pub fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.waiters.is_empty()
    }

    /// Those who hold it, by id.
    pub fn holders(&self) -> impl Iterator<Item = (TxnId, Holder)> {
        self.holders.iter().map(|(txn, holder)| (*txn, *holder))
    }

    /// Those who wait, by rank.
    pub fn waiters(&self) -> impl Iterator<Item = Ask> {
        self.waiters.values().copied()
    }

    /// How many hold each mode, counted anew and as noted.
    pub fn counts(&self) -> ([usize; MODES], [usize; MODES]) {
        let mut counted = [0; MODES];
        for holder in self.holders.values() {
            counted[holder.mode as usize] += 1;
        }
        (counted, self.counts)
    }
}
