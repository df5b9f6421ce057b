//! Databases that are opened, damaged or written on: what they may say then.

use std::time::Duration;

use numstore::Error;

use crate::judge::*;
use crate::model::Streams;

use super::state;

fn damage() -> Error {
    Error::Corruption {
        file: "db/x.ns".into(),
        offset: 8192,
        expected: "a node".to_owned(),
        found: "another".to_owned(),
    }
}

fn io() -> Error {
    Error::Io { op: "read", file: "db/x.ns".into(), offset: 0, source: std::io::Error::other("it fails") }
}

fn poisoned() -> Error {
    Error::Poisoned { cause: "a sync failed".to_owned() }
}

fn missing(name: &str) -> Error {
    Error::NoSuchStream { name: name.to_owned() }
}

fn judge<T: std::fmt::Debug>(judged: Result<T, Finding>) -> &'static str {
    judged.unwrap_err().judge
}

/// A database with the streams `s` and `t`, and the one that it was before.
fn states() -> [Streams; 2] {
    let mut both = state(b"new");
    both.extend([("t".to_owned(), std::sync::Arc::new(b"t".to_vec()))]);
    [state(b"old"), both]
}

fn salvage(s: Result<&[u8], Error>, t: Result<&[u8], Error>) -> Salvage {
    let bytes = |got: Result<&[u8], Error>| got.map(<[u8]>::to_vec);
    Salvage { list: Ok(()), streams: vec![("s".to_owned(), bytes(s)), ("t".to_owned(), bytes(t))] }
}

#[test]
fn what_can_be_read_of_a_damaged_database_is_one_of_its_states() {
    let good = [
        salvage(Ok(b"new"), Ok(b"t")),
        salvage(Ok(b"old"), Err(missing("t"))),
        salvage(Err(damage()), Ok(b"t")),
        salvage(Err(damage()), Err(damage())),
        Salvage { list: Err(damage()), ..salvage(Ok(b"old"), Err(damage())) },
    ];
    for salvage in good {
        assert_eq!(check_salvage(&salvage, &states()), Ok(()), "{salvage:?}");
    }
    let bad = [
        // Bytes that never were, those of two states, streams that are gone or should be.
        salvage(Ok(b"odd"), Ok(b"t")),
        salvage(Ok(b"old"), Ok(b"t")),
        salvage(Ok(b"new"), Err(missing("t"))),
        salvage(Err(missing("s")), Err(damage())),
        // No error for damage.
        salvage(Err(io()), Ok(b"t")),
        Salvage { list: Err(poisoned()), ..salvage(Ok(b"old"), Err(damage())) },
    ];
    for salvage in bad {
        assert_eq!(judge(check_salvage(&salvage, &states())), "rot", "{salvage:?}");
    }
}

#[test]
fn only_what_answers_everything_is_complete() {
    assert!(salvage(Ok(b"old"), Err(missing("t"))).is_complete());
    assert!(!salvage(Ok(b"new"), Err(damage())).is_complete());
    assert!(!Salvage { list: Err(damage()), ..salvage(Ok(b"new"), Ok(b"t")) }.is_complete());
}

#[test]
fn a_disk_that_betrays_leaves_a_whole_database_or_one_that_says_so() {
    let open = |salvage, audit| Betrayed::Open { salvage, audit };
    let whole = || salvage(Ok(b"new"), Ok(b"t"));
    let log_missing = Error::LogMissing { file: "db/x.ns".into(), log: "db/x.ns-log-1".into() };
    let no_database = Error::NotADatabase { file: "db/x.ns".into(), reason: "no superblock".to_owned() };
    let good = [
        (open(whole(), Some(Ok(true))), true),
        (open(whole(), Some(Ok(false))), false),
        (open(whole(), Some(Err(damage()))), false),
        (open(salvage(Ok(b"new"), Err(damage())), None), false),
        (Betrayed::Refused(damage()), false),
        (Betrayed::Refused(log_missing), false),
        (Betrayed::Refused(no_database), false),
    ];
    for (betrayed, is_whole) in good {
        assert_eq!(check_betrayal(&betrayed, &states()), Ok(is_whole), "{betrayed:?}");
    }
    let bad = [
        open(salvage(Ok(b"old"), Ok(b"t")), Some(Ok(true))),
        open(whole(), Some(Err(io()))),
        Betrayed::Refused(io()),
        Betrayed::Refused(missing("s")),
    ];
    for betrayed in bad {
        assert_eq!(judge(check_betrayal(&betrayed, &states())), "rot", "{betrayed:?}");
    }
}

#[test]
fn after_a_failure_nothing_is_acknowledged_that_may_not_last() {
    let busy = || Error::Busy { what: String::new() };
    for settled in [true, false] {
        for refused in [poisoned(), io(), busy()] {
            assert_eq!(check_write_after_failure(settled, &Err(refused)), Ok(()));
        }
        assert_eq!(judge(check_write_after_failure(settled, &Err(damage()))), "poison");
        assert_eq!(judge(check_write_after_failure(settled, &Err(missing("s")))), "poison");
    }
    assert_eq!(check_write_after_failure(true, &Ok(())), Ok(()));
    assert_eq!(judge(check_write_after_failure(false, &Ok(()))), "poison");
}

#[test]
fn after_a_failure_nobody_reads_what_was_never_written() {
    for got in [Ok(()), Err(poisoned()), Err(io())] {
        assert_eq!(check_read_after_failure(&got), Ok(()));
    }
    assert_eq!(judge(check_read_after_failure::<()>(&Err(damage()))), "poison");
}

#[test]
fn only_damage_keeps_a_database_from_opening() {
    assert_eq!(check_refused_opening(Left::Rotten, &damage()), Ok(()));
    assert_eq!(judge(check_refused_opening(Left::Rotten, &io())), "rot");
    for e in [damage(), io()] {
        assert_eq!(judge(check_refused_opening(Left::Closed, &e)), "reopening");
        assert_eq!(judge(check_refused_opening(Left::Dead, &e)), "recovery");
    }
}

#[test]
fn a_database_that_was_closed_is_as_it_was() {
    let [old, new] = states();
    assert_eq!(check_reopening(&new, &new), Ok(()));
    for (closed, found) in [(&new, &old), (&old, &new), (&new, &Streams::new())] {
        assert_eq!(judge(check_reopening(closed, found)), "reopening");
    }
}

#[test]
fn an_open_database_is_locked_and_keeps_its_name() {
    assert_eq!(check_second_opening(&Err(Error::Locked { file: "db/x.ns".into() })), Ok(()));
    assert_eq!(judge(check_second_opening(&Ok(()))), "lock");
    assert_eq!(judge(check_second_opening(&Err(io()))), "lock");
    for (was_open, is_there) in [(false, false), (false, true), (true, true)] {
        assert_eq!(check_name(was_open, is_there), Ok(()));
    }
    assert_eq!(judge(check_name(true, false)), "durability");
}

#[test]
fn numbers_that_are_told_are_true() {
    let seconds = Duration::from_secs;
    assert_eq!(check_duration(seconds(2), seconds(2)), Ok(()));
    for told in [seconds(0), seconds(3)] {
        assert_eq!(judge(check_duration(told, seconds(2))), "counters");
    }
    assert_eq!(check_open_transactions(3, 3), Ok(()));
    for told in [2, 4] {
        assert_eq!(judge(check_open_transactions(3, told)), "counters");
    }
}

#[test]
fn a_log_that_nobody_needs_does_not_grow() {
    assert_eq!(check_log_growth(10_000, 10_000, 4096), Ok(()));
    assert_eq!(check_log_growth(10_000, 10_000 + 2 * 4096, 4096), Ok(()));
    assert_eq!(judge(check_log_growth(10_000, 10_000 + 2 * 4096 + 1, 4096)), "space");
}

#[test]
fn a_transaction_sees_what_is_durable_where_nothing_is_open() {
    let [old, new] = states();
    assert_eq!(check_views(&new, &new), Ok(()));
    assert_eq!(judge(check_views(&new, &old)), "reading");
}

#[test]
fn only_commits_are_in_doubt() {
    let in_doubt = Error::InDoubt { cause: "a sync failed".to_owned() };
    assert_eq!(check_doubt(&"a read", &io()), Ok(()));
    assert_eq!(judge(check_doubt(&"a read", &in_doubt)), "answer");
}

#[test]
fn clients_that_have_ended_leave_nothing_open() {
    assert_eq!(check_left(0, 0), Ok(()));
    for (transactions, snapshots) in [(1, 0), (0, 1)] {
        assert_eq!(judge(check_left(transactions, snapshots)), "liveness");
    }
}
