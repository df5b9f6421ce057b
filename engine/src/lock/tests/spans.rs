//! The spans of one transaction: merged, X over S, and the same as a set of points; the tree of all of them.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::intervals::{Entry, Intervals};
use super::*;

#[test]
fn neighbours_in_one_mode_merge() {
    let mut t = Tester::new();
    t.gets(1, &bytes(10, 20), S);
    t.gets(1, &bytes(30, 40), S);
    assert_eq!(t.pieces(1), "S[10..20] S[30..40]");
    t.gets(1, &bytes(20, 25), S);
    assert_eq!(t.pieces(1), "S[10..25] S[30..40]");
    t.gets(1, &bytes(22, 33), S);
    assert_eq!(t.pieces(1), "S[10..40]");
    t.gets(1, &suffix(40), S);
    assert_eq!(t.pieces(1), "S[10..end]");
}

#[test]
fn writing_wins_over_reading() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 100), S);
    t.gets(1, &bytes(40, 50), X);
    assert_eq!(t.pieces(1), "S[0..40] X[40..50] S[50..100]");
    t.gets(1, &bytes(30, 120), S);
    assert_eq!(t.pieces(1), "S[0..40] X[40..50] S[50..120]");
    assert!(t.covers(1, &bytes(0, 120), S) && !t.covers(1, &bytes(40, 51), X));
    t.gets(1, &bytes(45, 110), X);
    assert_eq!(t.pieces(1), "S[0..40] X[40..110] S[110..120]");
    assert_eq!(t.table.spans(TxnId(1), StreamId(1), X), [Span::bytes(40, 110).unwrap()]);
    t.gets(1, &suffix(0), X);
    assert_eq!(t.pieces(1), "X[0..end]");
}

#[test]
fn what_is_held_is_not_asked_for_again() {
    let mut t = Tester::new();
    t.gets(1, &bytes(0, 100), S);
    let before = t.table.picture();
    t.gets(1, &bytes(3, 5), S);
    t.gets(1, &STREAM, IS);
    t.gets(1, &DATABASE, IS);
    assert_eq!(t.table.picture(), before);
    // Even with a writer in the queue.
    t.waits(2, &bytes(0, 10), X, &[1]);
    t.gets(1, &bytes(0, 100), S);
    assert_eq!(t.table.counters().requests, 6);
}

fn any_span() -> impl Strategy<Value = Span> {
    (0..40u64, 0..12u64)
        .prop_map(|(start, len)| Span::bytes(start, start + len).unwrap_or(Span::suffix(start)))
}

/// The points of a small stream that are in a span, 50 standing for the end.
fn points(span: Span) -> impl Iterator<Item = u64> {
    (0..=50).filter(move |at| {
        span.overlaps(if *at == 50 { Span::END } else { Span::bytes(*at, at + 1).unwrap() })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spans_are_sets_of_points(adds in vec((any_span(), any::<bool>()), 1..20)) {
        let mut t = Tester::new();
        let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
        for (span, writes) in adds {
            t.gets(1, &Target::Range(StreamId(1), span), if writes { X } else { S });
            read.extend(points(span));
            if writes {
                written.extend(points(span));
            }
            for (mode, model) in [(S, &read), (X, &written)] {
                let spans = t.table.spans(TxnId(1), StreamId(1), mode);
                let found: BTreeSet<u64> = spans.into_iter().flat_map(points).collect();
                prop_assert_eq!(&found, model);
            }
        }
        prop_assert_eq!(t.end(1), Vec::<u64>::new());
        prop_assert!(t.table.is_idle());
    }

    #[test]
    fn the_tree_finds_what_a_list_finds(
        entries in vec((any_span(), 0..4u64, any::<bool>()), 0..60),
        removed in vec(any::<prop::sample::Index>(), 0..40),
        asked in any_span(),
    ) {
        let (mut tree, mut list) = (Intervals::default(), Vec::<Entry>::new());
        for (span, txn, writes) in entries {
            let entry = Entry { span, mode: if writes { X } else { S }, txn: TxnId(txn), rank: 0 };
            if list.iter().all(|other| (other.span.start(), other.txn) != (span.start(), entry.txn)) {
                tree.insert(entry);
                list.push(entry);
            }
        }
        for at in removed {
            if !list.is_empty() {
                let entry = list.swap_remove(at.index(list.len()));
                tree.remove(entry.span, entry.txn);
            }
        }
        prop_assert!(tree.is_sound());
        list.sort_by_key(|entry| (entry.span.start(), entry.txn));
        prop_assert_eq!(&tree.entries(), &list);
        for mode in [S, X] {
            let mut found = Vec::new();
            tree.visit(asked, mode, &mut |entry| found.push(*entry));
            let expected: Vec<Entry> = list.iter().filter(|entry| entry.excludes(asked, mode)).copied().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
