//! The latch under real threads. Weak memory is for loom, in the package `loom-tests`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::{Latch, Latched};
use crate::env::Env;
use crate::env::{Clock, RealEnv, RealPlatform, Scheduler};

type RealLatch = Latch<RealPlatform>;

/// Lets others run until `condition` holds.
fn wait_until(condition: impl Fn() -> bool) {
    let env = RealEnv::new();
    let give_up = env.clock().monotonic() + Duration::from_secs(60);
    while !condition() {
        assert!(env.clock().monotonic() < give_up, "gave up waiting");
        env.scheduler().yield_now();
    }
}

/// Exclusive is granted only after every one of several shared holders has left.
#[test]
fn spx_latch_x_waits_for_multiple_s() {
    const HOLDERS: u32 = 4;
    let latch = RealLatch::new();
    let released = AtomicU32::new(0);
    let granted = AtomicBool::new(false);
    thread::scope(|scope| {
        let (held_by, holders_in) = mpsc::channel();
        let mut may_leave = Vec::new();
        for _ in 0..HOLDERS {
            let (leave, told_to_leave) = mpsc::channel::<()>();
            may_leave.push(leave);
            let (latch, released, held_by) = (&latch, &released, held_by.clone());
            scope.spawn(move || {
                let guard = latch.shared();
                held_by.send(()).unwrap();
                told_to_leave.recv().unwrap();
                released.fetch_add(1, Ordering::Relaxed);
                drop(guard);
            });
        }
        for _ in 0..HOLDERS {
            holders_in.recv().unwrap();
        }
        scope.spawn(|| {
            let _guard = latch.exclusive();
            granted.store(true, Ordering::Relaxed);
            assert_eq!(released.load(Ordering::Relaxed), HOLDERS, "granted beside a shared holder");
        });
        // The waiting writer is in line once the latch refuses more shared holders.
        wait_until(|| latch.try_shared().is_none());
        for (left, leave) in may_leave.into_iter().enumerate() {
            assert!(!granted.load(Ordering::Relaxed), "granted after {left} of {HOLDERS} had left");
            assert_eq!(released.load(Ordering::Relaxed), left as u32);
            leave.send(()).unwrap();
            wait_until(|| released.load(Ordering::Relaxed) == left as u32 + 1);
        }
    });
    assert!(granted.load(Ordering::Relaxed));
    assert!(latch.try_exclusive().is_some());
}

#[test]
fn modes_are_compatible_as_the_table_says() {
    let latch = RealLatch::new();
    let may = || {
        let shared = latch.try_shared().is_some();
        let update = latch.try_update().is_some();
        let exclusive = latch.try_exclusive().is_some();
        (shared, update, exclusive)
    };
    assert_eq!(may(), (true, true, true));
    let shared = latch.shared();
    assert_eq!(may(), (true, true, false));
    let update = latch.update();
    assert_eq!(may(), (true, false, false));
    drop(shared);
    assert_eq!(may(), (true, false, false));
    let exclusive = update.upgrade();
    assert_eq!(may(), (false, false, false));
    let update = exclusive.downgrade_to_update();
    assert_eq!(may(), (true, false, false));
    let exclusive = update.try_upgrade().expect("no reader is in");
    let shared = exclusive.downgrade_to_shared();
    assert_eq!(may(), (true, true, false));
    drop(shared);
    let shared = latch.update().downgrade();
    assert_eq!(may(), (true, true, false));
    drop(shared);
    assert_eq!(may(), (true, true, true));
}

#[test]
fn an_upgrade_that_is_refused_keeps_update() {
    let latch = RealLatch::new();
    let shared = latch.shared();
    let update = latch.update().try_upgrade().expect_err("a reader is in");
    assert!(latch.try_shared().is_some(), "trying closes nothing");
    assert!(latch.try_update().is_none());
    drop(shared);
    assert!(update.try_upgrade().is_ok());
}

#[test]
fn a_waiting_upgrade_stops_new_readers() {
    let latch = RealLatch::new();
    thread::scope(|scope| {
        let shared = latch.shared();
        let update = latch.update();
        scope.spawn(|| drop(update.upgrade()));
        wait_until(|| latch.try_shared().is_none());
        drop(shared);
    });
    assert!(latch.try_exclusive().is_some());
}

#[test]
fn a_panic_releases() {
    let latched = Latched::<_, RealPlatform>::new(1);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut value = latched.lock();
        *value = 2;
        panic!("while holding the latch");
    }));
    assert!(panicked.is_err());
    assert_eq!(*latched.try_lock().expect("released"), 2);
}

#[test]
fn trying_the_latch_of_a_value() {
    let mut latched = Latched::<_, RealPlatform>::new(vec![1]);
    assert_eq!(format!("{latched:?}"), "Latched([1])");
    {
        let mut value = latched.lock();
        value.push(2);
        assert!(latched.try_lock().is_none());
        assert!(latched.try_read().is_none());
        assert_eq!(format!("{latched:?}"), "Latched(<latched>)");
    }
    {
        let first = latched.read();
        let second = latched.try_read().expect("readers go together");
        assert_eq!(*first, *second);
        assert!(latched.try_lock().is_none());
    }
    latched.get_mut().push(3);
    assert_eq!(latched.into_inner(), [1, 2, 3]);
}

/// Many tasks in all modes: no change is lost, no half of one is seen, and everybody gets done.
#[test]
fn all_modes_under_load() {
    const TASKS: u64 = 6;
    const ROUNDS: u64 = 3000;
    let latch = Arc::new(Latch::<RealPlatform>::new());
    let pair = [AtomicU32::new(0), AtomicU32::new(0)];
    let get = || pair.each_ref().map(|half| half.load(Ordering::Relaxed));
    let bump = || {
        let [left, right] = get();
        assert_eq!(left, right);
        pair[0].store(left + 1, Ordering::Relaxed);
        pair[1].store(right + 1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for task in 0..TASKS {
            let latch = &latch;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    match (task + round) % 3 {
                        0 => {
                            let _held = latch.shared();
                            let [left, right] = get();
                            assert_eq!(left, right);
                        }
                        1 => {
                            let _held = latch.exclusive();
                            bump();
                        }
                        _ => {
                            let held = latch.update();
                            let seen = get();
                            let held = held.upgrade();
                            assert_eq!(get(), seen);
                            bump();
                            let held = held.downgrade_to_update();
                            assert_eq!(get()[0], seen[0] + 1);
                            drop(held);
                        }
                    }
                }
            });
        }
    });
    let changes = (0..TASKS)
        .flat_map(|task| (0..ROUNDS).map(move |round| (task + round) % 3))
        .filter(|&mode| mode != 0);
    assert_eq!(u64::from(get()[0]), changes.count() as u64);
    assert_eq!(format!("{latch:?}"), format!("{:?}", RealLatch::new()), "nobody left a trace");
}

#[test]
fn a_value_is_counted_up_by_many() {
    let latched = Latched::<u64, RealPlatform>::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    *latched.lock() += 1;
                }
            });
        }
    });
    assert_eq!(*latched.read(), 40_000);
}

#[test]
fn a_latch_is_one_word_and_crosses_tasks() {
    fn assert_send_and_sync<T: Send + Sync>() {}
    assert_eq!(size_of::<RealLatch>(), 4);
    assert_send_and_sync::<RealLatch>();
    assert_send_and_sync::<Latched<Vec<u8>, RealPlatform>>();
}
