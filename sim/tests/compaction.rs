//! Compactions beside each other, and beside somebody who makes the file longer all the time.
//!
//! Why: each call looks at where the file could end, moves what lies behind it, and cuts the file when that is written. What
//! another call has moved meanwhile, or somebody has put at the end, must not make it stop early, count what others gained,
//! or go on for ever. How: under many schedules, compared with the same calls one after the other.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use numstore::env::{Env, Scheduler, TaskHandle};
use numstore::{Database, Options};
use sim::world::{Schedule, SimEnv, World};

/// A database with a hole in front of what it holds, which takes several portions to fill.
fn with_hole(world: &World) -> Arc<Database<SimEnv>> {
    let options = Options::new().leaf_bytes(256).fanout(4).dirty_bytes(300_000).background(false);
    let db = options.open_in(world.env(), "db/x.ns").unwrap();
    for (name, bytes) in [("front", 60_000), ("end", 30_000)] {
        db.create(name).unwrap();
        db.append(name, &vec![7; bytes]).unwrap();
        db.checkpoint().unwrap();
    }
    db.drop_stream("front").unwrap();
    db.checkpoint().unwrap();
    Arc::new(db)
}

fn spawn(world: &World, name: &'static str, body: impl FnOnce() + Send + 'static) -> impl TaskHandle {
    world.env().scheduler().spawn(name, Box::new(body)).unwrap()
}

#[test]
fn a_second_compaction_waits_for_the_first() {
    let alone = World::new(1);
    let db = with_hole(&alone);
    let expected = [(); 3].map(|()| db.compact().unwrap());
    assert!(expected[0] > 200_000 && expected[2] == 0, "{expected:?}");
    for seed in 0..60 {
        let world = World::with_schedule(seed, Schedule::Uniform);
        let db = with_hole(&world);
        let gained = Arc::new(std::sync::Mutex::new(Vec::new()));
        let tasks = ["left", "right"].map(|name| {
            let (db, gained) = (Arc::clone(&db), Arc::clone(&gained));
            spawn(&world, name, move || {
                let bytes = db.compact().unwrap();
                gained.lock().unwrap().push(bytes);
            })
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
        let gained = gained.lock().unwrap().clone();
        assert_eq!(gained, expected[..2], "seed {seed}: in the order of their ends");
        assert_eq!(db.compact().unwrap(), expected[2], "seed {seed}: nothing was left");
        assert!(db.verify().unwrap().is_clean());
    }
}

/// Whatever the others put at the end, a round that does not make the file shorter than ever is the last.
#[test]
fn a_compaction_ends_beside_somebody_who_makes_the_file_longer() {
    for seed in 0..40 {
        let world = World::with_schedule(seed, Schedule::Uniform);
        let db = with_hole(&world);
        let before = db.stats();
        let is_done = Arc::new(AtomicBool::new(false));
        let writer = {
            let (db, is_done) = (Arc::clone(&db), Arc::clone(&is_done));
            spawn(&world, "writer", move || {
                for _ in 0..400 {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    db.create("more").unwrap();
                    db.append("more", &[8; 20_000]).unwrap();
                    db.drop_stream("more").unwrap();
                }
            })
        };
        db.compact().unwrap();
        is_done.store(true, Ordering::Relaxed);
        let rounds = db.stats().checkpoints - before.checkpoints;
        writer.join().unwrap();
        // Sixteen leaves of a block is what a round has to gain; it takes two checkpoints, and the writer takes its own.
        assert!((3..2 * (before.file_bytes / 4096 / 16)).contains(&rounds), "seed {seed}: {rounds}");
        assert!(db.verify().unwrap().is_clean());
    }
}
