//! The generator is deterministic, makes sense most of the time, and uses everything there is.

use std::collections::BTreeSet;

use crate::model::{Model, Step, Streams};
use crate::world::{Concern, Dice};

use super::*;

/// Runs the generator against the model alone; returns the operations and how many steps were refused.
fn operations(seed: u64, count: usize) -> (Vec<Operation>, usize) {
    let mut dice = Dice::new(seed, Concern::Workload);
    let swarm = Swarm::draw(&mut dice);
    let mut generator = Generator::new(dice, swarm);
    let mut model = Model::new(Streams::new());
    let mut refused = 0;
    let mut all = Vec::new();
    for _ in 0..count {
        let operation = generator.next(&model);
        match &operation {
            Operation::Begin(txn) => model.begin(*txn),
            Operation::In(txn, step) => refused += usize::from(model.step(*txn, step).is_err()),
            Operation::Commit { txn, .. } => {
                model.commit(*txn, false);
            }
            Operation::Rollback(txn) | Operation::Abandon(txn) => model.roll_back(*txn),
            Operation::Direct(step) => refused += usize::from(model.direct(step).is_err()),
            Operation::Close => {
                let open: Vec<u64> = model.open().map(|(txn, _)| txn).collect();
                open.into_iter().for_each(|txn| model.roll_back(txn));
                generator.forget_handles();
            }
            _ => {}
        }
        all.push(operation);
    }
    (all, refused)
}

#[test]
fn the_same_seed_gives_the_same_operations() {
    assert_eq!(operations(1, 500), operations(1, 500));
    assert_ne!(operations(1, 500).0, operations(2, 500).0);
}

#[test]
fn most_operations_make_sense() {
    let refused: usize = (0..200).map(|seed| operations(seed, 300).1).sum();
    assert!((600..22_000).contains(&refused), "{refused} of 60000 were refused");
}

#[test]
fn every_kind_of_operation_comes_up() {
    let mut kinds = BTreeSet::new();
    for seed in 0..30 {
        for operation in operations(seed, 400).0 {
            let text = match &operation {
                Operation::In(_, Step::Edit { edit, .. }) => format!("In Edit {edit:?}"),
                Operation::In(_, step) => format!("In {step:?}"),
                Operation::Direct(Step::Edit { edit, .. }) => format!("Direct Edit {edit:?}"),
                Operation::Direct(step) => format!("Direct {step:?}"),
                other => format!("{other:?}"),
            };
            let end = text.find(['{', '(']).unwrap_or(text.len());
            kinds.insert(text[..end].trim().to_owned());
        }
    }
    assert_eq!(kinds.len(), 43, "{kinds:?}");
}

#[test]
fn some_seeds_have_many_streams() {
    let draw = |seed| Swarm::draw(&mut Dice::new(seed, Concern::Workload)).names.len();
    let many: Vec<usize> = (0..1_600).map(draw).filter(|names| *names > 8).collect();
    assert!((50..150).contains(&many.len()), "{} of 1600", many.len());
    assert!(many.iter().all(|names| (44..=208).contains(names)), "{many:?}");
    let seed = (0..).find(|&seed| draw(seed) > 150).unwrap();
    let made = operations(seed, 400).0.into_iter();
    let made = made.filter(|operation| matches!(operation, Operation::Direct(Step::Create { .. }))).count();
    assert!(made > 140, "{made} were made");
}

#[test]
fn some_seeds_have_large_leaves_that_begin_alike() {
    let draw = |seed| Swarm::draw(&mut Dice::new(seed, Concern::Workload));
    let large = (0..1_600).filter(|&seed| draw(seed).geometry.has_large_leaves()).count();
    assert!((60..140).contains(&large), "{large} of 1600");
    let mut dice = Dice::new(1, Concern::Workload);
    let (first, second) = (alike::leaves(&mut dice).0, alike::leaves(&mut dice).0);
    assert!(first.len().is_multiple_of(64 << 10) && second.len().is_multiple_of(64 << 10));
    assert_eq!(first[..16 << 10], second[..16 << 10]);
    assert_ne!(first[16 << 10..64 << 10], second[16 << 10..64 << 10]);
}
