//! Release, cancelling, idleness.

use super::*;

#[test]
fn an_end_wakes_from_the_top_down_and_in_order() {
    let mut t = Tester::new();
    t.gets(1, &name("a"), X);
    t.gets(1, &name("b"), X);
    t.gets(1, &bytes(0, 10), X);
    t.gets(1, &bytes(20, 30), X);
    t.waits(2, &bytes(25, 26), S, &[1]);
    t.waits(3, &bytes(5, 6), S, &[1]);
    t.waits(4, &STREAM, S, &[1]);
    t.waits(5, &name("b"), S, &[1]);
    t.waits(6, &name("a"), S, &[1]);
    t.waits(7, &DATABASE, S, &[1]);
    assert_eq!(t.end(1), [7, 6, 5, 4, 3, 2]);
    for txn in 2..=7 {
        t.end(txn);
    }
    assert!(t.table.is_idle());
    assert_eq!(t.table.picture().locks, []);
}

#[test]
fn a_wait_over_all_levels_ends_with_the_last() {
    let mut t = Tester::new();
    t.gets(1, &DATABASE, S);
    t.gets(2, &STREAM, S);
    t.gets(3, &bytes(0, 10), S);
    t.waits(4, &bytes(0, 10), X, &[1]);
    assert_eq!(t.end(1), []);
    assert_eq!((t.shown(4, &DATABASE), t.shown(4, &STREAM)), ("IX".into(), "IX?".into()));
    assert_eq!(t.end(2), []);
    assert_eq!((t.shown(4, &STREAM), t.shown(4, &bytes(0, 10))), ("IX".into(), "X?".into()));
    assert_eq!(t.end(3), [4]);
    assert_eq!(t.table.counters().waits, 3);
}

#[test]
fn cancelling_lets_through_who_waited_behind() {
    for target in [STREAM, name("a"), bytes(0, 10)] {
        let mut t = Tester::new();
        t.gets(1, &target, S);
        t.waits(2, &target, X, &[1]);
        t.waits(3, &target, S, &[2]);
        assert_eq!(t.cancel(2), [3]);
        assert!(!t.table.is_waiting(TxnId(2)));
        // Nothing to cancel any more.
        assert_eq!(t.cancel(2), []);
        assert_eq!(t.cancel(3), []);
        assert!(t.covers(3, &target, S));
    }
}

#[test]
fn an_end_while_waiting_is_a_cancel_too() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.gets(2, &name("a"), X);
    t.waits(2, &bytes(0, 10), X, &[1]);
    t.waits(3, &bytes(0, 10), S, &[2]);
    t.waits(4, &name("a"), X, &[2]);
    assert_eq!(t.end(2), [3, 4]);
}

#[test]
fn nobody_hears_of_a_transaction_that_has_ended() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, X);
    t.gets(2, &name("a"), X);
    t.waits(2, &STREAM, S, &[1]);
    let outcome = t.table.request(TxnId(1), &name("a"), S);
    assert!(matches!(outcome, Outcome::Waits { .. }));
    // The second was told to give way, has not heard, and ends for another reason.
    assert_eq!(granted(&t.table.release_all(TxnId(2))), [1]);
}

#[test]
fn a_victim_without_locks_leaves_nothing_behind() {
    let mut t = Tester::new();
    t.gets(1, &DATABASE, X);
    t.waits(2, &DATABASE, S, &[1]);
    assert_eq!(t.cancel(2), []);
    assert_eq!(t.end(1), []);
    assert!(t.table.is_idle());
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(99), [], "who never asked ends as well");
}

#[test]
fn waiting_on_does_not_make_a_table_busy_for_others() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), X);
    assert!(!t.table.is_idle());
    t.end(1);
    assert!(t.table.is_idle());
}
