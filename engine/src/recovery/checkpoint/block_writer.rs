//! Where a checkpoint's nodes go.

use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::cache::NodeWriter;
use crate::catalog::Store;
use crate::env::Env;
use crate::txn::Underway;

/// Writes nodes to their blocks, gathering neighbours into one write, and tells how far it is.
pub struct BlockWriter<'a, E: Env> {
    store: &'a Store<E>,
    underway: &'a Underway<E::Platform>,
    pending_at: BlockId,
    pending: Vec<u8>,
    unsynced_bytes: usize,
}

/// Writes of this size are not gathered any further.
const GATHER_BYTES: usize = 1 << 20;
/// So much is handed to the disk at a time, so that a commit does not wait behind all of it.
const SYNC_BYTES: usize = 16 << 20;

impl<'a, E: Env> BlockWriter<'a, E> {
    /// A writer to which nothing was given yet.
    pub fn new(store: &'a Store<E>, underway: &'a Underway<E::Platform>) -> BlockWriter<'a, E> {
        BlockWriter { store, underway, pending_at: BlockId(0), pending: Vec::new(), unsynced_bytes: 0 }
    }

    /// Writes what is gathered. Without this call the last nodes are not in the file.
    pub fn finish(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.store.file.write_blocks(self.pending_at, &self.pending)?;
        self.unsynced_bytes += self.pending.len();
        if self.unsynced_bytes >= SYNC_BYTES {
            self.store.file.sync()?;
            self.unsynced_bytes = 0;
        }
        self.underway.advance(self.pending.len() as u64);
        self.pending.clear();
        Ok(())
    }
}

impl<E: Env> NodeWriter for BlockWriter<'_, E> {
    fn write_node(&mut self, block: BlockId, bytes: &[u8]) -> Result<()> {
        let end = self.pending_at.0 + (self.pending.len() / BLOCK_BYTES) as u64;
        if block.0 != end || self.pending.len() >= GATHER_BYTES {
            self.finish()?;
            self.pending_at = block;
        }
        self.pending.extend_from_slice(bytes);
        self.pending.resize(self.pending.len().next_multiple_of(BLOCK_BYTES), 0);
        Ok(())
    }
}
