//! Who may overtake whom.

use super::*;

#[test]
fn a_writer_is_granted_though_readers_stream_in() {
    for target in [STREAM, name("a"), bytes(10, 20), LENGTH] {
        let mut t = Tester::new();
        t.gets(1, &target, S);
        t.waits(2, &target, X, &[1]);
        // As one reader leaves, two more are there.
        for reader in 3..30 {
            t.waits(reader, &target, S, &[2]);
        }
        assert_eq!(t.end(1), [2]);
        assert_eq!(t.end(2), (3..30).collect::<Vec<u64>>());
    }
}

#[test]
fn a_whole_reader_is_granted_though_intentions_to_write_stream_in() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), X);
    t.waits(2, &STREAM, S, &[1]);
    t.waits(3, &bytes(20, 30), X, &[2]);
    // Those who only read come in, and do not overtake by asking for more then.
    t.gets(4, &bytes(40, 50), S);
    t.waits(4, &bytes(40, 50), X, &[2]);
    assert_eq!(t.end(1), [2]);
    assert_eq!(t.end(2), [3, 4]);
}

#[test]
fn requests_wait_in_the_order_in_which_they_came() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 100), X);
    t.waits(2, &bytes(0, 10), X, &[1]);
    t.waits(3, &bytes(5, 20), X, &[1, 2]);
    t.waits(4, &bytes(15, 30), S, &[1, 3]);
    t.waits(5, &bytes(25, 40), S, &[1]);
    assert_eq!(t.end(1), [2, 5]);
    assert_eq!(t.end(2), [3]);
    assert_eq!(t.end(3), [4]);
}

#[test]
fn who_waits_does_not_stop_those_elsewhere() {
    let mut t = Tester::new();
    t.gets(1, &bytes(10, 20), S);
    t.waits(2, &suffix(15), X, &[1]);
    t.gets(3, &bytes(0, 15), S);
    t.gets(4, &bytes(0, 10), S);
    t.waits(5, &LENGTH, S, &[2]);
    t.waits(6, &bytes(5, 6), X, &[3, 4]);
    assert_eq!(t.end(1), [2]);
}

#[test]
fn who_is_waited_for_does_not_wait_behind_that() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 10), S);
    t.waits(2, &bytes(0, 100), X, &[1]);
    // No upgrade, and newer than the writer; but that one waits for it anyway.
    t.gets(1, &bytes(50, 60), S);
    t.gets(1, &LENGTH, S);
    t.gets(1, &bytes(90, 95), X);
    assert_eq!(t.end(1), [2]);
}

#[test]
fn compatible_requests_behind_a_writer_are_granted_together() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, X);
    t.waits(2, &STREAM, IS, &[1]);
    t.waits(3, &bytes(0, 10), X, &[1]);
    t.waits(4, &bytes(10, 20), X, &[1]);
    t.waits(5, &STREAM, U, &[1, 2, 3, 4]);
    t.waits(6, &bytes(5, 15), S, &[1, 5]);
    assert_eq!(t.end(1), [2, 3, 4]);
    assert_eq!(t.end(3), []);
    assert_eq!(t.end(4), [5]);
    assert_eq!(t.end(2), []);
    assert_eq!(t.end(5), [6]);
}

#[test]
fn an_update_request_is_granted_beside_a_reader_that_came_with_the_same_release() {
    let mut t = Tester::new();
    t.gets(1, &STREAM, X);
    t.waits(2, &STREAM, S, &[1]);
    t.waits(3, &STREAM, U, &[1, 2]);
    t.waits(4, &STREAM, S, &[1, 3]);
    assert_eq!(t.end(1), [2, 3]);
    assert_eq!(t.end(3), [4]);
}
