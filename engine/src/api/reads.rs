//! Reads of one stream: the same from a transaction and from a snapshot, which differ in the tree that they look at.

use std::ops::RangeBounds;

use crate::base::Result;
use crate::catalog::Store;
use crate::env::Env;
use crate::format::stride::Stride;
use crate::tree::Tree;

use super::range::resolve;

/// The bytes in `range`.
pub fn read<E: Env>(store: &Store<E>, tree: &Tree, range: &impl RangeBounds<u64>) -> Result<Vec<u8>> {
    store.trees().read_range(tree, resolve(range, tree.len())?)
}

/// Shows the bytes in `range` where they lie.
pub fn visit<E: Env>(
    store: &Store<E>,
    tree: &Tree,
    range: &impl RangeBounds<u64>,
    call: &mut impl FnMut(&[u8]),
) -> Result<()> {
    store.trees().visit(tree, resolve(range, tree.len())?, call)
}

/// Fills `buffer` from `offset` on, as far as there are bytes; returns how many.
pub fn read_at<E: Env>(store: &Store<E>, tree: &Tree, offset: u64, buffer: &mut [u8]) -> Result<usize> {
    let start = resolve(&(offset..offset), tree.len())?.start;
    let len = (buffer.len() as u64).min(tree.len() - start);
    let mut filled = 0;
    store.trees().visit(tree, start..start + len, &mut |bytes| {
        buffer[filled..filled + bytes.len()].copy_from_slice(bytes);
        filled += bytes.len();
    })?;
    Ok(filled)
}

/// The elements of `stride`, one after the other.
pub fn read_strided<E: Env>(store: &Store<E>, tree: &Tree, stride: &Stride) -> Result<Vec<u8>> {
    stride.check()?;
    resolve(&stride.hull().unwrap_or(0..u64::MAX), tree.len())?;
    store.trees().read_strided(tree, stride)
}
