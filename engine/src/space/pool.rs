//! Blocks set aside for the nodes of the free map, by how many blocks a node takes.

use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::cache::Capture;
use crate::format::block_ref::MAX_NODE_BYTES;
use crate::format::extent::Extent;

use super::{CapturedFreeNode, extent};

/// The most blocks that a node takes.
pub(super) const MAX_NODE_BLOCKS: usize = MAX_NODE_BYTES / BLOCK_BYTES;

/// How many nodes take so many blocks, by that number.
pub(super) type NodeCounts = [usize; MAX_NODE_BLOCKS + 1];

/// The blocks themselves; each extent is for one node.
#[derive(Default)]
pub(super) struct Pool {
    slots: [Vec<Extent>; MAX_NODE_BLOCKS + 1],
}

impl Pool {
    /// Removes and returns one slot of a size of which there are more than `counts` asks for.
    pub(super) fn take_excess(&mut self, counts: &NodeCounts) -> Option<Extent> {
        let excess = self.slots.iter_mut().zip(counts).find(|(slots, count)| slots.len() > **count);
        excess.and_then(|(slots, _)| slots.pop())
    }

    /// How many blocks are missing so that there is a slot for every node in `counts`.
    pub(super) fn missing_blocks(&self, counts: &NodeCounts) -> u64 {
        let missing = self.slots.iter().zip(counts).enumerate();
        missing.map(|(blocks, (slots, count))| (blocks * count.saturating_sub(slots.len())) as u64).sum()
    }

    /// Cuts `run`, which has just the missing blocks, into the missing slots.
    pub(super) fn fill(&mut self, counts: &NodeCounts, run: Extent) {
        let mut end = run.end().0;
        for (blocks, (slots, &count)) in (0u64..).zip(self.slots.iter_mut().zip(counts)) {
            while slots.len() < count {
                end -= blocks;
                slots.push(extent(end, blocks));
            }
        }
        assert_eq!(end, run.start.0, "a pool is filled with what it misses");
    }

    /// Removes and returns all that is left.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Extent> {
        self.slots.iter_mut().flat_map(|slots| slots.drain(..))
    }
}

/// Gives each node a slot of its size.
pub(super) struct PoolCapture<'a> {
    /// The slots.
    pub(super) pool: &'a mut Pool,
    /// The nodes that have theirs.
    pub(super) nodes: Vec<CapturedFreeNode>,
}

impl Capture<CapturedFreeNode> for PoolCapture<'_> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        let slot = self.pool.slots[bytes.div_ceil(BLOCK_BYTES)].pop();
        Ok(slot.expect("invariant: the pool has a slot for every dirty node").start)
    }
    fn push(&mut self, node: CapturedFreeNode) {
        self.nodes.push(node);
    }
}
