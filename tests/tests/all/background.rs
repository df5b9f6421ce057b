//! The task beside all calls: checkpoints that nobody asked for, deferred commits that become durable in time, an end with
//! the database; and calls that go on while a checkpoint is written.

use std::time::{Duration, Instant};

use numstore::{Database, Durability, Options};

const PATIENCE: Duration = Duration::from_secs(60);

fn open(options: Options) -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = options.open(dir.path().join("background.ns")).unwrap();
    (dir, db)
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_checkpoint_that_is_due_is_taken_when_all_calls_have_returned() {
    let (_dir, db) = open(Options::new().checkpoint_log_bytes(64 << 10));
    db.create("a").unwrap();
    let tx = db.begin().unwrap();
    for _ in 0..100 {
        tx.stream("a").unwrap().append(&[7; 1000]).unwrap();
    }
    tx.commit().unwrap();
    wait_until("no checkpoint was taken", || db.stats().checkpoints > 0);
    assert_eq!(db.len("a").unwrap(), 100_000);
    assert!(db.verify().unwrap().is_clean());
}

#[test]
fn without_the_task_whoever_finds_that_a_checkpoint_is_due_takes_it() {
    let (_dir, db) = open(Options::new().checkpoint_log_bytes(64 << 10).background(false));
    db.create("a").unwrap();
    for at in 0..100 {
        db.append("a", &[at; 1000]).unwrap();
    }
    assert!(db.stats().checkpoints > 0);
}

#[test]
fn a_deferred_commit_is_durable_in_time() {
    let (_dir, db) = open(Options::new().deferred_delay(Duration::from_millis(20)));
    db.create("a").unwrap();
    let tx = db.begin().unwrap();
    tx.stream("a").unwrap().append(b"later").unwrap();
    tx.commit_with(Durability::Deferred).unwrap();
    // What is read without a transaction is durable.
    wait_until("the commit is not durable", || db.len("a").unwrap() == 5);
}

#[test]
fn closing_waits_for_the_task_and_for_what_it_writes() {
    for _ in 0..20 {
        let (dir, db) = open(Options::new().checkpoint_log_bytes(16 << 10).log_segment_bytes(16 << 10));
        db.create("a").unwrap();
        for _ in 0..40 {
            db.append("a", &[1; 1000]).unwrap();
        }
        db.close().unwrap();
        let db = Database::open(dir.path().join("background.ns")).unwrap();
        assert!(db.stats().recovery.is_none());
        assert_eq!(db.len("a").unwrap(), 40_000);
    }
}

/// Edits at random places while one checkpoint after the other is written, against a plain model.
#[test]
fn edits_go_on_while_checkpoints_are_written() {
    let options =
        Options::new().leaf_bytes(4096).fanout(16).checkpoint_log_bytes(32 << 10).dirty_bytes(1 << 20);
    let (dir, db) = open(options);
    db.create("a").unwrap();
    let mut model = vec![0; 200_000];
    db.append("a", &model).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        let checkpoints = scope.spawn(|| {
            while !stopped() {
                db.checkpoint().unwrap();
            }
        });
        let reader = scope.spawn(|| {
            while !stopped() {
                let snapshot = db.snapshot();
                let stream = snapshot.stream("a").unwrap();
                assert_eq!(stream.read(..).unwrap().len() as u64, stream.len());
            }
        });
        let mut seed = 7u64;
        for _ in 0..3000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % (model.len() - 100);
            let piece = [(seed >> 20) as u8; 60];
            let tx = db.begin().unwrap();
            let stream = tx.stream("a").unwrap();
            stream.remove(at as u64..at as u64 + 50).unwrap();
            stream.insert(at as u64, &piece).unwrap();
            model.splice(at..at + 50, piece);
            drop(stream);
            tx.commit_with(Durability::Deferred).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        checkpoints.join().unwrap();
        reader.join().unwrap();
    });
    assert!(db.verify().unwrap().is_clean());
    db.sync().unwrap();
    assert_eq!(db.read("a", ..).unwrap(), model);
    db.close().unwrap();
    let db = Database::open(dir.path().join("background.ns")).unwrap();
    assert_eq!(db.read("a", ..).unwrap(), model);
}
