//! Good histories pass, bad ones do not.

use std::sync::Arc;

use numstore::{Error, ErrorCode};

use crate::model::{Answer, Bytes, Edit, History, Step, Streams};

use super::*;

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
