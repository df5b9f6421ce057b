//! The suffix rule: who may work beside whom in one stream.

use super::*;

#[test]
fn the_end_is_in_suffixes_and_in_no_bytes() {
    assert!(Span::suffix(0).has_end() && Span::suffix(u64::MAX).has_end() && Span::END.has_end());
    assert!(!Span::bytes(0, u64::MAX).unwrap().has_end());
    assert_eq!(Span::bytes(7, 7), None);
    assert_eq!(Span::suffix(u64::MAX), Span::END);
    assert_eq!(Span::suffix(0), Span::ALL);
    let shown = [Span::bytes(3, 9).unwrap(), Span::suffix(3), Span::END, Span::ALL];
    assert_eq!(shown.map(|span| span.to_string()), ["3..9", "3..end", "end", "0..end"]);
}

#[test]
fn overwrites_of_disjoint_bytes_never_wait() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), X);
    t.gets(2, &bytes(10, 20), X);
    t.gets(3, &bytes(20, 21), X);
    t.waits(4, &bytes(19, 30), X, &[2, 3]);
}

#[test]
fn an_insertion_does_not_wait_for_what_lies_before_it() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 50), X);
    t.gets(2, &bytes(50, 100), S);
    t.gets(3, &suffix(100), X);
    t.waits(4, &bytes(100, 101), S, &[3]);
}

#[test]
fn an_overwrite_behind_an_insertion_waits() {
    let mut t = Tester::new();
    t.gets(1, &suffix(100), X);
    t.gets(2, &bytes(0, 100), X);
    t.waits(3, &bytes(1_000_000, 1_000_001), X, &[1]);
    assert_eq!(t.end(1), [3]);
}

#[test]
fn one_transaction_at_a_time_shifts_bytes() {
    let mut t = Tester::new();
    t.gets(1, &suffix(u64::MAX - 1), X);
    t.waits(2, &suffix(0), X, &[1]);
    t.waits(3, &suffix(500), X, &[1, 2]);
    assert_eq!(t.end(1), [2]);
    assert_eq!(t.end(2), [3]);
}

#[test]
fn the_length_waits_for_what_shifts_and_for_nothing_else() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, u64::MAX), X);
    t.gets(2, &LENGTH, S);
    t.gets(3, &LENGTH, S);
    t.waits(4, &suffix(u64::MAX), X, &[2, 3]);
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(3), [4]);
    t.waits(5, &LENGTH, S, &[4]);
}

#[test]
fn a_stream_that_is_read_whole_shuts_writers_out_and_readers_not() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, S);
    t.gets(2, &bytes(0, 10), S);
    t.waits(3, &bytes(0, 10), X, &[1]);
    assert_eq!(t.shown(3, &STREAM), "IX?");
    assert_eq!(t.end(1), []);
    assert_eq!(t.shown(3, &bytes(0, 10)), "X?", "it went on to the range and waits there");
    assert_eq!(t.end(2), [3]);
}

#[test]
fn intentions_come_with_a_request() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    assert_eq!((t.shown(1, &DATABASE), t.shown(1, &STREAM)), ("IS".into(), "IS".into()));
    t.gets(1, &suffix(90), X);
    assert_eq!((t.shown(1, &DATABASE), t.shown(1, &STREAM)), ("IX".into(), "IX".into()));
    t.gets(2, &name("a"), X);
    assert_eq!(t.shown(2, &DATABASE), "IX");
    t.gets(3, &name("b"), U);
    assert_eq!(t.shown(3, &DATABASE), "IX");
    t.waits(4, &DATABASE, S, &[1, 2, 3]);
}

#[test]
fn a_lock_higher_up_covers_what_is_below() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.gets(1, &bytes(50, 60), X);
    t.gets(1, &STREAM, S);
    assert_eq!((t.shown(1, &STREAM), t.pieces(1)), ("SIX".into(), "X[50..60]".into()));
    t.gets(1, &bytes(0, 50), S);
    t.gets(1, &bytes(60, 70), X);
    assert_eq!(t.pieces(1), "X[50..70]");
    assert_eq!(t.table.spans(TxnId(1), StreamId(1), S), [Span::ALL]);
    t.gets(1, &STREAM, X);
    assert_eq!((t.shown(1, &STREAM), t.pieces(1)), ("X".into(), String::new()));
    t.gets(1, &suffix(0), X);
    assert_eq!(t.pieces(1), "");
    assert_eq!(t.table.spans(TxnId(1), StreamId(1), X), [Span::ALL]);
    t.end(1);
    t.gets(2, &DATABASE, X);
    t.gets(2, &suffix(5), X);
    t.gets(2, &name("a"), X);
    assert_eq!(t.table.picture().locks.len(), 1);
}
