//! Bytes on the way into a tree or out of it.

use super::Tree;

/// What was removed is copied if it is shorter than this, and kept as a tree otherwise: a few bytes must not pin a
/// leaf of 64 KiB.
pub const PINNED_ROPE_BYTES: u64 = 16 * 1024;

/// Bytes in hand, or a tree of them.
#[derive(Clone, Debug)]
#[must_use = "a rope may own blocks"]
pub enum Rope {
    /// In hand.
    Bytes(Vec<u8>),
    /// Nodes, in memory or on disk; the rope owns its blocks.
    Tree(Tree),
}

impl Rope {
    /// Number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Rope::Bytes(bytes) => bytes.len() as u64,
            Rope::Tree(tree) => tree.len(),
        }
    }
}
