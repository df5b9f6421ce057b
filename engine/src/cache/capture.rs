//! Where dirty nodes go: a checkpoint captures them, which finds blocks for them, and writes them later.

use crate::base::{BlockId, Result};

/// Takes down dirty nodes, children before parents, left to right.
pub trait Capture<N> {
    /// Fresh blocks, in one run, for a node that is `bytes` long.
    fn place(&mut self, bytes: usize) -> Result<BlockId>;
    /// A node that has its home now.
    fn push(&mut self, node: N);
}

/// Takes encoded nodes to their blocks.
pub trait NodeWriter {
    /// Writes a node from `block` on. In the file only when the writer is finished, and not durable then.
    fn write_node(&mut self, block: BlockId, bytes: &[u8]) -> Result<()>;
}
