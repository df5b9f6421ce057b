//! `emitted.rs` is what becomes of `emitted.log`, a run with every kind of act in it.

use sim::runner::{Conduct, Fidelity, conduct_log};
use sim::script::Log;
use sim::shrink::emit_test;

fn log() -> Log {
    include_str!("emitted.log").parse().expect("the committed log")
}

#[test]
fn the_committed_test_is_the_emitted_one() {
    let emitted = emit_test(
        &log(),
        "every_kind_of_act",
        "Nothing is wrong with this one: it shows how such tests look.",
    );
    assert_eq!(emitted, include_str!("emitted.rs"), "emit it again: {emitted}");
}

#[test]
fn every_act_of_it_fits() {
    let ended = conduct_log(&log(), Fidelity::Lenient, Conduct::default());
    assert_eq!(ended.finding, None);
    let skipped: Vec<String> = log()
        .acts()
        .zip(ended.skipped)
        .filter(|(_, skipped)| *skipped)
        .map(|(act, _)| act.to_string())
        .collect();
    assert_eq!(skipped, Vec::<String>::new());
}
