//! Models that must fail, because their platform has an error.

use loom_tests::{Deaf, PREEMPTIONS, WeakAcquire, WeakRelease, finding};

use super::models;

macro_rules! found {
    ($($test:ident: $model:ident on $flavor:ty => $says:literal,)*) => {
        $(
            #[test]
            fn $test() {
                let finding = finding(PREEMPTIONS, models::$model::<$flavor>);
                assert!(finding.contains($says), "another finding: {finding}");
            }
        )*
    };
}

// Each model of `holds` has a weak release, which is found.
found! {
    weak_release_between_writers: exclusive_excludes_exclusive on WeakRelease => "Causality violation",
    weak_release_to_readers: exclusive_excludes_shared on WeakRelease => "Causality violation",
    weak_release_by_readers: readers_leave_before_a_writer on WeakRelease => "Causality violation",
    weak_release_of_upgraded: upgrades_lose_no_update on WeakRelease => "Causality violation",
    weak_release_by_downgrade: downgrade_to_update_lets_readers_in on WeakRelease => "Causality violation",
    weak_release_before_an_updater: update_goes_beside_shared on WeakRelease => "Causality violation",
    weak_release_by_downgrade_to_shared: downgrade_to_shared_keeps_writers_out on WeakRelease => "Causality violation",
    weak_release_by_a_downgraded_updater: update_downgrades_to_shared on WeakRelease => "Causality violation",
    weak_release_by_one_of_many_readers: readers_do_not_starve_a_writer on WeakRelease => "Causality violation",
    weak_release_before_an_upgrade: readers_do_not_starve_an_upgrade on WeakRelease => "Causality violation",
    weak_release_of_a_closed_latch: closed_stays_closed_until_the_writer_was_in on WeakRelease => "Causality violation",
    weak_release_in_any_mode: every_mode_at_once on WeakRelease => "Causality violation",
    weak_release_where_nobody_waits: trying_never_waits on WeakRelease => "Causality violation",
    weak_acquire_between_writers: exclusive_excludes_exclusive on WeakAcquire => "Causality violation",
    weak_acquire_by_readers: exclusive_excludes_shared on WeakAcquire => "Causality violation",
    weak_acquire_by_upgrade: upgrades_lose_no_update on WeakAcquire => "Causality violation",
    lost_wake_up_of_a_writer: exclusive_excludes_exclusive on Deaf => "deadlock",
    lost_wake_up_of_readers: exclusive_excludes_shared on Deaf => "deadlock",
    lost_wake_up_of_an_upgrade: upgrades_lose_no_update on Deaf => "deadlock",
}
