//! Names: what may be one, and creating, renaming and dropping them with their inverses.
//!
//! Why: a name is a key of the catalog's tree and an owner of blocks; either can go wrong alone. How: names of every
//! length and alphabet, long chains of operations rolled back and crashed, and a count of the nodes that opening a
//! stream by name touches, with a thousand streams and with a hundred thousand.

use numstore::{Database, Durability, ErrorCode, Options};
use rand::Rng;
use sim::world::SimEnv;
use tests::{Crash, Lab, noise, rng, small};

fn names(db: &Database<SimEnv>) -> Vec<String> {
    let mut names: Vec<String> = db.list().unwrap().into_iter().map(|info| info.name).collect();
    names.sort();
    names
}

#[test]
fn names_are_any_text_of_one_byte_to_one_kibibyte() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    let longest = "x".repeat(1_024);
    let wide = "\u{1f980}".repeat(256);
    let odd =
        ["a", "A", " ", "\0", "a/b", "..", "\n", "é", "e\u{301}", "名前", "\u{10ffff}", &longest, &wide];
    for name in odd {
        db.create(name).unwrap();
        db.append(name, name.as_bytes()).unwrap();
    }
    for name in odd {
        assert_eq!(db.read(name, ..).unwrap(), name.as_bytes());
        assert_eq!(db.create(name).unwrap_err().code(), ErrorCode::StreamExists);
    }
    for (bad, bytes) in [(String::new(), 0), (format!("{longest}x"), 1_025), (format!("{wide}x"), 1_025)] {
        match db.create(&bad) {
            Err(numstore::Error::BadName { bytes: found }) => assert_eq!(found, bytes),
            other => panic!("{other:?}"),
        }
        assert_eq!(db.rename("a", &bad).unwrap_err().code(), ErrorCode::BadName);
    }
    lab.crash(Crash::PowerLoss);
    drop(db);
    let db = lab.open_and_verify();
    let mut expected: Vec<String> = odd.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(names(&db), expected);
}

#[test]
fn a_name_can_be_used_again() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    for round in 0..5 {
        db.create("s").unwrap();
        assert_eq!(db.len("s").unwrap(), 0, "round {round}: a new stream is empty");
        db.append("s", &noise(round, 20_000)).unwrap();
        db.rename("s", "t").unwrap();
        assert_eq!(db.len("s").unwrap_err().code(), ErrorCode::NoSuchStream);
        assert!(db.read("t", ..).unwrap() == noise(round, 20_000));
        db.drop_stream("t").unwrap();
        db.checkpoint().unwrap();
    }
    assert!(names(&db).is_empty());
    let found = db.verify().unwrap();
    assert!(found.is_clean(), "{:#?}", found.problems);
    assert_eq!((found.streams, found.bytes), (0, 0));
}

#[test]
fn rename_refuses_to_overwrite() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    db.create("a").unwrap();
    db.create("b").unwrap();
    assert_eq!(db.rename("a", "b").unwrap_err().code(), ErrorCode::StreamExists);
    assert_eq!(db.rename("c", "d").unwrap_err().code(), ErrorCode::NoSuchStream);
    assert_eq!(names(&db), ["a", "b"]);
}

#[test]
fn each_operation_on_a_name_is_undone() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    let bytes = noise(1, 30_000);
    for name in ["kept", "moved", "dropped"] {
        db.create(name).unwrap();
        db.append(name, &bytes).unwrap();
    }
    db.close().unwrap();
    for crash in [None, Some(Crash::Kill), Some(Crash::PowerLoss)] {
        let db = lab.open_and_verify();
        let transaction = db.begin().unwrap();
        transaction.create("new").unwrap().append(&bytes).unwrap();
        transaction.rename("moved", "elsewhere").unwrap();
        transaction.stream("elsewhere").unwrap().remove(..100).unwrap();
        transaction.drop_stream("dropped").unwrap();
        transaction.create("dropped").unwrap().append(b"another").unwrap();
        transaction.rename("elsewhere", "moved").unwrap();
        transaction.rename("new", "elsewhere").unwrap();
        let db = match crash {
            None => {
                transaction.rollback().unwrap();
                db
            }
            Some(crash) => {
                db.sync().unwrap();
                lab.crash(crash);
                drop((transaction, db));
                lab.open_and_verify()
            }
        };
        assert_eq!(names(&db), ["dropped", "kept", "moved"]);
        for name in ["kept", "moved", "dropped"] {
            assert!(db.read(name, ..).unwrap() == bytes, "{name} after {crash:?}");
        }
    }
}

#[test]
fn open_handles_follow_a_rename_inside_a_transaction() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    let transaction = db.begin().unwrap();
    let stream = transaction.create("a").unwrap();
    stream.append(b"1").unwrap();
    transaction.rename("a", "b").unwrap();
    stream.append(b"2").unwrap();
    assert_eq!(transaction.stream("b").unwrap().read(..).unwrap(), b"12");
    transaction.drop_stream("b").unwrap();
    assert_eq!(stream.append(b"3").unwrap_err().code(), ErrorCode::NoSuchStream);
    transaction.commit().unwrap();
    assert!(names(&db).is_empty());
}

#[test]
fn many_streams_come_and_go() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    let mut rng = rng(12);
    let mut model = std::collections::BTreeMap::new();
    for round in 0..40u64 {
        let transaction = db.begin().unwrap();
        for i in 0..25u64 {
            let name = format!("stream {}", rng.random_range(0..400u32));
            if model.remove(&name).is_some() {
                transaction.drop_stream(&name).unwrap();
            } else {
                let bytes = noise(round * 100 + i, rng.random_range(0..600));
                transaction.create(&name).unwrap().append(&bytes).unwrap();
                model.insert(name, bytes);
            }
        }
        transaction.commit_with(Durability::Deferred).unwrap();
    }
    db.sync().unwrap();
    lab.crash(Crash::PowerLoss);
    drop(db);
    let db = lab.open_and_verify();
    assert_eq!(names(&db), model.keys().cloned().collect::<Vec<_>>());
    for (name, bytes) in &model {
        assert!(db.read(name, ..).unwrap() == *bytes, "{name}");
    }
}

/// Nodes looked at, found in memory or not, for opening a stream of a freshly opened database of `count` streams.
fn touches_to_open_one_of(count: u32) -> f64 {
    const PROBES: u32 = 64;
    let lab = Lab::new(5, Options::new());
    let db = lab.open();
    for chunk in 0..count / 1_000 {
        let transaction = db.begin().unwrap();
        for i in 0..1_000 {
            transaction.create(&format!("stream {:08}", chunk * 1_000 + i)).unwrap();
        }
        transaction.commit_with(Durability::Deferred).unwrap();
    }
    db.close().unwrap();
    let db = lab.open();
    let mut rng = rng(u64::from(count));
    let looked_at = |db: &Database<SimEnv>| db.stats().cache_hits + db.stats().cache_misses;
    let before = looked_at(&db);
    for _ in 0..PROBES {
        let name = format!("stream {:08}", rng.random_range(0..count));
        assert_eq!(db.len(&name).unwrap(), 0);
    }
    (looked_at(&db) - before) as f64 / f64::from(PROBES)
}

#[test]
fn opening_one_of_many_streams_touches_few_nodes() {
    let (few, many) = (touches_to_open_one_of(1_000), touches_to_open_one_of(100_000));
    assert!(few >= 1.0, "a name is looked up in at least one node of the catalog, not in {few}");
    assert!(many <= 2.0 * few, "one of 100,000 streams touches {many} nodes, one of 1,000 {few}");
}
