//! That comparing sees what is not as it should be, and that what was drawn can be told step by step.

use numstore::Database;

use super::edits::HugeEdit;
use super::machine::{HugeMachine, Known, LEAVES_LOG2};
use super::steps::RecordedStep;
use crate::world::{SimEnv, Without, WorldCounters};

/// A machine on which streams of a gigabyte were made, and its database.
fn made() -> (HugeMachine, Database<SimEnv>) {
    let mut machine = HugeMachine::new(1, Without::default(), *LEAVES_LOG2.start());
    let db = machine.open_database().unwrap();
    machine.make(&db).unwrap();
    (machine, db)
}

#[test]
fn what_is_not_as_it_should_be_is_seen() {
    let (mut machine, db) = made();
    machine.compare(&db, &[]).unwrap();
    db.write("zeros", 700 << 20, b"something").unwrap();
    let mut edited = machine.known.states[0].clone();
    let splice = |at, delete, len| HugeEdit::Splice { at, delete, word: 1, len };
    edited.apply("ones", &splice(900 << 20, 5, 5));
    for (what, edit) in [("a byte too many", splice(3, 0, 1)), ("another byte", splice(700 << 20, 1, 1))] {
        let mut state = machine.known.states[0].clone();
        state.apply("zeros", &edit);
        machine.known = Known { states: vec![state], floor: 0 };
        assert!(machine.compare(&db, &[]).is_err(), "{what}");
        machine.known = Known { states: vec![edited.clone()], floor: 0 };
        assert!(machine.compare(&db, &[]).is_err(), "what was not written");
        machine.known = made().0.known;
    }
}

#[test]
fn forged_leaves_are_what_a_full_audit_reads() {
    let (machine, db) = made();
    db.drop_stream("ones").unwrap();
    db.truncate("zeros", 64 << 20).unwrap();
    db.checkpoint().unwrap();
    assert!(db.verify().unwrap().is_clean());
    assert_eq!(db.read("zeros", (64 << 20) - 3..).unwrap(), [0; 3]);
    assert!(!machine.world.crashed());
}

#[test]
fn what_was_drawn_is_followed_when_it_is_told() {
    for seed in 0..6 {
        let mut drawn = HugeMachine::new(seed, Without::default(), *LEAVES_LOG2.start());
        drawn.run(seed, 60).unwrap();
        let words: Vec<String> = drawn.recorded.iter().map(RecordedStep::to_string).collect();
        let steps: Vec<RecordedStep> = words.iter().map(|told| told.parse().unwrap()).collect();
        let again: Vec<String> = steps.iter().map(RecordedStep::to_string).collect();
        assert_eq!(again, words);
        let mut told = HugeMachine::new(0, Without::default(), *LEAVES_LOG2.start());
        told.follow(&steps).unwrap();
        assert_eq!(told.known.states.len(), drawn.known.states.len());
        assert!(told.known.states == drawn.known.states, "seed {seed}");
        let counters = |machine: &HugeMachine| WorldCounters { lies: 0, ..machine.world.counters() };
        assert_eq!(counters(&told), counters(&drawn), "seed {seed}");
    }
}
