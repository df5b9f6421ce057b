//! Histories that an order explains, and histories that none does.

use std::sync::Arc;

use numstore::ErrorCode;

use crate::model::{Answer, Asked, Bytes, Concurrent, Edit, Ending, Got, Look, Span, Step, Streams, Txn};

use super::*;

const DURABLE: Ending = Ending::Committed { durable: true };
const DEFERRED: Ending = Ending::Committed { durable: false };

fn state(pairs: &[(&str, &[u8])]) -> Streams {
    pairs.iter().map(|(name, bytes)| ((*name).to_owned(), Arc::new(bytes.to_vec()))).collect()
}

fn edit(name: &str, edit: Edit) -> Step {
    Step::Edit { name: name.to_owned(), edit }
}

fn append(name: &str, data: &[u8]) -> (Step, Got) {
    (edit(name, Edit::Append { data: Bytes(data.to_vec()) }), Ok(Answer::Done))
}

fn len(name: &str, len: u64) -> (Step, Got) {
    (edit(name, Edit::Len), Ok(Answer::Len(len)))
}

fn list(lens: &[(&str, u64)]) -> (Step, Got) {
    let lens = lens.iter().map(|(name, len)| ((*name).to_owned(), *len)).collect();
    (Step::List, Ok(Answer::Streams(lens)))
}

fn asked(span: Span, all: Vec<(Step, Got)>) -> Vec<Asked> {
    all.into_iter().map(|(step, got)| Asked { step, got: Some(got), span }).collect()
}

/// A transaction that began at `begun`, did everything right then, and ended in a call from `from` to `to`.
fn txn(begun: u64, from: u64, to: u64, ending: Ending, all: Vec<(Step, Got)>) -> Txn {
    let span = Span { from: begun, to: begun };
    Txn { client: begun, begun: span, asked: asked(span, all), end: Span { from, to }, ending, order: None }
}

fn look(from: u64, to: u64, all: Vec<(Step, Got)>) -> Look {
    let taken = Span { from, to };
    Look { client: from, taken, asked: asked(taken, all) }
}

/// Begins with the streams `s` and `t`, both empty.
fn history(txns: Vec<Txn>) -> Concurrent {
    Concurrent { base: vec![state(&[("s", b""), ("t", b"")])], txns, ..Concurrent::default() }
}

fn assert_bad(judge: &str, verdict: Result<Serial, Finding>) {
    let finding = verdict.expect_err("a finding");
    assert_eq!(finding.judge, judge, "{finding}");
}

#[test]
fn who_returns_first_need_not_have_committed_first() {
    let first = txn(1, 10, 20, DURABLE, vec![append("s", b"a")]);
    let other = |from, to| txn(9, from, to, DURABLE, vec![len("s", 1), append("s", b"b")]);
    // The second one read what the first one wrote, and its call returned before that of the first.
    let serial = check_serial(&history(vec![other(11, 15), first.clone()]), None).unwrap();
    assert_eq!((serial.order, serial.decided), (vec![(1, true), (0, true)], true));
    assert_eq!(serial.state, state(&[("s", b"ab"), ("t", b"")]));
    // The same, but it returned before the first one began to commit.
    assert_bad("serialisability", check_serial(&history(vec![other(5, 9), first]), None));
}

#[test]
fn an_update_must_not_be_lost() {
    let both = [(1, 10, 20), (2, 11, 15)]
        .map(|(begun, from, to)| txn(begun, from, to, DURABLE, vec![len("s", 0), append("s", b"x")]));
    assert_bad("serialisability", check_serial(&history(both.to_vec()), None));
}

#[test]
fn what_was_committed_must_be_seen() {
    let write = txn(1, 2, 3, DEFERRED, vec![append("s", b"a")]);
    let read = |len_seen| txn(5, 6, 7, DURABLE, vec![len("s", len_seen)]);
    assert!(check_serial(&history(vec![write.clone(), read(1)]), None).is_ok());
    assert_bad("serialisability", check_serial(&history(vec![write, read(0)]), None));
}

#[test]
fn a_transaction_must_not_see_two_states() {
    let write = txn(2, 3, 4, DURABLE, vec![append("s", b"a"), append("t", b"a")]);
    let mixed = txn(1, 5, 9, DURABLE, vec![len("s", 0), len("t", 1)]);
    assert_bad("serialisability", check_serial(&history(vec![write, mixed]), None));
}

#[test]
fn an_undone_transaction_saw_one_state_too() {
    let write = txn(2, 3, 4, DURABLE, vec![append("s", b"a")]);
    let undone = |len_seen| txn(3, 3, Span::NEVER, Ending::Undone, vec![len("s", len_seen)]);
    assert!(check_serial(&history(vec![write.clone(), undone(0)]), None).is_ok());
    assert!(check_serial(&history(vec![write.clone(), undone(1)]), None).is_ok());
    // Nobody ever committed that.
    assert_bad("serialisability", check_serial(&history(vec![write, undone(2)]), None));
}

#[test]
fn what_was_undone_must_not_be_seen() {
    let undone = txn(1, 5, 6, Ending::Undone, vec![append("s", b"a")]);
    let reader = txn(2, 7, 8, DURABLE, vec![len("s", 1)]);
    assert_bad("serialisability", check_serial(&history(vec![undone, reader]), None));
}

#[test]
fn a_commit_in_doubt_has_happened_or_not() {
    let doubtful = txn(1, 2, 3, Ending::InDoubt, vec![append("s", b"a")]);
    let history = Concurrent { faulty: true, ..history(vec![doubtful]) };
    for found in [state(&[("s", b"a"), ("t", b"")]), state(&[("s", b""), ("t", b"")])] {
        assert!(check_serial(&history, Some(&found)).is_ok());
    }
    assert_bad("serial recovery", check_serial(&history, Some(&state(&[("s", b"aa"), ("t", b"")]))));
}

#[test]
fn a_call_without_an_answer_was_done_or_not() {
    let mut cut = txn(1, 1, Span::NEVER, Ending::InDoubt, vec![append("s", b"a")]);
    cut.asked[0].got = None;
    let history = Concurrent { faulty: true, ..history(vec![cut]) };
    for found in [state(&[("s", b"a"), ("t", b"")]), state(&[("s", b""), ("t", b"")])] {
        assert!(check_serial(&history, Some(&found)).is_ok());
    }
}

#[test]
fn what_is_found_has_everything_that_was_acknowledged() {
    let deferred = txn(1, 2, 3, DEFERRED, vec![append("s", b"a")]);
    let durable = txn(4, 5, 6, DURABLE, vec![append("t", b"b")]);
    let later = txn(7, 8, 9, DEFERRED, vec![append("s", b"c")]);
    let history = history(vec![deferred, durable, later]);
    for (s, t, good) in
        [("a", "b", true), ("ac", "b", true), ("", "b", false), ("a", "", false), ("", "", false)]
    {
        let found = state(&[("s", s.as_bytes()), ("t", t.as_bytes())]);
        let verdict = check_serial(&history, Some(&found));
        assert_eq!(verdict.is_ok(), good, "{s} {t}");
    }
}

#[test]
fn what_was_shown_as_durable_lasts() {
    let deferred = txn(1, 2, 3, DEFERRED, vec![append("s", b"a")]);
    let shown = Concurrent { looks: vec![look(4, 5, vec![len("s", 1)])], ..history(vec![deferred]) };
    assert!(check_serial(&shown, Some(&state(&[("s", b"a"), ("t", b"")]))).is_ok());
    assert_bad("serial recovery", check_serial(&shown, Some(&state(&[("s", b""), ("t", b"")]))));
}

#[test]
fn durable_versions_never_go_back() {
    let commit = txn(1, 2, 20, DURABLE, vec![append("s", b"a")]);
    let looks = |one, two| vec![look(4, 5, vec![len("s", one)]), look(6, 7, vec![len("s", two)])];
    for (one, two, good) in [(0, 0, true), (0, 1, true), (1, 1, true), (1, 0, false)] {
        let history = Concurrent { looks: looks(one, two), ..history(vec![commit.clone()]) };
        assert_eq!(check_serial(&history, None).is_ok(), good, "{one} {two}");
    }
}

#[test]
fn a_durable_version_before_the_first_commit_may_be_an_older_one() {
    let older = state(&[("s", b"")]);
    let mut history = history(Vec::new());
    history.base.insert(0, older.clone());
    history.looks = vec![look(1, 2, vec![list(&[("s", 0)])])];
    assert!(check_serial(&history, Some(&older)).is_ok());
    history.looks = vec![look(1, 2, vec![list(&[("t", 0)])])];
    assert_bad("serialisability", check_serial(&history, None));
}

#[test]
fn a_list_holds_until_its_transaction_ends() {
    let writer = |from, to| txn(1, from, to, DURABLE, vec![append("s", b"a")]);
    let lists = |lens: &[(&str, u64)]| txn(2, 30, 31, DURABLE, vec![list(lens)]);
    let behind = lists(&[("s", 1), ("t", 0)]);
    assert!(check_serial(&history(vec![writer(10, 20), behind.clone()]), None).is_ok());
    // What it shows was true once, and is not where it ends.
    let before = lists(&[("s", 0), ("t", 0)]);
    assert_bad("serialisability", check_serial(&history(vec![writer(10, 20), before.clone()]), None));
    // Side by side either may have been first, but the list is of one moment.
    assert!(check_serial(&history(vec![writer(10, 40), before]), None).is_ok());
    let mixed = lists(&[("s", 1), ("t", 1)]);
    assert_bad("serialisability", check_serial(&history(vec![writer(10, 40), mixed]), None));
    // It shows the transaction's own changes.
    let own = txn(3, 30, 31, DURABLE, vec![append("t", b"bb"), list(&[("s", 1), ("t", 2)])]);
    assert!(check_serial(&history(vec![writer(10, 20), own]), None).is_ok());
}

#[test]
fn what_a_transaction_was_shown_lasts() {
    let writer = txn(1, 10, Span::NEVER, Ending::InDoubt, vec![append("s", b"a")]);
    let reader = txn(15, 30, 31, Ending::Undone, vec![len("s", 1)]);
    let (old, new) = (state(&[("s", b""), ("t", b"")]), state(&[("s", b"a"), ("t", b"")]));
    let record = history(vec![writer.clone(), reader]);
    assert!(check_serial(&record, Some(&new)).is_ok());
    assert_bad("serial recovery", check_serial(&record, Some(&old)));
    // Nobody has been shown anything, or something was left for later.
    assert!(check_serial(&history(vec![writer.clone()]), Some(&old)).is_ok());
    let later = txn(5, 6, 7, DEFERRED, vec![append("t", b"b")]);
    let reader = txn(8, 9, 9, Ending::Undone, vec![len("t", 1)]);
    assert!(check_serial(&history(vec![later, writer, reader]), Some(&old)).is_ok());
}

#[test]
fn a_refusal_needs_somebody_in_the_way() {
    let busy = |step: Step| (step, Err(ErrorCode::Busy));
    let refused = txn(5, 6, 7, DURABLE, vec![busy(edit("s", Edit::Len))]);
    let owner = |end, name: &str| txn(1, 3, end, DURABLE, vec![append(name, b"a")]);
    assert!(check_serial(&history(vec![owner(9, "s"), refused.clone()]), None).is_ok());
    for bad in [owner(4, "s"), owner(9, "t")] {
        assert_bad("serialisability", check_serial(&history(vec![bad, refused.clone()]), None));
    }
}

#[test]
fn an_error_of_the_disk_needs_a_fault() {
    let failed = (edit("s", Edit::Len), Err(ErrorCode::Io));
    let bad = history(vec![txn(1, 2, 3, Ending::Undone, vec![failed])]);
    assert_bad("serialisability", check_serial(&bad, None));
    assert!(check_serial(&Concurrent { faulty: true, ..bad }, None).is_ok());
}

#[test]
fn the_engines_own_order_holds() {
    let ordered = |begun, order, all| Txn { order: Some(order), ..txn(begun, 10, 20, DURABLE, all) };
    let write = |order| ordered(1, order, vec![append("s", b"a")]);
    let read = |order| ordered(2, order, vec![len("s", 1)]);
    assert!(check_serial(&history(vec![write(1), read(2)]), None).is_ok());
    assert_bad("serialisability", check_serial(&history(vec![write(2), read(1)]), None));
}

#[test]
fn two_orders_are_told_apart_by_what_is_found() {
    let insert = |data: &[u8]| {
        let data = Bytes(data.to_vec());
        (edit("s", Edit::Insert { at: 0, data }), Ok(Answer::Done))
    };
    let both = vec![txn(1, 1, 9, DURABLE, vec![insert(b"a")]), txn(2, 2, 8, DURABLE, vec![insert(b"b")])];
    for (found, good) in [("ab", true), ("ba", true), ("a", false)] {
        let verdict =
            check_serial(&history(both.clone()), Some(&state(&[("s", found.as_bytes()), ("t", b"")])));
        assert_eq!(verdict.is_ok(), good, "{found}");
    }
}

#[test]
fn a_search_that_takes_too_long_claims_nothing() {
    // Each one fits in front of each other one, and nothing ever leaves what is found.
    let insert = |at: u64| {
        let data = Bytes(vec![at as u8]);
        txn(at, 1, 99, DURABLE, vec![(edit("s", Edit::Insert { at: 0, data }), Ok(Answer::Done))])
    };
    let all = history((2..14).map(insert).collect());
    let serial = check_serial(&all, Some(&state(&[("s", b"x")]))).unwrap();
    assert!(!serial.decided);
}

#[test]
fn looks_are_written_down_when_they_end_and_not_when_they_begin() {
    let commit = txn(5, 10, 20, DURABLE, vec![append("s", b"a")]);
    let looks = vec![look(4, 5, vec![len("s", 0)]), look(1, 2, vec![len("s", 0)])];
    assert!(check_serial(&Concurrent { looks, ..history(vec![commit]) }, None).is_ok());
}
