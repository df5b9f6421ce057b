//! What the files take of the disk: while much is changed, after a close, and after a compaction.
//!
//! Why: what is set aside for a checkpoint, and what is left of one, is space that somebody pays for; and moving what is
//! alive must lose nothing, whenever it is broken off. How: lengths of files, which are what they are allocated or more; a
//! database with a hole in front is closed with a crash at every I/O, with damage at its end, on a full disk.

use std::path::Path;

use numstore::{Database, Error, Options, Result};
use sim::world::{SimEnv, WriteFault};
use tests::{Crash, Image, Lab, noise, small};

/// The lengths of all files in a folder.
fn length(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// As the workload `space` of the benchmarks, with an eighth of its data.
#[test]
fn insertions_everywhere_take_little_more_than_twice_the_data_and_little_once_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    let bytes = 8u64 << 20;
    let db = Database::open(&path).unwrap();
    db.create("s").unwrap();
    for piece in 0..8 {
        db.append("s", &noise(piece, 1 << 20)).unwrap();
    }
    db.close().unwrap();
    assert!(length(dir.path()) * 100 <= bytes * 101, "loaded: {} bytes", length(dir.path()));

    let db = Database::open(&path).unwrap();
    let mut expected = db.read("s", ..).unwrap();
    let mut peak = 0;
    for round in 0..15u64 {
        let tx = db.begin().unwrap();
        let stream = tx.stream("s").unwrap();
        for i in 0..100u64 {
            let at = (round * 100 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15) % bytes;
            let insert = noise(round * 100 + i, 100);
            stream.insert(at, &insert).unwrap();
            expected.splice(at as usize..at as usize, insert);
        }
        tx.commit().unwrap();
        peak = peak.max(length(dir.path()));
    }
    db.close().unwrap();
    let (data, closed) = (expected.len() as u64, length(dir.path()));
    assert!(peak * 10 <= data * 32, "{peak} bytes at the worst moment for {data}");
    assert!(closed * 100 <= data * 125, "{closed} bytes once closed for {data}");
    let db = Database::open(&path).unwrap();
    assert!(db.read("s", ..).unwrap() == expected);
    assert!(db.verify().unwrap().is_clean());
}

const FRONT: usize = 60_000;
const END: usize = 30_000;

/// A closed database with a long stream, a stream behind it, and many short ones.
fn image() -> Image {
    let lab = Lab::new(31, small());
    let db = lab.open();
    for name in ["front", "end"] {
        db.create(name).unwrap();
    }
    db.append("front", &noise(1, FRONT)).unwrap();
    db.append("end", &noise(2, END)).unwrap();
    for i in 0..30 {
        db.create(&format!("short {i}")).unwrap();
        db.append(&format!("short {i}"), &[i; 90]).unwrap();
    }
    db.close().unwrap();
    lab.image()
}

fn check(db: &Database<SimEnv>, has_front: bool) {
    assert_eq!(db.exists("front").unwrap(), has_front);
    assert!(db.read("end", ..).unwrap() == noise(2, END));
    for i in 0..30 {
        assert_eq!(db.read(&format!("short {i}"), ..).unwrap(), [i; 90]);
    }
}

/// A machine with that database, from which the long stream is dropped.
fn with_hole(options: Options, image: &Image) -> (Lab, Database<SimEnv>) {
    let lab = Lab::with_image(options, image);
    let db = lab.open();
    db.drop_stream("front").unwrap();
    (lab, db)
}

fn file_bytes(image: &Image) -> u64 {
    image["x.ns"].len() as u64
}

#[test]
fn closing_moves_the_end_of_the_file_into_a_hole() {
    let image = image();
    let (lab, db) = with_hole(small(), &image);
    db.close().unwrap();
    let (before, after) = (file_bytes(&image), file_bytes(&lab.image()));
    assert!(after * 2 < before, "{after} of {before} bytes");
    check(&lab.open_and_verify(), false);
    // What nobody has freed since is left alone: who opens and closes pays for what he does.
    let db = lab.open();
    db.append("end", b"!").unwrap();
    db.close().unwrap();
    lab.open_and_verify();
}

#[test]
fn a_close_that_moves_may_crash_at_any_io() {
    let image = image();
    for crash in [Crash::Kill, Crash::PowerLoss] {
        for ios in 0.. {
            let (lab, db) = with_hole(small(), &image);
            lab.world().crash_after(ios);
            let closed = db.close().is_ok();
            lab.crash(crash);
            check(&lab.open_and_verify(), false);
            if closed {
                assert!(ios > 20, "it takes more than {ios} calls");
                break;
            }
        }
    }
}

#[test]
fn a_compaction_may_crash_at_any_io() {
    let image = image();
    for crash in [Crash::Kill, Crash::PowerLoss] {
        for ios in 0.. {
            let (lab, db) = with_hole(small(), &image);
            lab.world().crash_after(ios);
            let compacted = db.compact();
            lab.crash(crash);
            drop(db);
            check(&lab.open_and_verify(), false);
            if compacted.is_ok_and(|bytes| bytes > 0) {
                break;
            }
        }
    }
}

/// Something at the end that cannot be read stays where it is, and the close is none the worse for it.
#[test]
fn a_damaged_leaf_does_not_keep_a_database_from_being_closed() {
    let image = image();
    let bytes = &image["x.ns"];
    let leaf = &noise(2, END)[END - 60..];
    let at = bytes.windows(leaf.len()).rposition(|window| window == leaf).unwrap();
    let options = || small().cache_bytes(0);
    let (lab, db) = with_hole(options(), &image);
    lab.world().flip(lab.path(), at as u64, 3);
    assert!(matches!(db.compact(), Err(Error::Corruption { .. })));
    db.close().unwrap();
    assert!(file_bytes(&lab.image()) * 2 > file_bytes(&image));
    let db = lab.open();
    assert!(matches!(db.read("end", ..), Err(Error::Corruption { .. })));
    assert!(db.read("end", ..1_000).unwrap() == noise(2, END)[..1_000]);
    db.append("short 0", b"goes on").unwrap();
    db.close().unwrap();
}

#[test]
fn a_full_disk_does_not_keep_a_database_from_being_closed() {
    let image = image();
    for writes in 0..40 {
        let (lab, db) = with_hole(small(), &image);
        lab.world().fail_writes_after(writes, WriteFault::Full);
        let compacted = db.compact().map(drop);
        assert!(is_full_or_done(&compacted), "{compacted:?}");
        check(&db, false);
        db.close().unwrap();
        lab.world().relieve();
        check(&lab.open_and_verify(), false);
    }
}

fn is_full_or_done(outcome: &Result<()>) -> bool {
    let full = |e: &std::io::Error| e.kind() == std::io::ErrorKind::StorageFull;
    match outcome {
        Ok(()) => true,
        Err(Error::Io { source, .. }) => full(source),
        Err(_) => false,
    }
}

#[test]
fn a_compaction_leaves_snapshots_and_transactions_alone() {
    let lab = Lab::with_image(small(), &image());
    let db = lab.open();
    let tx = db.begin().unwrap();
    tx.stream("end").unwrap().write(100, &[9; 5_000]).unwrap();
    tx.stream("short 1").unwrap().remove(..).unwrap();
    let snapshot = db.snapshot();
    db.drop_stream("front").unwrap();
    db.compact().unwrap();
    let whole = snapshot.stream("front").unwrap().read(..).unwrap();
    assert!(whole == noise(1, FRONT));
    tx.rollback().unwrap();
    db.compact().unwrap();
    assert!(snapshot.stream("front").unwrap().read(..).unwrap() == noise(1, FRONT));
    drop(snapshot);
    assert!(db.compact().unwrap() > 0, "nothing holds the end any more");
    assert!(db.verify().unwrap().is_clean());
    check(&db, false);
    assert_eq!(db.compact().unwrap(), 0, "there is no more to gain");
    db.close().unwrap();
    check(&lab.open_and_verify(), false);
}
