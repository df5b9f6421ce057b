//! Changing elements that lie apart: overwrite, remove, put back.
//!
//! Where elements lie close together the whole hull is rewritten at once; where most leaves between them hold none,
//! each element is spliced by itself. Both run on a clone, so an error changes nothing.

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};
use crate::format::stride::Stride;

use super::read::each_element;
use super::{Rope, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Overwrites the elements of `stride` with `bytes`; returns what they held.
    ///
    /// The hull lies inside the tree and `bytes` has exactly the elements' length. Costs O(log n + hull), or
    /// O(count log n) where elements are sparse.
    pub fn write_strided(
        &self,
        tree: &mut Tree,
        stride: &Stride,
        bytes: &[u8],
        deaths: &mut Deaths,
    ) -> Result<Vec<u8>> {
        let removed = self.read_strided(tree, stride)?;
        assert_eq!(removed.len(), bytes.len(), "one byte for each that is overwritten");
        if self.is_sparse(stride) {
            self.atomically(tree, deaths, |tree, deaths| {
                for (at, element) in elements(stride).zip(bytes.chunks(to_usize(stride.size))) {
                    let rope = self.splice(tree, at, stride.size, Rope::Bytes(element.to_vec()), deaths)?;
                    self.drop_rope(rope, deaths)?;
                }
                Ok(())
            })?;
            return Ok(removed);
        }
        self.rewrite_hull(tree, stride, deaths, |hull| {
            let mut rest = bytes;
            let len = hull.len();
            each_element(stride, 0, len, |taken| {
                let (element, tail) = rest.split_at(taken.len());
                hull[taken].copy_from_slice(element);
                rest = tail;
            });
        })?;
        Ok(removed)
    }

    /// Removes the elements of `stride`, which lie inside the tree; returns them. Costs as `write_strided`.
    pub fn remove_strided(&self, tree: &mut Tree, stride: &Stride, deaths: &mut Deaths) -> Result<Vec<u8>> {
        let removed = self.read_strided(tree, stride)?;
        if self.is_sparse(stride) {
            self.atomically(tree, deaths, |tree, deaths| {
                reached!("elements far apart were removed");
                for at in elements(stride).rev() {
                    self.discard(tree, at..at + stride.size, deaths)?;
                }
                Ok(())
            })?;
            return Ok(removed);
        }
        self.rewrite_hull(tree, stride, deaths, |hull| {
            let mut kept = Vec::with_capacity(hull.len().saturating_sub(removed.len()));
            let mut end = 0;
            each_element(stride, 0, hull.len(), |taken| {
                kept.extend_from_slice(&hull[end..taken.start]);
                end = taken.end;
            });
            kept.extend_from_slice(&hull[end..]);
            reached!("elements without a gap were removed", kept.is_empty());
            *hull = kept;
        })?;
        Ok(removed)
    }

    /// Puts removed elements back to where `stride` says they were: the inverse of `remove_strided`.
    pub fn insert_strided(
        &self,
        tree: &mut Tree,
        stride: &Stride,
        bytes: &[u8],
        deaths: &mut Deaths,
    ) -> Result<()> {
        let Some(hull) = stride.hull().filter(|hull| !hull.is_empty()) else { return Ok(()) };
        self.atomically(tree, deaths, |tree, deaths| {
            if self.is_sparse(stride) {
                reached!("elements far apart were put back");
                for (at, element) in elements(stride).zip(bytes.chunks(to_usize(stride.size))) {
                    self.insert(tree, at, Rope::Bytes(element.to_vec()), deaths)?;
                }
                return Ok(());
            }
            let kept_len = (hull.end - hull.start) - bytes.len() as u64;
            let kept = self.read_range(tree, hull.start..hull.start + kept_len)?;
            let mut whole = Vec::with_capacity(to_usize(hull.end - hull.start));
            let gap = to_usize((stride.stride - 1) * stride.size);
            let mut gaps = kept.chunks(gap.max(1));
            for element in bytes.chunks(to_usize(stride.size)) {
                whole.extend_from_slice(element);
                whole.extend_from_slice(gaps.next().unwrap_or(&[]));
            }
            self.splice(tree, hull.start, kept_len, Rope::Bytes(whole), deaths)
                .and_then(|rope| self.drop_rope(rope, deaths))
        })
    }

    fn rewrite_hull(
        &self,
        tree: &mut Tree,
        stride: &Stride,
        deaths: &mut Deaths,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let Some(hull) = stride.hull().filter(|hull| !hull.is_empty()) else { return Ok(()) };
        self.atomically(tree, deaths, |tree, deaths| {
            let mut bytes = self.read_range(tree, hull.clone())?;
            change(&mut bytes);
            let rope = self.splice(tree, hull.start, hull.end - hull.start, Rope::Bytes(bytes), deaths)?;
            self.drop_rope(rope, deaths)
        })
    }
}

/// The first byte of each element.
fn elements(stride: &Stride) -> impl DoubleEndedIterator<Item = u64> + use<> {
    let stride = *stride;
    (0..stride.count).map(move |i| stride.start + i * stride.stride * stride.size)
}

fn to_usize(len: u64) -> usize {
    usize::try_from(len).expect("invariant: a call's bytes fit in memory")
}
