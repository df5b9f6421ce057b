//! The scheduler repeats itself, finds the orders that matter, and says who is stuck where.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use numstore::env::{AtomicWord, Clock, Env, Platform, Scheduler, TaskHandle};
use numstore::sync::Latch;

use crate::world::{Bounds, Schedule, SimPlatform, SimTask, SimWord, World, explore};

fn spawn(world: &World, name: &str, body: impl FnOnce() + Send + 'static) -> SimTask {
    world.env().scheduler().spawn(name, Box::new(body)).unwrap()
}

/// What a task does.
type Body = Box<dyn FnOnce() + Send>;

/// Runs tasks to their end; panics if one does.
fn run_all(world: &World, bodies: Vec<(&str, Body)>) {
    let tasks: Vec<_> =
        bodies.into_iter().map(|(name, body)| world.env().scheduler().spawn(name, body).unwrap()).collect();
    for task in tasks {
        if let Err(said) = task.join() {
            panic!("{said}");
        }
    }
}

/// What a body panics with.
fn said(body: impl FnOnce()) -> String {
    crate::panics::catch(body).expect_err("a panic")
}

/// The order in which tasks with three yields each get to run.
fn schedule(seed: u64) -> Vec<usize> {
    let world = World::new(seed);
    let env = world.env();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..4)
        .map(|id| {
            let (order, env) = (Arc::clone(&order), env.clone());
            let body = move || {
                for _ in 0..3 {
                    order.lock().unwrap().push(id);
                    env.scheduler().yield_now();
                }
            };
            spawn(&world, &format!("task {id}"), body)
        })
        .collect();
    for task in tasks {
        task.join().unwrap();
    }
    order.lock().unwrap().clone()
}

#[test]
fn tasks_take_turns_in_an_order_that_the_seed_decides() {
    assert_eq!(schedule(3), schedule(3));
    assert_eq!(schedule(3).len(), 12);
    assert!((0..10).any(|seed| schedule(seed) != schedule(3)));
}

#[test]
fn waiting_ends_with_a_wake_up_or_a_deadline() {
    let world = World::new(5);
    let env = world.env();
    let word = Arc::new(SimWord::new(0));
    let woken = Arc::new(AtomicUsize::new(0));
    let waiter = {
        let (word, woken) = (Arc::clone(&word), Arc::clone(&woken));
        let body = move || {
            while word.load_acquire() == 0 {
                SimPlatform::wait(&word, 0, None);
            }
            woken.store(1, Ordering::Relaxed);
        };
        spawn(&world, "waiter", body)
    };
    for _ in 0..10 {
        env.scheduler().yield_now();
    }
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    word.store_release(1);
    SimPlatform::wake_one(&word);
    waiter.join().unwrap();
    assert_eq!(woken.load(Ordering::Relaxed), 1);

    let deadline = env.clock().monotonic() + Duration::from_secs(5);
    while env.clock().monotonic() < deadline {
        SimPlatform::wait(&word, 1, Some(deadline));
    }
    env.clock().sleep_until(deadline + Duration::from_secs(1));
    assert!(env.clock().monotonic() >= deadline + Duration::from_secs(1));
}

#[test]
fn a_deadlock_names_its_tasks() {
    let said = said(|| {
        let world = World::new(5);
        let body = || {
            let word = SimWord::new(0);
            loop {
                SimPlatform::wait(&word, 0, None);
            }
        };
        spawn(&world, "stuck", body).join().unwrap();
    });
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(lines[0], "deadlock: nobody can go on, and no deadline will come");
    assert!(lines[1].starts_with("  main joins stuck, in sim/src/world/tasks/tests.rs:"), "{said}");
    assert!(lines[2].starts_with("  stuck waits on word 1, in sim/src/world/tasks/tests.rs:"), "{said}");
}

#[test]
fn a_hang_says_where_each_task_is() {
    let said = said(|| {
        let world = World::new(5);
        world.limit_steps(1000);
        let word = Arc::new(SimWord::new(0));
        let spins = {
            let word = Arc::clone(&word);
            move || while word.load_acquire() == 0 {}
        };
        spawn(&world, "spinning", spins).join().unwrap();
    });
    assert!(said.starts_with("hang: 1000 scheduling points, more than allowed"), "{said}");
    assert!(
        said.contains("\n  spinning can go on, before: load, in sim/src/world/tasks/tests.rs:"),
        "{said}"
    );
}

#[test]
fn a_panic_in_a_task_is_the_outcome_of_its_join() {
    let world = World::new(5);
    let good = spawn(&world, "good", || {});
    assert_eq!(spawn(&world, "bad", || panic!("on purpose")).join(), Err("task bad: on purpose".to_owned()));
    assert_eq!(good.join(), Ok(()));
}

/// Counts the lives of what a task has on its stack.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_tasks_of_a_stuck_run_are_unwound() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let outcome = said(|| {
        let world = World::new(5);
        for _ in 0..3 {
            let counted = Counted(Arc::clone(&dropped));
            let word = SimWord::new(0);
            let body = move || {
                let _counted = counted;
                loop {
                    SimPlatform::wait(&word, 0, None);
                }
            };
            spawn(&world, "stuck", body);
        }
        SimPlatform::wait(&SimWord::new(0), 0, None);
    });
    assert!(outcome.starts_with("deadlock"), "{outcome}");
    assert_eq!(dropped.load(Ordering::Relaxed), 3);
}

#[test]
fn tasks_that_nobody_waits_for_end_with_their_world() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let world = World::new(5);
    let counted = Counted(Arc::clone(&dropped));
    spawn(&world, "never ran", move || drop(counted));
    let (counted, env) = (Counted(Arc::clone(&dropped)), world.env());
    let body = move || {
        let _counted = counted;
        env.clock().sleep_until(Duration::from_secs(1 << 30));
    };
    spawn(&world, "sleeps", body);
    world.env().scheduler().yield_now();
    let _next = World::new(6);
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
}

/// Two halves that are equal whenever nobody is in between, under one latch.
#[derive(Default)]
struct Pair {
    latch: Latch<SimPlatform>,
    halves: [SimCounter; 2],
}

/// A number whose every use is a scheduling point, so that a latch that fails shows.
struct SimCounter(SimWord);

impl Default for SimCounter {
    fn default() -> SimCounter {
        SimCounter(SimWord::new(0))
    }
}

impl Pair {
    fn get(&self) -> [u32; 2] {
        self.halves.each_ref().map(|half| half.0.load_relaxed())
    }

    fn check(&self) -> u32 {
        let [left, right] = self.get();
        assert_eq!(left, right, "half of a change was seen");
        left
    }

    /// Sets both to one more than `seen`.
    fn bump(&self, seen: u32) {
        self.halves.iter().for_each(|half| half.0.store_release(seen + 1));
    }

    fn read(&self) {
        let _held = self.latch.shared();
        self.check();
    }

    fn write(&self) {
        let _held = self.latch.exclusive();
        self.bump(self.check());
    }

    fn upgrade(&self) {
        let held = self.latch.update();
        let seen = self.check();
        let held = held.upgrade();
        assert_eq!(self.check(), seen, "somebody changed what an updater had seen");
        self.bump(seen);
        drop(held.downgrade_to_shared());
    }
}

/// Tasks that use a pair in the given ways, each so many times.
fn use_pair(world: &World, uses: &[fn(&Pair)], times: usize) {
    let pair = Arc::new(Pair::default());
    let start = |(at, act): (usize, &fn(&Pair))| {
        let (pair, act) = (Arc::clone(&pair), *act);
        spawn(world, &format!("user {at}"), move || (0..times).for_each(|_| act(&pair)))
    };
    let tasks: Vec<_> = uses.iter().enumerate().map(start).collect();
    for task in tasks {
        task.join().unwrap();
    }
    let reads = uses.iter().filter(|act| std::ptr::fn_addr_eq(**act, Pair::read as fn(&Pair))).count();
    assert_eq!(pair.check() as usize, (uses.len() - reads) * times, "a change was lost");
}

#[test]
fn the_latch_keeps_readers_writers_and_updaters_apart() {
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..500 {
        let world = World::new(seed);
        use_pair(&world, &[Pair::read, Pair::write, Pair::upgrade, Pair::read], 3);
        orders.insert(world.trace_hash());
    }
    // Priorities that never change give few orders.
    assert!(orders.len() > 250, "{} orders", orders.len());
}

#[test]
fn the_latch_under_every_schedule_with_two_preemptions() {
    let bounds = Bounds { preemptions: 2, schedules: u64::MAX };
    for uses in
        [[Pair::read as fn(&Pair), Pair::write], [Pair::write, Pair::write], [Pair::upgrade, Pair::write]]
    {
        let explored = explore(bounds, |world| use_pair(world, &uses, 1));
        assert_eq!((explored.complete, &explored.finding), (true, &None));
        assert!(explored.schedules > 50, "{explored:?}");
    }
}

/// Two tasks that each add 1 in two steps: the number of orders is known, and some lose an addition.
#[test]
fn all_orders_are_found() {
    let results = std::sync::Mutex::new(Vec::new());
    let body = |world: &World| {
        let word = Arc::new(SimWord::new(0));
        let add = |_| {
            let word = Arc::clone(&word);
            spawn(world, "adds", move || word.store_release(word.load_relaxed() + 1))
        };
        let tasks: Vec<_> = (0..2).map(add).collect();
        tasks.into_iter().for_each(|task| task.join().unwrap());
        results.lock().unwrap().push(word.load_relaxed());
    };
    let explored = explore(Bounds { preemptions: u32::MAX, schedules: 1000 }, body);
    assert!(explored.complete);
    let results = results.into_inner().unwrap();
    assert!(results.contains(&1) && results.contains(&2));
    // Each task has three parts, separated by its two accesses: 20 ways to merge them; the end of the first one leaves
    // main a choice of its own, which changes nothing.
    assert!((20..=60).contains(&results.len()), "{}", results.len());
    let none = explore(Bounds { preemptions: 0, schedules: 1000 }, |world| {
        use_pair(world, &[Pair::write as fn(&Pair); 2], 1)
    });
    assert!(none.schedules < 10, "{none:?}");
}

/// Takes two latches in opposite orders.
fn cross(world: &World) {
    let latches = Arc::new([Latch::<SimPlatform>::new(), Latch::new()]);
    let (left, right) = (Arc::clone(&latches), latches);
    let left = move || {
        let _first = left[0].exclusive();
        let _second = left[1].exclusive();
    };
    let right = move || {
        let _first = right[1].exclusive();
        let _second = right[0].shared();
    };
    run_all(world, vec![("left", Box::new(left)), ("right", Box::new(right))]);
}

#[test]
fn a_planted_deadlock_is_found_by_exhaustive_search_and_reported() {
    let explored = explore(Bounds { preemptions: 1, schedules: 1000 }, cross);
    let (choices, said) = explored.finding.expect("a deadlock");
    let place = "sim/src/world/tasks/tests.rs:";
    let line =
        |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{said}"));
    assert!(line("  main").starts_with(&format!("  main joins left, in {place}")), "{said}");
    let left = line("  left");
    assert!(left.starts_with(&format!("  left waits on word 1, in {place}")), "{said}");
    assert!(left.contains(&format!("; holds word 2 (exclusive) since {place}")), "{said}");
    let right = line("  right");
    assert!(right.starts_with(&format!("  right waits on word 2, in {place}")), "{said}");
    assert!(right.contains(&format!("; holds word 1 (exclusive) since {place}")), "{said}");
    // The schedule leads there again.
    let again = crate::panics::catch(|| cross(&World::with_schedule(0, Schedule::Exact(choices))));
    assert_eq!(again, Err(said));
    // Without a preemption there is none.
    assert_eq!(explore(Bounds { preemptions: 0, schedules: 1000 }, cross).finding, None);
}

/// A signal that is lost if it comes between the look at `ready` and the look at `signals`.
fn lose_a_wake_up(world: &World) {
    let words = Arc::new([SimWord::new(0), SimWord::new(0)]);
    let sender = Arc::clone(&words);
    let waits = move || {
        let [ready, signals] = &*words;
        if ready.load_acquire() == 0 {
            SimPlatform::wait(signals, signals.load_acquire(), None);
        }
    };
    let sends = move || {
        let [ready, signals] = &*sender;
        ready.store_release(1);
        signals.fetch_add_release(1);
        SimPlatform::wake_one(signals);
    };
    run_all(world, vec![("waits", Box::new(waits)), ("sends", Box::new(sends))]);
}

#[test]
fn a_lost_wake_up_is_found_by_priorities_within_a_hundred_schedules() {
    let schedule = Schedule::Pct { changes: 1, steps: 16 };
    let found = (0..100).find_map(|seed| {
        let world = World::with_schedule(seed, schedule.clone());
        crate::panics::catch(|| lose_a_wake_up(&world)).err()
    });
    let said = found.expect("a lost wake-up");
    assert!(said.contains("\n  waits waits on word 1, in sim/src/world/tasks/tests.rs:"), "{said}");
    assert!(!said.contains("sends"), "{said}");
}

/// How a schedule is drawn is recorded with it, so a record gives the same order without its seed.
#[test]
fn a_recorded_order_is_replayed() {
    use crate::world::{Choices, Draws};
    let run = |seed: u64, draws: Draws<'_>| -> (u64, Choices) {
        let world = World::new(seed);
        world.begin_act(0, draws, true);
        use_pair(&world, &[Pair::read, Pair::write, Pair::upgrade], 2);
        let (choices, misfit) = world.end_act();
        assert_eq!(misfit, None);
        (world.trace_hash(), choices)
    };
    for seed in 0..20 {
        let (hash, choices) = run(seed, Draws::Seed);
        assert_eq!(run(999, Draws::Strict(&choices)), (hash, choices.clone()));
        assert_eq!(run(seed, Draws::Seed), (hash, choices));
    }
}

#[test]
fn a_read_of_a_version_that_takes_another_latch_is_a_fault() {
    let world = World::new(5);
    let latch = Latch::<SimPlatform>::new();
    drop(latch.exclusive());
    assert_eq!(world.take_read_fault(), None, "nobody reads");
    world.reading(|| drop(latch.exclusive()));
    let fault = world.take_read_fault().expect("a fault");
    assert!(fault.starts_with("a read of a version takes a latch that may be held for long: in "), "{fault}");
    assert!(fault.contains("sim/src/world/tasks/tests.rs:"), "{fault}");
}

/// Each way to wait: for another task's word, for time, for the turn of others. Only of the task that reads it is a fault.
#[test]
fn a_read_of_a_version_that_waits_is_a_fault() {
    let fault_of = |reads: bool, wait: fn(&World, &SimWord)| {
        let world = World::new(5);
        let word = Arc::new(SimWord::new(0));
        let sets = Arc::clone(&word);
        let other = spawn(&world, "sets", move || {
            sets.store_release(1);
            SimPlatform::wake_all(&sets);
        });
        if reads {
            world.reading(|| wait(&world, &word))
        } else {
            wait(&world, &word)
        }
        other.join().unwrap();
        world.take_read_fault()
    };
    let ways: [fn(&World, &SimWord); 3] = [
        |_, word| {
            while word.load_acquire() == 0 {
                SimPlatform::wait(word, 0, None);
            }
        },
        |world, _| world.env().clock().sleep_until(Duration::from_millis(1)),
        |_, _| SimPlatform::spin_hint(),
    ];
    for wait in ways {
        assert_eq!(fault_of(false, wait), None);
        // The word may be set before anybody waits for it, so not all of these are the same.
        let fault = fault_of(true, wait);
        assert!(
            fault.as_ref().is_none_or(|fault| fault.starts_with("a read of a version waits: in ")),
            "{fault:?}"
        );
    }
    assert!(fault_of(true, ways[1]).is_some() && fault_of(true, ways[2]).is_some());
    let slept = (0..20).any(|seed| {
        let world = World::with_schedule(seed, Schedule::Uniform);
        let word = Arc::new(SimWord::new(0));
        let sets = Arc::clone(&word);
        let other = spawn(&world, "sets", move || {
            sets.store_release(1);
            SimPlatform::wake_all(&sets);
        });
        world.reading(|| ways[0](&world, &word));
        other.join().unwrap();
        world.take_read_fault().is_some()
    });
    assert!(slept, "no read of twenty had to wait for its word");
}

/// The engine's own reads, beside commits and checkpoints: they are counted, and none of them waits.
#[test]
fn reads_of_versions_beside_commits_and_checkpoints_wait_for_nobody() {
    let mut total = 0;
    for seed in 0..20 {
        let world = World::with_schedule(seed, Schedule::Uniform);
        let options =
            numstore::Options::new().checkpoint_log_bytes(4 << 10).cache_bytes(16 << 10).leaf_bytes(256);
        let db = options.open_in(world.env(), "db/x.ns").unwrap();
        db.create("s").unwrap();
        db.append("s", &[1; 3000]).unwrap();
        db.checkpoint().unwrap();
        let writes = db.clone();
        let writer = spawn(&world, "writes", move || {
            for at in 0..20 {
                writes.write("s", at * 100, &[2; 500]).unwrap();
            }
            writes.checkpoint().unwrap();
        });
        for _ in 0..20 {
            assert_eq!(world.reading(|| db.read("s", ..)).unwrap().len(), 3000);
        }
        writer.join().unwrap();
        assert_eq!(world.take_read_fault(), None, "seed {seed}");
        total += world.read_counters().latches;
    }
    assert!(total > 1000, "{total} latches were seen");
}
