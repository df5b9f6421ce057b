//! The engine under every schedule: with few tasks, which do little, and few preemptions these can be run to their end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use numstore::env::{Env, Scheduler, TaskHandle};
use numstore::{Database, Error, ErrorCode, Options};
use sim::world::{Bounds, Schedule, SimEnv, World, explore};

const PATH: &str = "db/x.ns";

/// A database with two streams, whose calls wait for locks without end.
fn open(world: &World) -> Arc<Database<SimEnv>> {
    let options = Options::new().leaf_bytes(256).fanout(4).lock_timeout(Duration::MAX).background(false);
    let db = options.open_in(world.env(), PATH).unwrap();
    ["a", "b"].into_iter().for_each(|name| db.create(name).unwrap());
    Arc::new(db)
}

/// Both streams get a byte; whoever gives way begins again.
fn both(env: &SimEnv, db: &Database<SimEnv>, order: [&str; 2], byte: u8) {
    let attempt = || -> Result<(), Error> {
        let tx = db.begin()?;
        order.into_iter().try_for_each(|name| tx.stream(name)?.append(&[byte]))?;
        tx.commit()
    };
    while let Err(e) = attempt() {
        assert_eq!(e.code(), ErrorCode::Deadlock, "{e}");
        env.scheduler().yield_now();
    }
}

/// Two clients that take two streams in opposite orders.
fn crossing(world: &World) {
    let db = open(world);
    let start = |(name, order, byte)| {
        let (env, db) = (world.env(), Arc::clone(&db));
        world.env().scheduler().spawn(name, Box::new(move || both(&env, &db, order, byte))).unwrap()
    };
    let clients = [("left", ["a", "b"], 1), ("right", ["b", "a"], 2)].map(start);
    clients.into_iter().for_each(|client| client.join().unwrap());
    let found = ["a", "b"].map(|name| db.read(name, ..).unwrap());
    assert_eq!(found[0], found[1], "one transaction came first in both streams");
    assert!(db.verify().unwrap().is_clean());
    assert!(db.locks().locks.is_empty());
}

#[test]
fn two_transactions_under_every_schedule_with_a_preemption() {
    let explored = explore(Bounds { preemptions: 1, schedules: 20_000 }, crossing);
    assert_eq!((explored.complete, &explored.finding), (true, &None), "{explored:?}");
    assert!(explored.schedules > 100, "{explored:?}");
}

/// A transaction that nobody ends has a lock for which another one waits.
#[test]
fn a_stuck_run_says_who_waits_for_which_lock_of_whom() {
    let world = World::with_schedule(1, Schedule::Uniform);
    let said = catch_unwind(AssertUnwindSafe(|| {
        let db = open(&world);
        let keeps = db.begin().unwrap();
        keeps.stream("a").unwrap().append(b"kept").unwrap();
        let waits = {
            let db = Arc::clone(&db);
            move || drop(db.append("a", b"never"))
        };
        world.env().scheduler().spawn("waits", Box::new(waits)).unwrap().join().unwrap();
    }));
    let said = said.expect_err("it is stuck").downcast::<String>().unwrap();
    let line =
        |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{said}"));
    assert!(said.starts_with("deadlock: nobody can go on"), "{said}");
    assert!(line("  main").contains("joins waits, in sim/tests/schedules.rs:"), "{said}");
    let waits = line("  waits");
    assert!(waits.contains(" wants the lock X on ") && waits.contains(" and waits for "), "{said}");
    assert!(waits.contains("; it holds IX on "), "{said}");
    assert!(waits.contains(", in engine/src/txn/locking.rs:"), "{said}");
}
