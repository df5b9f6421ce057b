//! The spans of one stream, of all transactions: what overlaps a given one is found without looking at the others.
//!
//! A treap: a search tree by first point and transaction, and a heap by a number mixed from these two, which keeps it
//! flat. Each node knows how far the spans below it reach, so a search leaves out what ends too early; and how far those
//! in U or X reach, so that readers do not look at one another.
//!
//! Costs, expected, with n entries: to insert or remove O(log n), to visit k entries O(log n + k).
//!
//! Source: Seidel and Aragon 1996; Cormen et al., section 14.3 (interval trees).

use crate::base::TxnId;

use super::{Mode, Span};

/// A span that a transaction holds or waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub span: Span,
    /// S, U or X.
    pub mode: Mode,
    pub txn: TxnId,
    /// The place in the queue of one that waits; of no meaning for what is held.
    pub rank: u64,
}

impl Entry {
    fn key(&self) -> (u64, TxnId) {
        (self.span.start(), self.txn)
    }

    /// Whether another transaction does not get `mode` on `span` while this is held.
    pub fn excludes(&self, span: Span, mode: Mode) -> bool {
        self.span.overlaps(span) && excludes(self.mode, mode)
    }
}

/// Whether `asked` is refused on a span that another transaction has in mode `held`.
pub fn excludes(held: Mode, asked: Mode) -> bool {
    let both_update = held == Mode::U && asked == Mode::U;
    !(held.admits(asked) || both_update && mutant!("several read the same for update"))
}

type Tree = Option<Box<Node>>;

#[derive(Debug)]
struct Node {
    entry: Entry,
    priority: u64,
    left: Tree,
    right: Tree,
    /// The last point of any span from here down.
    reach: u64,
    /// The same of those that keep readers out, if there are any.
    reach_closed: Option<u64>,
}

/// A set of spans, each of one transaction. No two of one transaction have the same first point.
#[derive(Default, Debug)]
pub struct Intervals {
    root: Tree,
}

impl Intervals {
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Adds an entry whose key is not there.
    pub fn insert(&mut self, entry: Entry) {
        let closed = (entry.mode != Mode::S).then_some(entry.span.last());
        let (priority, reach) = (mix(entry.span.start() ^ mix(entry.txn.0)), entry.span.last());
        let node = Box::new(Node { entry, priority, left: None, right: None, reach, reach_closed: closed });
        self.root = Some(insert(self.root.take(), node));
    }

    /// Removes the entry of `txn` that begins where `span` begins.
    pub fn remove(&mut self, span: Span, txn: TxnId) {
        let removed = remove(&mut self.root, (span.start(), txn));
        assert!(removed, "invariant: what is removed is there");
    }

    /// The first entry, by place, that excludes `mode` on `span` and of which `is_it` says so.
    pub fn find(&self, span: Span, mode: Mode, is_it: &mut impl FnMut(&Entry) -> bool) -> Option<&Entry> {
        find(self.root.as_deref(), span, mode, is_it)
    }

    /// Visits all entries that exclude `mode` on `span`, by place.
    pub fn visit(&self, span: Span, mode: Mode, visit: &mut impl FnMut(&Entry)) {
        self.find(span, mode, &mut |entry| {
            visit(entry);
            false
        });
    }

    /// All entries by place.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.visit(Span::ALL, Mode::X, &mut |entry| entries.push(*entry));
        entries
    }

    /// Whether order, heap and reaches are right.
    pub fn is_sound(&self) -> bool {
        let entries = self.entries();
        entries.windows(2).all(|pair| pair[0].key() < pair[1].key()) && is_sound(self.root.as_deref())
    }
}

impl Node {
    fn measure(&mut self) {
        let below = [self.left.as_deref(), self.right.as_deref()];
        let below = || below.into_iter().flatten();
        let last = self.entry.span.last();
        let own = (self.entry.mode != Mode::S).then_some(last);
        self.reach = below().map(|node| node.reach).fold(last, u64::max);
        self.reach_closed = below().map(|node| node.reach_closed).fold(own, Option::max);
    }
}

/// Spreads neighbouring numbers over all of `u64` (the finalizer of `SplitMix64`).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn insert(tree: Tree, mut new: Box<Node>) -> Box<Node> {
    match tree {
        Some(mut node) if node.priority >= new.priority => {
            assert!(node.entry.key() != new.entry.key(), "invariant: spans of one transaction are disjoint");
            let side = if new.entry.key() < node.entry.key() { &mut node.left } else { &mut node.right };
            *side = Some(insert(side.take(), new));
            node.measure();
            node
        }
        tree => {
            (new.left, new.right) = split(tree, new.entry.key());
            new.measure();
            new
        }
    }
}

/// What is before `key`, and what is not.
fn split(tree: Tree, key: (u64, TxnId)) -> (Tree, Tree) {
    let Some(mut node) = tree else { return (None, None) };
    if node.entry.key() < key {
        let (before, rest) = split(node.right.take(), key);
        node.right = before;
        node.measure();
        (Some(node), rest)
    } else {
        let (before, rest) = split(node.left.take(), key);
        node.left = rest;
        node.measure();
        (before, Some(node))
    }
}

/// One tree of two, the first of which is before the second.
fn merge(before: Tree, behind: Tree) -> Tree {
    match (before, behind) {
        (tree, None) | (None, tree) => tree,
        (Some(mut before), Some(behind)) if before.priority >= behind.priority => {
            before.right = merge(before.right.take(), Some(behind));
            before.measure();
            Some(before)
        }
        (before, Some(mut behind)) => {
            behind.left = merge(before, behind.left.take());
            behind.measure();
            Some(behind)
        }
    }
}

fn remove(tree: &mut Tree, key: (u64, TxnId)) -> bool {
    let Some(node) = tree else { return false };
    if node.entry.key() == key {
        let (left, right) = (node.left.take(), node.right.take());
        *tree = merge(left, right);
        return true;
    }
    let side = if key < node.entry.key() { &mut node.left } else { &mut node.right };
    let removed = remove(side, key);
    node.measure();
    removed
}

fn find<'a>(
    tree: Option<&'a Node>,
    span: Span,
    mode: Mode,
    is_it: &mut impl FnMut(&Entry) -> bool,
) -> Option<&'a Entry> {
    let node = tree?;
    let reach = if mode == Mode::X { Some(node.reach) } else { node.reach_closed };
    if reach.is_none_or(|reach| reach < span.start()) {
        return None;
    }
    if let Some(found) = find(node.left.as_deref(), span, mode, is_it) {
        return Some(found);
    }
    if node.entry.span.start() > span.last() {
        return None;
    }
    if node.entry.excludes(span, mode) && is_it(&node.entry) {
        return Some(&node.entry);
    }
    find(node.right.as_deref(), span, mode, is_it)
}

fn is_sound(tree: Option<&Node>) -> bool {
    let Some(node) = tree else { return true };
    let below = || [node.left.as_deref(), node.right.as_deref()].into_iter().flatten();
    let last = node.entry.span.last();
    let own = (node.entry.mode != Mode::S).then_some(last);
    below().all(|child| child.priority <= node.priority && is_sound(Some(child)))
        && node.reach == below().map(|child| child.reach).fold(last, u64::max)
        && node.reach_closed == below().map(|child| child.reach_closed).fold(own, Option::max)
}
