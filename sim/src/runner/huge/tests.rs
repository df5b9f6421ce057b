//! That comparing sees what is not as it should be, and that what was drawn can be told step by step.

use super::*;
use crate::world::WorldCounters;

/// A machine on which streams of a gigabyte were made, and its database.
fn made() -> (Giant, Database<SimEnv>) {
    let mut giant = Giant::new(1, Without::default(), *LEAVES_LOG2.start());
    let db = giant.open_database().unwrap();
    giant.make(&db).unwrap();
    (giant, db)
}

#[test]
fn what_is_not_as_it_should_be_is_seen() {
    let (mut giant, db) = made();
    giant.compare(&db, &[]).unwrap();
    db.write("zeros", 700 << 20, b"something").unwrap();
    let mut edited = giant.known.states[0].clone();
    let splice = |at, delete, len| HugeEdit::Splice { at, delete, word: 1, len };
    edited.apply("ones", &splice(900 << 20, 5, 5));
    for (what, edit) in [("a byte too many", splice(3, 0, 1)), ("another byte", splice(700 << 20, 1, 1))] {
        let mut state = giant.known.states[0].clone();
        state.apply("zeros", &edit);
        giant.known = Known { states: vec![state], floor: 0 };
        assert!(giant.compare(&db, &[]).is_err(), "{what}");
        giant.known = Known { states: vec![edited.clone()], floor: 0 };
        assert!(giant.compare(&db, &[]).is_err(), "what was not written");
        giant.known = made().0.known;
    }
}

#[test]
fn forged_leaves_are_what_a_full_audit_reads() {
    let (giant, db) = made();
    db.drop_stream("ones").unwrap();
    db.truncate("zeros", 64 << 20).unwrap();
    db.checkpoint().unwrap();
    assert!(db.verify().unwrap().is_clean());
    assert_eq!(db.read("zeros", (64 << 20) - 3..).unwrap(), [0; 3]);
    assert!(!giant.world.crashed());
}

#[test]
fn what_was_drawn_is_followed_when_it_is_told() {
    for seed in 0..6 {
        let mut drawn = Giant::new(seed, Without::default(), *LEAVES_LOG2.start());
        drawn.run(seed, 60).unwrap();
        let words: Vec<String> = drawn.told.iter().map(Told::to_string).collect();
        let steps: Vec<Told> = words.iter().map(|told| told.parse().unwrap()).collect();
        let again: Vec<String> = steps.iter().map(Told::to_string).collect();
        assert_eq!(again, words);
        let mut told = Giant::new(0, Without::default(), *LEAVES_LOG2.start());
        told.follow(&steps).unwrap();
        assert_eq!(told.known.states.len(), drawn.known.states.len());
        assert!(told.known.states == drawn.known.states, "seed {seed}");
        let counters = |giant: &Giant| WorldCounters { lies: 0, ..giant.world.counters() };
        assert_eq!(counters(&told), counters(&drawn), "seed {seed}");
    }
}
