//! What a power loss may leave of some changes.

use std::collections::BTreeSet;

use crate::world::{Fate, Torn, Undecided};

/// Everything that is looked at after a crash in a workload.
pub(super) fn all(undecided: &[Undecided]) -> Vec<Fate> {
    let mut fates = simple(undecided);
    let changes: Vec<u64> = undecided.iter().map(|undecided| undecided.change).collect();
    let but = |kept: &[u64]| changes.iter().copied().filter(|change| !kept.contains(change)).collect();
    for (at, &one) in changes.iter().enumerate() {
        fates.push(losing(but(&[one])));
        for &other in &changes[at + 1..] {
            fates.push(losing(BTreeSet::from([one, other])));
            fates.push(losing(but(&[one, other])));
        }
    }
    for write in undecided.iter().filter(|undecided| undecided.tears) {
        let torn = |form| Fate { torn: Some((write.change, form)), ..Fate::default() };
        fates.extend(Torn::ALL.map(torn));
    }
    fates
}

/// Nothing, all, and all but one.
pub(super) fn simple(undecided: &[Undecided]) -> Vec<Fate> {
    let changes = || undecided.iter().map(|undecided| undecided.change);
    let mut fates = vec![losing(changes().collect()), Fate::default()];
    fates.extend(changes().map(|change| losing(BTreeSet::from([change]))));
    fates
}

fn losing(lost: BTreeSet<u64>) -> Fate {
    Fate { lost, torn: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_changes_of_which_two_are_writes() {
        let undecided: Vec<Undecided> =
            (10..14).map(|change| Undecided { change, tears: change % 2 == 0 }).collect();
        assert_eq!(simple(&undecided).len(), 2 + 4);
        // Pairs twice, single ones twice, two writes torn in three ways.
        assert_eq!(all(&undecided).len(), 2 + 4 + 4 + 2 * 6 + 2 * 3);
        assert_eq!(all(&[]).len(), 2);
    }
}
