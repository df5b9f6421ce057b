//! How fast the simulator is: scheduling points, schedules, and rounds of crash, recovery and audit, each on one core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use numstore::env::{AtomicWord, Env, Scheduler, TaskHandle};
use numstore::sync::Latch;
use numstore::{Database, Options};
use sim::runner::observe;
use sim::world::{Bounds, Concern, Dice, Persist, Schedule, SimEnv, SimPlatform, SimWord, World, explore};

use crate::commands::say;

const PATH: &str = "db/bench.ns";

/// A line of the table: what is counted, and how many of it there must be in a second.
struct Line {
    what: &'static str,
    aim: Option<f64>,
    measure: fn(u64) -> u64,
}

const LINES: [Line; 7] = [
    Line {
        what: "scheduling points, 1 task",
        aim: Some(1e6),
        measure: |seed| points(seed, 0, Schedule::Uniform),
    },
    Line {
        what: "scheduling points, 4 tasks, uniform",
        aim: Some(1e6),
        measure: |seed| points(seed, 4, Schedule::Uniform),
    },
    Line {
        what: "scheduling points, 4 tasks, priorities",
        aim: Some(1e6),
        measure: |seed| points(seed, 4, PRIORITIES),
    },
    Line { what: "scheduling points, 4 tasks on a latch", aim: None, measure: latch_points },
    Line { what: "tasks started and joined", aim: None, measure: tasks },
    Line { what: "schedules of 2 tasks on a latch, exhaustive", aim: None, measure: schedules },
    Line { what: "rounds of crash, recovery and audit", aim: Some(300.0), measure: rounds },
];

const PRIORITIES: Schedule = Schedule::Pct { changes: 3, steps: 100_000 };

/// Measures each line for about so long, and prints the table; whether all aims are met.
pub fn bench(time: Duration) -> bool {
    say(format!("{:<46} {:>14} {:>14}", "on one core", "in a second", "aim"));
    let mut good = true;
    for Line { what, aim, measure } in LINES {
        let start = Instant::now();
        let mut count = 0;
        for seed in 0.. {
            count += measure(seed);
            if start.elapsed() >= time {
                break;
            }
        }
        let rate = count as f64 / start.elapsed().as_secs_f64();
        good &= aim.is_none_or(|aim| rate >= aim);
        let aim = aim.map_or(String::new(), |aim| format!("{aim:.0}"));
        say(format!("{what:<46} {rate:>14.0} {aim:>14}"));
    }
    good
}

fn spawn(world: &World, body: impl FnOnce() + Send + 'static) -> impl TaskHandle {
    world.env().scheduler().spawn("bench", Box::new(body)).expect("a task starts")
}

/// Runs the tasks to their end; returns how many scheduling points they passed.
fn run_tasks(world: &World, count: u64, body: &(impl Fn() + Clone + Send + 'static)) -> u64 {
    let tasks: Vec<_> = (0..count).map(|_| spawn(world, body.clone())).collect();
    for task in tasks {
        task.join().expect("a task ends");
    }
    world.steps()
}

/// Loads of one word by so many tasks, or by the thread itself.
fn points(seed: u64, tasks: u64, schedule: Schedule) -> u64 {
    const LOADS: u64 = 25_000;
    let world = World::with_schedule(seed, schedule);
    let word = Arc::new(SimWord::new(0));
    let loads = move || {
        for _ in 0..LOADS {
            std::hint::black_box(word.load_relaxed());
        }
    };
    if tasks == 0 {
        loads();
        return LOADS;
    }
    run_tasks(&world, tasks, &loads)
}

/// Tasks that take one latch in all modes.
fn latch_points(seed: u64) -> u64 {
    let world = World::with_schedule(seed, Schedule::Uniform);
    let latch = Arc::new(Latch::<SimPlatform>::new());
    let body = move || {
        for _ in 0..1000 {
            drop(latch.shared());
            drop(latch.exclusive());
            drop(latch.update().upgrade());
        }
    };
    run_tasks(&world, 4, &body)
}

fn tasks(seed: u64) -> u64 {
    let world = World::with_schedule(seed, Schedule::Uniform);
    for _ in 0..1000 {
        run_tasks(&world, 1, &|| {});
    }
    1000
}

fn schedules(_: u64) -> u64 {
    let bounds = Bounds { preemptions: 2, schedules: 1000 };
    let body = |world: &World| {
        let latch = Arc::new(Latch::<SimPlatform>::new());
        run_tasks(world, 2, &move || drop(latch.exclusive()));
    };
    explore(bounds, body).schedules
}

fn open(world: &World) -> Option<Database<SimEnv>> {
    let options = Options::new()
        .leaf_bytes(256)
        .fanout(4)
        .log_segment_bytes(16 << 10)
        .dirty_bytes(64 << 10)
        .background(false);
    options.open_in(world.env(), PATH).ok()
}

/// Rounds over one small database: work until a crash strikes, power loss, recovery, audit, and a reading of everything.
fn rounds(seed: u64) -> u64 {
    const ROUNDS: u64 = 32;
    let world = World::new(seed);
    let mut dice = Dice::new(seed, Concern::Workload);
    let mut db = open(&world).expect("nothing is in the way");
    for name in ["a", "b", "c"] {
        db.create(name).expect("nothing is in the way");
    }
    for _ in 0..ROUNDS {
        world.crash_after(dice.below(24));
        work(&db, &mut dice);
        drop(db);
        world.power_loss(Persist::Swarm);
        db = open(&world).expect("it recovers");
        assert!(db.verify().is_ok_and(|audit| audit.is_clean()), "the audit is clean");
        observe(&db).expect("everything can be read");
    }
    ROUNDS
}

/// Commits, with a transaction open beside them, until the crash.
fn work(db: &Database<SimEnv>, dice: &mut Dice) {
    let Ok(open) = db.begin() else { return };
    let _ = open.stream("c").and_then(|stream| stream.append(&dice.bytes(40)));
    for _ in 0..32 {
        let name = *dice.pick(&["a", "b"]);
        let data = dice.bytes(60);
        let len = db.len(name).unwrap_or(0);
        let done = match dice.below(3) {
            0 if len > 500 => db.remove(name, len / 4..len / 2),
            1 => db.insert(name, len / 2, &data),
            _ => db.append(name, &data),
        };
        if done.is_err() {
            return;
        }
    }
}
