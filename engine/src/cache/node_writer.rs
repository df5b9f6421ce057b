//! Where dirty nodes go.

use crate::base::Result;
use crate::format::block_ref::BlockRef;

/// Takes encoded nodes, finds blocks for them, writes them.
pub trait NodeWriter {
    /// Writes `bytes` to fresh blocks. Durable, and readable from the file, only when the writer is finished.
    fn write_node(&mut self, bytes: &[u8]) -> Result<BlockRef>;
}
