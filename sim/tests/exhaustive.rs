//! Every workload of one operation with every crash: few enough to be run with the tests. `sim exhaustive` has longer ones.

use sim::exhaustive::{Scope, alphabet, search};

/// All of it takes a moment longer than a test may.
const IMAGES_MAX: u64 = 3_000;

#[test]
fn no_crash_in_a_single_operation_leaves_what_does_not_open() {
    let scope = Scope { operations: 1, images_max: IMAGES_MAX, jobs: 2 };
    let report = search(scope, &|_| {});
    assert_eq!(report.findings, [] as [String; 0]);
    assert!(report.distinct >= IMAGES_MAX, "{report:?}");
    assert!(report.distinct_in_recovery > report.distinct / 2, "{report:?}");
    assert_eq!(report.workloads_all, alphabet().len() as u64);
}
