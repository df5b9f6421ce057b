//! A deferred commit is durable after a bounded time, though nobody asks for it: a task in the background sees to that,
//! under any schedule, and nothing of it is left when the database is closed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use numstore::env::{Clock, Env, Scheduler, TaskHandle};
use numstore::{Database, Durability, ErrorCode, Options};
use sim::world::{Persist, Schedule, SimEnv, World};

const PATH: &str = "db/deferred.ns";
const DELAY: Duration = Duration::from_secs(3);
/// More than the disk of these tests takes for everything that is to be done in the background.
const SLACK: Duration = Duration::from_secs(1);
const SEEDS: u64 = 200;

fn options(delay: Duration) -> Options {
    let small = Options::new().leaf_bytes(256).fanout(4).log_segment_bytes(16 << 10);
    small.deferred_delay(delay).background(delay < Duration::MAX)
}

fn world(seed: u64) -> World {
    let pct = Schedule::Pct { changes: 3, steps: 200 };
    World::with_schedule(seed, if seed.is_multiple_of(2) { Schedule::Uniform } else { pct })
}

fn with_stream(world: &World, delay: Duration) -> Database<SimEnv> {
    let db = options(delay).open_in(world.env(), PATH).unwrap();
    db.create("s").unwrap();
    db
}

fn append_deferred(db: &Database<SimEnv>) {
    let tx = db.begin().unwrap();
    tx.stream("s").unwrap().append(b"x").unwrap();
    tx.commit_with(Durability::Deferred).unwrap();
}

fn sleep(env: &SimEnv, time: Duration) {
    env.clock().sleep_until(env.clock().monotonic() + time);
}

fn len_after_power_loss(world: &World, db: Database<SimEnv>) -> u64 {
    world.power_loss(Persist::None);
    drop(db);
    options(Duration::MAX).open_in(world.env(), PATH).unwrap().len("s").unwrap()
}

#[test]
fn it_lasts_after_the_delay() {
    for seed in 0..SEEDS {
        let world = world(seed);
        let db = with_stream(&world, DELAY);
        // The second time is like the first: the task goes on.
        for round in 1..=3 {
            append_deferred(&db);
            assert_eq!(db.len("s").unwrap(), round - 1, "seed {seed}: not at once");
            sleep(&world.env(), DELAY + SLACK);
            assert_eq!(db.len("s").unwrap(), round, "seed {seed}");
        }
        assert_eq!(len_after_power_loss(&world, db), 3, "seed {seed}");
    }
}

#[test]
fn no_later_commit_puts_it_off() {
    for seed in 0..SEEDS {
        let world = world(seed);
        let db = with_stream(&world, DELAY);
        append_deferred(&db);
        for _ in 0..8 {
            sleep(&world.env(), DELAY / 2);
            append_deferred(&db);
        }
        let lasts = len_after_power_loss(&world, db);
        // The sixth was made a delay and half of another ago.
        assert!((6..9).contains(&lasts), "seed {seed}: of nine commits {lasts} last");
    }
}

#[test]
fn without_a_delay_nobody_sees_to_it() {
    let world = world(1);
    let db = with_stream(&world, Duration::MAX);
    append_deferred(&db);
    assert_eq!(world.steps(), 0, "there is one task");
    sleep(&world.env(), Duration::from_secs(100_000));
    assert_eq!(len_after_power_loss(&world, db), 0);
}

#[test]
fn others_go_on_meanwhile() {
    for seed in 0..SEEDS {
        let world = world(seed);
        let env = world.env();
        let db = with_stream(&world, Duration::from_millis(1));
        let body = {
            let (env, db) = (env.clone(), db.clone());
            move || {
                for _ in 0..20 {
                    append_deferred(&db);
                    sleep(&env, Duration::from_micros(300));
                }
            }
        };
        let other = env.scheduler().spawn("another client", Box::new(body)).unwrap();
        for _ in 0..20 {
            db.append("s", b"y").unwrap();
            append_deferred(&db);
        }
        other.join().unwrap();
        sleep(&env, SLACK);
        assert_eq!(len_after_power_loss(&world, db), 60, "seed {seed}");
    }
}

#[test]
fn a_failed_sync_in_the_background_is_told_to_the_next() {
    for seed in 0..SEEDS {
        let world = world(seed);
        let db = with_stream(&world, DELAY);
        append_deferred(&db);
        world.fail_sync_after(0);
        sleep(&world.env(), DELAY + SLACK);
        assert_eq!(db.append("s", b"y").unwrap_err().code(), ErrorCode::Poisoned, "seed {seed}");
        assert_eq!(db.len("s").unwrap(), 0, "seed {seed}");
    }
}

#[test]
fn nothing_is_left_of_the_task_when_the_database_is_closed() {
    for seed in 0..SEEDS {
        let world = world(seed);
        let db = with_stream(&world, DELAY);
        append_deferred(&db);
        sleep(&world.env(), DELAY * (seed % 3) as u32 / 2);
        let closes = seed.is_multiple_of(5);
        if closes {
            db.close().unwrap();
        } else {
            drop(db);
        }
        let steps = world.steps();
        let db = options(Duration::MAX).open_in(world.env(), PATH).unwrap();
        assert_eq!(db.len("s").unwrap(), 1, "seed {seed}");
        assert!(db.stats().recovery.is_none(), "seed {seed}: it was closed");
        assert_eq!(world.steps(), steps, "seed {seed}: there is one task left");
    }
}

#[test]
fn it_is_the_same_under_the_same_seed() {
    let run = |seed| {
        let world = world(seed);
        let db = with_stream(&world, Duration::from_millis(1));
        for _ in 0..10 {
            append_deferred(&db);
            sleep(&world.env(), Duration::from_micros(400));
        }
        drop(db);
        world.trace_hash()
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
