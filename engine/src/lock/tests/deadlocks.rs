//! Deadlocks over two, three and more transactions, over all kinds of targets.

use super::*;

fn members(cycle: &Cycle) -> Vec<u64> {
    cycle.links.iter().map(|link| link.txn.0).collect()
}

#[test]
fn two_names_in_two_orders() {
    let mut t = Tester::new();
    t.gets(1, &name("a"), X);
    t.gets(2, &name("b"), X);
    t.waits(1, &name("b"), X, &[2]);
    let cycle = t.dies(2, &name("a"), X);
    assert_eq!(
        cycle.to_string(),
        "2 wants X on name \"a\", which 1 holds; 1 wants X on name \"b\", which 2 holds; 2 gives way"
    );
    assert_eq!(t.end(2), [1]);
}

#[test]
fn the_youngest_dies_even_if_it_only_waits() {
    let mut t = Tester::new();
    t.gets(7, &name("a"), X);
    t.gets(3, &bytes(0, 10), X);
    t.waits(7, &bytes(5, 6), S, &[3]);
    t.waits(3, &name("a"), S, &[7]);
    let [Event::Victim(cycle)] = &t.heard[..] else { panic!("{:?}", t.heard) };
    assert_eq!((cycle.victim, members(cycle)), (TxnId(7), vec![3, 7]));
    assert!(!t.table.is_waiting(TxnId(7)));
    // The victim keeps what it holds until it ends.
    assert!(t.covers(7, &name("a"), X));
    assert_eq!(t.end(7), [3]);
}

#[test]
fn three_over_names_streams_and_ranges() {
    let mut t = Tester::new();
    t.gets(1, &name("a"), X);
    t.gets(2, &suffix(100), X);
    t.gets(3, &Target::Stream(StreamId(2)), S);
    t.waits(1, &bytes(200, 300), S, &[2]);
    t.waits(2, &Target::Range(StreamId(2), Span::END), X, &[3]);
    let cycle = t.dies(3, &name("a"), S);
    assert_eq!(members(&cycle), [3, 1, 2]);
    let targets: Vec<String> =
        cycle.links.iter().map(|link| format!("{} {}", link.mode, link.target)).collect();
    assert_eq!(targets, ["S name \"a\"", "S stream 1 [200..300]", "IX stream 2"]);
    assert_eq!(t.end(3), [2]);
    assert_eq!(t.end(2), [1]);
}

#[test]
fn a_cycle_through_the_order_of_a_queue() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.gets(3, &name("a"), X);
    t.waits(2, &bytes(0, 10), X, &[1]);
    // Compatible with what is held, but not with who waits for that.
    t.waits(3, &bytes(0, 10), S, &[2]);
    t.waits(1, &name("a"), S, &[3]);
    let [Event::Victim(cycle)] = &t.heard[..] else { panic!("{:?}", t.heard) };
    assert_eq!((cycle.victim, members(cycle)), (TxnId(3), vec![1, 3, 2]));
    assert_eq!(cycle.links.iter().map(|link| link.queued).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(
        cycle.to_string(),
        "1 wants S on name \"a\", which 3 holds; 3 wants S on stream 1 [0..10], which 2 asked before; \
         2 wants X on stream 1 [0..10], which 1 holds; 3 gives way"
    );
    assert_eq!(t.end(3), [1]);
}

#[test]
fn a_cycle_through_the_queue_of_a_name() {
    let mut t = Tester::new();
    t.gets(1, &name("n"), S);
    t.gets(3, &bytes(0, 10), X);
    t.waits(2, &name("n"), X, &[1]);
    t.waits(3, &name("n"), S, &[2]);
    t.waits(1, &bytes(0, 10), X, &[3]);
    assert!(matches!(&t.heard[..], [Event::Victim(cycle)] if members(cycle) == [1, 3, 2]), "{:?}", t.heard);
}

#[test]
fn one_wait_that_closes_two_cycles_breaks_both() {
    let mut t = Tester::new();
    t.gets(1, &name("a"), X);
    t.gets(2, &bytes(0, 10), S);
    t.gets(3, &bytes(0, 10), S);
    t.waits(2, &name("a"), S, &[1]);
    t.waits(3, &name("a"), S, &[1]);
    t.waits(1, &bytes(5, 6), X, &[2, 3]);
    let victims: Vec<TxnId> = t.heard.iter().map(Event::txn).collect();
    assert_eq!(victims, [TxnId(2), TxnId(3)]);
    assert_eq!(t.table.counters().deadlocks, 2);
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(3), [1]);
}

#[test]
fn if_the_requester_is_the_youngest_of_one_cycle_nobody_else_dies() {
    let mut t = Tester::new();
    // 5 is about to wait for 2 and for 9, which both wait for it. The way over 9 is shorter, but on that over 2 and 3
    // it is the youngest itself, and its end breaks both.
    t.gets(5, &name("a"), X);
    t.gets(3, &name("b"), X);
    t.gets(2, &bytes(0, 10), S);
    t.gets(9, &bytes(0, 10), S);
    t.waits(9, &name("a"), S, &[5]);
    t.waits(2, &name("b"), S, &[3]);
    t.waits(3, &name("a"), S, &[5]);
    let cycle = t.dies(5, &bytes(5, 6), X);
    assert_eq!(members(&cycle), [5, 2, 3]);
    assert_eq!(t.heard, []);
    assert_eq!(t.end(5), [9, 3]);
    assert_eq!(t.end(3), [2]);
}

#[test]
fn a_deadlock_further_down_is_seen_when_a_grant_leads_there() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, SIX);
    t.gets(1, &bytes(0, 10), X);
    t.gets(9, &STREAM, IS);
    t.gets(4, &name("a"), X);
    // 4 waits with its intention, behind 1; under it lies a range that 9 is going to hold.
    t.waits(4, &bytes(50, 60), X, &[1]);
    t.gets(9, &bytes(50, 60), S);
    t.waits(9, &name("a"), S, &[4]);
    let events = t.table.release_all(TxnId(1));
    t.check();
    let [Event::Victim(cycle)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((cycle.victim, members(cycle)), (TxnId(9), vec![4, 9]));
    assert_eq!(t.end(9), [4]);
}

#[test]
fn a_chain_is_no_cycle() {
    let mut t = Tester::new();
    for txn in 1..50 {
        t.gets(txn, &name(&txn.to_string()), X);
    }
    for txn in 2..50 {
        t.waits(txn, &name(&(txn - 1).to_string()), S, &[txn - 1]);
    }
    assert_eq!(t.table.counters().deadlocks, 0);
    t.waits(1, &name("49"), S, &[49]);
    assert!(matches!(&t.heard[..], [Event::Victim(cycle)] if cycle.links.len() == 49));
}
