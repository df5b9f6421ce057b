//! Where on disk a checkpoint puts a node that is still in memory.
//!
//! A node gets its home when a checkpoint captures it: from then on it has blocks, like a clean one, and does not change
//! any more. It is *written* when what leads to it on disk is known, its checksums included.
//!
//! | a node is | in memory | has blocks | a reference leads to it | changing it kills its blocks |
//! |---|---|---|---|---|
//! | dirty | yes | no | no | it has none |
//! | captured | yes | yes | no, it is being written | yes |
//! | written | yes, until somebody lets go | yes | yes | yes |
//! | clean | perhaps, in the cache | yes | yes | yes |

use std::sync::OnceLock;

use crate::base::BlockId;
use crate::format::block_ref::BlockRef;
use crate::format::extent::Extent;

/// The home of a node, if it has one. A copy of a node has none: it is made to be changed.
#[derive(Default, Debug)]
pub struct Home {
    /// The blocks and the length; the checksums are not known.
    assigned: OnceLock<BlockRef>,
    written: OnceLock<BlockRef>,
}

impl Home {
    /// Gives the node, which has none yet, the blocks from `block` on for its `bytes`.
    pub fn assign(&self, block: BlockId, bytes: usize) {
        let bytes = u32::try_from(bytes).expect("invariant: a node is small");
        let fresh = self.assigned.set(BlockRef { block, bytes, sums: [0; 4] }).is_ok();
        assert!(fresh, "a node was captured twice");
    }

    /// Whether the node has blocks.
    pub fn is_assigned(&self) -> bool {
        self.assigned.get().is_some()
    }

    /// The blocks that the node has.
    pub fn extent(&self) -> Option<Extent> {
        self.assigned.get().map(BlockRef::extent)
    }

    /// What will lead to the node, less the checksums.
    pub fn reserved(&self) -> Option<BlockRef> {
        self.assigned.get().copied()
    }

    /// The node stands on disk; `reference` leads to it.
    pub fn set_written(&self, reference: BlockRef) {
        let assigned = self.assigned.get().expect("invariant: a node is captured before it is written");
        assert_eq!(assigned.extent(), reference.extent(), "a node is not as long as its home");
        let fresh = self.written.set(reference).is_ok();
        assert!(fresh, "a node was written twice");
    }

    /// What leads to the node, once it is written.
    pub fn written(&self) -> Option<BlockRef> {
        self.written.get().copied()
    }
}

impl Clone for Home {
    fn clone(&self) -> Home {
        Home::default()
    }
}
