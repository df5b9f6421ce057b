//! Random requests, ends and cancels against a naive model.
//!
//! The model grants nothing by itself. It remembers what was granted, reads the picture, and compares everything with
//! everything: nobody holds what another one's lock excludes, at any level; nobody lost anything; whoever waits has
//! someone in the way, and says who; nobody is in the way of himself.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const TXNS: u64 = 6;
/// So small that the model can look at each point. The last stands for the end.
const POINTS: u64 = 13;

#[derive(Clone, Debug)]
enum Op {
    Request(u64, Target, Mode),
    End(u64),
    Cancel(u64),
}

fn any_target() -> impl Strategy<Value = (Target, Mode)> {
    let mode = prop::sample::select(vec![IS, IX, S, SIX, U, X]);
    let range_mode = prop::sample::select(vec![S, S, U, X, X]);
    let stream = (1..3u64).prop_map(StreamId);
    let span = prop_oneof![
        4 => (0..POINTS - 1, 1..4u64).prop_map(|(a, len)| Span::bytes(a, (a + len).min(POINTS - 1)).unwrap()),
        1 => (0..POINTS).prop_map(|a| if a == POINTS - 1 { Span::END } else { Span::suffix(a) }),
    ];
    prop_oneof![
        1 => mode.clone().prop_map(|mode| (DATABASE, mode)),
        3 => (0..3u8, mode.clone()).prop_map(|(at, mode)| (name(&at.to_string()), mode)),
        3 => (stream.clone(), mode).prop_map(|(stream, mode)| (Target::Stream(stream), mode)),
        14 => (stream, span, range_mode).prop_map(|(stream, span, mode)| (Target::Range(stream, span), mode)),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..TXNS, any_target()).prop_map(|(txn, (target, mode))| Op::Request(txn, target, mode)),
        2 => (0..TXNS).prop_map(Op::End),
        1 => (0..TXNS).prop_map(Op::Cancel),
    ]
}

fn has_point(span: Span, point: u64) -> bool {
    span.overlaps(if point == POINTS - 1 { Span::END } else { Span::bytes(point, point + 1).unwrap() })
}

/// Whether a lock of one transaction keeps another from having the second, both being held.
fn excludes(one: &LockInfo, other: &LockInfo) -> bool {
    let part_under = |whole: Mode, part: Mode| match whole {
        IS | IX => false,
        S | SIX | U => !matches!(part, IS | S),
        X => true,
    };
    match (&one.target, &other.target) {
        (a, b) if a == b && !matches!(a, Target::Range(..)) => {
            !one.mode.admits(other.mode) && !other.mode.admits(one.mode)
        }
        (Target::Range(a, first), Target::Range(b, second)) => {
            let admits = one.mode.admits(other.mode) || other.mode.admits(one.mode);
            a == b && first.overlaps(*second) && !admits
        }
        // An intention on a stream is no use of it: what matters is what is held below.
        (Target::Database, _) => part_under(one.mode, other.mode) && !matches!(other.mode, IS | IX),
        (Target::Stream(a), Target::Range(b, _)) => a == b && part_under(one.mode, other.mode),
        _ => false,
    }
}

/// Whether a request in `mode` at a target must wait while `held` is.
fn blocks(held: &LockInfo, target: &Target, mode: Mode) -> bool {
    match (&held.target, target) {
        (Target::Range(a, first), Target::Range(b, second)) => {
            a == b && first.overlaps(*second) && !held.mode.admits(mode)
        }
        (a, b) => a == b && !held.mode.admits(mode),
    }
}

#[derive(Default)]
struct Model {
    granted: Vec<(TxnId, Target, Mode)>,
    pending: BTreeMap<TxnId, (Target, Mode)>,
    /// Since which call a transaction waits at a target.
    waits_since: BTreeMap<(TxnId, Target), usize>,
    calls: usize,
}

impl Model {
    fn hear(&mut self, events: &[Event]) {
        for event in events {
            let (target, mode) = self.pending.remove(&event.txn()).expect("only who waits is told anything");
            match event {
                Event::Granted(txn) => self.granted.push((*txn, target, mode)),
                Event::Victim(cycle) => check_cycle(cycle),
            }
        }
    }

    fn run(&mut self, table: &mut LockTable, op: Op) {
        self.calls += 1;
        match op {
            Op::Request(txn, ..) if self.pending.contains_key(&TxnId(txn)) => {}
            Op::Request(txn, target, mode) => {
                let txn = TxnId(txn);
                match table.request(txn, &target, mode) {
                    Outcome::Granted => self.granted.push((txn, target, mode)),
                    Outcome::Waits { .. } => {
                        self.pending.insert(txn, (target, mode));
                    }
                    Outcome::Deadlock { cycle } => {
                        assert_eq!(cycle.victim, txn);
                        check_cycle(&cycle);
                    }
                }
                self.hear(&table.take_events());
            }
            Op::End(txn) => {
                self.granted.retain(|(holder, ..)| *holder != TxnId(txn));
                self.pending.remove(&TxnId(txn));
                self.hear(&table.release_all(TxnId(txn)));
            }
            Op::Cancel(txn) => {
                self.pending.remove(&TxnId(txn));
                self.hear(&table.cancel(TxnId(txn)));
            }
        }
        self.check(table);
    }

    fn check(&mut self, table: &LockTable) {
        let findings = table.check();
        assert!(findings.is_empty(), "{findings:#?}\n{}", table.picture());
        let (held, waiting): (Vec<LockInfo>, Vec<LockInfo>) =
            table.picture().locks.into_iter().partition(|lock| lock.waits_for.is_none());
        for (at, one) in held.iter().enumerate() {
            for other in held[at + 1..].iter().filter(|other| other.txn != one.txn) {
                assert!(!excludes(one, other) && !excludes(other, one), "{one:?} beside {other:?}");
            }
        }
        for (txn, target, mode) in &self.granted {
            assert!(
                is_covered(&held, *txn, target, *mode),
                "{txn} lost {mode} on {target}\n{}",
                table.picture()
            );
            assert!(table.covers(*txn, target, *mode));
        }
        let waiters: Vec<TxnId> = waiting.iter().map(|lock| lock.txn).collect();
        let unique: BTreeSet<TxnId> = waiters.iter().copied().collect();
        assert_eq!(
            (unique.len(), unique.iter().collect::<Vec<_>>()),
            (waiters.len(), self.pending.keys().collect())
        );
        self.note_arrivals(&waiting);
        for waiter in &waiting {
            self.check_waiter(waiter, &held, &waiting);
        }
        check_no_cycle(&waiting);
    }

    fn note_arrivals(&mut self, waiting: &[LockInfo]) {
        let now: BTreeSet<(TxnId, Target)> =
            waiting.iter().map(|lock| (lock.txn, lock.target.clone())).collect();
        self.waits_since.retain(|wait, _| now.contains(wait));
        for wait in now {
            self.waits_since.entry(wait).or_insert(self.calls);
        }
    }

    /// That `waiter` waits for all it has to wait for, and for nobody else.
    fn check_waiter(&self, waiter: &LockInfo, held: &[LockInfo], waiting: &[LockInfo]) {
        let LockInfo { target, mode, txn, .. } = waiter;
        let named: BTreeSet<TxnId> = waiter.waits_for.iter().flatten().copied().collect();
        let by_others = held.iter().filter(|lock| lock.txn != *txn && blocks(lock, target, *mode));
        let must: BTreeSet<TxnId> = by_others.map(|lock| lock.txn).collect();
        assert!(!named.is_empty(), "{waiter:?} waits for nobody");
        assert!(named.is_superset(&must), "{waiter:?} must wait for {must:?}");
        let own: Vec<&LockInfo> = held.iter().filter(|lock| lock.txn == *txn).collect();
        let is_upgrade = own.iter().any(|lock| match &lock.target {
            Target::Range(of, held) => match target {
                Target::Range(stream, span) => {
                    of == stream && held.overlaps(*span) && !lock.mode.includes(*mode)
                }
                _ => false,
            },
            whole => whole == target,
        });
        let since = |lock: &LockInfo| self.waits_since[&(lock.txn, lock.target.clone())];
        for other in waiting.iter().filter(|other| other.txn != *txn && !must.contains(&other.txn)) {
            let conflicts = blocks(other, target, *mode) || blocks(waiter, &other.target, other.mode);
            let waits_for_own = own.iter().any(|lock| blocks(lock, &other.target, other.mode));
            if !conflicts || waits_for_own {
                assert!(!named.contains(&other.txn), "{waiter:?} need not wait for {other:?}");
            } else if since(other) < since(waiter) && !is_upgrade {
                assert!(named.contains(&other.txn), "{waiter:?} overtakes {other:?}");
            }
        }
        let known = |id: &TxnId| must.contains(id) || waiting.iter().any(|other| other.txn == *id);
        assert!(named.iter().all(known), "{waiter:?} waits for who is not there");
    }
}

/// Whether the locks that `txn` holds give it `mode` on `target`, point by point.
fn is_covered(held: &[LockInfo], txn: TxnId, target: &Target, mode: Mode) -> bool {
    let own: Vec<&LockInfo> = held.iter().filter(|lock| lock.txn == txn).collect();
    let is_below = |lock: &LockInfo| lock.mode == X || (lock.mode.includes(S) && matches!(mode, IS | S));
    let is_above = |lock: &LockInfo| match (&lock.target, target) {
        (Target::Database, other) => *other != Target::Database,
        (Target::Stream(a), Target::Range(b, _)) => a == b,
        _ => false,
    };
    if own.iter().any(|lock| is_above(lock) && is_below(lock)) {
        return true;
    }
    let Target::Range(stream, span) = target else {
        return own.iter().any(|lock| lock.target == *target && lock.mode.includes(mode));
    };
    (0..POINTS).filter(|point| has_point(*span, *point)).all(|point| {
        own.iter().any(|lock| {
            matches!(&lock.target, Target::Range(of, held) if of == stream && has_point(*held, point))
                && lock.mode.includes(mode)
        })
    })
}

fn check_cycle(cycle: &Cycle) {
    assert!(cycle.links.len() >= 2, "{cycle}");
    for (at, link) in cycle.links.iter().enumerate() {
        assert_eq!(link.waits_for, cycle.links[(at + 1) % cycle.links.len()].txn, "{cycle}");
    }
    assert_eq!(cycle.links.iter().map(|link| link.txn).max(), Some(cycle.victim));
}

/// That those who wait can be crossed out one by one, each when it waits for nobody who is left.
fn check_no_cycle(waiting: &[LockInfo]) {
    let mut left: Vec<&LockInfo> = waiting.iter().collect();
    loop {
        let ids: BTreeSet<TxnId> = left.iter().map(|lock| lock.txn).collect();
        let before = left.len();
        left.retain(|lock| lock.waits_for.iter().flatten().any(|other| ids.contains(other)));
        if left.is_empty() {
            return;
        }
        assert!(left.len() < before, "a cycle was not reported: {left:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nothing_excluded_nothing_lost_nobody_forgotten(
        ranges_max in prop::sample::select(vec![0, 1, 2, 3, 64]),
        ops in vec(any_op(), 1..80),
    ) {
        let mut table = LockTable::new(ranges_max);
        let mut model = Model::default();
        for op in ops {
            model.run(&mut table, op);
        }
        for txn in 0..TXNS {
            model.run(&mut table, Op::End(txn));
        }
        prop_assert!(table.is_idle());
        prop_assert_eq!(table.picture().locks, vec![]);
    }
}
