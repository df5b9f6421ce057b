//! A disk that fills up at any moment: calls are refused, and nothing else goes wrong. What was begun can be committed or
//! rolled back, a checkpoint finds the space that was set aside for it, and so does a close.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::ErrorKind;

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
