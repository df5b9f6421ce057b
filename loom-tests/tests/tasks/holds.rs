//! Nothing is found. With `NUMSTORE_LOOM=all` every model gets all preemptions.

use loom_tests::failures::{self, Ending};
use loom_tests::flights::{self, Plant};
use loom_tests::{PREEMPTIONS, Sound, bound, cache, captures, checkpoints, explore, locks, poison};

macro_rules! holds {
    ($($model:ident: $everyday:expr, $body:expr;)*) => {
        $(
            #[test]
            fn $model() {
                explore(bound($everyday), $body);
            }
        )*
    };
}

holds! {
    two_commits: 2, || flights::commits::<Sound>(2, false, Plant::Nothing);
    two_commits_are_shown: 2, || flights::commits::<Sound>(2, true, Plant::Nothing);
    two_passengers: 2, || flights::passengers::<Sound>(2, false, Plant::Nothing);
    three_passengers: 1, || flights::passengers::<Sound>(3, false, Plant::Nothing);
    passengers_are_shown: 2, || flights::passengers::<Sound>(2, true, Plant::Nothing);
    landing: 2, || flights::landing::<Sound>(2);
    landing_beside_the_next: PREEMPTIONS, flights::landing_beside_the_next::<Sound>;
    landing_beside_two_of_the_next: 1, flights::landing_beside_two_of_the_next::<Sound>;
    flush_beside_the_next: 2, flights::flush_beside_the_next::<Sound>;
    commit_beside_a_flush: PREEMPTIONS, flights::commit_beside_a_flush::<Sound>;
    versions_go_forward: PREEMPTIONS, flights::versions_go_forward::<Sound>;
    failed_commits: PREEMPTIONS, || failures::commits::<Sound>(2, Ending::WriteFails);
    broken_off_commits: PREEMPTIONS, || failures::commits::<Sound>(2, Ending::BrokenOff);
    a_failed_flight_is_told: 2, || failures::waiters::<Sound>(1, 1, Ending::WriteFails);
    a_broken_off_flight_is_told: 2, || failures::waiters::<Sound>(1, 1, Ending::BrokenOff);
    a_broken_off_flight_is_told_to_the_next: 2, || failures::waiters::<Sound>(0, 2, Ending::BrokenOff);
    a_failed_flight_beside_a_flush: 2, || failures::flush::<Sound>(Ending::WriteFails);
    a_broken_off_flight_beside_a_flush: 2, || failures::flush::<Sound>(Ending::BrokenOff);
    a_capture_beside_two_calls: 2, captures::beside_two_calls::<Sound>;
    a_capture_beside_a_flight: 2, captures::beside_a_flight::<Sound>;
    a_bell_is_heard: 2, checkpoints::a_bell_is_heard::<Sound>;
    a_checkpoint_is_waited_for: 2, checkpoints::a_checkpoint_is_waited_for::<Sound>;
    writers_take_turns: PREEMPTIONS, locks::writers_take_turns::<Sound>;
    three_writers_take_turns: 2, locks::three_writers_take_turns::<Sound>;
    readers_go_on_together: 2, locks::readers_go_on_together::<Sound>;
    one_of_a_circle_gives_way: PREEMPTIONS, locks::one_of_a_circle_gives_way::<Sound>;
    one_of_two_upgrades_gives_way: PREEMPTIONS, locks::one_of_two_upgrades_gives_way::<Sound>;
    bytes_are_locked: 2, locks::bytes_are_locked::<Sound>;
    a_wait_is_given_up: PREEMPTIONS, locks::a_wait_is_given_up::<Sound>;
    a_wait_is_given_up_before_another: 2, locks::a_wait_is_given_up_before_another::<Sound>;
    a_failure_is_told_to_those_who_wait: PREEMPTIONS, poison::a_failure_is_told::<Sound>;
    two_load_one_node: PREEMPTIONS, cache::two_load_one::<Sound>;
    each_drives_out_the_others_node: PREEMPTIONS, cache::each_drives_out_the_others::<Sound>;
    three_drive_out_one_another: 2, cache::three_drive_out_one_another::<Sound>;
    a_block_is_used_again: PREEMPTIONS, cache::a_block_is_used_again::<Sound>;
}
