//! Where a checkpoint's nodes go.

use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::cache::NodeWriter;
use crate::catalog::Store;
use crate::env::Env;
use crate::format::block_ref::BlockRef;
use crate::space::Space;

/// Writes nodes to blocks of the free space, gathering neighbours into one write.
pub struct BlockWriter<'a, E: Env> {
    store: &'a Store<E>,
    space: &'a mut Space,
    pending_at: BlockId,
    pending: Vec<u8>,
}

/// Writes of this size are not gathered any further.
const GATHER_BYTES: usize = 1 << 20;

impl<'a, E: Env> BlockWriter<'a, E> {
    /// A writer that takes its blocks from `space`.
    pub fn new(store: &'a Store<E>, space: &'a mut Space) -> BlockWriter<'a, E> {
        BlockWriter { store, space, pending_at: BlockId(0), pending: Vec::new() }
    }

    /// Writes what is gathered. Without this call the last nodes are not in the file.
    pub fn finish(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.store.file.write_blocks(self.pending_at, &self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }
}

impl<E: Env> NodeWriter for BlockWriter<'_, E> {
    fn write_node(&mut self, bytes: &[u8]) -> Result<BlockRef> {
        let blocks = bytes.len().div_ceil(BLOCK_BYTES);
        let extent = self.space.allocate(self.store.free(), blocks as u64)?;
        let end = self.pending_at.0 + (self.pending.len() / BLOCK_BYTES) as u64;
        if extent.start.0 != end || self.pending.len() >= GATHER_BYTES {
            self.finish()?;
            self.pending_at = extent.start;
        }
        self.pending.extend_from_slice(bytes);
        self.pending.resize(self.pending.len().next_multiple_of(BLOCK_BYTES), 0);
        Ok(BlockRef::to(extent.start, bytes))
    }
}
