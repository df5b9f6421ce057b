//! Many spans become few.

use super::*;

/// Spans of ten bytes. The gaps between them are 20, 20, 19 and 1 byte, over and over.
fn place(at: u64) -> Target {
    let start = at / 4 * 100 + [0, 30, 60, 89][at as usize % 4];
    bytes(start, start + 10)
}

fn spans_of(t: &Tester, txn: u64) -> usize {
    t.table.spans(TxnId(txn), StreamId(1), S).len()
}

#[test]
fn the_smallest_gaps_are_filled_first() {
    let mut t = Tester::with(LockTable::new(8));
    for at in 0..8 {
        t.gets(1, &place(at), X);
    }
    assert_eq!((spans_of(&t, 1), t.table.counters().escalations), (8, 0));
    t.gets(1, &place(8), X);
    assert_eq!(t.pieces(1), "X[0..40] X[60..110] X[130..140] X[160..210]");
    assert_eq!(t.table.counters().escalations, 1);
    t.gets(2, &bytes(110, 130), X);
}

#[test]
fn a_gap_where_another_one_holds_or_waits_stays_open() {
    let mut t = Tester::with(LockTable::new(4));
    for at in 0..4 {
        t.gets(1, &bytes(at * 10, at * 10 + 5), X);
    }
    t.gets(2, &bytes(6, 7), S);
    t.gets(3, &bytes(16, 17), S);
    t.waits(4, &bytes(16, 18), X, &[3]);
    t.gets(1, &bytes(40, 45), X);
    assert_eq!(t.pieces(1), "X[0..5] X[10..15] X[20..45]");
    assert_eq!(t.end(3), [4]);
    t.gets(5, &bytes(45, 50), X);
}

#[test]
fn a_gap_that_somebody_waits_for_stays_open() {
    let mut t = Tester::with(LockTable::new(4));
    for at in 0..4 {
        t.gets(1, &bytes(at * 10, at * 10 + 5), X);
    }
    t.gets(2, &bytes(6, 7), S);
    t.waits(3, &bytes(6, 18), X, &[1, 2]);
    t.gets(1, &bytes(40, 45), X);
    assert_eq!(t.pieces(1), "X[0..5] X[10..15] X[20..45]");
}

#[test]
fn if_nothing_can_be_widened_all_stays_as_it_is() {
    let mut t = Tester::with(LockTable::new(4));
    for at in 0..40 {
        t.gets(1, &bytes(at * 10, at * 10 + 5), X);
        t.gets(2, &bytes(at * 10 + 7, at * 10 + 8), S);
    }
    assert_eq!((spans_of(&t, 1), spans_of(&t, 2)), (40, 40));
    assert_eq!(t.table.counters().escalations, 0);
    assert_eq!(t.end(1), []);
    // Tried again after two more at the latest.
    for at in 40..43 {
        t.gets(2, &bytes(at * 10, at * 10 + 1), S);
    }
    assert!(spans_of(&t, 2) <= 4);
}

#[test]
fn readers_escalate_beside_readers() {
    let mut t = Tester::with(LockTable::new(8));
    for at in 0..300 {
        for txn in [1, 2] {
            t.gets(txn, &bytes(at * 10, at * 10 + 1), S);
        }
    }
    for txn in [1, 2] {
        assert_eq!((t.shown(txn, &STREAM), t.pieces(txn)), ("S".into(), String::new()));
        assert!(t.covers(txn, &bytes(0, 3000), S));
    }
}

#[test]
fn a_transaction_that_goes_on_gets_the_stream() {
    let mut t = Tester::with(LockTable::new(8));
    let mut at = 0;
    while t.shown(1, &STREAM) != "X" {
        t.gets(1, &bytes(at * 10, at * 10 + 1), if at % 3 == 0 { X } else { S });
        assert!(spans_of(&t, 1) <= 8);
        at += 1;
    }
    assert!((24..40).contains(&at), "after {at} spans");
    t.waits(2, &bytes(100_000, 100_001), S, &[1]);
}

#[test]
fn the_stream_is_not_taken_from_those_who_are_in_it_or_wait_for_it() {
    let mut t = Tester::with(LockTable::new(8));
    t.gets(2, &LENGTH, S);
    for at in 0..200 {
        t.gets(1, &bytes(at * 10, at * 10 + 1), X);
        assert_eq!(t.shown(1, &STREAM), "IX");
    }
    t.end(2);
    t.waits(3, &STREAM, U, &[1]);
    for at in 200..300 {
        t.gets(1, &bytes(at * 10, at * 10 + 1), X);
        assert_eq!(t.shown(1, &STREAM), "IX");
    }
    assert_eq!(t.end(1), [3]);
}

#[test]
fn writing_is_not_lost_between_spans_that_are_read() {
    let mut t = Tester::with(LockTable::new(4));
    let asked: Vec<(Target, Mode)> = (0..60)
        .map(|at| (bytes(at * 7 % 60 * 10, at * 7 % 60 * 10 + 4), if at % 2 == 0 { X } else { S }))
        .collect();
    for (target, mode) in &asked {
        t.gets(1, target, *mode);
    }
    assert!(asked.iter().all(|(target, mode)| t.covers(1, target, *mode)));
}

#[test]
fn a_limit_of_nothing_is_allowed() {
    let mut t = Tester::with(LockTable::new(0));
    t.gets(1, &bytes(0, 1), S);
    t.gets(2, &bytes(5, 6), S);
    assert_eq!((t.shown(1, &STREAM), t.shown(2, &STREAM)), ("S".into(), "S".into()));
}
