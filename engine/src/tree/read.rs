//! Reading ranges.

use std::ops::Range;

use crate::base::Result;
use crate::env::{DiskFile, Platform};
use crate::format::stride::Stride;

use super::{Child, Node, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Calls `sink` with the bytes of `range`, in order, in slices that lie inside leaves. Copies nothing.
    ///
    /// The range lies inside the tree. Costs O(log n + leaves touched).
    pub fn visit(&self, tree: &Tree, range: Range<u64>, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        assert!(range.end <= tree.len(), "a read stays inside its tree");
        match &tree.root {
            Some(root) if range.start < range.end => self.visit_child(root, tree.height, range, sink),
            _ => Ok(()),
        }
    }

    /// All bytes of `tree`.
    pub fn read_all(&self, tree: &Tree) -> Result<Vec<u8>> {
        self.read_range(tree, 0..tree.len())
    }

    /// The bytes of `range` in one vector.
    pub fn read_range(&self, tree: &Tree, range: Range<u64>) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(first_capacity(range.end.saturating_sub(range.start)));
        self.visit(tree, range, &mut |bytes| out.extend_from_slice(bytes))?;
        Ok(out)
    }

    /// The elements that `stride` takes, one after the other. The hull lies inside the tree.
    pub fn read_strided(&self, tree: &Tree, stride: &Stride) -> Result<Vec<u8>> {
        let Some(hull) = stride.hull().filter(|hull| !hull.is_empty()) else { return Ok(Vec::new()) };
        let mut out = Vec::with_capacity(first_capacity(stride.count * stride.size));
        if self.is_sparse(stride) {
            for i in 0..stride.count {
                let at = stride.start + i * stride.stride * stride.size;
                self.visit(tree, at..at + stride.size, &mut |bytes| out.extend_from_slice(bytes))?;
            }
            return Ok(out);
        }
        let mut position = 0;
        self.visit(tree, hull, &mut |bytes| {
            copy_elements(stride, position, bytes, &mut out);
            position += bytes.len() as u64;
        })?;
        Ok(out)
    }

    /// Whether the elements lie so far apart that most leaves of the hull hold none.
    pub(super) fn is_sparse(&self, stride: &Stride) -> bool {
        stride.stride.saturating_mul(stride.size) > self.geometry.leaf_bytes as u64
    }

    fn visit_child(
        &self,
        child: &Child,
        height: u8,
        range: Range<u64>,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<()> {
        let node = self.load(child, height)?;
        match &*node {
            Node::Leaf(leaf) => {
                let fits = "invariant: positions inside a leaf fit a usize";
                let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
                leaf.visit(start.expect(fits), end.expect(fits), sink);
            }
            Node::Inner(inner) => {
                let Some((at, mut first)) = inner.children.search(|end| range.start < end) else {
                    return Ok(());
                };
                for child in &inner.children[at..] {
                    let (start, end) = (range.start.max(first), range.end.min(first + child.bytes));
                    if start < end {
                        self.visit_child(child, height - 1, start - first..end - first, sink)?;
                    }
                    first += child.bytes;
                    if first >= range.end {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Appends to `out` what `stride` takes of `bytes`, which stand `position` bytes behind its start.
fn copy_elements(stride: &Stride, position: u64, bytes: &[u8], out: &mut Vec<u8>) {
    let whole = whole_elements(stride, position, bytes.len());
    let others = |range: Range<usize>, out: &mut Vec<u8>| {
        let bytes = &bytes[range.clone()];
        let position = position + range.start as u64;
        each_element(stride, position, bytes.len(), |taken| out.extend_from_slice(&bytes[taken]));
    };
    others(0..whole.bytes.start, out);
    gather(&bytes[whole.bytes.clone()], whole.period, whole.size, whole.count, out);
    others(whole.bytes.end..bytes.len(), out);
}

/// Elements that lie wholly in a slice, one every `period` bytes.
struct WholeElements {
    /// From the first byte of the first one to the last byte of the last one.
    bytes: Range<usize>,
    period: usize,
    size: usize,
    count: usize,
}

/// Those of `stride` that lie wholly in a slice of `len` bytes, `position` bytes behind its start.
fn whole_elements(stride: &Stride, position: u64, len: usize) -> WholeElements {
    let period = stride.size.saturating_mul(stride.stride);
    let first = position.div_ceil(period);
    let start = first.saturating_mul(period).saturating_sub(position).min(len as u64);
    let room = len as u64 - start;
    let fit = if room < stride.size { 0 } else { (room - stride.size) / period + 1 };
    let count = fit.min(stride.count.saturating_sub(first));
    let end = if count == 0 { start } else { start + (count - 1) * period + stride.size };
    let index = |at: u64| usize::try_from(at).expect("invariant: inside the slice");
    // Where there is one element at most, the period may be longer than anything in memory.
    let period = usize::try_from(period).unwrap_or(usize::MAX);
    WholeElements {
        bytes: index(start)..index(end),
        period,
        size: index(stride.size.min(room)),
        count: index(count),
    }
}

/// Appends the first `size` bytes of every `period` to `out`, `count` times.
fn gather(bytes: &[u8], period: usize, size: usize, count: usize, out: &mut Vec<u8>) {
    /// With a length that is known beforehand a copy is one instruction and no call.
    fn fixed<const SIZE: usize>(bytes: &[u8], period: usize, out: &mut [u8]) {
        for (to, from) in out.chunks_exact_mut(SIZE).zip(bytes.chunks(period)) {
            to.copy_from_slice(&from[..SIZE]);
        }
    }
    if count == 0 {
        return;
    }
    let before = out.len();
    out.resize(before + size * count, 0);
    let out = &mut out[before..];
    match size {
        1 => fixed::<1>(bytes, period, out),
        2 => fixed::<2>(bytes, period, out),
        4 => fixed::<4>(bytes, period, out),
        8 => fixed::<8>(bytes, period, out),
        16 => fixed::<16>(bytes, period, out),
        _ => {
            let pairs = out.chunks_exact_mut(size).zip(bytes.chunks(period));
            pairs.for_each(|(to, from)| to.copy_from_slice(&from[..size]));
        }
    }
}

/// Calls `visit` with each part of a slice of `len` bytes, `position` bytes behind the start of `stride`, that
/// belongs to an element taken.
pub(super) fn each_element(stride: &Stride, position: u64, len: usize, mut visit: impl FnMut(Range<usize>)) {
    let period = stride.size.saturating_mul(stride.stride);
    let end = position + len as u64;
    let mut element = position / period;
    while element < stride.count && element * period < end {
        let first = element * period;
        let (from, to) = (first.max(position), (first + stride.size).min(end));
        reached!(
            "an element crosses more than two leaves",
            from > first && to == end && to < first + stride.size
        );
        if from < to {
            let index = |at: u64| usize::try_from(at - position).expect("invariant: inside the slice");
            visit(index(from)..index(to));
        }
        element += 1;
    }
}

/// How much to allocate before the bytes are there: a damaged length must not ask for all memory at once.
fn first_capacity(len: u64) -> usize {
    const MOST: u64 = 16 << 20;
    usize::try_from(len.min(MOST)).unwrap_or(0)
}
