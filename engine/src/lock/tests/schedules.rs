//! Eight transactions at a time, in random order, until all their work is done: no schedule gets stuck.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const TASKS: usize = 8;
/// More than any schedule has taken by a wide margin.
const STEPS_MAX: usize = 20_000;

/// Somebody who has a list of locks to take and starts again as a new transaction when it is a victim.
struct Task {
    txn: TxnId,
    wanted: Vec<(Target, Mode)>,
    next: usize,
    waits: bool,
}

fn any_request(rng: &mut ChaCha8Rng) -> (Target, Mode) {
    let stream = StreamId(rng.random_range(1..3));
    let at = rng.random_range(0..30);
    let span = match rng.random_range(0..8) {
        0 => Span::END,
        1 | 2 => Span::suffix(at),
        _ => Span::bytes(at, at + rng.random_range(1..6)).unwrap(),
    };
    let mode = [IS, IX, S, SIX, U, X][rng.random_range(0..6)];
    match rng.random_range(0..20) {
        0 => (DATABASE, mode),
        1..4 => (name(&rng.random_range(0..3).to_string()), mode),
        4..7 => (Target::Stream(stream), mode),
        _ => (Target::Range(stream, span), if rng.random() { S } else { X }),
    }
}

/// Runs all tasks to their ends; how many steps that took.
fn run(seed: u64) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut table = LockTable::new(3);
    let mut next_txn = 0;
    let mut new_txn = || {
        next_txn += 1;
        TxnId(next_txn)
    };
    let mut tasks: Vec<Task> = Vec::new();
    for _ in 0..TASKS {
        let wanted = (0..rng.random_range(2..12)).map(|_| any_request(&mut rng)).collect();
        tasks.push(Task { txn: new_txn(), wanted, next: 0, waits: false });
    }
    for step in 1..STEPS_MAX {
        let ready: Vec<usize> = (0..tasks.len()).filter(|at| !tasks[*at].waits).collect();
        assert!(!ready.is_empty(), "seed {seed}: everybody waits\n{}", table.picture());
        let at = ready[rng.random_range(0..ready.len())];
        let task = &mut tasks[at];
        let mut events = Vec::new();
        if task.next == task.wanted.len() {
            events = table.release_all(task.txn);
            tasks.swap_remove(at);
        } else {
            let (target, mode) = &task.wanted[task.next];
            match table.request(task.txn, target, *mode) {
                Outcome::Granted => task.next += 1,
                Outcome::Waits { .. } => task.waits = true,
                Outcome::Deadlock { cycle } => events.push(Event::Victim(cycle)),
            }
            events.extend(table.take_events());
        }
        while !events.is_empty() {
            let by_txn: BTreeMap<TxnId, usize> =
                tasks.iter().enumerate().map(|(at, task)| (task.txn, at)).collect();
            let event = events.remove(0);
            let task = &mut tasks[by_txn[&event.txn()]];
            task.waits = false;
            match event {
                Event::Granted(_) => task.next += 1,
                Event::Victim(_) => {
                    events.extend(table.release_all(task.txn));
                    (task.txn, task.next) = (new_txn(), 0);
                }
            }
        }
        let findings = table.check();
        assert!(findings.is_empty(), "seed {seed}: {findings:#?}");
        if tasks.is_empty() {
            assert!(table.is_idle());
            return step;
        }
    }
    panic!("seed {seed}: no end\n{}", table.picture());
}

#[test]
fn every_schedule_ends() {
    let longest = (0..600).map(run).max().unwrap();
    assert!(longest < STEPS_MAX / 10, "{longest} steps");
}

#[test]
fn the_same_calls_give_the_same_answers() {
    let history = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut table = LockTable::new(2);
        let mut lines = Vec::new();
        for _ in 0..300 {
            let txn = TxnId(rng.random_range(1..9));
            if table.is_waiting(txn) || rng.random_ratio(1, 10) {
                lines.push(format!("{:?}", table.release_all(txn)));
            } else {
                let (target, mode) = any_request(&mut rng);
                lines.push(format!("{:?} {:?}", table.request(txn, &target, mode), table.take_events()));
            }
            lines.push(table.picture().to_string());
        }
        lines
    };
    for seed in 0..20 {
        assert_eq!(history(seed), history(seed));
    }
}
