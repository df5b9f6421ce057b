//! Whole seeds against the engine: they are clean, they repeat, and they are not trivial.

use sim::runner::{Campaign, run_seed};

#[test]
fn fifty_seeds_are_clean_and_repeat() {
    let report = Campaign { seeds: 0..50, jobs: 2, twice: true, ..Campaign::default() }.run(|_, _, _| {});
    let failed: Vec<String> = report.failed.iter().map(|outcome| outcome.verdict()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.tally.seeds, 50);
    let medians = report.tally.medians();
    assert!(medians.operations >= 200);
    assert!(medians.crashes >= 2);
    let medians = report.tally.medians();
    assert!(medians.open_max >= 3);
    assert!(medians.height_max >= 2);
    assert!(medians.losers >= 1);
    assert!(report.tally.seeds_with_crash_in_recovery >= report.tally.seeds.div_ceil(2));
}

#[test]
fn different_seeds_are_different_histories() {
    assert_ne!(run_seed(1, None).trace_hash, run_seed(2, None).trace_hash);
}
