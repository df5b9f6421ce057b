//! Nothing is found. The long ones run if `NUMSTORE_LOOM` is `all`.

use loom_tests::flights::{self, Plant};
use loom_tests::{PREEMPTIONS, Sound, cache, explore, is_long, locks};

/// The first bound, or the second one if there is time.
fn bound(everyday: usize, long: usize) -> usize {
    if is_long() { long } else { everyday }
}

#[test]
fn two_commits() {
    explore(bound(1, 2), || flights::commits::<Sound>(2, false, Plant::Nothing));
}

#[test]
fn two_commits_are_shown() {
    explore(1, || flights::commits::<Sound>(2, true, Plant::Nothing));
}

#[test]
fn three_commits() {
    explore(0, || flights::commits::<Sound>(3, false, Plant::Nothing));
}

#[test]
fn two_passengers() {
    explore(bound(1, 2), || flights::passengers::<Sound>(2, false, Plant::Nothing));
}

#[test]
fn three_passengers() {
    explore(bound(0, 1), || flights::passengers::<Sound>(3, false, Plant::Nothing));
}

#[test]
fn passengers_are_shown() {
    explore(1, || flights::passengers::<Sound>(2, true, Plant::Nothing));
}

#[test]
fn landing() {
    explore(bound(2, PREEMPTIONS), || flights::landing::<Sound>(2));
}

#[test]
fn landing_beside_the_next() {
    explore(bound(1, 2), flights::landing_beside_the_next::<Sound>);
}

#[test]
fn flush_beside_the_next() {
    explore(bound(1, 2), flights::flush_beside_the_next::<Sound>);
}

#[test]
fn commit_beside_a_flush() {
    explore(bound(2, PREEMPTIONS), flights::commit_beside_a_flush::<Sound>);
}

#[test]
fn versions_go_forward() {
    explore(PREEMPTIONS, flights::versions_go_forward::<Sound>);
}

#[test]
fn writers_take_turns() {
    explore(PREEMPTIONS, locks::writers_take_turns::<Sound>);
}

#[test]
fn three_writers_take_turns() {
    explore(PREEMPTIONS, locks::three_writers_take_turns::<Sound>);
}

#[test]
fn readers_go_on_together() {
    explore(PREEMPTIONS, locks::readers_go_on_together::<Sound>);
}

#[test]
fn one_of_a_circle_gives_way() {
    explore(PREEMPTIONS, locks::one_of_a_circle_gives_way::<Sound>);
}

#[test]
fn two_load_one_node() {
    explore(PREEMPTIONS, cache::two_load_one::<Sound>);
}

#[test]
fn each_drives_out_the_others_node() {
    explore(bound(2, PREEMPTIONS), cache::each_drives_out_the_others::<Sound>);
}

#[test]
fn three_drive_out_one_another() {
    explore(bound(1, 2), cache::three_drive_out_one_another::<Sound>);
}

#[test]
fn a_block_is_used_again() {
    explore(bound(2, PREEMPTIONS), cache::a_block_is_used_again::<Sound>);
}
