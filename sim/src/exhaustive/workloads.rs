//! The operations, and all their short sequences.

use crate::model::Step;
use crate::script::step;
use crate::workload::Operation;

/// The transaction that stays open from one operation to the next.
const OPEN: u64 = 1;

/// What is done at a place of a sequence: in words, and as operations.
#[derive(Clone, Debug)]
pub struct Letter {
    /// In words.
    pub words: &'static str,
    /// What it takes; those that do not fit are left out.
    pub operations: Vec<Operation>,
}

/// Streams that are there when a workload begins, and how long they are.
pub(super) const STREAMS: [(&str, usize); 2] = [("a", 700), ("b", 300)];

/// What workloads are made of.
pub fn alphabet() -> Vec<Letter> {
    let direct = |step: Step| vec![Operation::Direct(step)];
    let within = |step: Step| vec![Operation::Begin(OPEN), Operation::In(OPEN, step)];
    let letters = [
        ("append 100 bytes to a", direct(step::append("a", &step::pattern(1, 100)))),
        ("append 3000 bytes to a, around the log", direct(step::append("a", &step::pattern(2, 3000)))),
        ("insert 40 bytes at 256 of a", direct(step::insert("a", 256, &step::pattern(3, 40)))),
        ("overwrite bytes 255 to 512 of a", direct(step::write("a", 255, &step::pattern(4, 257)))),
        ("remove bytes 1 to 600 of a", direct(step::remove("a", 1..600))),
        ("create c", direct(step::create("c"))),
        ("drop b", direct(step::drop_stream("b"))),
        ("rename b to d", direct(step::rename("b", "d"))),
        ("append 60 bytes to b in a transaction", within(step::append("b", &step::pattern(5, 60)))),
        ("remove bytes 0 to 200 of b in a transaction", within(step::remove("b", 0..200))),
        ("commit", vec![Operation::Commit { txn: OPEN, sync: true }]),
        ("commit, to be durable later", vec![Operation::Commit { txn: OPEN, sync: false }]),
        ("roll back", vec![Operation::Rollback(OPEN)]),
        ("make durable what was committed", vec![Operation::Sync]),
        ("checkpoint", vec![Operation::Checkpoint]),
        ("close", vec![Operation::Close]),
    ];
    letters.into_iter().map(|(words, operations)| Letter { words, operations }).collect()
}

/// How many sequences of one to `longest` operations there are.
pub fn count(longest: u32) -> u64 {
    (1..=longest).map(|len| (alphabet().len() as u64).pow(len)).sum()
}

/// The sequence with this number, as places in the alphabet: short ones come first. Those of one length come in strides, so
/// that any part of them has about as much of each letter in each place.
pub(super) fn sequence(number: u64) -> Vec<usize> {
    let letters = alphabet().len() as u64;
    let (mut rest, mut len) = (number, 1);
    while rest >= letters.pow(len) {
        rest -= letters.pow(len);
        len += 1;
    }
    let all = letters.pow(len);
    let place_of = rest * stride(all) % all;
    (0..len).rev().map(|place| (place_of / letters.pow(place) % letters) as usize).collect()
}

/// About the golden section of `all`, with which it has no divisor in common.
fn stride(all: u64) -> u64 {
    let divisor = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (all * 618 / 1000..).find(|&stride| divisor(stride, all) == 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_comes_once() {
        let all: std::collections::BTreeSet<Vec<usize>> = (0..count(2)).map(sequence).collect();
        assert_eq!(all.len() as u64, count(2));
        assert!(all.iter().all(|sequence| (1..=2).contains(&sequence.len())));
        assert_eq!(sequence(0), [0]);
        assert_eq!(sequence(count(1)), [0; 2]);
        // A quarter of the long ones has a quarter of those with any letter in any place, or nearly so.
        let letters = alphabet().len();
        let part: Vec<Vec<usize>> = (count(2)..count(2) + (count(3) - count(2)) / 4).map(sequence).collect();
        for (place, letter) in (0..3).flat_map(|place| (0..letters).map(move |letter| (place, letter))) {
            let found = part.iter().filter(|sequence| sequence[place] == letter).count();
            assert!(found.abs_diff(part.len() / letters) <= letters, "{found} with {letter} at {place}");
        }
    }
}
