//! Several writers at a time: in one stream, in many, in one task and in many threads.
//!
//! Why: locks decide who waits for whom, commits are put together from what several transactions left, and all that has
//! to be as if they had come one after the other. How: interleavings that are spelled out where one task will do; threads
//! on the real disk where somebody has to wait, with results that do not depend on who was first.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use numstore::{Database, Durability, Error, ErrorCode, LockTarget, Options, Transaction};
use sim::world::SimEnv;
use tests::{Call, Crash, DelegatingEnv, Hook, Lab, Stress, small};

/// A database with the stream `s` that holds the digits.
fn digits() -> (Lab, Database<SimEnv>) {
    let lab = Lab::new(11, small());
    let db = lab.open();
    db.create("s").unwrap();
    db.append("s", b"0123456789").unwrap();
    (lab, db)
}

fn write(tx: &Transaction<SimEnv>, at: u64, bytes: &[u8]) {
    tx.stream("s").unwrap().write(at, bytes).unwrap();
}

fn is_busy<T>(result: numstore::Result<T>) -> bool {
    matches!(result, Err(Error::Busy { .. }))
}

#[test]
fn writers_of_one_stream_commit_one_by_one() {
    let (lab, db) = digits();
    let (first, second, third) = (db.begin().unwrap(), db.begin().unwrap(), db.begin().unwrap());
    write(&first, 0, b"ab");
    write(&second, 4, b"c");
    third.stream("s").unwrap().insert(7, b"---").unwrap();
    let before = db.snapshot();
    second.commit().unwrap();
    assert_eq!(db.read("s", ..).unwrap(), b"0123c56789");
    third.commit().unwrap();
    assert_eq!(db.read("s", ..).unwrap(), b"0123c56---789");
    first.rollback().unwrap();
    assert_eq!(db.read("s", ..).unwrap(), b"0123c56---789");
    assert_eq!(before.stream("s").unwrap().read(..).unwrap(), b"0123456789");
    drop((before, db));
    assert_eq!(lab.open_and_verify().read("s", ..).unwrap(), b"0123c56---789");
}

#[test]
fn losers_in_one_stream_leave_what_was_committed_beside_them() {
    for crash in [Crash::Kill, Crash::PowerLoss] {
        for checkpoint in [false, true] {
            let (lab, db) = digits();
            let (first, second, third) = (db.begin().unwrap(), db.begin().unwrap(), db.begin().unwrap());
            write(&first, 0, b"ab");
            third.stream("s").unwrap().remove(6..8).unwrap();
            if checkpoint {
                db.checkpoint().unwrap();
            }
            write(&second, 3, b"xy");
            second.commit().unwrap();
            db.write("s", 5, b"z").unwrap();
            lab.crash(crash);
            drop((first, third, db));
            let db = lab.open_and_verify();
            assert_eq!(db.stats().recovery.unwrap().losers, 2);
            assert_eq!(db.read("s", ..).unwrap(), b"012xyz6789");
        }
    }
}

#[test]
fn locks_are_on_bytes() {
    let (_lab, db) = digits();
    let (first, second) = (db.begin().unwrap(), db.begin().unwrap());
    let (one, two) = (first.stream("s").unwrap(), second.stream("s").unwrap());
    two.write(2, b"xx").unwrap();
    one.write(0, b"yy").unwrap();
    one.insert(4, b"--").unwrap();
    assert!(is_busy(two.len()), "somebody may have changed it");
    assert!(is_busy(two.read(3..5)));
    assert!(is_busy(two.append(b"!")));
    assert!(is_busy(two.insert(3, b"!")), "what is behind would move");
    assert!(is_busy(two.truncate(9)));
    assert_eq!(two.read(2..4).unwrap(), b"xx");
    assert!(is_busy(one.read(1..3)));
    assert!(is_busy(db.write("s", 3, b"!")));
    assert!(is_busy(db.drop_stream("s")));
    assert!(is_busy(first.drop_stream("s")));
    assert_eq!(one.len().unwrap(), 12);
    let locks = db.locks();
    assert!(
        locks.locks.iter().any(|lock| lock.txn == second.id() && lock.target.to_string().contains("2..4"))
    );
    assert!(locks.to_string().contains("holds"), "{locks}");
    first.commit().unwrap();
    assert_eq!(two.len().unwrap(), 12);
    second.commit().unwrap();
    assert_eq!(db.read("s", ..).unwrap(), b"yyxx--456789");
    assert!(db.locks().locks.is_empty());
}

#[test]
fn who_works_apart_in_one_stream_never_waits() {
    // Whoever had to wait would wait for ever: all transactions stay open.
    let (_dir, db) = real(Options::new().lock_timeout(Duration::MAX));
    db.create("s").unwrap();
    db.append("s", &vec![0; 40_000]).unwrap();
    let before = db.stats().lock_waits;
    let writers: Vec<_> = (0..20u64)
        .map(|number| {
            let tx = db.begin().unwrap();
            // From the last range to the first, so that nobody comes in the order of the bytes.
            tx.stream("s").unwrap().write(1_000 * (19 - number), &[7; 1_000]).unwrap();
            tx
        })
        .collect();
    let inserter = db.begin().unwrap();
    inserter.stream("s").unwrap().insert(20_000, b"between").unwrap();
    inserter.stream("s").unwrap().insert(30_000, b"behind").unwrap();
    inserter.commit().unwrap();
    writers.into_iter().for_each(|tx| tx.commit().unwrap());
    assert_eq!(db.stats().lock_waits, before);
    let bytes = db.read("s", ..).unwrap();
    assert!(bytes[..20_000] == [7; 20_000] && bytes[20_000..20_007] == *b"between");
}

#[test]
fn bounds_are_those_after_the_wait() {
    let (_lab, db) = digits();
    let (first, second) = (db.begin().unwrap(), db.begin().unwrap());
    let error = first.stream("s").unwrap().read(8..12).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutOfBounds);
    // What the error has told stays true.
    assert!(is_busy(second.stream("s").unwrap().append(b"ab")));
    first.commit().unwrap();
    second.stream("s").unwrap().append(b"ab").unwrap();
    second.commit().unwrap();
}

#[test]
fn an_inverted_range_tells_no_length_that_may_vanish() {
    let (_lab, db) = digits();
    let (first, second) = (db.begin().unwrap(), db.begin().unwrap());
    first.stream("s").unwrap().append(b"ab").unwrap();
    let (start, end) = (5, 3);
    assert!(is_busy(second.stream("s").unwrap().read(start..end)));
    first.rollback().unwrap();
    let error = second.stream("s").unwrap().read(start..end).unwrap_err();
    assert!(matches!(error, Error::OutOfBounds { len: 10, .. }), "{error}");
}

#[test]
fn writers_who_take_turns_let_go_of_space() {
    let lab = Lab::new(12, small());
    let db = lab.open();
    db.create("s").unwrap();
    db.append("s", &[1; 100_000]).unwrap();
    let mut held = db.begin().unwrap();
    write(&held, 0, &[2; 3_000]);
    let mut longest = 0;
    for round in 1..200_u64 {
        // There is always one who has changed the stream and not ended.
        let next = db.begin().unwrap();
        write(&next, round % 2 * 50_000, &[round as u8; 3_000]);
        db.checkpoint().unwrap();
        std::mem::replace(&mut held, next).commit().unwrap();
        if round == 20 {
            longest = db.stats().file_bytes;
        }
    }
    held.commit().unwrap();
    let end = db.stats().file_bytes;
    assert!(end <= 2 * longest, "the file went on growing: {longest} bytes, then {end}");
    assert!(db.verify().unwrap().is_clean());
}

/// A database on the real disk.
fn real(options: Options) -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = options.open(dir.path().join("x.ns")).unwrap();
    (dir, db)
}

#[test]
fn who_waits_is_granted_when_the_holder_ends() {
    let (_dir, db) = real(Options::new().lock_timeout(Duration::MAX));
    db.create("s").unwrap();
    let holder = db.begin().unwrap();
    holder.stream("s").unwrap().append(b"first ").unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| db.append("s", b"second"));
        while !db.locks().locks.iter().any(|lock| lock.waits_for.is_some()) {
            std::thread::yield_now();
        }
        assert!(!waiter.is_finished());
        holder.commit().unwrap();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(db.read("s", ..).unwrap(), b"first second");
}

#[test]
fn a_lock_that_is_not_given_back_is_waited_for_in_vain() {
    let (_dir, db) = real(Options::new().lock_timeout(Duration::from_millis(30)));
    db.create("s").unwrap();
    let holder = db.begin().unwrap();
    holder.stream("s").unwrap().append(b"x").unwrap();
    let started = Instant::now();
    let error = db.append("s", b"y").unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert!(matches!(&error, Error::Busy { what } if what.contains("stream")), "{error}");
    assert!(db.locks().locks.iter().all(|lock| lock.txn == holder.id()), "who gave up left nothing");
}

#[test]
fn a_deadlock_is_found_at_once_and_told() {
    let (_dir, db) = real(Options::new().lock_timeout(Duration::MAX));
    for name in ["a", "b"] {
        db.create(name).unwrap();
        db.append(name, b"0").unwrap();
    }
    let (old, young) = (db.begin().unwrap(), db.begin().unwrap());
    old.stream("a").unwrap().write(0, b"1").unwrap();
    young.stream("b").unwrap().write(0, b"2").unwrap();
    let old_id = old.id();
    let old = std::thread::scope(|scope| {
        let waiter = scope.spawn(move || {
            old.stream("b").unwrap().write(0, b"1").unwrap();
            old
        });
        while !db.locks().locks.iter().any(|lock| lock.waits_for.is_some()) {
            std::thread::yield_now();
        }
        let error = young.stream("a").unwrap().write(0, b"2").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Deadlock);
        let told = error.to_string();
        assert!(told.contains(&old_id.to_string()) && told.contains(&young.id().to_string()), "{told}");
        // The one who gave way keeps what it has until it is rolled back.
        assert_eq!(young.stream("b").unwrap().read(..).unwrap(), b"2");
        young.rollback().unwrap();
        waiter.join().unwrap()
    });
    old.commit().unwrap();
    assert_eq!((db.read("a", ..).unwrap(), db.read("b", ..).unwrap()), (b"1".to_vec(), b"1".to_vec()));
}

/// Two threads change two streams in opposite orders, so that one of each pair that meets gives way and runs again.
#[test]
fn retries_bring_both_of_a_deadlock_to_their_end() {
    let (_dir, db) = real(Options::new().lock_timeout(Duration::MAX));
    for name in ["a", "b"] {
        db.create(name).unwrap();
    }
    const TIMES: u64 = 50;
    let runs = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for order in [["a", "b"], ["b", "a"]] {
            let (db, runs) = (&db, &runs);
            scope.spawn(move || {
                for _ in 0..TIMES {
                    db.transact(|tx| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        tx.stream(order[0])?.append(b"1")?;
                        std::thread::yield_now();
                        tx.stream(order[1])?.append(b"1")
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!((db.len("a").unwrap(), db.len("b").unwrap()), (2 * TIMES, 2 * TIMES));
    assert_eq!(runs.into_inner() - 2 * TIMES, db.stats().deadlocks, "each who gave way ran again");
}

#[test]
fn no_update_is_lost_between_threads() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 60;
    let (_dir, db) = real(Options::new().lock_timeout(Duration::MAX));
    for name in ["a", "b"] {
        db.create(name).unwrap();
        db.append(name, &0_u64.to_le_bytes()).unwrap();
    }
    let add = |tx: &Transaction, name: &str| {
        let stream = tx.stream(name)?;
        let count = u64::from_le_bytes(stream.read(0..8)?.try_into().unwrap());
        stream.write(0, &(count + 1).to_le_bytes())
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (db, add) = (&db, &add);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // In both orders, so that they meet in the middle.
                    let names = if (thread + round) % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
                    db.transact(|tx| names.iter().try_for_each(|name| add(tx, name))).unwrap();
                }
            });
        }
    });
    for name in ["a", "b"] {
        assert_eq!(db.read(name, ..).unwrap(), (THREADS * ROUNDS).to_le_bytes());
    }
    assert!(db.locks().locks.is_empty());
    assert!(db.verify().unwrap().is_clean());
}

#[test]
fn commits_share_syncs_and_all_last() {
    const THREADS: usize = 16;
    const ROUNDS: usize = 40;
    let (dir, db) = real(Options::new());
    for thread in 0..THREADS {
        db.create(&format!("s{thread}")).unwrap();
    }
    db.create("shared").unwrap();
    db.append("shared", &[0; THREADS]).unwrap();
    let before = db.stats();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let db = &db;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let tx = db.begin().unwrap();
                    tx.stream(&format!("s{thread}")).unwrap().append(&[round as u8]).unwrap();
                    tx.stream("shared").unwrap().write(thread as u64, &[round as u8 + 1]).unwrap();
                    tx.commit().unwrap();
                    assert_eq!(db.len(&format!("s{thread}")).unwrap(), round as u64 + 1, "a commit is seen");
                }
            });
        }
    });
    let syncs = db.stats().log_batches - before.log_batches;
    assert!(syncs < (THREADS * ROUNDS) as u64, "{syncs} syncs for {} commits", THREADS * ROUNDS);
    assert!(db.verify().unwrap().is_clean());
    db.close().unwrap();
    let db = Database::open(dir.path().join("x.ns")).unwrap();
    assert_eq!(db.read("shared", ..).unwrap(), vec![ROUNDS as u8; THREADS]);
}

/// A disk on which one write takes until others have gone on, or for long.
#[derive(Default)]
struct OneLongWrite {
    ordered: AtomicBool,
    begun: AtomicBool,
    others_went_on: AtomicBool,
    /// It has taken as long as it could.
    in_vain: AtomicBool,
}

impl Hook for OneLongWrite {
    fn enter(&self, call: Call) -> std::io::Result<()> {
        if call == Call::Write && self.ordered.swap(false, Ordering::AcqRel) {
            self.begun.store(true, Ordering::Release);
            let began = Instant::now();
            while !self.others_went_on.load(Ordering::Acquire) {
                if began.elapsed() > Duration::from_secs(5) {
                    self.in_vain.store(true, Ordering::Release);
                    break;
                }
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

/// The one who led a flight of the log kept the core's latch while it was written: nobody could do anything meanwhile.
#[test]
fn others_go_on_while_a_commit_is_written() {
    let (dir, env) = (tempfile::tempdir().unwrap(), DelegatingEnv::<OneLongWrite>::default());
    let db = Options::new().open_in(env.clone(), dir.path().join("x.ns")).unwrap();
    db.create("a").unwrap();
    db.create("b").unwrap();
    env.hook().ordered.store(true, Ordering::Release);
    std::thread::scope(|scope| {
        scope.spawn(|| db.append("a", b"slow").unwrap());
        while !env.hook().begun.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let tx = db.begin().unwrap();
        tx.stream("b").unwrap().append(b"quick").unwrap();
        tx.commit_with(Durability::Deferred).unwrap();
        env.hook().others_went_on.store(true, Ordering::Release);
    });
    assert!(!env.hook().in_vain.load(Ordering::Acquire), "nobody could go on while the log was written");
    db.sync().unwrap();
    assert_eq!(db.read("b", ..).unwrap(), b"quick");
}

/// `cargo run --release -p tests --bin stress -- SECONDS` goes on for as long as it is told to.
#[test]
fn an_order_explains_what_threads_were_told() {
    let (_dir, db) = real(small().lock_timeout(Duration::from_secs(600)));
    let mut stress = Stress::new(db, 16, 1).unwrap();
    for _ in 0..30 {
        stress.round(2).unwrap();
    }
    let rounds = stress.so_far();
    assert!(rounds.undecided < rounds.rounds / 2, "the judge gives up too often: {rounds:?}");
    let db = stress.into_database();
    assert!(db.stats().lock_waits > 0, "they met");
    assert!(db.verify().unwrap().is_clean());
}

#[test]
fn a_target_says_what_it_is() {
    let (_lab, db) = digits();
    let tx = db.begin().unwrap();
    tx.list().unwrap();
    let locks = db.locks().locks;
    assert!(matches!(&locks[..], [lock] if lock.target == LockTarget::Database && lock.waits_for.is_none()));
}
