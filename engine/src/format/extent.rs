//! A run of blocks.

use crate::base::{BLOCK_BYTES, BlockId};

/// A run of blocks of the data file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Extent {
    /// The first block.
    pub start: BlockId,
    /// How many blocks.
    pub blocks: u64,
}

impl Extent {
    /// The block behind the last one.
    pub fn end(&self) -> BlockId {
        BlockId(self.start.0 + self.blocks)
    }

    /// Length in bytes.
    pub fn bytes(&self) -> u64 {
        self.blocks * BLOCK_BYTES as u64
    }
}
