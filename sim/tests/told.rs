//! What a call tells its caller lasts: of a commit that may still vanish nobody hears, not even by an error.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use numstore::env::{Env, Scheduler, TaskHandle};
use numstore::{Database, Durability, ErrorCode, Options, Result};
use sim::world::{Persist, Schedule, SimEnv, World, WriteFault};

const PATH: &str = "db/told.ns";

type Db = Database<SimEnv>;

fn options() -> Options {
    Options::new().deferred_delay(Duration::MAX).leaf_bytes(256).fanout(4).log_segment_bytes(16 << 10)
}

/// What two tasks were told, of which the first changes something and meets a sync that fails.
struct Told {
    change: Option<ErrorCode>,
    look: Option<ErrorCode>,
}

/// Runs `change` and `look` side by side on a database with the stream `s` of three bytes.
fn side_by_side(seed: u64, change: fn(&Db) -> Result<()>, look: fn(&Db) -> Result<()>) -> Told {
    let world = World::with_schedule(seed, Schedule::Uniform);
    let db = options().open_in(world.env(), PATH).unwrap();
    db.create("s").unwrap();
    db.append("s", b"abc").unwrap();
    world.fail_sync_after(0);
    let codes = [change, look].map(|call| {
        let (db, code) = (db.clone(), Arc::new(Mutex::new(None)));
        let told = Arc::clone(&code);
        let body = move || *told.lock().unwrap() = call(&db).err().map(|e| e.code());
        let task = world.env().scheduler().spawn("a caller", Box::new(body)).unwrap();
        (task, code)
    });
    let [change, look] = codes.map(|(task, code)| {
        task.join().unwrap();
        *code.lock().unwrap()
    });
    Told { change, look }
}

/// Whoever comes behind a commit whose sync fails hears nothing of it: `hears` is what the error would be.
fn check_errors(change: fn(&Db) -> Result<()>, look: fn(&Db) -> Result<()>, hears: ErrorCode) {
    let mut vanished = 0;
    for seed in 0..300 {
        let told = side_by_side(seed, change, look);
        if told.change == Some(ErrorCode::InDoubt) {
            assert_ne!(told.look, Some(hears), "seed {seed}: an error told of a commit that vanished");
            vanished += u64::from(told.look == Some(ErrorCode::Poisoned));
        }
    }
    assert!(vanished > 20, "a commit vanished before somebody who looked at it in {vanished} of 300 runs");
}

#[test]
fn no_error_tells_of_a_name_that_may_vanish() {
    let create = |db: &Db| db.create("new");
    check_errors(create, |db| db.begin()?.create("new").map(drop), ErrorCode::StreamExists);
    check_errors(create, |db| db.create("new"), ErrorCode::StreamExists);
    check_errors(|db| db.drop_stream("s"), |db| db.append("s", b"d"), ErrorCode::NoSuchStream);
}

#[test]
fn no_error_tells_of_a_length_that_may_vanish() {
    let cut = |db: &Db| db.truncate("s", 1);
    check_errors(cut, |db| db.begin()?.stream("s")?.insert(2, b"d"), ErrorCode::OutOfBounds);
    check_errors(cut, |db| db.begin()?.stream("s")?.read(1..3).map(drop), ErrorCode::OutOfBounds);
    check_errors(cut, |db| db.insert("s", 2, b"d"), ErrorCode::OutOfBounds);
}

/// A database on which `s` and `other` each have a deferred commit, that of `other` later.
fn two_deferred(world: &World) -> Db {
    let db = options().open_in(world.env(), PATH).unwrap();
    for name in ["s", "other"] {
        db.create(name).unwrap();
    }
    for name in ["s", "other"] {
        let tx = db.begin().unwrap();
        tx.stream(name).unwrap().append(b"later").unwrap();
        tx.commit_with(Durability::Deferred).unwrap();
    }
    db
}

/// A transaction that only reads waits for what it has read, and for nothing else.
#[test]
fn a_commit_without_changes_waits_for_what_it_has_read() {
    for (reads, lasts) in [("s", true), ("untouched", false)] {
        let world = World::new(1);
        let db = two_deferred(&world);
        let batches = db.stats().log_batches;
        let tx = db.begin().unwrap();
        let found = tx.stream(reads).and_then(|stream| stream.read(..));
        assert_eq!(found.is_ok(), lasts);
        assert_eq!(db.stats().log_batches, batches, "what is deferred is shown at once");
        tx.commit().unwrap();
        assert_eq!(db.stats().log_batches > batches, lasts, "{reads}");
        world.power_loss(Persist::None);
        drop(db);
        let db = options().open_in(world.env(), PATH).unwrap();
        assert_eq!(db.len("s").unwrap(), if lasts { 5 } else { 0 });
    }
}

/// A call that changes nothing lasts when it returns, as far as it has seen anything.
#[test]
fn a_change_of_nothing_waits_for_what_it_has_seen() {
    for (name, lasts) in [("untouched", false), ("s", true)] {
        let world = World::new(1);
        let db = options().open_in(world.env(), PATH).unwrap();
        db.create("untouched").unwrap();
        db.create("s").unwrap();
        let tx = db.begin().unwrap();
        tx.stream("s").unwrap().append(b"later").unwrap();
        tx.commit_with(Durability::Deferred).unwrap();
        db.append(name, b"").unwrap();
        assert_eq!(db.len("s").unwrap(), if lasts { 5 } else { 0 });
    }
}

/// Where nothing is committed nothing is in doubt.
#[test]
fn only_a_commit_is_in_doubt() {
    type Call = fn(&Db) -> Result<()>;
    let calls: [Call; 3] = [
        Database::checkpoint,
        |db| {
            let tx = db.begin()?;
            let stream = tx.stream("s")?;
            (0..2_000).try_for_each(|_| stream.append(&[1; 100]))
        },
        |db| db.begin()?.stream("s")?.len().map(drop),
    ];
    for (which, call) in calls.into_iter().enumerate() {
        for (syncs, writes) in [(Some(0), None), (Some(1), None), (None, Some(0))] {
            let world = World::new(1);
            let db = options().checkpoint_log_bytes(8 << 10).open_in(world.env(), PATH).unwrap();
            db.create("s").unwrap();
            let tx = db.begin().unwrap();
            tx.stream("s").unwrap().append(b"later").unwrap();
            tx.commit_with(Durability::Deferred).unwrap();
            if let Some(syncs) = syncs {
                world.fail_sync_after(syncs);
            }
            if let Some(writes) = writes {
                world.fail_writes_after(writes, WriteFault::Error);
            }
            if let Err(e) = call(&db) {
                let code = e.code();
                assert!([ErrorCode::Poisoned, ErrorCode::Io].contains(&code), "call {which}: {e}");
            }
        }
    }
}
