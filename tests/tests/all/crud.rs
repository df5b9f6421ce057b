//! One call at a time: what each does at its edges, and which error it gives beyond them.
//!
//! Why: these are the promises of the documentation, one by one. How: the implicit transactions of `Database` on the
//! simulated disk, with literal bytes; after each error the stream is as it was.

use numstore::{Database, Error, ErrorCode, Stride};
use sim::world::SimEnv;
use tests::{Lab, noise, small};

/// A database with one stream `s` that holds `bytes`.
fn stream_of(bytes: &[u8]) -> (Lab, Database<SimEnv>) {
    let lab = Lab::new(2, small());
    let db = lab.open();
    db.create("s").unwrap();
    db.append("s", bytes).unwrap();
    (lab, db)
}

fn content(db: &Database<SimEnv>) -> Vec<u8> {
    db.read("s", ..).unwrap()
}

fn code<T>(result: numstore::Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.code()
        }
    }
}

#[test]
fn edits_in_the_middle_move_what_follows() {
    let (_lab, db) = stream_of(b"hello world");
    db.insert("s", 5, b",").unwrap();
    assert_eq!(content(&db), b"hello, world");
    db.write("s", 7, b"W").unwrap();
    assert_eq!(content(&db), b"hello, World");
    db.remove("s", 5..6).unwrap();
    assert_eq!(content(&db), b"hello World");
    assert_eq!(db.cut("s", ..6).unwrap(), b"hello ");
    assert_eq!(content(&db), b"World");
    db.truncate("s", 1).unwrap();
    assert_eq!(content(&db), b"W");
    assert_eq!(db.len("s").unwrap(), 1);
}

#[test]
fn edits_at_both_ends() {
    let (_lab, db) = stream_of(b"b");
    db.insert("s", 0, b"a").unwrap();
    db.insert("s", 2, b"c").unwrap();
    db.append("s", b"d").unwrap();
    assert_eq!(content(&db), b"abcd");
    db.write("s", 3, b"DEF").unwrap();
    assert_eq!(content(&db), b"abcDEF", "a write may run past the end");
    db.write("s", 6, b"G").unwrap();
    assert_eq!(content(&db), b"abcDEFG", "and may begin there");
    db.remove("s", ..).unwrap();
    assert_eq!(content(&db), b"");
    db.append("s", b"again").unwrap();
    assert_eq!(content(&db), b"again", "an emptied stream grows again");
}

#[test]
fn nothing_is_a_valid_amount() {
    let (_lab, db) = stream_of(b"abc");
    db.insert("s", 1, b"").unwrap();
    db.write("s", 3, b"").unwrap();
    db.append("s", b"").unwrap();
    db.remove("s", 2..2).unwrap();
    db.truncate("s", 3).unwrap();
    assert_eq!(db.cut("s", 3..).unwrap(), b"");
    assert_eq!(db.read("s", 1..1).unwrap(), b"");
    assert_eq!(content(&db), b"abc");
}

#[test]
fn every_form_of_range_is_understood() {
    let (_lab, db) = stream_of(b"0123456789");
    assert_eq!(db.read("s", 2..4).unwrap(), b"23");
    assert_eq!(db.read("s", 2..=4).unwrap(), b"234");
    assert_eq!(db.read("s", 8..).unwrap(), b"89");
    assert_eq!(db.read("s", ..2).unwrap(), b"01");
    assert_eq!(db.read("s", ..=2).unwrap(), b"012");
    assert_eq!(db.read("s", ..).unwrap(), b"0123456789");
}

#[test]
fn offsets_past_the_end_change_nothing() {
    let (_lab, db) = stream_of(b"abc");
    assert_eq!(code(db.insert("s", 4, b"x")), ErrorCode::OutOfBounds);
    assert_eq!(code(db.write("s", 4, b"x")), ErrorCode::OutOfBounds);
    assert_eq!(code(db.remove("s", 2..4)), ErrorCode::OutOfBounds);
    assert_eq!(code(db.cut("s", 4..)), ErrorCode::OutOfBounds);
    assert_eq!(code(db.truncate("s", 4)), ErrorCode::OutOfBounds);
    assert_eq!(code(db.read("s", 0..4)), ErrorCode::OutOfBounds);
    assert_eq!(code(db.insert("s", u64::MAX, b"x")), ErrorCode::OutOfBounds);
    assert_eq!(code(db.read("s", u64::MAX - 1..u64::MAX)), ErrorCode::OutOfBounds);
    assert_eq!(code(db.read("s", 0..=u64::MAX)), ErrorCode::OutOfBounds);
    assert_eq!(content(&db), b"abc");
    match db.remove("s", 2..9) {
        Err(Error::OutOfBounds { start, end, len }) => assert_eq!((start, end, len), (2, 9, 3)),
        other => panic!("{other:?}"),
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "reversed ranges are the subject")]
fn a_reversed_range_is_an_error() {
    let (_lab, db) = stream_of(b"abcdef");
    for result in [db.remove("s", 4..2), db.read("s", 4..2).map(drop), db.cut("s", 4..2).map(drop)] {
        let code = code(result);
        assert!(matches!(code, ErrorCode::InvalidArgument | ErrorCode::OutOfBounds), "{code:?}");
    }
    assert_eq!(content(&db), b"abcdef");
}

#[test]
fn unknown_names_are_named() {
    let (_lab, db) = stream_of(b"");
    for result in [
        db.append("t", b"x"),
        db.insert("t", 0, b"x"),
        db.write("t", 0, b"x"),
        db.remove("t", ..),
        db.truncate("t", 0),
        db.drop_stream("t"),
        db.rename("t", "u"),
        db.read("t", ..).map(drop),
        db.len("t").map(drop),
        db.begin().and_then(|transaction| transaction.stream("t").map(drop)),
        db.snapshot().stream("t").map(drop),
    ] {
        match result {
            Err(Error::NoSuchStream { name }) => assert_eq!(name, "t"),
            other => panic!("{other:?}"),
        }
    }
    assert!(!db.exists("t").unwrap());
}

#[test]
fn strides_take_every_nth_element() {
    let (_lab, db) = stream_of(b"--aa..bb..cc--");
    let transaction = db.begin().unwrap();
    let stream = transaction.stream("s").unwrap();
    let pairs = Stride { start: 2, size: 2, stride: 2, count: 3 };
    assert_eq!(stream.read_strided(pairs).unwrap(), b"aabbcc");
    stream.write_strided(pairs, b"AABBCC").unwrap();
    assert_eq!(stream.read(..).unwrap(), b"--AA..BB..CC--");
    stream.remove_strided(pairs).unwrap();
    assert_eq!(stream.read(..).unwrap(), b"--....--");
    let contiguous = Stride { start: 0, size: 4, stride: 1, count: 2 };
    assert_eq!(stream.read_strided(contiguous).unwrap(), b"--....--");
    let none = Stride { start: 8, size: 4, stride: 3, count: 0 };
    assert_eq!(stream.read_strided(none).unwrap(), b"");
}

#[test]
fn impossible_strides_change_nothing() {
    let (_lab, db) = stream_of(b"0123456789");
    let transaction = db.begin().unwrap();
    let stream = transaction.stream("s").unwrap();
    let good = Stride { start: 0, size: 2, stride: 2, count: 3 };
    for bad in [Stride { stride: 0, ..good }, Stride { size: 0, ..good }] {
        assert_eq!(code(stream.read_strided(bad)), ErrorCode::InvalidArgument);
        assert_eq!(code(stream.remove_strided(bad)), ErrorCode::InvalidArgument);
        assert_eq!(code(stream.write_strided(bad, b"")), ErrorCode::InvalidArgument);
    }
    for outside in [Stride { count: 4, ..good }, Stride { start: 9, ..good }] {
        assert_eq!(code(stream.read_strided(outside)), ErrorCode::OutOfBounds, "{outside:?}");
        assert_eq!(code(stream.remove_strided(outside)), ErrorCode::OutOfBounds, "{outside:?}");
    }
    let endless = Stride { start: 1, size: u64::MAX / 2, stride: u64::MAX / 2, count: u64::MAX };
    assert_eq!(code(stream.read_strided(endless)), ErrorCode::InvalidArgument, "it ends beyond 64 bits");
    assert_eq!(code(stream.write_strided(good, b"12345")), ErrorCode::InvalidArgument, "five bytes for six");
    assert_eq!(stream.read(..).unwrap(), b"0123456789");
    transaction.commit().unwrap();
    assert_eq!(content(&db), b"0123456789");
}

#[test]
fn read_at_is_short_only_at_the_end() {
    let bytes = noise(3, 5_000);
    let (_lab, db) = stream_of(&bytes);
    let transaction = db.begin().unwrap();
    let stream = transaction.stream("s").unwrap();
    let mut buffer = vec![0; 1_000];
    assert_eq!(stream.read_at(10, &mut buffer).unwrap(), 1_000);
    assert!(buffer == bytes[10..1_010]);
    assert_eq!(stream.read_at(4_900, &mut buffer).unwrap(), 100);
    assert!(buffer[..100] == bytes[4_900..]);
    assert_eq!(stream.read_at(5_000, &mut buffer).unwrap(), 0);
    assert_eq!(stream.read_at(5_000, &mut []).unwrap(), 0);
    assert!(!stream.is_empty().unwrap());
}

#[test]
fn a_tree_grows_and_shrinks_back_to_nothing() {
    let bytes = noise(4, 200_000);
    let (lab, db) = stream_of(&bytes);
    let tall = db.verify().unwrap();
    assert!(tall.is_clean(), "{:?}", tall.problems);
    assert!(tall.height >= 4, "256-byte leaves under a fanout of 4 make a tall tree, not {}", tall.height);
    assert_eq!((tall.streams, tall.bytes), (1, 200_000));
    let mut left = bytes;
    while !left.is_empty() {
        let (a, b) = (left.len() / 3, (left.len() / 3 + 3_777).min(left.len()));
        assert!(db.cut("s", a as u64..b as u64).unwrap() == left[a..b]);
        left.drain(a..b);
    }
    db.checkpoint().unwrap();
    let empty = db.verify().unwrap();
    assert!(empty.is_clean(), "{:?}", empty.problems);
    assert_eq!(empty.bytes, 0);
    assert!(empty.height <= 1, "an emptied tree has no levels left, not {}", empty.height);
    db.close().unwrap();
    assert_eq!(content(&lab.open_and_verify()), b"");
}

#[test]
fn bulk_data_go_in_and_out() {
    let bytes = noise(5, 1 << 20);
    let (lab, db) = stream_of(&bytes);
    let more = noise(6, 300_000);
    db.insert("s", 77, &more).unwrap();
    db.remove("s", 100_000..900_000).unwrap();
    let mut model = bytes;
    model.splice(77..77, more);
    model.drain(100_000..900_000);
    assert!(content(&db) == model);
    db.close().unwrap();
    assert!(content(&lab.open_and_verify()) == model);
}

#[test]
fn settings_out_of_range_are_refused() {
    use numstore::Options;
    for options in [
        Options::new().leaf_bytes(255),
        Options::new().leaf_bytes(65_537),
        Options::new().fanout(3),
        Options::new().fanout(441),
        Options::new().log_segment_bytes(1),
    ] {
        let lab = Lab::new(2, options);
        match lab.try_open() {
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
            Ok(_) => panic!("an error was expected"),
        }
        assert!(lab.image().is_empty(), "and no file was made");
    }
}
