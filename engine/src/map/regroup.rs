//! How the entries of a node that is too large, or of two nodes of which one is too small, are dealt out again.

use super::node::NODE_HEADER_BYTES;

/// A node with fewer entries than this is never split; its halves could not have two each.
const LEAST_TO_SPLIT: usize = 4;

/// Where a node that has grown is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// In the middle.
    Even,
    /// It grew at its end, so that more may follow there: leave the left part well filled.
    Tail {
        /// Whether nothing is right of the node in the whole map; the right part may then be of any size.
        right_edge: bool,
    },
}

/// The sibling that the child at `at` is joined with when it is too small.
pub(super) fn sibling_of(at: usize) -> usize {
    if at > 0 { at - 1 } else { 1 }
}

/// Whether a node of `count` entries and `bytes` in all is too small to stand alone.
pub(super) fn is_sparse(count: usize, bytes: usize, node_bytes: usize) -> bool {
    count < 2 || bytes < node_bytes / 4
}

/// Whether a node of `count` entries and `bytes` in all must be split.
pub(super) fn is_overfull(count: usize, bytes: usize, node_bytes: usize) -> bool {
    reached!(
        "a map node of few entries is longer than it should be",
        bytes > node_bytes && count < LEAST_TO_SPLIT
    );
    bytes > node_bytes && count >= LEAST_TO_SPLIT
}

/// Deals `items` out to as few nodes as respect the limit, each with at least two items (or all there are).
pub(super) fn regroup<T>(
    mut items: Vec<T>,
    size: &impl Fn(&T) -> usize,
    node_bytes: usize,
    cut: Cut,
) -> Vec<Vec<T>> {
    let total: usize = items.iter().map(size).sum();
    if !is_overfull(items.len(), total + NODE_HEADER_BYTES, node_bytes) {
        return vec![items];
    }
    let right = items.split_off(place(&items, size, total, node_bytes, cut));
    items.shrink_to_fit();
    let mut groups = regroup(items, size, node_bytes, Cut::Even);
    groups.append(&mut regroup(right, size, node_bytes, cut));
    groups
}

/// How many of `items` go into the left part.
fn place<T>(items: &[T], size: &impl Fn(&T) -> usize, total: usize, node_bytes: usize, cut: Cut) -> usize {
    let least_right = match cut {
        Cut::Tail { right_edge: true } => 0,
        Cut::Tail { right_edge: false } => node_bytes / 4,
        Cut::Even => usize::MAX,
    };
    let (mut even, mut even_gap, mut tail) = (2, usize::MAX, None);
    let mut left = 0;
    for (at, item) in items[..items.len() - 2].iter().enumerate() {
        left += size(item);
        if at + 1 < 2 {
            continue;
        }
        let gap = (2 * left).abs_diff(total);
        if gap < even_gap {
            (even, even_gap) = (at + 1, gap);
        }
        if left + NODE_HEADER_BYTES <= node_bytes && total - left + NODE_HEADER_BYTES >= least_right {
            tail = Some(at + 1);
        }
    }
    reached!("a map node that grew at its end is cut in the middle", cut != Cut::Even && tail.is_none());
    if cut == Cut::Even { even } else { tail.unwrap_or(even) }
}
