//! Good histories pass, bad ones do not.

use std::sync::Arc;

use numstore::{Error, ErrorCode};

use crate::model::{Answer, Bytes, Edit, History, Step, Streams};

use super::*;

mod huge;
mod ledger;
mod opened;

/// A state with one stream `s` that holds `bytes`.
fn state(bytes: &[u8]) -> Streams {
    Streams::from([("s".to_owned(), Arc::new(bytes.to_vec()))])
}

/// Four states, of which the third is acknowledged.
fn history() -> History {
    let mut history = History::new(state(b"0"));
    history.commit(state(b"1"));
    history.commit(state(b"2"));
    history.acknowledge();
    history.commit(state(b"3"));
    history
}

fn read() -> Step {
    Step::Edit { name: "s".to_owned(), edit: Edit::Read { from: 0, to: 1 } }
}

fn answer(bytes: &[u8]) -> Result<Answer, Error> {
    Ok(Answer::Bytes(Bytes(bytes.to_vec())))
}

#[test]
fn recovery_may_keep_or_lose_what_was_not_acknowledged() {
    assert_eq!(check_recovery(&history(), &state(b"2")), Ok(2));
    assert_eq!(check_recovery(&history(), &state(b"3")), Ok(3));
}

#[test]
fn recovery_must_not_lose_what_was_acknowledged() {
    let finding = check_recovery(&history(), &state(b"1")).unwrap_err();
    assert_eq!(finding.judge, "durability");
}

#[test]
fn recovery_must_not_invent_or_mix_states() {
    for found in [state(b"4"), state(b"23"), Streams::new()] {
        assert_eq!(check_recovery(&history(), &found).unwrap_err().judge, "atomicity");
    }
    let mut extra = state(b"3");
    extra.insert("t".to_owned(), Arc::default());
    let finding = check_recovery(&history(), &extra).unwrap_err();
    assert!(finding.what.ends_with("stream \"t\" should not be there"), "{finding}");
}

#[test]
fn a_reader_sees_one_state_and_sticks_to_it() {
    let mut history = history();
    let mut reader = Durable::new(&history);
    reader.check(&mut history, &"", &read(), &answer(b"3")).unwrap();
    assert!(reader.check(&mut history, &"", &read(), &answer(b"2")).is_err());
}

#[test]
fn what_a_reader_was_shown_must_last() {
    let mut history = history();
    let mut reader = Durable::new(&history);
    reader.check(&mut history, &"", &read(), &answer(b"3")).unwrap();
    assert_eq!(check_recovery(&history, &state(b"2")).unwrap_err().judge, "durability");
}

#[test]
fn a_reader_must_not_see_what_is_older_than_the_last_acknowledgement() {
    let mut history = history();
    let mut reader = Durable::new(&history);
    assert!(reader.check(&mut history, &"", &read(), &answer(b"1")).is_err());
}

#[test]
fn answers_and_refusals_must_be_the_models() {
    let busy = || Err(Error::Busy { what: String::new() });
    let right = Ok(Answer::Done);
    assert!(check_answer(&"", &Ok(Answer::Done), &right).is_ok());
    assert!(check_answer(&"", &answer(b"1"), &right).is_err());
    assert!(check_answer(&"", &busy(), &right).is_err());
    assert!(check_answer(&"", &busy(), &Err(vec![ErrorCode::Busy])).is_ok());
    assert!(check_answer(&"", &busy(), &Err(vec![ErrorCode::NoSuchStream])).is_err());
    assert!(check_answer(&"", &Ok(Answer::Done), &Err(vec![ErrorCode::Busy])).is_err());
}

#[test]
fn an_audit_objects_to_each_thing_that_can_be_wrong() {
    let good = Audit {
        counted: (2, 100),
        read: (2, 100),
        blocks: (10, 5),
        file_blocks: 15,
        log: (20480, Some(20480)),
        ..Audit::default()
    };
    assert_eq!(check_audit(&good), Ok(()));
    let bad = [
        Audit { problems: vec!["blocks 3..4, behind a stream, belong to nobody".to_owned()], ..good.clone() },
        Audit {
            problems: vec!["blocks 3..4 belong to a stream and to the names".to_owned()],
            ..good.clone()
        },
        Audit { counted: (2, 99), ..good.clone() },
        Audit { counted: (3, 100), ..good.clone() },
        Audit { blocks: (10, 6), ..good.clone() },
        Audit { transactions: 1, ..good.clone() },
        Audit { snapshots: 1, ..good.clone() },
        Audit { locks: vec!["stream 1 of 5".to_owned()], ..good.clone() },
        Audit { log: (20480, Some(16384)), ..good.clone() },
        Audit { log: (20480, None), ..good.clone() },
        Audit { log_error: Some("corruption".to_owned()), ..good },
    ];
    for audit in bad {
        assert_eq!(check_audit(&audit).unwrap_err().judge, "audit", "{audit:?}");
    }
}

#[test]
fn everything_ends_when_no_fault_is_left() {
    let ended = |ios, failed| Ended { what: "Rollback(1)".to_owned(), ios, failed };
    let quiet = |poisoned, calls| Quiet { poisoned, calls, ..Quiet::default() };
    assert_eq!(check_liveness(&quiet(false, vec![ended(10, None)])), Ok(()));
    assert_eq!(check_liveness(&quiet(true, vec![ended(0, Some(ErrorCode::Poisoned))])), Ok(()));
    let lost = quiet(false, vec![ended(9, Some(ErrorCode::Corruption))]);
    assert_eq!(check_liveness(&Quiet { betrayed: true, ..lost.clone() }), Ok(()));
    let bad = [
        lost,
        quiet(false, vec![ended(0, Some(ErrorCode::Poisoned))]),
        quiet(false, vec![ended(9, Some(ErrorCode::Io))]),
        quiet(true, vec![ended(9, Some(ErrorCode::Io))]),
        quiet(false, vec![ended(1 << 20, None)]),
        Quiet { left: 1, ..Quiet::default() },
    ];
    for quiet in bad {
        assert_eq!(check_liveness(&quiet).unwrap_err().judge, "liveness", "{quiet:?}");
    }
}

#[test]
fn who_waits_for_ever_is_told_from_who_panics() {
    let judge = |said: &str| judge_panic(said.to_owned()).judge;
    assert_eq!(judge("deadlock: nobody can go on, and no deadline will come"), "liveness");
    assert_eq!(judge("task client 2: hang: 5000 I/O calls, more than allowed"), "liveness");
    assert_eq!(judge("index out of bounds at engine/src/a.rs:1:2"), "panic");
}

#[test]
fn nobody_may_wait_until_the_time_is_up_where_somebody_can_go_on() {
    assert_eq!(check_waits(None), Ok(()));
    let who = "client 2: transaction 7 wants the lock X on stream 1 [0..4] and waits for 5".to_owned();
    assert_eq!(check_waits(Some(who)).unwrap_err().judge, "waits");
}

#[test]
fn a_read_of_a_version_that_waits_is_found() {
    assert_eq!(check_readers(None), Ok(()));
    let fault = "a read of a version waits: in engine/src/api/snapshot.rs:60:9".to_owned();
    assert_eq!(check_readers(Some(fault)).unwrap_err().judge, "readers");
}
