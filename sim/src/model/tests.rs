//! The model follows the rules of locks, savepoints and commit order.

use super::*;

fn edit(name: &str, edit: Edit) -> Step {
    Step::Edit { name: name.to_owned(), edit }
}

fn append(name: &str, bytes: &[u8]) -> Step {
    edit(name, Edit::Append { data: Bytes(bytes.to_vec()) })
}

fn create(name: &str) -> Step {
    Step::Create { name: name.to_owned() }
}

/// A model with one stream `a` that holds `0123456789`.
fn model() -> Model {
    let mut model = Model::default();
    *model.history_mut() = History::new(Streams::new());
    model.direct(&create("a")).unwrap();
    model.direct(&append("a", b"0123456789")).unwrap();
    model
}

fn bytes(model: &Model, name: &str) -> Vec<u8> {
    model.history().newest()[name].to_vec()
}

#[test]
fn edits_do_what_they_say() {
    let data = |bytes: &[u8]| Bytes(bytes.to_vec());
    let elements = Elements { start: 1, size: 2, stride: 2, count: 2 };
    let cases = [
        (Edit::Insert { at: 3, data: data(b"xx") }, &b"012xx3456789"[..]),
        (Edit::Write { at: 8, data: data(b"xxx") }, b"01234567xxx"),
        (Edit::Remove { from: 2, to: 9 }, b"019"),
        (Edit::Cut { from: 0, to: 1 }, b"123456789"),
        (Edit::Truncate { len: 4 }, b"0123"),
        (Edit::Splice { at: 1, delete: 8, data: data(b"-") }, b"0-9"),
        (Edit::WriteStrided(elements, data(b"abcd")), b"0ab34cd789"),
        (Edit::RemoveStrided(elements), b"034789"),
    ];
    for (edit, expected) in cases {
        let mut stream = b"0123456789".to_vec();
        edit.apply(&mut stream).unwrap();
        assert_eq!(stream, expected, "{edit:?}");
    }
    let read = Edit::ReadStrided(elements).apply(&mut b"0123456789".to_vec());
    assert_eq!(read, Ok(Answer::Bytes(data(b"1256"))));
}

#[test]
fn wrong_edits_change_nothing() {
    let elements = |size, stride, count| Elements { start: 0, size, stride, count };
    let cases = [
        (Edit::Insert { at: 4, data: Bytes(vec![0]) }, ErrorCode::OutOfBounds),
        (Edit::Remove { from: 2, to: 4 }, ErrorCode::OutOfBounds),
        (Edit::Truncate { len: 4 }, ErrorCode::OutOfBounds),
        (Edit::ReadStrided(elements(1, 2, 3)), ErrorCode::OutOfBounds),
        (Edit::ReadStrided(elements(1, 0, 1)), ErrorCode::InvalidArgument),
        (Edit::ReadStrided(elements(u64::MAX, 2, 2)), ErrorCode::InvalidArgument),
    ];
    for (edit, code) in cases {
        let mut stream = b"012".to_vec();
        assert_eq!(edit.apply(&mut stream), Err(code), "{edit:?}");
        assert_eq!(stream, b"012");
    }
}

#[test]
fn who_would_wait_is_busy() {
    let busy = Err(vec![ErrorCode::Busy]);
    let mut model = model();
    model.begin(1);
    model.begin(2);
    model.step(1, &edit("a", Edit::Len)).unwrap();
    assert_eq!(model.step(2, &append("a", b"x")), busy);
    assert_eq!(model.direct(&append("a", b"x")).map(|_| Answer::Done), busy);
    assert_eq!(model.step(1, &Step::List), busy, "the refused append has announced itself");
    assert_eq!(model.step(2, &edit("a", Edit::Write { at: 0, data: Bytes(vec![0; 10]) })), Ok(Answer::Done));
    assert_eq!(model.step(1, &edit("a", Edit::Read { from: 9, to: 10 })), busy);
    model.roll_back(1);
    assert_eq!(model.step(2, &append("a", b"x")), Ok(Answer::Done));
    assert_eq!(model.step(2, &Step::List), Ok(Answer::Streams(vec![("a".to_owned(), 11)])));
}

#[test]
fn writers_of_one_stream_keep_out_of_each_others_way() {
    let mut model = model();
    model.begin(1);
    model.begin(2);
    model.step(1, &edit("a", Edit::Write { at: 0, data: Bytes(b"xx".to_vec()) })).unwrap();
    model.step(2, &edit("a", Edit::Insert { at: 2, data: Bytes(b"--".to_vec()) })).unwrap();
    let read = edit("a", Edit::Read { from: 1, to: 4 });
    assert_eq!(model.step(1, &read), Err(vec![ErrorCode::Busy]));
    model.commit(1, false);
    assert_eq!(bytes(&model, "a"), b"xx23456789");
    assert_eq!(model.step(2, &read), Ok(Answer::Bytes(Bytes(b"x--".to_vec()))));
    model.commit(2, false);
    assert_eq!(bytes(&model, "a"), b"xx--23456789");
}

#[test]
fn uncommitted_changes_are_the_transactions_own() {
    let mut model = model();
    model.begin(1);
    model.step(1, &append("a", b"x")).unwrap();
    assert_eq!(bytes(&model, "a"), b"0123456789");
    assert!(model.commit(1, false));
    assert_eq!(bytes(&model, "a"), b"0123456789x");
}

#[test]
fn savepoints_take_changes_back_and_keep_ownership() {
    let mut model = model();
    model.begin(1);
    model.step(1, &append("a", b"x")).unwrap();
    model.step(1, &Step::Savepoint).unwrap();
    model.step(1, &create("b")).unwrap();
    model.step(1, &Step::Drop { name: "a".to_owned() }).unwrap();
    model.step(1, &Step::RollbackTo { index: 0 }).unwrap();
    assert!(model.is_busy(2, "b"));
    model.commit(1, false);
    assert_eq!(bytes(&model, "a"), b"0123456789x");
    assert!(!model.history().newest().contains_key("b"));
}

#[test]
fn edits_that_change_nothing_leave_a_transaction_idle() {
    let mut model = model();
    model.begin(1);
    let nothing = || Bytes(Vec::new());
    let edits = [
        Edit::Insert { at: 3, data: nothing() },
        Edit::Write { at: 3, data: nothing() },
        Edit::Cut { from: 2, to: 2 },
        Edit::Splice { at: 1, delete: 0, data: nothing() },
        Edit::Truncate { len: 10 },
        Edit::RemoveStrided(Elements { start: 0, size: 1, stride: 1, count: 0 }),
    ];
    for edit in edits {
        model.step(1, &Step::Edit { name: "a".to_owned(), edit }).unwrap();
    }
    assert!(model.transaction(1).is_idle());
    model.step(1, &Step::Edit { name: "a".to_owned(), edit: Edit::Truncate { len: 9 } }).unwrap();
    assert!(!model.transaction(1).is_idle());
}

#[test]
fn a_rename_takes_one_name_after_the_other() {
    let mut model = model();
    model.direct(&create("b")).unwrap();
    model.begin(1);
    model.begin(2);
    model.step(2, &Step::Exists { name: "b".to_owned() }).unwrap();
    let rename = Step::Rename { from: "a".to_owned(), to: "b".to_owned() };
    assert_eq!(model.step(1, &rename), Err(vec![ErrorCode::Busy]));
    assert!(model.is_busy(2, "a"), "what a call has got before it is refused it keeps");
    model.roll_back(2);
    assert_eq!(model.step(1, &rename), Err(vec![ErrorCode::StreamExists]));
}

#[test]
fn the_floor_rises_with_every_acknowledgement() {
    let mut model = model();
    assert_eq!(model.history().candidates(), 2..=2, "a call that returns lasts");
    for bytes in [b"x", b"y"] {
        model.begin(1);
        model.step(1, &append("a", bytes)).unwrap();
        assert!(model.commit(1, false));
    }
    assert_eq!(model.history().in_doubt(), 2);
    model.history_mut().shown(3);
    assert_eq!(model.history().candidates(), 3..=4);
    model.history_mut().acknowledge();
    assert_eq!(model.history().candidates(), 4..=4);
}

#[test]
fn a_commit_without_changes_makes_last_what_it_has_seen() {
    let mut model = model();
    let other = Step::Create { name: "other".to_owned() };
    for step in [append("a", b"x"), other, append("other", b"y")] {
        model.begin(1);
        model.step(1, &step).unwrap();
        model.commit(1, false);
    }
    assert_eq!(model.history().candidates(), 2..=5);
    for (step, floor) in [
        (Step::Savepoint, 2),
        (Step::Edit { name: "a".to_owned(), edit: Edit::Len }, 3),
        (Step::Exists { name: "other".to_owned() }, 4),
        (Step::List, 5),
    ] {
        model.begin(1);
        model.step(1, &step).unwrap();
        assert!(!model.commit(1, true));
        assert_eq!(model.history().candidates(), floor..=5, "{step:?}");
    }
}

#[test]
fn a_stride_that_takes_nothing_may_begin_at_the_end() {
    let elements = |start, size, stride, count| Edit::ReadStrided(Elements { start, size, stride, count });
    let ask = |edit: Edit| edit.apply(&mut vec![0; 10]);
    assert_eq!(ask(elements(10, 3, 2, 0)), Ok(Answer::Bytes(Bytes(Vec::new()))));
    assert_eq!(ask(elements(11, 3, 2, 0)), Err(ErrorCode::OutOfBounds));
    assert_eq!(ask(elements(0, u64::MAX, 2, 2)), Err(ErrorCode::InvalidArgument));
    assert_eq!(ask(elements(0, 1, 1, 0)), Ok(Answer::Bytes(Bytes(Vec::new()))));
}
