//! A disk that fills up at any moment: calls are refused, and nothing else goes wrong. What was begun can be committed or
//! rolled back, a checkpoint finds the space that was set aside for it, and so does a close.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use numstore::env::{Clock, Env, Scheduler};
use numstore::{Database, Error, Options, Transaction};
use sim::world::{Concern, Dice, SimEnv, World, WriteFault};

const PATH: &str = "db/x.ns";

/// How a database is set up; small, so that everything happens often.
fn options(dice: &mut Dice) -> Options {
    Options::new()
        .leaf_bytes(*dice.pick(&[256, 4096, 64 << 10]))
        .fanout(*dice.pick(&[4, 256]))
        .bulk_bytes(*dice.pick(&[1024, 256 << 10]))
        .dirty_bytes(*dice.pick(&[64 << 10, 64 << 20]))
        .checkpoint_log_bytes(*dice.pick(&[8 << 10, 1 << 20]))
        .log_segment_bytes(16 << 10)
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
}

/// An edit of the end, the middle or the whole of a stream; the same to the bytes in `model`. Whether it was refused.
fn edit(tx: &Transaction<SimEnv>, name: &str, model: &mut Vec<u8>, longest: u64, dice: &mut Dice) -> bool {
    let len = model.len() as u64;
    let at = dice.below(len + 1);
    let removed = if dice.chance(1, 2) { dice.below(len - at + 1) } else { dice.below(40).min(len - at) };
    let most = *dice.pick(&[16, 600, 9_000, longest]);
    let size = if len > 300_000 { 0 } else { dice.below(most) };
    let bytes = dice.bytes(size as usize);
    let done = tx.stream(name).and_then(|stream| stream.splice(at, removed, &bytes));
    match done {
        Ok(()) => {
            model.splice(at as usize..(at + removed) as usize, bytes);
            false
        }
        Err(e) => {
            assert!(is_full(&e), "an edit: {e}");
            true
        }
    }
}

type Model = BTreeMap<&'static str, Vec<u8>>;

fn check(db: &Database<SimEnv>, model: &Model) {
    for (name, bytes) in model {
        assert!(db.read(name, ..).unwrap() == *bytes, "{name} differs");
    }
    let audit = db.verify().unwrap();
    assert!(audit.is_clean(), "{:#?}", audit.problems);
}

/// One disk that fills up after a drawn number of writes; returns how many edits were refused, and how many checkpoints.
fn run(seed: u64) -> (u64, u64, u64) {
    let mut dice = Dice::new(seed, Concern::Workload);
    let world = World::new(seed);
    let options = options(&mut dice);
    let longest = *dice.pick(&[60_000, 70_000]);
    let db = options.clone().open_in(world.env(), PATH).unwrap();
    let mut model = Model::new();
    for name in ["a", "b", "c"] {
        db.create(name).unwrap();
        model.insert(name, Vec::new());
    }
    world.fail_writes_after(dice.below(300), WriteFault::Full);
    let (mut refused, mut stuck, mut tries, mut rolled_back) = (0, 0, 0, false);
    for round in 0..40 {
        let open = ["a", "b", "c"].map(|name| (name, db.begin(), model[name].clone()));
        let mut failed = false;
        let mut open = open.map(|(name, tx, bytes)| (name, tx.unwrap(), bytes));
        for _ in 0..dice.below(40) {
            let (name, tx, bytes) = &mut open[dice.index(3)];
            failed = edit(tx, name, bytes, longest, &mut dice);
            refused += u64::from(failed);
            if failed && dice.chance(1, 2) {
                break;
            }
        }
        // A long edit is several operations; when a later one is refused, the first ones are rolled back.
        rolled_back |= failed && longest > 64 << 10;
        if failed && dice.chance(1, 2) {
            let done = db.checkpoint();
            // What a rollback puts back may find no room; then it stays in memory.
            assert!(
                done.is_ok() || rolled_back && done.as_ref().is_err_and(is_full),
                "seed {seed}, round {round}: {done:?}"
            );
            stuck += u64::from(done.is_err());
            tries += 1;
        }
        for (name, tx, bytes) in open {
            if dice.chance(1, 3) {
                rolled_back |= world.counters().writes_failed > 0;
                tx.rollback().unwrap_or_else(|e| panic!("seed {seed}, round {round}: a rollback: {e}"));
            } else {
                tx.commit().unwrap_or_else(|e| panic!("seed {seed}, round {round}: a commit: {e}"));
                model.insert(name, bytes);
            }
        }
        check(&db, &model);
        if refused > 60 {
            break;
        }
    }
    if let Err(e) = db.close() {
        assert!(rolled_back && is_full(&e), "seed {seed}: the close: {e}");
        stuck += 1;
        world.relieve();
    }
    let db = options.open_in(world.env(), PATH).unwrap();
    check(&db, &model);
    world.relieve();
    db.append("a", b"goes on").unwrap();
    (refused, stuck, tries)
}

#[test]
fn a_full_disk_refuses_calls_and_nothing_else() {
    let runs = (0..40).map(run);
    let (refused, stuck, tries) =
        runs.fold((0, 0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1, sum.2 + run.2));
    assert!(refused > 500, "only {refused} edits were refused");
    assert!(stuck < tries / 2, "{stuck} of {tries} checkpoints found no room");
}

/// Appends commits until the disk has no room for another.
fn fill(db: &Database<SimEnv>, name: &str, bytes: &[u8]) {
    for _ in 0..100_000 {
        match db.append(name, bytes) {
            Ok(()) => {}
            Err(e) => return assert!(is_full(&e), "an append: {e}"),
        }
    }
    panic!("the disk never fills up");
}

/// Its undo entries are on disk, so undoing brings nodes back that are in memory no more; and the log has no room but
/// what was kept for this.
#[test]
fn a_long_rollback_on_a_full_disk_goes_through() {
    for (operations, size) in [(300, 1_000), (1_000, 3_000), (2_000, 20_000)] {
        let world = World::new(1);
        let db = Options::new().open_in(world.env(), PATH).unwrap();
        for name in ["a", "b"] {
            db.create(name).unwrap();
            db.append(name, &vec![3; 2 << 20]).unwrap();
        }
        db.checkpoint().unwrap();
        let tx = db.begin().unwrap();
        for i in 0..operations {
            tx.stream("b").unwrap().insert(i * 50, &[7; 20]).unwrap();
        }
        db.checkpoint().unwrap();
        world.fail_writes_after(0, WriteFault::Full);
        fill(&db, "a", &vec![4; size]);
        tx.rollback().unwrap_or_else(|e| panic!("{operations} operations, {size} bytes: {e}"));
        assert!(db.read("b", ..).unwrap() == vec![3; 2 << 20]);
        world.relieve();
        db.append("a", b"goes on").unwrap();
    }
}

/// When the last segment of the log is full a checkpoint frees those before it.
#[test]
fn a_full_disk_takes_calls_again_once_a_stream_is_dropped() {
    let world = World::new(1);
    let db = Options::new().leaf_bytes(4096).open_in(world.env(), PATH).unwrap();
    for (name, bytes) in [("large", 8 << 20), ("small", 0)] {
        db.create(name).unwrap();
        db.append(name, &vec![5; bytes]).unwrap();
    }
    db.checkpoint().unwrap();
    world.fail_writes_after(0, WriteFault::Full);
    fill(&db, "small", &[6; 3_000]);
    db.drop_stream("large").unwrap();
    db.append("small", &[6; 3_000]).unwrap();
    check(&db, &Model::new());
}

/// The free map of a file with thousands of short holes is written where there is room for it.
#[test]
fn many_holes_and_a_full_disk_poison_nothing() {
    for calls in 0..14 {
        let world = World::new(1);
        let options = Options::new().leaf_bytes(4096).fanout(64).log_segment_bytes(64 << 10);
        let db = options.clone().open_in(world.env(), PATH).unwrap();
        db.create("a").unwrap();
        db.append("a", &vec![9; 4_100 * 4_096]).unwrap();
        db.checkpoint().unwrap();
        let tx = db.begin().unwrap();
        for i in (0..2_000).rev() {
            tx.stream("a").unwrap().remove(i * 8_192..i * 8_192 + 4_096).unwrap();
        }
        tx.commit().unwrap();
        db.close().unwrap();
        let db = options.open_in(world.env(), PATH).unwrap();
        world.fail_writes_after(calls, WriteFault::Full);
        for i in 0..8 {
            for done in [db.write("a", i * 70_000, &[1; 10]), db.checkpoint()] {
                assert!(done.as_ref().err().is_none_or(is_full), "after {calls} calls: {done:?}");
            }
        }
    }
}

fn with_two_streams(world: &World) -> Database<SimEnv> {
    let options = Options::new().log_segment_bytes(16 << 10).leaf_bytes(4096);
    let db = options.open_in(world.env(), PATH).unwrap();
    for name in ["a", "b"] {
        db.create(name).unwrap();
        db.append(name, &[3; 10_000]).unwrap();
    }
    db
}

/// Parts of a transaction are undone and made durable one by one, each in a block of its own, while others commit, until
/// the log has no room for the record that ends the transaction: a checkpoint makes room, and no flush finds out.
fn end_behind(others: usize, operations: u64, undone: usize, commits: bool) {
    let world = World::new(1);
    let db = with_two_streams(&world);
    let tx = db.begin().unwrap();
    let stream = tx.stream("b").unwrap();
    let mut savepoints = Vec::new();
    for at in 0..operations {
        savepoints.push(tx.savepoint().unwrap());
        stream.insert(at, &[7; 2]).unwrap();
    }
    world.fail_writes_after(0, WriteFault::Full);
    (0..others).for_each(|_| db.append("a", &[4; 500]).unwrap());
    for savepoint in savepoints.iter().rev().take(undone) {
        tx.rollback_to(savepoint).unwrap();
        db.sync().unwrap();
    }
    let what = format!("{others} commits, {undone} undone, commits: {commits}");
    let ended = if commits { tx.commit() } else { tx.rollback().and_then(|()| db.sync()) };
    ended.unwrap_or_else(|e| panic!("{what}: {e}"));
    let kept = if commits { operations - undone as u64 } else { 0 };
    assert_eq!(db.len("b").unwrap(), 10_000 + 2 * kept, "{what}");
    db.append("a", b"goes on").unwrap_or_else(|e| panic!("{what}, afterwards: {e}"));
}

#[test]
fn a_commit_on_a_log_that_undoing_has_filled_goes_through() {
    (0..10).for_each(|others| (0..24).for_each(|undone| end_behind(others, 24, undone, true)));
}

#[test]
fn a_rollback_on_a_log_that_undoing_has_filled_goes_through() {
    (0..10).for_each(|others| (1..=24).for_each(|all| end_behind(others, all, all as usize, false)));
}

/// A call that a full disk refuses is tried again behind a checkpoint, with the locks that it has taken: the engine asserts
/// that whoever changes something has some. It once ran without.
#[test]
fn a_call_that_is_tried_again_has_its_locks() {
    for (size, shared) in [(600, false), (600, true), (60_000, false)] {
        let world = World::new(1);
        let db = with_two_streams(&world);
        let tx = db.begin().unwrap();
        if shared {
            tx.stream("a").unwrap().write(0, b"x").unwrap();
        }
        world.fail_writes_after(0, WriteFault::Full);
        let (mut again, mut tries) = (0, 0);
        while again < 3 && tries < 1_000 {
            let before = db.stats().checkpoints;
            let refused = db.write("a", 1, &vec![4; size]).is_err();
            again += u64::from(db.stats().checkpoints > before && !refused);
            tries += 1;
        }
        assert_eq!(again, 3, "{size} bytes: a checkpoint made room for a call");
        assert!(db.verify().unwrap().is_clean());
    }
}

/// What a rollback has put back finds no room, so checkpoints are refused; each refusal costs a walk over what is dirty. Calls
/// that come one upon the other do not ask for one each, whether one is due or not, and go on as soon as there is room.
#[test]
fn a_checkpoint_that_was_refused_is_not_asked_for_by_every_call() {
    for background in [false, true] {
        let world = World::new(1);
        let options = Options::new().background(background).checkpoint_log_bytes(64 << 10);
        let db = options.open_in(world.env(), PATH).unwrap();
        for name in ["a", "b"] {
            db.create(name).unwrap();
            db.append(name, &vec![3; 8 << 20]).unwrap();
        }
        db.checkpoint().unwrap();
        // What is freed is not free for others.
        let held = db.snapshot();
        let tx = db.begin().unwrap();
        for i in 0..2_000 {
            tx.stream("b").unwrap().insert(i * 4_000, &[7; 20]).unwrap();
        }
        db.checkpoint().unwrap();
        world.fail_writes_after(0, WriteFault::Full);
        fill(&db, "a", &[4; 20_000]);
        tx.rollback().unwrap();
        assert!(db.checkpoint().is_err_and(|e| is_full(&e)), "a checkpoint finds room");
        let clock = world.env();
        let refusals_of = |calls: u64| {
            let before = world.counters().refused_full;
            for _ in 0..calls {
                assert!(db.append("a", &[4; 20_000]).is_err_and(|e| is_full(&e)));
                // Whoever was called to work has its turn.
                clock.scheduler().yield_now();
            }
            world.counters().refused_full - before
        };
        clock.clock().sleep_until(clock.clock().monotonic() + Duration::from_secs(2));
        let one = refusals_of(1);
        let fifty = refusals_of(50);
        assert!(fifty <= 50 * (one - 1), "{one} refusals of one call, {fifty} of fifty more");
        drop(held);
        world.relieve();
        db.append("a", b"goes on").unwrap();
    }
}
