//! Deadlocks: found when a wait begins, broken by taking a request from the youngest.
//!
//! A transaction is as old as its id says, or as the one of which it is another attempt: see [`LockTable::begin_again`].
//!
//! Before a wait begins nobody waits in a circle, so every cycle goes through the new one. If it is the youngest in any of
//! them, it alone is the victim, which breaks them all. Else each cycle is broken for itself, the shortest first.

use std::collections::VecDeque;
use std::fmt;

use crate::base::{IdMap, TxnId};

use super::queue::Queue;
use super::{Event, LockTable, Mode, Target};

/// Transactions that wait for one another in a circle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// Whose request was taken: the youngest's.
    pub victim: TxnId,
    /// Each waits for the next, and the last one for the first.
    pub links: Vec<Link>,
}

/// One wait of a cycle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Who waits.
    pub txn: TxnId,
    /// For what.
    pub target: Target,
    /// In which mode, with what it holds there already.
    pub mode: Mode,
    /// For whom.
    pub waits_for: TxnId,
    /// Whether that one waits too and is only before it in the queue; else it holds the target or part of it.
    pub queued: bool,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Link { txn, target, mode, waits_for, queued } in &self.links {
            let how = if *queued { "asked before" } else { "holds" };
            write!(f, "{txn} wants {mode} on {target}, which {waits_for} {how}; ")?;
        }
        write!(f, "{} gives way", self.victim)
    }
}

impl LockTable {
    /// Breaks a cycle that the wait of `txn` closes, if there is one, and sees to it that the search goes on.
    pub(super) fn break_deadlock(&mut self, txn: TxnId) {
        if !self.may_be_waited_for(txn) {
            return;
        }
        let Some(shortest) = self.find_cycle(txn, |_| true) else { return };
        let as_youngest = self.find_cycle(txn, |other| self.age(other) < self.age(txn));
        reached!(
            "whoever closes two circles is the youngest in the longer one",
            as_youngest.as_ref().is_some_and(|members| members.len() > shortest.len())
        );
        let members = as_youngest.unwrap_or(shortest);
        let ids = members.iter().copied();
        let victim =
            if mutant!("the oldest gives way") { ids.min() } else { ids.max_by_key(|txn| self.age(*txn)) };
        let victim = victim.expect("invariant: a cycle has members");
        reached!("a circle of more than two", members.len() > 2);
        reached!("the youngest in a circle is another one than who closes it", victim != txn);
        let cycle = self.describe(&members, victim);
        reached!("a circle goes through a queue", cycle.links.iter().any(|link| link.queued));
        self.counters.deadlocks += 1;
        self.cancel_wait(victim);
        self.events.push(Event::Victim(cycle));
        if victim != txn {
            self.blocked.push_front(txn);
        }
    }

    /// When `txn` began, or its first attempt.
    fn age(&self, txn: TxnId) -> TxnId {
        self.ages.get(&txn).copied().unwrap_or(txn)
    }

    /// Whether anybody could wait for `txn`, at a glance. If not, it closes no cycle, and those who queue up for one
    /// target with nothing in their hands need not look at one another.
    fn may_be_waited_for(&self, txn: TxnId) -> bool {
        let (Some(owned), Some(wait)) = (self.txns.get(&txn), self.wait(txn)) else { return false };
        let is_last_of_all = wait.ask.rank == self.next_rank;
        let holds_database = self.database.held(txn).is_some() && self.database.is_waited_for();
        let mut names = owned.names.iter().filter_map(|name| self.names.get(name));
        let mut streams =
            owned.streams.iter().filter_map(|(stream, own)| Some((self.streams.get(stream)?, own)));
        !is_last_of_all
            || holds_database
            || names.any(Queue::is_waited_for)
            || streams.any(|(locks, own)| {
                locks.whole.is_waited_for() || (own.spans.len() > 0 && locks.are_spans_waited_for())
            })
    }

    /// The shortest way from `txn` over those for whom it waits back to it, over nobody but those that `may_pass`; in
    /// the order of waiting, `txn` first.
    pub(super) fn find_cycle(&self, txn: TxnId, may_pass: impl Fn(TxnId) -> bool) -> Option<Vec<TxnId>> {
        let mut came_from: IdMap<TxnId, TxnId> = IdMap::default();
        let mut open = VecDeque::from([txn]);
        while let Some(waiter) = open.pop_front() {
            for blocker in self.blockers(waiter) {
                if blocker.queued && mutant!("circles through a queue are not seen") {
                    continue;
                }
                if blocker.txn == txn {
                    let mut members = vec![waiter];
                    while let Some(before) = came_from.get(&members[members.len() - 1]) {
                        members.push(*before);
                    }
                    members.reverse();
                    return Some(members);
                }
                let may_pass = may_pass(blocker.txn) && !mutant!("circles of more than two are not seen");
                if may_pass && !came_from.contains_key(&blocker.txn) {
                    came_from.insert(blocker.txn, waiter);
                    open.push_back(blocker.txn);
                }
            }
        }
        None
    }

    fn describe(&self, members: &[TxnId], victim: TxnId) -> Cycle {
        let next = members.iter().cycle().skip(1);
        let links = members.iter().zip(next).map(|(txn, waits_for)| {
            let wait = self.wait(*txn).expect("invariant: who is in a cycle waits");
            let blockers = self.blockers(*txn);
            let blocker = blockers.iter().find(|blocker| blocker.txn == *waits_for);
            let queued = blocker.is_some_and(|blocker| blocker.queued);
            Link { txn: *txn, target: wait.at.clone(), mode: wait.ask.mode, waits_for: *waits_for, queued }
        });
        Cycle { victim, links: links.collect() }
    }
}
