//! What follows from a change: waits end, new ones begin further down, deadlocks are broken, until all is quiet.

use crate::base::TxnId;

use super::queue::Ask;
use super::{Event, LockTable, Mode, Target};

impl LockTable {
    /// Works off what was freed, and who began to wait. A grant comes before a search for deadlocks, since it may end
    /// one of the waits that are in question.
    pub(super) fn settle(&mut self) {
        loop {
            if let Some(place) = self.freed.pop_front() {
                self.grant_waiters(&place);
            } else if let Some(txn) = self.blocked.pop_front() {
                self.break_deadlock(txn);
            } else {
                return;
            }
        }
    }

    /// Grants what was waited for at `place` and is blocked no more. Once in the order of ranks is enough: a grant does
    /// not unblock those before it, who were not waiting for it, and those behind it are still to come, or lie beside
    /// `place` and are looked at next.
    fn grant_waiters(&mut self, place: &Target) {
        let waiters: Vec<TxnId> = match place {
            Target::Range(stream, span) => {
                self.streams.get(stream).map_or_else(Vec::new, |locks| locks.waiters_on(*span))
            }
            whole => {
                self.queue(whole).into_iter().flat_map(|queue| queue.waiters()).map(|ask| ask.txn).collect()
            }
        };
        let mut granted = 0;
        for txn in waiters {
            let wait = self.wait(txn).expect("invariant: who is in a queue waits");
            if !self.is_blocked(wait.ask, &wait.at) {
                self.grant(txn);
                granted += 1;
                if mutant!("of several who could go on one does") {
                    break;
                }
            }
        }
        reached!("what one gave back lets several go on", granted > 1);
    }

    /// Ends the wait of `txn` with a grant. It may have to wait again, further down.
    fn grant(&mut self, txn: TxnId) {
        let owned = self.txns.get_mut(&txn).expect("invariant: who waits is known");
        let wait = owned.waiting.take().expect("invariant: who is granted waited");
        self.dequeue(wait.ask, &wait.at);
        self.install(wait.ask, &wait.at);
        if let Target::Range(stream, span) = wait.at
            && wait.ask.mode == Mode::S
            && self.streams.get(&stream).is_some_and(|locks| locks.is_waited_for_in_update(span))
        {
            // Behind one who waits to read they have to wait, and beside one who reads they may come in.
            reached!("a read for update waited for one who waited to read");
            self.freed.push_back(wait.at.clone());
        }
        if self.advance(txn, &wait.goal, wait.mode) {
            self.events.push(Event::Granted(txn));
        } else {
            reached!("a request waits once more further down");
        }
    }

    /// Ends the wait of `txn`, if it waits, without a grant.
    pub(super) fn cancel_wait(&mut self, txn: TxnId) {
        let Some(wait) = self.txns.get_mut(&txn).and_then(|owned| owned.waiting.take()) else { return };
        self.dequeue(wait.ask, &wait.at);
        if !mutant!("a wait that is given up lets nobody go on") {
            self.freed.push_back(wait.at);
        }
    }

    fn dequeue(&mut self, ask: Ask, at: &Target) {
        match at {
            Target::Range(stream, span) => {
                let locks = self.streams.get_mut(stream).expect("invariant: what is waited for has locks");
                locks.dequeue(ask.txn, *span);
            }
            whole => self.queue_mut(whole).dequeue(ask.rank),
        }
    }
}
