//! Every workload of one operation with every crash: few enough to be run with the tests. `sim exhaustive` has longer ones.

use std::time::Duration;

use sim::exhaustive::{Progress, Scope, alphabet, search};

/// All of it takes a moment longer than a test may.
const IMAGES_MAX: u64 = 3_000;

#[test]
fn no_crash_in_a_single_operation_leaves_what_does_not_open() {
    let scope = Scope { operations: 1, images_max: IMAGES_MAX, time_max: Duration::MAX, jobs: 2 };
    let mut told = Vec::new();
    let report = search(scope, &mut |at: Progress| told.push(at));
    assert_eq!(report.findings, [] as [String; 0]);
    assert!(report.distinct >= IMAGES_MAX, "{report:?}");
    assert!(report.distinct_in_recovery > report.distinct / 2, "{report:?}");
    assert_eq!(report.workloads_all, alphabet().len() as u64);
    // It ends as soon as there are enough, and tells so.
    let (last, before) = told.split_last().expect("it tells how far it has come");
    assert_eq!((last.workloads, last.distinct), (report.workloads, report.distinct));
    assert!(before.iter().all(|at| at.distinct < IMAGES_MAX), "{before:?}");
    assert!(!report.complete && report.workloads < report.workloads_all, "{report:?}");
}

/// The same images, whatever threads there are: which one comes to an image first says nothing.
#[test]
fn a_search_that_ends_early_has_looked_at_the_same() {
    let look = |jobs| {
        let scope = Scope { operations: 1, images_max: 1, time_max: Duration::MAX, jobs };
        let report = search(scope, &mut |_| {});
        (report.workloads, report.crashes, report.images, report.distinct, report.distinct_in_recovery)
    };
    assert_eq!(look(1), look(3));
}
