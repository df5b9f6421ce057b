//! Asking for more of what is held already.

use super::*;

#[test]
fn modes_add_up() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, S);
    t.gets(1, &STREAM, IX);
    assert_eq!(t.shown(1, &STREAM), "SIX");
    t.gets(2, &name("a"), U);
    t.gets(2, &name("a"), IX);
    assert_eq!(t.shown(2, &name("a")), "SIX");
    // SIX and IX on the way, IX once more for the name's IX; the database had IX from the start of U.
    assert_eq!(t.table.counters().upgrades, 3);
}

#[test]
fn an_upgrade_waits_for_other_holders_and_for_no_newcomer() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, S);
    t.gets(2, &STREAM, S);
    t.waits(3, &STREAM, X, &[1, 2]);
    t.waits(1, &STREAM, X, &[2]);
    assert_eq!(t.end(2), [1]);
    assert_eq!(t.end(1), [3]);
}

#[test]
fn an_upgrade_goes_before_those_who_wait_only_because_of_others() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, IS);
    t.gets(2, &STREAM, IX);
    t.waits(3, &STREAM, S, &[2]);
    // The newcomer waits for the second, not for the first; the first came before it all the same.
    t.gets(1, &STREAM, IX);
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(1), [3]);
}

#[test]
fn an_upgrade_does_not_overtake_who_was_there_before_its_transaction() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, IX);
    t.waits(2, &STREAM, S, &[1]);
    t.gets(3, &STREAM, IS);
    t.waits(3, &STREAM, IX, &[2]);
    assert_eq!(t.end(1), [2]);
    assert_eq!(t.end(2), [3]);
}

#[test]
fn two_readers_who_both_want_to_write_are_a_deadlock() {
    for target in [STREAM, name("a"), DATABASE, bytes(0, 10), suffix(7)] {
        let mut t = Tester::new();
        t.gets(1, &target, S);
        t.gets(2, &target, S);
        t.waits(1, &target, X, &[2]);
        let cycle = t.dies(2, &target, X);
        assert_eq!(cycle.links.len(), 2);
        assert_eq!(t.end(2), [1]);
    }
    // The other way round the one who waited dies.
    let mut t = Tester::new();
    t.gets(1, &STREAM, S);
    t.gets(2, &STREAM, S);
    t.waits(2, &STREAM, X, &[1]);
    t.waits(1, &STREAM, X, &[2]);
    assert!(matches!(&t.heard[..], [Event::Victim(cycle)] if cycle.victim == TxnId(2)), "{:?}", t.heard);
    assert_eq!(t.end(2), [1]);
}

#[test]
fn update_mode_prevents_that_deadlock() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, S);
    t.gets(2, &STREAM, U);
    t.waits(3, &STREAM, U, &[2]);
    // No new readers beside U, so the upgrade waits for a number that only shrinks.
    t.waits(4, &bytes(0, 1), S, &[2, 3]);
    t.waits(2, &STREAM, X, &[1]);
    assert_eq!(t.end(1), [2]);
    assert_eq!(t.end(2), [3]);
    assert_eq!(t.end(3), [4]);
    assert_eq!(t.table.counters().deadlocks, 0);
}

#[test]
fn reading_and_then_writing_bytes_is_an_upgrade() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.gets(2, &bytes(20, 30), X);
    t.waits(3, &bytes(5, 25), X, &[1, 2]);
    t.waits(4, &bytes(8, 20), S, &[3]);
    // Waits for nobody: the third waits for it, the fourth came later.
    t.gets(1, &bytes(0, 12), X);
    assert_eq!(t.pieces(1), "X[0..12]");
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(1), [3]);
    assert_eq!(t.end(3), [4]);
    // The intentions on database and stream, and the bytes.
    assert_eq!(t.table.counters().upgrades, 3);
}

#[test]
fn a_waiting_upgrade_goes_before_newcomers_who_wait() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.gets(2, &bytes(0, 10), S);
    t.waits(3, &bytes(0, 10), X, &[1, 2]);
    t.waits(1, &bytes(0, 10), X, &[2]);
    assert_eq!(t.end(2), [1]);
    assert_eq!(t.end(1), [3]);
}

#[test]
fn readers_who_wait_at_update_mode_come_in_when_it_becomes_less_strict() {
    for target in [STREAM, name("a"), DATABASE] {
        let mut t = Tester::new();
        t.gets(1, &target, U);
        t.waits(2, &target, IS, &[1]);
        t.waits(3, &target, S, &[1]);
        t.waits(4, &target, IS, &[1]);
        t.gets(1, &target, IX);
        assert_eq!(granted(&t.heard), [2, 4]);
        assert_eq!(t.end(1), [3]);
    }
}
