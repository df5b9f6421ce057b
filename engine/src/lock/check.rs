//! The invariants of the table, looked at one by one. Slow; for tests and audits.

use crate::base::{StreamId, TxnId};

use super::intervals::Entry;
use super::queue::Queue;
use super::ranges::StreamLocks;
use super::{LockTable, Mode, Target};

/// What was found.
type Findings = Vec<String>;

impl LockTable {
    /// What is wrong with the table between two calls; nothing, if the module's invariants hold.
    pub fn check(&self) -> Vec<String> {
        let mut findings = Findings::new();
        self.check_queue(&Target::Database, &self.database, &mut findings);
        for (name, queue) in &self.names {
            self.check_queue(&Target::Name(name.clone()), queue, &mut findings);
            note(&mut findings, !queue.is_idle(), || format!("the idle queue of name {name:?} is kept"));
        }
        for (stream, locks) in &self.streams {
            self.check_queue(&Target::Stream(*stream), &locks.whole, &mut findings);
            self.check_ranges(*stream, locks, &mut findings);
        }
        let mut txns: Vec<TxnId> = self.txns.keys().copied().collect();
        txns.sort_unstable();
        for txn in txns {
            self.check_txn(txn, &mut findings);
        }
        note(&mut findings, self.freed.is_empty() && self.blocked.is_empty(), || {
            "work is left over".to_owned()
        });
        findings
    }

    fn check_queue(&self, at: &Target, queue: &Queue, findings: &mut Findings) {
        let (counted, noted) = queue.counts();
        note(findings, counted == noted, || {
            format!("{at}: {noted:?} holders are noted and {counted:?} are there")
        });
        for (txn, holder) in queue.holders() {
            for (other, held) in queue.holders().filter(|(other, _)| *other > txn) {
                // One of them came second and was admitted by the first.
                let is_fine = holder.mode.admits(held.mode) || held.mode.admits(holder.mode);
                note(findings, is_fine, || {
                    format!("{at}: {txn} holds {} and {other} holds {}", holder.mode, held.mode)
                });
            }
            let is_known = self.txns.get(&txn).is_some_and(|owned| match at {
                Target::Name(name) => owned.names.contains(name),
                Target::Stream(stream) => owned.streams.contains_key(stream),
                _ => true,
            });
            note(findings, is_known, || format!("{txn} does not know that it holds {at}"));
            self.check_above(txn, at, holder.mode, findings);
        }
        for ask in queue.waiters() {
            let is_known = self.wait(ask.txn).is_some_and(|wait| wait.at == *at && wait.ask.rank == ask.rank);
            note(findings, is_known, || format!("{} does not know that it waits for {at}", ask.txn));
        }
    }

    fn check_above(&self, txn: TxnId, at: &Target, mode: Mode, findings: &mut Findings) {
        for above in at.above().into_iter().flatten() {
            note(findings, self.covers(txn, &above, mode.intention()), || {
                format!("{txn} holds {mode} on {at} without an intention on {above}")
            });
        }
    }

    fn check_ranges(&self, stream: StreamId, locks: &StreamLocks, findings: &mut Findings) {
        note(findings, locks.is_sound(), || format!("the spans of stream {stream} are out of order"));
        note(findings, !locks.is_idle(), || format!("the idle locks of stream {stream} are kept"));
        let held = locks.held();
        for (at, entry) in held.iter().enumerate() {
            let Entry { span, mode, txn, .. } = *entry;
            // One of them came second and was admitted by the first.
            let clash = |other: &Entry| other.excludes(span, mode) && entry.excludes(other.span, other.mode);
            for other in held[at + 1..].iter().filter(|other| other.txn != txn) {
                note(findings, !clash(other), || {
                    format!(
                        "stream {stream}: {txn} holds {mode} [{span}], {} {} [{}]",
                        other.txn, other.mode, other.span
                    )
                });
            }
            self.check_above(txn, &Target::Range(stream, span), mode, findings);
            let whole = locks.whole.held(txn);
            note(findings, whole.is_some_and(|whole| !whole.covers_below(mode)), || {
                format!("stream {stream}: {txn} holds {mode} [{span}] needlessly")
            });
        }
        for waiter in locks.waiting() {
            let at = Target::Range(stream, waiter.span);
            let is_known =
                self.wait(waiter.txn).is_some_and(|wait| wait.at == at && wait.ask.rank == waiter.rank);
            note(findings, is_known, || format!("{} does not know that it waits for {at}", waiter.txn));
        }
    }

    fn check_txn(&self, txn: TxnId, findings: &mut Findings) {
        let owned = &self.txns[&txn];
        for name in &owned.names {
            let is_held = self.held(txn, &Target::Name(name.clone())).is_some();
            note(findings, is_held, || format!("{txn} does not hold name {name:?}"));
        }
        for (stream, own) in &owned.streams {
            let is_held = self.held(txn, &Target::Stream(*stream)).is_some();
            note(findings, is_held, || format!("{txn} does not hold stream {stream}"));
            let entries = self.streams.get(stream).map_or_else(Vec::new, StreamLocks::held);
            let entries = entries.into_iter().filter(|entry| entry.txn == txn);
            let entries: Vec<_> = entries.map(|entry| (entry.span, entry.mode)).collect();
            let pieces: Vec<_> = own.spans.iter().collect();
            note(findings, entries == pieces, || {
                format!("{txn} in stream {stream}: {pieces:?}, not {entries:?}")
            });
            let merges = pieces.windows(2).any(|pair| {
                let touches = pair[0].0.grown().overlaps(pair[1].0);
                pair[0].0.overlaps(pair[1].0) || (touches && pair[0].1 == pair[1].1)
            });
            note(findings, !merges, || format!("{txn} in stream {stream}: {pieces:?} could be fewer"));
        }
        if let Some(wait) = &owned.waiting {
            let at = &wait.at;
            note(findings, self.is_blocked(wait.ask, at), || format!("{txn} waits at {at} for nobody"));
            note(findings, !self.blockers(txn).is_empty(), || {
                format!("{txn} waits at {at} and cannot say why")
            });
            if let Some(cycle) = self.find_cycle(txn, |_| true) {
                findings.push(format!("a cycle: {cycle:?}"));
            }
        }
    }
}

fn note(findings: &mut Findings, is_fine: bool, finding: impl FnOnce() -> String) {
    if !is_fine {
        findings.push(finding());
    }
}
