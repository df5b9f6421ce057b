//! Locks: what is held, who waits for whom, and who gives way; from what the database tells of them.
//!
//! 1. What two transactions hold at once does not exclude each other.
//! 2. Who waits does so for somebody: at least for everybody who asked before for what excludes it, save those who wait
//!    for the one who asks.
//! 3. Nobody waits in a circle, and whoever gave way in one is the youngest there.

use std::collections::{BTreeMap, BTreeSet};

use numstore::{LockInfo, LockMode, LockTarget, TxnId};

use super::Finding;

/// Whether two transactions cannot have both.
fn excludes(one: LockMode, other: LockMode) -> bool {
    use LockMode::{IS, IX, S, SIX, U, X};
    match (one, other) {
        (X, _) | (_, X) => true,
        (IS, _) | (_, IS) | (IX, IX) | (S, S) => false,
        // Whoever reads and may write lets readers be.
        (S, U) | (U, S) => false,
        (IX | S | SIX | U, IX | S | SIX | U) => true,
    }
}

/// Whether two locks are on one thing, or share bytes.
fn meet(one: &LockTarget, other: &LockTarget) -> bool {
    match (one, other) {
        (LockTarget::Range(stream, span), LockTarget::Range(other, theirs)) => {
            stream == other && span.overlaps(*theirs)
        }
        (one, other) => one == other,
    }
}

fn clash(one: &LockInfo, other: &LockInfo) -> bool {
    one.txn != other.txn && meet(&one.target, &other.target) && excludes(one.mode, other.mode)
}

/// Judges all locks of a moment, in the order in which they are told: of each target those who wait by their turns.
///
/// # Errors
/// Who has what another one has, waits for nobody, overtakes, or waits in a circle.
pub fn check_queues(locks: &[LockInfo]) -> Result<(), Finding> {
    let wrong = |what: String| Err(Finding::new("locks", what));
    let mut waits: BTreeMap<TxnId, BTreeSet<TxnId>> = BTreeMap::new();
    for (at, lock) in locks.iter().enumerate() {
        let Some(waits_for) = &lock.waits_for else {
            let holders = locks[..at].iter().filter(|other| other.waits_for.is_none());
            if let Some(other) = holders.into_iter().find(|other| clash(lock, other)) {
                return wrong(format!("two hold what one of them can: {lock:?} and {other:?}"));
            }
            continue;
        };
        if waits_for.is_empty() {
            return wrong(format!("a request waits for nobody: {lock:?}"));
        }
        let passed = locks[..at].iter().find(|earlier| {
            let theirs = earlier.waits_for.as_ref();
            clash(lock, earlier)
                && theirs.is_some_and(|theirs| !theirs.contains(&lock.txn))
                && !waits_for.contains(&earlier.txn)
        });
        if let Some(earlier) = passed {
            return wrong(format!("a request does not wait for an earlier one: {lock:?} for {earlier:?}"));
        }
        waits.entry(lock.txn).or_default().extend(waits_for);
    }
    match waits.keys().find(|txn| reaches(&waits, **txn, **txn)) {
        Some(txn) => wrong(format!("nobody gives way in a circle: of transaction {txn}: {waits:?}")),
        None => Ok(()),
    }
}

/// Whether `from` waits for `to`, directly or not.
fn reaches(waits: &BTreeMap<TxnId, BTreeSet<TxnId>>, from: TxnId, to: TxnId) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(txn) = open.pop() {
        for next in waits.get(&txn).into_iter().flatten() {
            if *next == to {
                return true;
            }
            if seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    false
}

/// Judges what transaction `own`, if its number is known, was told when it had to give way.
///
/// # Errors
/// If that is no circle, or somebody else is the youngest in it.
pub fn check_victim(told: &str, own: Option<TxnId>) -> Result<(), Finding> {
    let wrong = |what: &str| Err(Finding::new("locks", format!("{what}: {told}")));
    let (links, victim) = told.rsplit_once("; ").unwrap_or(("", told));
    let number = |text: &str| text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
    let ends = |link: &str| {
        let (asks, blocks) = link.rsplit_once(", which ")?;
        Some((number(asks)?, number(blocks)?))
    };
    let Some(links) = links.split("; ").map(ends).collect::<Option<Vec<(u64, u64)>>>() else {
        return wrong("a deadlock is not told as a circle");
    };
    let next = links.iter().cycle().skip(1);
    let is_closed = links.iter().zip(next).all(|((_, waits_for), (next, _))| waits_for == next);
    let victim = number(victim);
    if !is_closed || victim.is_none() {
        return wrong("a deadlock is not told as a circle");
    }
    if links.iter().map(|(txn, _)| *txn).max() != victim || own.is_some_and(|own| Some(own.0) != victim) {
        return wrong("whoever gives way is not the youngest in the circle");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    use numstore::{LockSpan, StreamId};

    fn lock(target: LockTarget, mode: LockMode, txn: u64, waits_for: Option<&[u64]>) -> LockInfo {
        let waits_for = waits_for.map(|ids| ids.iter().map(|id| TxnId(*id)).collect());
        LockInfo { target, mode, txn: TxnId(txn), waits_for }
    }

    fn bytes(start: u64, end: u64) -> LockTarget {
        LockTarget::Range(StreamId(1), LockSpan::bytes(start, end).unwrap())
    }

    fn what(locks: &[LockInfo]) -> String {
        check_queues(locks).unwrap_err().what
    }

    #[test]
    fn a_queue_in_order_passes() {
        use LockMode::{IX, S, X};
        let stream = LockTarget::Stream(StreamId(1));
        let locks = [
            lock(stream.clone(), IX, 1, None),
            lock(stream, IX, 2, None),
            lock(bytes(0, 4), S, 1, None),
            lock(bytes(0, 4), S, 2, None),
            lock(bytes(4, 9), X, 2, None),
            lock(bytes(3, 5), X, 3, Some(&[1, 2])),
            lock(bytes(2, 4), S, 4, Some(&[3])),
        ];
        assert_eq!(check_queues(&locks), Ok(()));
    }

    #[test]
    fn what_excludes_is_not_held_twice() {
        let locks = [lock(bytes(0, 4), LockMode::S, 1, None), lock(bytes(3, 5), LockMode::X, 2, None)];
        assert!(what(&locks).starts_with("two hold"));
    }

    #[test]
    fn nobody_waits_for_nobody_or_overtakes() {
        let holder = lock(LockTarget::Database, LockMode::X, 1, None);
        let waits = |txn, whom| lock(LockTarget::Database, LockMode::X, txn, Some(whom));
        assert!(what(&[waits(2, &[])]).starts_with("a request waits for nobody"));
        assert!(what(&[holder.clone(), waits(2, &[1]), waits(3, &[1])]).contains("an earlier one"));
        assert_eq!(check_queues(&[holder, waits(2, &[1]), waits(3, &[1, 2])]), Ok(()));
    }

    #[test]
    fn a_circle_that_stays_is_found() {
        let waits = |at, txn, whom| lock(bytes(at, at + 1), LockMode::X, txn, Some(whom));
        assert!(what(&[waits(0, 1, &[2]), waits(5, 2, &[3]), waits(9, 3, &[1])]).contains("in a circle"));
    }

    #[test]
    fn the_youngest_gives_way() {
        let told = |victim| {
            format!(
                "8 wants X on name \"a\", which 9 asked before; 9 wants S on stream 1, which 8 holds; {victim}"
            )
        };
        assert_eq!(check_victim(&told("9 gives way"), Some(TxnId(9))), Ok(()));
        assert!(check_victim(&told("9 gives way"), Some(TxnId(8))).is_err());
        assert!(check_victim(&told("8 gives way"), Some(TxnId(8))).is_err());
        assert!(check_victim("something else", None).is_err());
    }
}
