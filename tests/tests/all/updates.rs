//! Reads for update, and the age of transactions that are begun again.
//!
//! Why: who reads bytes and then changes them shall wait for others who do the same, and not meet them in a deadlock; and
//! who gives way in one shall not do so for ever. How: threads on the real disk, brought to the places where they meet by
//! looking at the table of locks, so that the outcome does not depend on who is faster.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use numstore::{Database, Error, ErrorCode, LockMode, Options, Result, Stream, Transaction};

fn real() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = Options::new().lock_timeout(Duration::MAX).open(dir.path().join("x.ns")).unwrap();
    for name in ["a", "b"] {
        db.create(name).unwrap();
        db.append(name, b"0123456789").unwrap();
    }
    (dir, db)
}

/// Until so many requests wait.
fn wait_for_waiters(db: &Database, count: usize) {
    let waiting = || db.locks().locks.iter().filter(|lock| lock.waits_for.is_some()).count();
    while waiting() < count {
        std::thread::yield_now();
    }
}

/// Two transactions read the same bytes as `read` does, and then both write them. What became of them.
fn both_read_and_write(read: fn(&Stream<'_>) -> Result<Vec<u8>>) -> (Vec<Result<()>>, Database) {
    let (_dir, db) = real();
    let first = db.begin().unwrap();
    assert_eq!(read(&first.stream("a").unwrap()).unwrap(), b"234");
    let (seen, is_seen) = channel();
    let results = std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let tx = db.begin().unwrap();
            let stream = tx.stream("a").unwrap();
            let before = read(&stream).unwrap();
            seen.send(()).unwrap();
            let written = stream.write(2, &before.iter().map(|byte| byte + 1).collect::<Vec<_>>());
            drop(stream);
            written.and_then(|()| tx.commit())
        });
        // It has read, or it waits to.
        while is_seen.try_recv().is_err() && !db.locks().locks.iter().any(|lock| lock.waits_for.is_some()) {
            std::thread::yield_now();
        }
        wait_for_waiters(&db, 1);
        let written = first.stream("a").unwrap().write(2, b"345").and_then(|()| first.commit());
        vec![written, second.join().unwrap()]
    });
    (results, db)
}

#[test]
fn who_reads_for_update_waits_for_others_who_do() {
    let (results, db) = both_read_and_write(|stream| stream.read_for_update(2..5));
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(db.stats().deadlocks, 0);
    assert_eq!(db.read("a", ..).unwrap(), b"0145656789", "the second has seen what the first wrote");
}

#[test]
fn who_only_reads_meets_others_in_a_deadlock() {
    let (results, db) = both_read_and_write(|stream| stream.read(2..5));
    let codes: Vec<_> = results.into_iter().filter_map(|result| Some(result.err()?.code())).collect();
    assert_eq!(codes, [ErrorCode::Deadlock]);
    assert_eq!(db.stats().deadlocks, 1);
}

#[test]
fn a_read_for_update_lets_be_who_reads_and_nobody_else_in() {
    let (_dir, db) = real();
    let [reader, updater, late] = [(); 3].map(|()| db.begin().unwrap());
    reader.stream("a").unwrap().read(0..4).unwrap();
    updater.stream("a").unwrap().read_for_update(2..6).unwrap();
    let modes: Vec<_> =
        db.locks().locks.iter().filter(|lock| lock.txn == updater.id()).map(|l| l.mode).collect();
    assert_eq!(modes, [LockMode::IX, LockMode::S, LockMode::IX, LockMode::U]);
    // What it has, it may look at again.
    reader.stream("a").unwrap().read(0..4).unwrap();
    // Beside it nobody waits, and nobody waits for it who asks a version.
    late.stream("a").unwrap().read_for_update(6..8).unwrap();
    late.stream("a").unwrap().read(0..2).unwrap();
    assert_eq!(db.read("a", 2..6).unwrap(), b"2345");
    std::thread::scope(|scope| {
        let waiter = scope.spawn(move || late.stream("a").unwrap().read(5..6).map(|read| (read, late)));
        wait_for_waiters(&db, 1);
        reader.commit().unwrap();
        updater.stream("a").unwrap().write(5, b"x").unwrap();
        assert!(!waiter.is_finished());
        updater.commit().unwrap();
        let (read, _late) = waiter.join().unwrap().unwrap();
        assert_eq!(read, b"x");
    });
}

#[test]
fn a_counter_that_is_read_for_update_needs_no_second_run() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 40;
    let (_dir, db) = real();
    db.write("a", 0, &0_u64.to_le_bytes()).unwrap();
    let runs = AtomicU64::new(0);
    let add = |tx: &Transaction| {
        runs.fetch_add(1, Ordering::Relaxed);
        let stream = tx.stream("a")?;
        let count = u64::from_le_bytes(stream.read_for_update(0..8)?.try_into().unwrap());
        stream.write(0, &(count + 1).to_le_bytes())
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..ROUNDS).for_each(|_| db.transact(add).unwrap()));
        }
    });
    assert_eq!(db.read("a", 0..8).unwrap(), (THREADS * ROUNDS).to_le_bytes());
    assert_eq!((runs.into_inner(), db.stats().deadlocks), (THREADS * ROUNDS, 0));
}

/// A transaction gives way to an older one. When it is begun again, one that came after its first attempt gives way to it.
#[test]
fn who_gave_way_once_does_not_grow_young_again() {
    let (_dir, db) = real();
    let (old, between) = (db.begin().unwrap(), db.begin().unwrap());
    old.stream("a").unwrap().write(0, b"o").unwrap();
    let (begun, is_begun) = channel();
    let (go, may_go) = channel();
    let attempts = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let (db, attempts) = (&db, &attempts);
        let again = scope.spawn(move || {
            db.transact(|tx| {
                let attempt = attempts.fetch_add(1, Ordering::Relaxed);
                tx.stream("b")?.write(0, b"t")?;
                if attempt < 2 {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                }
                tx.stream("a")?.write(0, b"t")
            })
        });
        is_begun.recv().unwrap();
        // It is younger than the first attempt, and older than the second.
        between.stream("a").unwrap().write(5, b"m").unwrap();
        let first = scope.spawn(|| old.stream("b").unwrap().write(0, b"o").and_then(|()| old.commit()));
        wait_for_waiters(db, 1);
        go.send(()).unwrap();
        first.join().unwrap().unwrap();
        is_begun.recv().unwrap();
        between.stream("a").unwrap().write(0, b"m").unwrap();
        let second = scope.spawn(move || between.stream("b").unwrap().write(0, b"m"));
        wait_for_waiters(db, 1);
        go.send(()).unwrap();
        assert!(matches!(second.join().unwrap(), Err(Error::Deadlock { .. })));
        again.join().unwrap().unwrap();
    });
    assert_eq!(attempts.into_inner(), 2);
    assert_eq!(
        (db.read("a", ..).unwrap(), db.read("b", 0..1).unwrap()),
        (b"t123456789".to_vec(), b"t".to_vec())
    );
}

#[test]
fn commits_and_rollbacks_are_counted() {
    let (_dir, db) = real();
    let before = db.stats();
    db.write("a", 0, b"x").unwrap();
    let changes = |tx: &Transaction| tx.stream("a").unwrap().write(0, b"y").unwrap();
    db.transact(|tx| tx.stream("b")?.append(b"z")).unwrap();
    let tx = db.begin().unwrap();
    changes(&tx);
    tx.rollback().unwrap();
    let tx = db.begin().unwrap();
    changes(&tx);
    drop(tx);
    // Who has changed nothing does not count.
    db.transact(|tx| tx.stream("b")?.len()).unwrap();
    db.begin().unwrap().commit().unwrap();
    let after = db.stats();
    assert_eq!((after.commits - before.commits, after.rollbacks - before.rollbacks), (2, 2));
}
