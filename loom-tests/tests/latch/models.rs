//! What the latch promises, each as a model generic over the errors of the platform. Every model also shows that no
//! wake-up gets lost: if one did, loom would report that everybody sleeps.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};
use loom_tests::{Flavor, LoomPlatform, PREEMPTIONS, Sound, Watched, bound, explore};
use numstore::sync::Latch;

/// Two numbers that are equal whenever nobody is changing them.
struct Pair<F: Flavor> {
    latch: Latch<LoomPlatform<F>>,
    left: Watched,
    right: Watched,
}

impl<F: Flavor> Pair<F> {
    fn new() -> Arc<Pair<F>> {
        Arc::new(Pair { latch: Latch::new(), left: Watched::new(0), right: Watched::new(0) })
    }

    /// For holders of exclusive mode.
    fn bump(&self) {
        self.left.bump();
        self.right.bump();
    }

    /// For holders of any mode.
    fn get(&self) -> u32 {
        let left = self.left.get();
        assert_eq!(left, self.right.get(), "a change is seen in full or not at all");
        left
    }
}

fn spawn<F: Flavor>(pair: &Arc<Pair<F>>, body: impl FnOnce(&Pair<F>) + 'static) -> JoinHandle<()> {
    let pair = Arc::clone(pair);
    thread::spawn(move || body(&pair))
}

fn join<const N: usize>(tasks: [JoinHandle<()>; N]) {
    for task in tasks {
        task.join().expect("no task panics");
    }
}

fn bump_exclusively<F: Flavor>(pair: &Pair<F>) {
    let _held = pair.latch.exclusive();
    pair.bump();
}

fn upgrade_and_bump<F: Flavor>(pair: &Pair<F>) {
    let held = pair.latch.update();
    let seen = pair.get();
    let _held = held.upgrade();
    assert_eq!(pair.get(), seen, "nobody changes what an updater saw");
    pair.bump();
}

fn read_shared<F: Flavor>(pair: &Pair<F>) {
    let _held = pair.latch.shared();
    let seen = pair.get();
    assert_eq!(pair.get(), seen, "nobody changes what a reader sees");
}

pub fn exclusive_excludes_exclusive<F: Flavor>() {
    let pair = Pair::<F>::new();
    let others = [spawn(&pair, bump_exclusively), spawn(&pair, bump_exclusively)];
    bump_exclusively(&pair);
    join(others);
    let _held = pair.latch.shared();
    assert_eq!(pair.get(), 3);
}

pub fn exclusive_excludes_shared<F: Flavor>() {
    let pair = Pair::<F>::new();
    let others = [spawn(&pair, bump_exclusively), spawn(&pair, read_shared)];
    read_shared(&pair);
    join(others);
    let _held = pair.latch.shared();
    assert_eq!(pair.get(), 1);
}

pub fn readers_leave_before_a_writer<F: Flavor>() {
    let pair = Pair::<F>::new();
    let reader = spawn(&pair, read_shared);
    bump_exclusively(&pair);
    reader.join().expect("no task panics");
}

pub fn upgrades_lose_no_update<F: Flavor>() {
    let pair = Pair::<F>::new();
    let others = [spawn(&pair, upgrade_and_bump), spawn(&pair, read_shared)];
    upgrade_and_bump(&pair);
    join(others);
    let _held = pair.latch.shared();
    assert_eq!(pair.get(), 2);
}

pub fn update_goes_beside_shared<F: Flavor>() {
    let pair = Pair::<F>::new();
    let updater = spawn(&pair, |pair| {
        let _held = pair.latch.update();
        pair.get();
    });
    // Does not end unless the updater can come and go meanwhile.
    let held = pair.latch.shared();
    updater.join().expect("no task panics");
    let reader = spawn(&pair, read_shared);
    drop(held);
    bump_exclusively(&pair);
    reader.join().expect("no task panics");
    assert!(pair.latch.try_exclusive().is_some());
}

pub fn downgrade_to_update_lets_readers_in<F: Flavor>() {
    let pair = Pair::<F>::new();
    let held = pair.latch.exclusive();
    let others = [spawn(&pair, bump_exclusively), spawn(&pair, read_shared)];
    pair.bump();
    let held = held.downgrade_to_update();
    assert_eq!(pair.get(), 1, "no writer gets in between");
    drop(pair.latch.try_shared().expect("only an owner that waits for readers would refuse"));
    drop(held);
    join(others);
}

pub fn downgrade_to_shared_keeps_writers_out<F: Flavor>() {
    let pair = Pair::<F>::new();
    let held = pair.latch.exclusive();
    let others = [spawn(&pair, bump_exclusively), spawn(&pair, read_shared)];
    pair.bump();
    let held = held.downgrade_to_shared();
    assert_eq!(pair.get(), 1, "no writer gets in between");
    drop(held);
    join(others);
}

pub fn update_downgrades_to_shared<F: Flavor>() {
    let pair = Pair::<F>::new();
    let other = spawn(&pair, upgrade_and_bump);
    let held = pair.latch.update();
    let seen = pair.get();
    let held = held.downgrade();
    assert_eq!(pair.get(), seen, "nobody changes what a reader sees");
    drop(held);
    other.join().expect("no task panics");
}

/// Readers that overlap for ever: only a writer that closes the latch gets them to stop.
pub fn readers_do_not_starve_a_writer<F: Flavor>() {
    let pair = Pair::<F>::new();
    let writer = spawn(&pair, bump_exclusively);
    let mut held = pair.latch.shared();
    while pair.get() == 0 {
        match pair.latch.try_shared() {
            Some(next) => held = next,
            None => break,
        }
        thread::yield_now();
    }
    drop(held);
    writer.join().expect("no task panics");
}

/// As above, for an updater that upgrades.
pub fn readers_do_not_starve_an_upgrade<F: Flavor>() {
    let pair = Pair::<F>::new();
    let writer = spawn(&pair, upgrade_and_bump);
    let mut held = pair.latch.shared();
    while pair.get() == 0 {
        match pair.latch.try_shared() {
            Some(next) => held = next,
            None => break,
        }
        thread::yield_now();
    }
    drop(held);
    writer.join().expect("no task panics");
}

/// A refusal while readers are in lasts until the writer has been: nobody slips in before it.
pub fn closed_stays_closed_until_the_writer_was_in<F: Flavor>() {
    let pair = Pair::<F>::new();
    let writer = spawn(&pair, bump_exclusively);
    let held = pair.latch.shared();
    let refused = pair.get() == 0 && pair.latch.try_shared().is_none();
    drop(held);
    let _held = pair.latch.shared();
    assert!(!refused || pair.get() == 1, "the writer that refused us went first");
    drop(_held);
    writer.join().expect("no task panics");
}

/// All modes at once: the wake-ups of one kind must not be taken by another and lost.
pub fn every_mode_at_once<F: Flavor>() {
    let pair = Pair::<F>::new();
    let others = [spawn(&pair, upgrade_and_bump), spawn(&pair, bump_exclusively), spawn(&pair, read_shared)];
    join(others);
    assert_eq!(format!("{:?}", pair.latch), format!("{:?}", Pair::<F>::new().latch), "nobody left a trace");
    let _held = pair.latch.shared();
    assert_eq!(pair.get(), 2);
}

pub fn trying_never_waits<F: Flavor>() {
    let pair = Pair::<F>::new();
    let try_bump = |pair: &Pair<F>| {
        if let Some(_held) = pair.latch.try_exclusive() {
            pair.bump();
        }
    };
    let try_read = |pair: &Pair<F>| {
        if let Some(_held) = pair.latch.try_shared() {
            pair.get();
        }
    };
    let others = [spawn(&pair, try_bump), spawn(&pair, try_read)];
    if let Some(held) = pair.latch.try_update() {
        let seen = pair.get();
        match held.try_upgrade() {
            Ok(_held) => pair.bump(),
            Err(_held) => assert_eq!(pair.get(), seen),
        }
    }
    join(others);
}

macro_rules! holds {
    ($($model:ident: $preemptions:expr,)*) => {
        mod holds {
            use super::{PREEMPTIONS, Sound, bound, explore};
            $(
                #[test]
                fn $model() {
                    explore(bound($preemptions), super::$model::<Sound>);
                }
            )*
        }
    };
}

holds! {
    exclusive_excludes_exclusive: PREEMPTIONS,
    exclusive_excludes_shared: PREEMPTIONS,
    readers_leave_before_a_writer: PREEMPTIONS,
    upgrades_lose_no_update: PREEMPTIONS,
    update_goes_beside_shared: PREEMPTIONS,
    downgrade_to_update_lets_readers_in: 2,
    downgrade_to_shared_keeps_writers_out: PREEMPTIONS,
    update_downgrades_to_shared: PREEMPTIONS,
    readers_do_not_starve_a_writer: PREEMPTIONS,
    readers_do_not_starve_an_upgrade: PREEMPTIONS,
    closed_stays_closed_until_the_writer_was_in: PREEMPTIONS,
    every_mode_at_once: 2,
    trying_never_waits: PREEMPTIONS,
}
