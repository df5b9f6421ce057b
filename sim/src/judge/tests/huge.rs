//! Streams that nobody reads as a whole, and calls that fail.

use numstore::Error;

use crate::judge::*;
use crate::model::{Sparse, SparseStreams};

const GIB: u64 = 1 << 30;

/// One stream of zeros, with these bytes at these places.
fn state(edits: &[(u64, &[u8])]) -> SparseStreams {
    let mut stream = Sparse::default();
    stream.append_fill(0, 4 * GIB);
    edits.iter().for_each(|(at, bytes)| stream.splice(*at, bytes.len() as u64, bytes));
    SparseStreams::from([("s".to_owned(), stream)])
}

/// What is found where the states below differ, if the database is in one of them.
fn found(state: &SparseStreams) -> HugeFound {
    let places = [(GIB, GIB + 4), (3 * GIB, 3 * GIB + 4)];
    let pieces = places.map(|(from, to)| (("s".to_owned(), from, to), state["s"].read(from, to)));
    let lens = state.iter().map(|(name, stream)| (name.clone(), stream.len())).collect();
    HugeFound { lens, pieces: pieces.into() }
}

fn io() -> Error {
    let source = std::io::ErrorKind::StorageFull.into();
    Error::Io { op: "write", file: "db/x.ns".into(), offset: 0, source }
}

fn damage() -> Error {
    Error::Corruption { file: "db/x.ns".into(), offset: 0, expected: "a".to_owned(), found: "b".to_owned() }
}

fn judge<T: std::fmt::Debug>(judged: Result<T, Finding>) -> &'static str {
    judged.unwrap_err().judge
}

#[test]
fn a_huge_state_is_one_of_those_that_may_be_there() {
    let states = [state(&[]), state(&[(GIB, b"abcd")]), state(&[(GIB, b"abcd"), (3 * GIB, b"efgh")])];
    let candidates: Vec<&SparseStreams> = states.iter().collect();
    for (at, state) in states.iter().enumerate() {
        assert_eq!(check_huge_state(&found(state), &candidates), Ok(at));
    }
    // What was acknowledged is lost; something was never there; half of the second commit came without the first.
    assert_eq!(judge(check_huge_state(&found(&states[0]), &candidates[1..])), "atomicity");
    for edits in [&[(GIB, &b"abcx"[..])][..], &[(3 * GIB, b"efgh")]] {
        let finding = check_huge_state(&found(&state(edits)), &candidates).unwrap_err();
        assert_eq!(finding.judge, "atomicity");
        assert!(finding.what.contains("differs in bytes 1073741824..1073741828"), "{finding}");
    }
}

#[test]
fn a_huge_state_has_the_right_streams_of_the_right_lengths() {
    let state = state(&[(GIB, b"abcd")]);
    let what = |found: HugeFound| check_huge_state(&found, &[&state]).unwrap_err().what;
    let mut longer = found(&state);
    longer.lens.insert("s".to_owned(), 4 * GIB + 1);
    assert!(what(longer).ends_with("\"s\" has 4294967297 bytes instead of 4294967296"));
    let mut more = found(&state);
    more.lens.insert("t".to_owned(), 1);
    assert!(what(more).ends_with("\"t\" has 1 bytes instead of 0"));
    assert!(what(HugeFound::default()).ends_with("\"s\" is missing"));
}

#[test]
fn calls_on_huge_streams_answer_what_they_should_or_meet_a_crash() {
    check_huge_answer("a read", b"ab", b"ab").unwrap();
    assert_eq!(judge(check_huge_answer("a read", b"ab", b"ac")), "answer");
    assert_eq!(check_huge_call("a commit", Ok(7), false), Ok(Some(7)));
    assert_eq!(check_huge_call::<()>("a commit", Err(io()), true), Ok(None));
    assert_eq!(judge(check_huge_call::<()>("a commit", Err(io()), false)), "answer");
}

#[test]
fn a_walk_that_finds_nothing_is_good() {
    check_problems(&[]).unwrap();
    let finding = check_problems(&["block 5 leaked".to_owned(), "block 6 too".to_owned()]).unwrap_err();
    assert_eq!((finding.judge, &finding.what[..]), ("audit", "block 5 leaked; block 6 too"));
}

#[test]
fn what_was_begun_fails_only_for_a_reason_that_is_not_a_full_disk() {
    let nothing = Befallen::default();
    let (failed, betrayed) = (Befallen { failed: true, ..nothing }, Befallen { betrayed: true, ..nothing });
    let full = Befallen { failed: true, only_full: true, ..nothing };
    let fails = |error: Error, befallen| check_failure(&"commit", false, &error, befallen);
    assert_eq!(fails(io(), failed), Ok(()));
    assert_eq!(fails(io(), betrayed), Ok(()));
    assert_eq!(fails(damage(), betrayed), Ok(()));
    assert_eq!(judge(fails(io(), nothing)), "answer");
    assert_eq!(judge(fails(damage(), failed)), "answer");
    assert_eq!(judge(fails(Error::NoSuchStream { name: "s".to_owned() }, betrayed)), "answer");
    assert_eq!(judge(fails(io(), full)), "full disk");
    // A last checkpoint may find no room.
    assert_eq!(check_failure(&"close", true, &io(), full), Ok(()));
}
