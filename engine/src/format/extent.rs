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
    /// The extent, if it has a block and if all its bytes have offsets that fit 63 bits.
    ///
    /// Whatever comes from disk goes through here; [`Extent::end`] and [`Extent::bytes`] cannot overflow afterwards.
    pub fn checked(start: BlockId, blocks: u64) -> Option<Extent> {
        let end = start.0.checked_add(blocks)?;
        (blocks > 0 && end <= u64::MAX / (2 * BLOCK_BYTES as u64)).then_some(Extent { start, blocks })
    }

    /// The block behind the last one.
    pub fn end(&self) -> BlockId {
        BlockId(self.start.0 + self.blocks)
    }

    /// Length in bytes.
    pub fn bytes(&self) -> u64 {
        self.blocks * BLOCK_BYTES as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_extents_that_can_exist_pass() {
        assert_eq!(Extent::checked(BlockId(3), 2).map(|e| e.end()), Some(BlockId(5)));
        assert_eq!(Extent::checked(BlockId(3), 0), None);
        assert_eq!(Extent::checked(BlockId(u64::MAX), 1), None);
        assert_eq!(Extent::checked(BlockId(0), u64::MAX / 4096), None);
    }
}
