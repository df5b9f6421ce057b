//! The lock table, rule by rule, then as a whole against a naive model and under random schedules.

mod deadlocks;
mod ends;
mod escalation;
mod fairness;
mod matrices;
mod model;
mod picture;
mod schedules;
mod spans;
mod suffix;
mod upgrades;

use super::Mode::{IS, IX, S, SIX, U, X};
use super::*;
use crate::base::{SharedBytes, StreamId, TxnId};

/// A table that checks itself after each call, with short names for what is asked.
struct Tester {
    table: LockTable,
    /// Wakes of calls that return no events.
    heard: Vec<Event>,
}

impl Tester {
    fn new() -> Tester {
        Tester::with(LockTable::default())
    }

    fn with(table: LockTable) -> Tester {
        Tester { table, heard: Vec::new() }
    }

    fn ask(&mut self, txn: u64, target: &Target, mode: Mode) -> Outcome {
        let outcome = self.table.request(TxnId(txn), target, mode);
        self.heard = self.table.take_events();
        self.check();
        assert_eq!(outcome == Outcome::Granted, self.table.covers(TxnId(txn), target, mode), "{outcome:?}");
        outcome
    }

    #[track_caller]
    fn gets(&mut self, txn: u64, target: &Target, mode: Mode) {
        let outcome = self.ask(txn, target, mode);
        assert_eq!(outcome, Outcome::Granted, "\n{}", self.table.picture());
    }

    #[track_caller]
    fn waits(&mut self, txn: u64, target: &Target, mode: Mode, others: &[u64]) {
        let waits_for = others.iter().copied().map(TxnId).collect();
        let outcome = self.ask(txn, target, mode);
        assert_eq!(outcome, Outcome::Waits { waits_for }, "\n{}", self.table.picture());
    }

    /// The cycle in which the request makes its own transaction the victim.
    #[track_caller]
    fn dies(&mut self, txn: u64, target: &Target, mode: Mode) -> Cycle {
        match self.ask(txn, target, mode) {
            Outcome::Deadlock { cycle } => {
                assert_eq!(cycle.victim, TxnId(txn));
                assert!(!self.table.is_waiting(TxnId(txn)));
                cycle
            }
            other => panic!("{other:?}\n{}", self.table.picture()),
        }
    }

    /// Ends `txn`; who is granted what it waited for by that, in order.
    #[track_caller]
    fn end(&mut self, txn: u64) -> Vec<u64> {
        let events = self.table.release_all(TxnId(txn));
        self.check();
        granted(&events)
    }

    #[track_caller]
    fn cancel(&mut self, txn: u64) -> Vec<u64> {
        let events = self.table.cancel(TxnId(txn));
        self.check();
        granted(&events)
    }

    #[track_caller]
    fn check(&self) {
        let findings = self.table.check();
        assert!(findings.is_empty(), "{findings:#?}\n{}", self.table.picture());
    }

    fn covers(&self, txn: u64, target: &Target, mode: Mode) -> bool {
        self.table.covers(TxnId(txn), target, mode)
    }

    /// What `txn` holds or wants at a target, as the picture has it: the mode, with a `?` if it waits.
    fn shown(&self, txn: u64, target: &Target) -> String {
        let picture = self.table.picture();
        let of_txn = picture.locks.iter().filter(|lock| lock.txn == TxnId(txn) && lock.target == *target);
        let shown =
            of_txn.map(|lock| format!("{}{}", lock.mode, if lock.waits_for.is_some() { "?" } else { "" }));
        shown.collect::<Vec<_>>().join(" ")
    }

    /// The spans of `txn` in stream 1 with their modes.
    fn pieces(&self, txn: u64) -> String {
        let picture = self.table.picture();
        let of_txn = picture.locks.iter().filter(|lock| lock.txn == TxnId(txn) && lock.waits_for.is_none());
        let pieces = of_txn.filter_map(|lock| match &lock.target {
            Target::Range(StreamId(1), span) => Some(format!("{}[{span}]", lock.mode)),
            _ => None,
        });
        pieces.collect::<Vec<_>>().join(" ")
    }
}

#[track_caller]
fn granted(events: &[Event]) -> Vec<u64> {
    let ids = events.iter().map(|event| match event {
        Event::Granted(txn) => txn.0,
        Event::Victim(cycle) => panic!("a victim: {cycle}"),
    });
    ids.collect()
}

const DATABASE: Target = Target::Database;
const STREAM: Target = Target::Stream(StreamId(1));
const LENGTH: Target = Target::Range(StreamId(1), Span::END);

fn name(name: &str) -> Target {
    Target::Name(SharedBytes::from(name.as_bytes()))
}

/// Bytes of stream 1.
fn bytes(start: u64, end: u64) -> Target {
    Target::Range(StreamId(1), Span::bytes(start, end).unwrap())
}

/// Stream 1 from `start` on.
fn suffix(start: u64) -> Target {
    Target::Range(StreamId(1), Span::suffix(start))
}
