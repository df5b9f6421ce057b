//! The task beside all calls: checkpoints that nobody asked for, deferred commits that become durable in time, an end with
//! the database; and calls that go on while a checkpoint is written.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use numstore::{Database, Durability, ErrorCode, Options};
use tests::{Call, DelegatingEnv, Hook};

const PATIENCE: Duration = Duration::from_secs(60);

fn open(options: Options) -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = options.open(dir.path().join("background.ns")).unwrap();
    (dir, db)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
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

/// A disk on which the background task panics when it writes, once that is armed.
#[derive(Default)]
struct Trap {
    armed: AtomicBool,
    struck: AtomicBool,
}

impl Hook for Trap {
    fn enter(&self, call: Call) -> io::Result<()> {
        let in_background = std::thread::current().name() == Some("numstore background");
        if call == Call::Write && in_background && self.armed.load(Ordering::Acquire) {
            self.struck.store(true, Ordering::Release);
            panic!("on purpose");
        }
        Ok(())
    }
}

fn open_with_trap(
    options: Options,
) -> (tempfile::TempDir, DelegatingEnv<Trap>, Database<DelegatingEnv<Trap>>) {
    let dir = tempfile::tempdir().unwrap();
    let env = DelegatingEnv::<Trap>::default();
    let db = options.open_in(env.clone(), dir.path().join("background.ns")).unwrap();
    db.create("a").unwrap();
    env.hook().armed.store(true, Ordering::Release);
    (dir, env, db)
}

/// Nobody would take the checkpoints that are due any more, and nobody would make durable what was deferred.
#[test]
fn a_panic_of_the_task_is_told_to_whoever_calls_next() {
    for writes_checkpoint in [true, false] {
        let options = Options::new()
            .checkpoint_log_bytes(64 << 10)
            .deferred_delay(Duration::from_millis(1))
            .lock_timeout(PATIENCE);
        let (_dir, env, db) = open_with_trap(options);
        let before = db.snapshot();
        let tx = db.begin().unwrap();
        if writes_checkpoint {
            // The second call finds that a checkpoint is due.
            tx.stream("a").unwrap().append(&[7; 70_000]).unwrap();
            tx.stream("a").unwrap().insert(0, &[7; 1]).unwrap();
        } else {
            tx.stream("a").unwrap().append(b"later").unwrap();
        }
        let _ = tx.commit_with(Durability::Deferred);
        wait_until("the task has not written", || env.hook().struck.load(Ordering::Acquire));
        wait_until("nobody hears of the panic", || {
            db.begin().is_err_and(|e| e.code() == ErrorCode::Poisoned)
        });
        assert_eq!(db.append("a", b"x").unwrap_err().code(), ErrorCode::Poisoned);
        assert_eq!(db.checkpoint().unwrap_err().code(), ErrorCode::Poisoned);
        assert_eq!(db.sync().unwrap_err().code(), ErrorCode::Poisoned);
        assert_eq!(before.stream("a").unwrap().len(), 0, "reads of durable versions go on");
        drop(before);
        assert_eq!(db.close().unwrap_err().code(), ErrorCode::Poisoned);
    }
}

/// Whoever closes the database may be the first to call after the panic.
#[test]
fn closing_after_a_panic_of_the_task_leaves_everything_to_the_next_opening() {
    let (dir, env, db) = open_with_trap(Options::new().deferred_delay(Duration::from_millis(1)));
    db.append("a", b"durable").unwrap();
    let tx = db.begin().unwrap();
    tx.stream("a").unwrap().append(b"later").unwrap();
    tx.commit_with(Durability::Deferred).unwrap();
    wait_until("the task has not written", || env.hook().struck.load(Ordering::Acquire));
    assert_eq!(db.close().unwrap_err().code(), ErrorCode::Poisoned);
    let db = Database::open(dir.path().join("background.ns")).unwrap();
    assert!(db.stats().recovery.is_some());
    assert_eq!(db.read("a", ..).unwrap(), b"durable");
}

/// A disk that keeps a write waiting, and on which reading a whole leaf panics, once that is armed.
#[derive(Default)]
struct Ambush {
    shut: AtomicBool,
    waiting: AtomicBool,
    armed: AtomicBool,
}

impl Hook for Ambush {
    fn enter(&self, call: Call) -> io::Result<()> {
        while call == Call::Write && self.shut.load(Ordering::Acquire) {
            self.waiting.store(true, Ordering::Release);
            std::thread::yield_now();
        }
        Ok(())
    }

    fn has_read(&self, read: &io::Result<usize>) {
        assert!(!self.armed.load(Ordering::Acquire) || !matches!(read, Ok(65_536)), "on purpose");
    }
}

/// The version that shows a commit is made when its flight takes off, which may be after somebody else's call has panicked.
#[test]
fn what_a_panic_has_left_half_changed_is_shown_to_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let env = DelegatingEnv::<Ambush>::default();
    let options = Options::new().background(false).cache_bytes(1 << 20);
    let db = options.open_in(env.clone(), dir.path().join("panic.ns")).unwrap();
    for name in ["a", "b", "cold"] {
        db.create(name).unwrap();
    }
    db.append("cold", &[1; 4 << 20]).unwrap();
    std::thread::scope(|scope| {
        env.hook().shut.store(true, Ordering::Release);
        let leads = scope.spawn(|| db.append("a", b"durable"));
        wait_until("nobody writes", || env.hook().waiting.load(Ordering::Acquire));
        let logged = db.stats().log_bytes;
        let follows = scope.spawn(|| db.append("b", b"in doubt"));
        wait_until("nobody follows", || db.stats().log_bytes > logged);
        env.hook().armed.store(true, Ordering::Release);
        let call = std::panic::AssertUnwindSafe(|| db.insert("cold", 1 << 20, b"x"));
        std::panic::catch_unwind(call).unwrap_err();
        env.hook().armed.store(false, Ordering::Release);
        env.hook().shut.store(false, Ordering::Release);
        leads.join().unwrap().unwrap();
        assert_eq!(follows.join().unwrap().unwrap_err().code(), ErrorCode::InDoubt);
    });
    assert_eq!((db.read("a", ..).unwrap(), db.read("b", ..).unwrap()), (b"durable".to_vec(), b"".to_vec()));
    assert_eq!(db.append("a", b"!").unwrap_err().code(), ErrorCode::Poisoned);
    drop(db);
    let db = Database::open(dir.path().join("panic.ns")).unwrap();
    assert_eq!((db.read("a", ..).unwrap(), db.len("cold").unwrap()), (b"durable".to_vec(), 4 << 20));
}

/// A disk whose data file takes no write while the gate is shut; or that answers no read of the thread `reader`.
#[derive(Default)]
struct Gate {
    shut: AtomicBool,
    stops_reads: AtomicBool,
    waiting: AtomicU64,
}

impl Gate {
    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        while self.shut.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hook for Gate {
    fn enter_file(&self, call: Call, path: &Path) -> io::Result<()> {
        let is_data = path.extension().is_some_and(|extension| extension == "ns");
        if call == Call::Write && is_data && !self.stops_reads.load(Ordering::Acquire) {
            self.wait();
        }
        Ok(())
    }

    fn has_read(&self, _: &io::Result<usize>) {
        let is_reader = std::thread::current().name() == Some("reader");
        if is_reader && self.stops_reads.load(Ordering::Acquire) {
            self.wait();
        }
    }
}

/// Opens the gate when it goes, so that a test that fails ends.
struct Shut<'a>(&'a Gate);

impl<'a> Shut<'a> {
    fn new(gate: &'a Gate) -> Shut<'a> {
        gate.shut.store(true, Ordering::Release);
        Shut(gate)
    }

    fn wait_for_somebody(&self) {
        wait_until("nobody comes to the gate", || self.0.waiting.load(Ordering::Acquire) > 0);
    }
}

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.0.shut.store(false, Ordering::Release);
    }
}

/// Whether `call` comes to its end while the gate is shut.
fn ends_beside(shut: &Shut<'_>, call: impl FnOnce() + Send) -> bool {
    std::thread::scope(|scope| {
        let (sender, ended) = channel();
        scope.spawn(move || {
            call();
            sender.send(()).unwrap();
        });
        let ends = ended.recv_timeout(Duration::from_secs(20)).is_ok();
        if !ends {
            shut.0.shut.store(false, Ordering::Release);
        }
        ends
    })
}

fn open_with_gate() -> (tempfile::TempDir, DelegatingEnv<Gate>, Database<DelegatingEnv<Gate>>) {
    let dir = tempfile::tempdir().unwrap();
    let env = DelegatingEnv::<Gate>::default();
    let options = Options::new().checkpoint_log_bytes(64 << 10).bulk_bytes(1 << 20);
    let db = options.open_in(env.clone(), dir.path().join("background.ns")).unwrap();
    db.create("a").unwrap();
    db.create("b").unwrap();
    (dir, env, db)
}

/// Whoever changes the state faster than it is written is slowed down when its commit is durable and its locks are free, and
/// who has a transaction open and has not changed much is not.
#[test]
fn whoever_keeps_to_the_pace_holds_nobody_up() {
    let (_dir, env, db) = open_with_gate();
    let shut = Shut::new(env.hook());
    db.append("a", &[1; 66_000]).unwrap();
    db.append("a", &[1; 1000]).unwrap();
    shut.wait_for_somebody();
    let begun = AtomicU64::new(0);
    let len = || db.len("a").unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..60 {
                begun.fetch_add(1, Ordering::AcqRel);
                db.append("a", &[2; 1000]).unwrap();
            }
        });
        // It stands still, and what it waits behind has happened.
        let mut last = 0;
        wait_until("a commit is not durable while its writer is slowed down", || {
            std::thread::sleep(Duration::from_millis(300));
            let (before, now) = (std::mem::replace(&mut last, len()), len());
            before == now && now == 67_000 + 1000 * begun.load(Ordering::Acquire)
        });
        assert!(!writer.is_finished(), "nothing slows the writer down");
        let goes_on = ends_beside(&shut, || {
            let tx = db.begin().unwrap();
            tx.stream("a").unwrap().append(b"beside").unwrap();
            tx.rollback().unwrap();
        });
        assert!(goes_on, "a transaction waits with its locks");
        drop(shut);
        writer.join().unwrap();
    });
    assert_eq!(len(), 127_000);
}

/// Who finds so much changed that it has to wait for a checkpoint starts over afterwards, and the others go on meanwhile.
#[test]
fn whoever_waits_for_a_checkpoint_lets_others_go_on() {
    let (_dir, env, db) = open_with_gate();
    let tx = db.begin().unwrap();
    let stream = tx.stream("a").unwrap();
    stream.append(&[1; 200_000]).unwrap();
    let shut = Shut::new(env.hook());
    std::thread::scope(|scope| {
        let (db, tx) = (&db, tx);
        let behind = scope.spawn(move || {
            // Not behind what it has inserted: that would only wait beside it.
            tx.stream("a").unwrap().insert(0, b"more").unwrap();
            tx
        });
        shut.wait_for_somebody();
        let goes_on = ends_beside(&shut, || {
            assert_eq!(db.stats().checkpoints, 0);
            let other = db.begin().unwrap();
            assert_eq!(other.stream("b").unwrap().len().unwrap(), 0);
            other.commit().unwrap();
        });
        drop(shut);
        let tx = behind.join().unwrap();
        assert!(goes_on, "the core's latch is held while a checkpoint is written");
        tx.commit().unwrap();
    });
    assert!(db.stats().checkpoints > 0);
    assert_eq!(db.len("a").unwrap(), 200_004);
    assert!(db.verify().unwrap().is_clean());
}

/// A direct call that waits for a checkpoint has locks and is no transaction; it is there, and will give them back.
#[test]
fn an_audit_knows_of_calls_that_wait_for_a_checkpoint() {
    let (_dir, env, db) = open_with_gate();
    let tx = db.begin().unwrap();
    tx.stream("a").unwrap().append(&[1; 200_000]).unwrap();
    let shut = Shut::new(env.hook());
    std::thread::scope(|scope| {
        let behind = scope.spawn(|| db.append("b", b"more").unwrap());
        shut.wait_for_somebody();
        wait_until("the call has taken its locks", || db.locks().to_string().contains("name \"b\""));
        // It takes the latch, and keeps it while it waits for the checkpoint as well.
        let audit = scope.spawn(|| db.verify().unwrap());
        std::thread::sleep(Duration::from_millis(100));
        drop(shut);
        assert_eq!(audit.join().unwrap().problems, Vec::<String>::new());
        behind.join().unwrap();
    });
    tx.commit().unwrap();
    assert_eq!(db.len("b").unwrap(), 4);
}

/// What an open transaction covers is read from disk again once a checkpoint has written it.
#[test]
fn a_checkpoint_lets_go_of_what_open_transactions_cover() {
    let (_dir, db) = open(Options::new().leaf_bytes(4096).fanout(16).bulk_bytes(64 << 20));
    db.create("a").unwrap();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|at| (at / 7) as u8).collect();
    db.append("a", &bytes).unwrap();
    let looked_up = || {
        let before = db.stats();
        assert!(db.read("a", ..).unwrap() == bytes);
        let now = db.stats();
        now.cache_hits + now.cache_misses - before.cache_hits - before.cache_misses
    };
    assert_eq!(looked_up(), 0, "everything is in memory");
    let tx = db.begin().unwrap();
    tx.stream("a").unwrap().write(500_000, b"not committed").unwrap();
    db.checkpoint().unwrap();
    let (leaves, looks) = (1_000_000 / 4096, looked_up());
    assert!(looks > leaves * 9 / 10, "{looks} nodes of {leaves} leaves were looked for on disk");
    tx.rollback().unwrap();
    assert!(db.read("a", ..).unwrap() == bytes && db.verify().unwrap().is_clean());
}

/// What a transaction reads is fetched from disk without the core's latch. It is whole, though others change the nodes on the way
/// to it meanwhile, and checkpoints set free what they have given up.
#[test]
fn a_transaction_that_reads_from_disk_lets_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("background.ns");
    let options = Options::new().leaf_bytes(4096).fanout(16);
    let bytes: Vec<u8> = (0..1_000_000u32).map(|at| (at / 7) as u8).collect();
    {
        let db = options.clone().open(&path).unwrap();
        db.create("a").unwrap();
        db.append("a", &bytes).unwrap();
        db.close().unwrap();
    }
    let env = DelegatingEnv::<Gate>::default();
    let db = options.open_in(env.clone(), &path).unwrap();
    let tx = db.begin().unwrap();
    tx.stream("a").unwrap().len().unwrap();
    env.hook().stops_reads.store(true, Ordering::Release);
    let shut = Shut::new(env.hook());
    std::thread::scope(|scope| {
        let read = move || tx.stream("a").unwrap().read(100_000..800_000);
        let reader = std::thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, read).unwrap();
        // It has the root, and nothing below.
        shut.wait_for_somebody();
        let goes_on = ends_beside(&shut, || {
            assert_eq!(db.stats().transactions_open, 1);
            for at in 0..30 {
                db.write("a", 99_000 - 4096 * (at % 20), &[7; 100]).unwrap();
                db.write("a", 801_000 + 4096 * (at % 20), &[7; 100]).unwrap();
                db.checkpoint().unwrap();
            }
        });
        drop(shut);
        assert!(goes_on, "the core's latch is held while a transaction reads from disk");
        assert!(reader.join().unwrap().unwrap() == bytes[100_000..800_000]);
    });
}

/// Nobody has to call for what was removed to be freed.
#[test]
fn what_was_removed_is_freed_beside_everything() {
    let (_dir, db) = open(Options::new().leaf_bytes(4096).fanout(16).bulk_bytes(64 << 20));
    db.create("a").unwrap();
    db.append("a", &vec![7; 16 << 20]).unwrap();
    db.checkpoint().unwrap();
    let tx = db.begin().unwrap();
    tx.drop_stream("a").unwrap();
    tx.commit().unwrap();
    let is_empty = || db.stats().graveyard_nodes == 0;
    let waited = (0..3_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        is_empty()
    });
    assert!(waited, "{} nodes wait to be freed", db.stats().graveyard_nodes);
    assert!(db.verify().unwrap().is_clean());
}

/// Whoever rolls back much does not hold everybody up until all of it is undone.
#[test]
fn others_go_on_in_the_midst_of_a_rollback() {
    let (_dir, db) = open(Options::new().leaf_bytes(4096).fanout(16));
    db.create("a").unwrap();
    db.create("b").unwrap();
    db.append("a", &[1; 10_000]).unwrap();
    let tx = db.begin().unwrap();
    let stream = tx.stream("a").unwrap();
    for at in 0..200_000u64 {
        stream.write(at * 7_919 % 9_000, &[2; 3]).unwrap();
    }
    let (done, worked) = (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                db.begin().unwrap().stream("b").unwrap().append(b"x").unwrap();
                worked.fetch_add(1, Ordering::Relaxed);
            }
        });
        while worked.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        let before = worked.load(Ordering::Relaxed);
        tx.rollback().unwrap();
        let during = worked.load(Ordering::Relaxed) - before;
        done.store(true, Ordering::Release);
        assert!(during > 1, "nobody came in while 200,000 operations were undone");
    });
    assert!(db.read("a", ..).unwrap() == [1; 10_000] && db.verify().unwrap().is_clean());
}
