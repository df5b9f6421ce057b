//! Snapshots: the whole database at one durable moment, whatever happens next.
//!
//! Why: they must neither block nor be blocked, nor lose a block to reuse. How: snapshots are taken between edits,
//! checkpoints and drops, and read again much later; what they show must be what was committed when they were taken.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use numstore::env::{Clock, Env};
use numstore::{Durability, Error, Options, Snapshot, Stride};
use rand::Rng;
use sim::world::SimEnv;
use tests::{Lab, noise, rng, small};

fn content(snapshot: &Snapshot<SimEnv>, name: &str) -> Vec<u8> {
    snapshot.stream(name).unwrap().read(..).unwrap()
}

#[test]
fn a_snapshot_shows_one_moment() {
    let lab = Lab::new(4, small());
    let db = lab.open();
    db.create("a").unwrap();
    db.append("a", b"before").unwrap();
    let transaction = db.begin().unwrap();
    transaction.stream("a").unwrap().truncate(0).unwrap();
    transaction.create("b").unwrap();
    let during = db.snapshot();
    assert_eq!(content(&during, "a"), b"before", "uncommitted changes are not shown");
    assert!(!during.exists("b").unwrap());
    transaction.commit().unwrap();
    assert_eq!(content(&during, "a"), b"before", "nor later ones");
    let after = db.snapshot();
    assert_eq!(content(&after, "a"), b"");
    assert_eq!(after.list().unwrap().len(), 2);
    db.drop_stream("a").unwrap();
    db.rename("b", "a").unwrap();
    assert_eq!(content(&during, "a"), b"before");
    assert_eq!(during.list().unwrap().len(), 1);
}

#[test]
fn bytes_are_shown_where_they_lie() {
    let lab = Lab::new(4, small());
    let db = lab.open();
    let mut bytes = noise(8, 20_000);
    db.create("a").unwrap();
    db.append("a", &bytes).unwrap();
    for at in [7_000, 300, 15_000] {
        db.insert("a", at, b"in between").unwrap();
        bytes.splice(at as usize..at as usize, *b"in between");
    }
    let stream = db.snapshot().stream("a").unwrap();
    db.remove("a", 100..19_000).unwrap();
    db.checkpoint().unwrap();
    for range in [0..20_030, 299..311, 0..0, 255..257, 6_999..15_021] {
        let (mut shown, mut longest) = (Vec::new(), 0);
        let show = |part: &[u8]| {
            shown.extend_from_slice(part);
            longest = longest.max(part.len());
        };
        stream.visit(range.clone(), show).unwrap();
        assert!(shown == bytes[range.start as usize..range.end as usize], "{range:?}");
        assert!(longest <= 256, "no slice is longer than a leaf");
    }
    let beyond = stream.visit(0..20_031, |_| panic!("nothing is shown of a range that is not there"));
    assert!(matches!(beyond, Err(Error::OutOfBounds { .. })));
}

#[test]
fn a_snapshot_shows_durable_commits_only() {
    let lab = Lab::new(4, small());
    let db = lab.open();
    db.create("a").unwrap();
    let transaction = db.begin().unwrap();
    transaction.stream("a").unwrap().append(b"deferred").unwrap();
    transaction.commit_with(Durability::Deferred).unwrap();
    let early = db.snapshot();
    let shown = content(&early, "a");
    assert!(shown.is_empty() || db.stats().syncs > 0, "what may still vanish is not shown");
    db.sync().unwrap();
    assert_eq!(content(&db.snapshot(), "a"), b"deferred");
    assert_eq!(content(&early, "a"), shown);
}

#[test]
fn snapshots_outlive_what_they_show() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    db.create("a").unwrap();
    let mut model = Vec::new();
    let mut rng = rng(6);
    let mut kept: Vec<(Snapshot<SimEnv>, Vec<u8>)> = Vec::new();
    for round in 0..120u64 {
        let at = rng.random_range(0..=model.len());
        let data = noise(round, rng.random_range(0..2_000));
        let end = rng.random_range(at..=model.len().min(at + 1_500));
        model.splice(at..end, data.iter().copied());
        let transaction = db.begin().unwrap();
        transaction.stream("a").unwrap().splice(at as u64, (end - at) as u64, &data).unwrap();
        transaction.commit().unwrap();
        match round % 10 {
            0 => kept.push((db.snapshot(), model.clone())),
            3 | 6 => db.checkpoint().unwrap(),
            9 if kept.len() > 4 => drop(kept.remove(1)),
            _ => {}
        }
        let (snapshot, content_then) = &kept[rng.random_range(0..kept.len())];
        assert!(content(snapshot, "a") == *content_then, "round {round}");
    }
    assert_eq!(db.stats().snapshots_open, kept.len() as u64);
    db.drop_stream("a").unwrap();
    db.checkpoint().unwrap();
    db.checkpoint().unwrap();
    for (snapshot, content_then) in &kept {
        assert!(content(snapshot, "a") == *content_then);
    }
    drop(kept);
    db.checkpoint().unwrap();
    assert!(db.verify().unwrap().is_clean());
}

/// Once the counters said of the version behind a deferred commit that somebody had a snapshot of it.
#[test]
fn a_version_that_waits_for_the_log_is_no_snapshot() {
    let lab = Lab::new(5, small());
    let db = lab.open();
    db.create("a").unwrap();
    let transaction = db.begin().unwrap();
    transaction.stream("a").unwrap().append(b"later").unwrap();
    transaction.commit_with(Durability::Deferred).unwrap();
    assert_eq!(db.stats().snapshots_open, 0);
    let snapshot = db.snapshot();
    db.sync().unwrap();
    assert_eq!(db.stats().snapshots_open, 1);
    assert!(content(&snapshot, "a").is_empty());
}

#[test]
fn a_snapshot_reads_like_a_file() {
    let lab = Lab::new(4, small());
    let db = lab.open();
    db.create("a").unwrap();
    let bytes = noise(8, 10_000);
    db.append("a", &bytes).unwrap();
    let snapshot = db.snapshot();
    let stream = snapshot.stream("a").unwrap();
    assert_eq!(stream.len(), 10_000);
    let mut buffer = [0; 300];
    assert_eq!(stream.read_at(9_900, &mut buffer).unwrap(), 100);
    assert!(buffer[..100] == bytes[9_900..]);
    let bytes_taken = stream.read_strided(Stride { start: 0, size: 1, stride: 2, count: 5_000 }).unwrap();
    assert!(bytes_taken.iter().eq(bytes.iter().step_by(2)));
    let mut reader = stream.reader();
    let mut read = Vec::new();
    reader.seek(SeekFrom::End(-1_000)).unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == bytes[9_000..]);
    reader.seek(SeekFrom::Start(5)).unwrap();
    reader.read_exact(&mut buffer).unwrap();
    assert!(buffer == bytes[5..305]);
    assert_eq!(reader.seek(SeekFrom::Current(-5)).unwrap(), 300);
}

/// A reader that forgets its snapshot must not make the file grow for ever, where that was asked for.
#[test]
fn a_snapshot_that_is_too_old_holds_nothing_back() {
    let lab = Lab::new(11, Options::new().snapshot_max_age(Duration::from_millis(20)).background(false));
    let db = lab.open();
    db.create("a").unwrap();
    db.append("a", &[1; 100_000]).unwrap();
    db.checkpoint().unwrap();
    let snapshot = db.snapshot();
    let stream = snapshot.stream("a").unwrap();
    db.write("a", 0, &[2; 100_000]).unwrap();
    db.checkpoint().unwrap();
    let held_back = db.stats().held_back_bytes;
    assert!(held_back >= 100_000, "{held_back}");
    assert_eq!(stream.read(..).unwrap(), vec![1; 100_000]);
    let env = lab.env();
    env.clock().sleep_until(env.clock().monotonic() + Duration::from_millis(40));
    assert!(db.stats().oldest_snapshot_age >= Duration::from_millis(20));
    db.append("a", b"x").unwrap();
    db.checkpoint().unwrap();
    assert!(db.stats().held_back_bytes < held_back);
    assert!(matches!(stream.read(0..1), Err(Error::SnapshotTooOld)));
    assert!(matches!(snapshot.stream("a"), Err(Error::SnapshotTooOld)));
    assert!(matches!(snapshot.list(), Err(Error::SnapshotTooOld)));
    // Another one is as good as ever.
    assert_eq!(db.snapshot().stream("a").unwrap().read(..2).unwrap(), [2, 2]);
}

/// A snapshot taken while a newer version waits for the log is superseded all the same once that version is shown; and what
/// is still the newest never is, however long its successor waits.
#[test]
fn a_snapshot_ages_from_when_a_newer_version_is_shown() {
    let lab = Lab::new(12, Options::new().snapshot_max_age(Duration::from_millis(20)));
    let db = lab.open();
    let env = lab.env();
    let wait = || env.clock().sleep_until(env.clock().monotonic() + Duration::from_millis(40));
    db.create("a").unwrap();
    db.append("a", &[1; 50_000]).unwrap();
    let write_deferred = |value: u8| {
        let tx = db.begin().unwrap();
        tx.stream("a").unwrap().write(0, &[value; 50_000]).unwrap();
        tx.commit_with(Durability::Deferred).unwrap();
    };
    write_deferred(2);
    let snapshot = db.snapshot();
    wait();
    write_deferred(3);
    assert_eq!(content(&snapshot, "a"), [1; 50_000], "it is the newest that lasts");
    db.sync().unwrap();
    // From here on it is not.
    wait();
    assert!(db.stats().oldest_snapshot_age >= Duration::from_millis(40));
    db.checkpoint().unwrap();
    assert!(matches!(snapshot.stream("a"), Err(Error::SnapshotTooOld)));
    assert_eq!(db.read("a", ..1).unwrap(), [3]);
}
