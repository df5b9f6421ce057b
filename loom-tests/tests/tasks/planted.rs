//! Each model on a platform or in a protocol with an error, which loom must find.

use loom_tests::failures::{self, Ending};
use loom_tests::flights::{self, Plant};
use loom_tests::{
    Deaf, Sound, WeakAcquire, WeakRelease, cache, captures, checkpoints, finding, locks, poison,
};

macro_rules! found {
    ($($test:ident: $preemptions:literal, $model:expr => $says:literal,)*) => {
        $(
            #[test]
            fn $test() {
                let finding = finding($preemptions, $model);
                assert!(finding.contains($says), "another finding: {finding}");
            }
        )*
    };
}

// Each model of `holds` has a weak release, which is found.
found! {
    weak_release_of_a_flight: 1, || flights::commits::<WeakRelease>(2, false, Plant::Nothing) => "Causality violation",
    weak_acquire_of_a_flight: 1, || flights::commits::<WeakAcquire>(2, false, Plant::Nothing) => "Causality violation",
    weak_release_of_a_shown_flight: 1, || flights::commits::<WeakRelease>(2, true, Plant::Nothing) => "Causality violation",
    lost_wake_up_of_a_passenger: 1, || flights::commits::<Deaf>(2, false, Plant::Nothing) => "deadlock",
    weak_release_to_a_passenger: 1, || flights::passengers::<WeakRelease>(2, false, Plant::Nothing) => "Causality violation",
    weak_acquire_by_a_passenger: 1, || flights::passengers::<WeakAcquire>(2, false, Plant::Nothing) => "Causality violation",
    weak_release_to_two_passengers: 1, || flights::passengers::<WeakRelease>(3, false, Plant::Nothing) => "Causality violation",
    weak_release_to_a_shown_passenger: 1, || flights::passengers::<WeakRelease>(2, true, Plant::Nothing) => "Causality violation",
    a_commit_told_before_it_is_shown: 1, || flights::passengers::<Sound>(2, true, Plant::ToldFirst) => "has returned is shown",
    lost_wake_up_at_a_landing: 2, || flights::landing::<Deaf>(2) => "deadlock",
    weak_release_of_a_landing: 2, || flights::landing::<WeakRelease>(2) => "Causality violation",
    lost_wake_up_of_the_next: 2, flights::landing_beside_the_next::<Deaf> => "deadlock",
    weak_release_of_the_next: 2, flights::landing_beside_the_next::<WeakRelease> => "Causality violation",
    lost_wake_up_of_two_of_the_next: 1, flights::landing_beside_two_of_the_next::<Deaf> => "deadlock",
    weak_release_of_two_of_the_next: 1, flights::landing_beside_two_of_the_next::<WeakRelease> => "Causality violation",
    lost_wake_up_beside_a_flush: 3, flights::commit_beside_a_flush::<Deaf> => "deadlock",
    weak_release_beside_a_flush: 3, flights::commit_beside_a_flush::<WeakRelease> => "Causality violation",
    weak_release_of_a_flush: 1, flights::flush_beside_the_next::<WeakRelease> => "Causality violation",
    lost_wake_up_of_a_flush: 1, flights::flush_beside_the_next::<Deaf> => "deadlock",
    weak_release_of_a_version: 2, flights::versions_go_forward::<WeakRelease> => "Causality violation",
    weak_acquire_of_a_version: 2, flights::versions_go_forward::<WeakAcquire> => "Causality violation",
    weak_release_by_a_failed_leader: 2, || failures::commits::<WeakRelease>(2, Ending::WriteFails) => "Causality violation",
    lost_wake_up_by_a_failed_leader: 2, || failures::commits::<Deaf>(2, Ending::WriteFails) => "deadlock",
    weak_release_by_a_leader_who_panics: 2, || failures::commits::<WeakRelease>(2, Ending::BrokenOff) => "Causality violation",
    a_leader_who_forgets_its_flight: 2, || failures::commits::<Sound>(2, Ending::Forgotten) => "deadlock",
    weak_release_of_a_failed_flight: 2, || failures::waiters::<WeakRelease>(1, 1, Ending::WriteFails) => "Causality violation",
    weak_acquire_of_a_failed_flight: 2, || failures::waiters::<WeakAcquire>(1, 1, Ending::WriteFails) => "Causality violation",
    lost_wake_up_by_a_failed_flight: 2, || failures::waiters::<Deaf>(1, 1, Ending::WriteFails) => "deadlock",
    weak_release_of_a_broken_off_flight: 2, || failures::waiters::<WeakRelease>(1, 1, Ending::BrokenOff) => "Causality violation",
    lost_wake_up_by_a_broken_off_flight: 2, || failures::waiters::<Deaf>(1, 1, Ending::BrokenOff) => "deadlock",
    a_flight_is_forgotten: 2, || failures::waiters::<Sound>(1, 1, Ending::Forgotten) => "deadlock",
    weak_release_to_two_of_the_next: 2, || failures::waiters::<WeakRelease>(0, 2, Ending::BrokenOff) => "Causality violation",
    lost_wake_up_of_two_whose_flight_never_is: 2, || failures::waiters::<Deaf>(0, 2, Ending::BrokenOff) => "deadlock",
    weak_release_of_a_failed_flush: 2, || failures::flush::<WeakRelease>(Ending::WriteFails) => "Causality violation",
    lost_wake_up_of_a_failed_flush: 2, || failures::flush::<Deaf>(Ending::WriteFails) => "deadlock",
    weak_release_of_a_broken_off_flush: 2, || failures::flush::<WeakRelease>(Ending::BrokenOff) => "Causality violation",
    weak_release_to_a_capture: 2, captures::beside_two_calls::<WeakRelease> => "Causality violation",
    weak_acquire_by_a_capture: 2, captures::beside_two_calls::<WeakAcquire> => "Causality violation",
    lost_wake_up_of_a_capture: 2, captures::beside_two_calls::<Deaf> => "deadlock",
    a_capture_lets_others_in_between: 2, captures::in_two_steps::<Sound> => "both or neither",
    weak_release_to_a_capture_beside_a_flight: 2, captures::beside_a_flight::<WeakRelease> => "Causality violation",
    lost_wake_up_of_a_capture_beside_a_flight: 2, captures::beside_a_flight::<Deaf> => "deadlock",
    weak_release_of_a_loaded_node: 2, cache::two_load_one::<WeakRelease> => "Causality violation",
    weak_acquire_of_a_loaded_node: 2, cache::two_load_one::<WeakAcquire> => "Causality violation",
    weak_release_of_a_node_behind_another: 2, cache::each_drives_out_the_others::<WeakRelease> => "Causality violation",
    lost_wake_up_of_a_loader: 2, cache::each_drives_out_the_others::<Deaf> => "deadlock",
    weak_release_among_three_loaders: 2, cache::three_drive_out_one_another::<WeakRelease> => "Causality violation",
    weak_release_of_a_block_used_again: 2, cache::a_block_is_used_again::<WeakRelease> => "Causality violation",
    weak_release_of_a_bell: 2, checkpoints::a_bell_is_heard::<WeakRelease> => "Causality violation",
    weak_acquire_of_a_bell: 2, checkpoints::a_bell_is_heard::<WeakAcquire> => "Causality violation",
    lost_wake_up_by_a_bell: 2, checkpoints::a_bell_is_heard::<Deaf> => "deadlock",
    weak_release_of_a_checkpoint: 2, checkpoints::a_checkpoint_is_waited_for::<WeakRelease> => "Causality violation",
    weak_acquire_of_a_checkpoint: 2, checkpoints::a_checkpoint_is_waited_for::<WeakAcquire> => "Causality violation",
    lost_wake_up_by_a_checkpoint: 2, checkpoints::a_checkpoint_is_waited_for::<Deaf> => "deadlock",
    weak_release_between_writers: 2, locks::writers_take_turns::<WeakRelease> => "Causality violation",
    weak_acquire_between_writers: 2, locks::writers_take_turns::<WeakAcquire> => "Causality violation",
    lost_wake_up_of_a_waiter: 2, locks::writers_take_turns::<Deaf> => "deadlock",
    weak_release_among_three_writers: 2, locks::three_writers_take_turns::<WeakRelease> => "Causality violation",
    weak_release_to_readers: 2, locks::readers_go_on_together::<WeakRelease> => "Causality violation",
    lost_wake_up_of_readers: 2, locks::readers_go_on_together::<Deaf> => "deadlock",
    weak_release_in_a_circle: 2, locks::one_of_a_circle_gives_way::<WeakRelease> => "Causality violation",
    lost_wake_up_in_a_circle: 2, locks::one_of_a_circle_gives_way::<Deaf> => "deadlock",
    weak_release_between_upgrades: 2, locks::one_of_two_upgrades_gives_way::<WeakRelease> => "Causality violation",
    lost_wake_up_of_an_upgrade: 2, locks::one_of_two_upgrades_gives_way::<Deaf> => "deadlock",
    an_upgrade_that_lets_go: 2, locks::an_upgrade_lets_go::<Sound> => "what was read",
    weak_release_between_bytes: 2, locks::bytes_are_locked::<WeakRelease> => "Causality violation",
    lost_wake_up_of_whoever_wants_bytes: 2, locks::bytes_are_locked::<Deaf> => "deadlock",
    another_byte_than_is_read: 2, locks::another_byte_is_locked::<Sound> => "Causality violation",
    weak_release_beside_one_who_gives_up: 2, locks::a_wait_is_given_up::<WeakRelease> => "Causality violation",
    weak_acquire_by_one_who_gives_up: 2, locks::a_wait_is_given_up::<WeakAcquire> => "Causality violation",
    weak_release_behind_one_who_gives_up: 2, locks::a_wait_is_given_up_before_another::<WeakRelease> => "Causality violation",
    lost_wake_up_behind_one_who_gives_up: 2, locks::a_wait_is_given_up_before_another::<Deaf> => "deadlock",
    weak_release_of_a_failure: 2, poison::a_failure_is_told::<WeakRelease> => "Causality violation",
    lost_wake_up_by_a_failure: 2, poison::a_failure_is_told::<Deaf> => "deadlock",
    a_failure_that_wakes_nobody: 2, poison::a_failure_wakes_nobody::<Sound> => "deadlock",
}
