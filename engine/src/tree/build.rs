//! Making trees from bytes: in memory for small ones, straight into extents for large ones.

use std::sync::Arc;

use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;
use crate::format::extent::Extent;
use crate::format::inner::{InnerEntry, encode_inner};

use super::{Child, Geometry, Leaf, NodeRef, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// A tree in memory that holds `bytes`, in leaves that share the one buffer.
    pub fn build(&self, bytes: Vec<u8>) -> Tree {
        let buffer = Arc::new(bytes);
        let mut start = 0;
        let mut level: Vec<Child> = portions(buffer.len(), self.geometry.leaf_bytes)
            .map(|len| {
                start += len;
                Child::leaf(Leaf::of_buffer(&buffer, start - len, len))
            })
            .collect();
        let mut height = 0;
        while level.len() > 1 {
            let mut rest = level.into_iter();
            level = portions(rest.len(), self.geometry.fanout)
                .map(|count| Child::inner(rest.by_ref().take(count).collect()))
                .collect();
            height += 1;
        }
        Tree { root: level.pop(), height }
    }
}

/// Cuts `total` into the fewest portions of at most `max`: full ones, the last two evened out, so that no portion but
/// an only one is under half.
fn portions(total: usize, max: usize) -> impl Iterator<Item = usize> {
    let mut rest = total;
    std::iter::from_fn(move || {
        let portion = if rest > max && rest < 2 * max { rest.div_ceil(2) } else { rest.min(max) };
        rest -= portion;
        (portion > 0).then_some(portion)
    })
}

/// Where [`write_bulk`] puts its blocks.
pub trait BulkWriter {
    /// A run of free blocks: at least `least`, and no more than `most`.
    fn allocate(&mut self, least: u64, most: u64) -> Result<Extent>;
    /// Takes back what was allocated and is not used.
    fn give_back(&mut self, unused: Extent) -> Result<()>;
    /// Writes a leaf, at the latest when it is finished.
    fn leaf(&mut self, at: BlockId, bytes: &[u8]) -> Result<()>;
    /// Writes an inner node, at the latest when it is finished.
    fn inner(&mut self, node: &InnerNode<'_>, bytes: &[u8]) -> Result<()>;
    /// There is nothing more to write.
    fn finish(&mut self) -> Result<()>;
}

/// An inner node that is written.
pub struct InnerNode<'a> {
    /// Where it goes, and what it must be there.
    pub reference: BlockRef,
    /// Its height.
    pub height: u8,
    /// What it consists of.
    pub entries: &'a [InnerEntry],
}

/// Writes `bytes`, which are not empty, and the inner nodes above them once, into fresh extents. Nothing is durable
/// yet.
///
/// `extents` receives the runs that were used; after an error they are for the caller to give back.
pub fn write_bulk(
    geometry: Geometry,
    bytes: &[u8],
    writer: &mut impl BulkWriter,
    extents: &mut Vec<Extent>,
) -> Result<Tree> {
    let mut run = Run { writer: &mut *writer, extents, free: Extent { start: BlockId(0), blocks: 0 } };
    let mut level = write_leaves(&mut run, geometry, bytes)?;
    let mut height = 0;
    while level.len() > 1 {
        height += 1;
        level = write_level(&mut run, geometry, height, &level)?;
    }
    run.finish()?;
    writer.finish()?;
    let root = level.pop().expect("invariant: there are bytes");
    Ok(Tree { root: Some(Child { bytes: root.bytes, node: NodeRef::Disk(root.child) }), height })
}

fn write_leaves<W: BulkWriter>(
    run: &mut Run<'_, W>,
    geometry: Geometry,
    bytes: &[u8],
) -> Result<Vec<InnerEntry>> {
    let mut blocks_left = portions(bytes.len(), geometry.leaf_bytes).map(blocks_of).sum::<u64>();
    let mut level = Vec::with_capacity(bytes.len() / geometry.leaf_bytes + 1);
    let mut rest = bytes;
    for len in portions(bytes.len(), geometry.leaf_bytes) {
        let at = run.take(blocks_of(len), blocks_left)?;
        blocks_left -= blocks_of(len);
        let (leaf, behind) = rest.split_at(len);
        rest = behind;
        level.push(InnerEntry { bytes: len as u64, child: BlockRef::to(at, leaf) });
        run.writer.leaf(at, leaf)?;
    }
    Ok(level)
}

fn write_level<W: BulkWriter>(
    run: &mut Run<'_, W>,
    geometry: Geometry,
    height: u8,
    below: &[InnerEntry],
) -> Result<Vec<InnerEntry>> {
    let mut level = Vec::new();
    let mut rest = below;
    for count in portions(below.len(), geometry.fanout) {
        let (entries, tail) = rest.split_at(count);
        rest = tail;
        let node = encode_inner(height, entries.iter().copied());
        let at = run.take(blocks_of(node.len()), blocks_of(node.len()))?;
        let reference = BlockRef::to(at, &node);
        run.writer.inner(&InnerNode { reference, height, entries }, &node)?;
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        level.push(InnerEntry { bytes, child: reference });
    }
    Ok(level)
}

fn blocks_of(bytes: usize) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) as u64
}

/// The run of blocks that is being filled; it is the last of `extents`.
struct Run<'a, W> {
    writer: &'a mut W,
    extents: &'a mut Vec<Extent>,
    free: Extent,
}

impl<W: BulkWriter> Run<'_, W> {
    /// Takes `blocks` blocks in a row, of the `expected` ones that will be wanted from now on.
    fn take(&mut self, blocks: u64, expected: u64) -> Result<BlockId> {
        if self.free.blocks < blocks {
            self.finish()?;
            self.free = self.writer.allocate(blocks, expected.max(blocks))?;
            self.extents.push(self.free);
        }
        let at = self.free.start;
        self.free = Extent { start: BlockId(at.0 + blocks), blocks: self.free.blocks - blocks };
        Ok(at)
    }

    /// Gives the unused end of the run back.
    fn finish(&mut self) -> Result<()> {
        if self.free.blocks == 0 {
            return Ok(());
        }
        let last = self.extents.last_mut().expect("invariant: a run with blocks was pushed");
        last.blocks -= self.free.blocks;
        if last.blocks == 0 {
            self.extents.pop();
        }
        let unused = std::mem::replace(&mut self.free, Extent { start: BlockId(0), blocks: 0 });
        self.writer.give_back(unused)
    }
}
