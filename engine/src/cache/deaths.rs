//! The blocks that an operation took out of the persistent state.
//!
//! Trees only report a death; when its blocks may be used again is decided in `space`.

use crate::format::extent::Extent;

/// Blocks that left the persistent state, in the order in which they did.
#[derive(Default, Debug)]
pub struct Deaths {
    extents: Vec<Extent>,
}

impl Deaths {
    /// Reports that `extent` is no longer part of the persistent state.
    pub fn kill(&mut self, extent: Extent) {
        self.extents.push(extent);
    }

    /// A place to come back to with [`Deaths::forget_since`].
    pub fn mark(&self) -> usize {
        self.extents.len()
    }

    /// Takes back what was reported since `mark`: the operation failed and its result is dropped.
    pub fn forget_since(&mut self, mark: usize) {
        reached!("deaths were taken back", self.extents.len() > mark);
        self.extents.truncate(mark);
    }

    /// Adds what was reported elsewhere.
    pub fn append(&mut self, other: Deaths) {
        self.extents.extend(other.extents);
    }

    /// Hands over everything reported so far.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Extent> {
        self.extents.drain(..)
    }

    /// Everything reported so far.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }
}
