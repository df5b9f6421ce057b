//! The R+Tree: a byte sequence as a B+Tree whose inner entries count the bytes below them.
//!
//! A [`Tree`] is a value: cloning it is O(1), and changing the clone leaves the original as it was, because nodes are
//! shared and copied when written. A piece cut out of a tree is a tree again, so undo keeps what was removed by
//! moving it, not by copying it.
//!
//! Terms: *leaf*, bytes only; *inner*, children with their byte counts; *height*, 0 for a leaf; *dirty*, a node that
//! is only in memory ([`NodeRef::Mem`]); *clean*, one that stands on disk ([`NodeRef::Disk`]).
//!
//! Invariants, checked by [`Tree::check`]:
//! 1. All leaves are equally deep.
//! 2. An entry's byte count is the number of bytes below it, and never 0.
//! 3. No node is larger than [`Geometry`] allows; every node but the root is at least a quarter of that.
//! 4. An inner root has two children or more.
//! 5. Below a clean node everything is clean.
//!
//! Ownership: of all trees that reach a block exactly one owns it; the others only pin it. A change through the owner
//! reports each block that it stops reaching to [`Deaths`](crate::cache::Deaths), at once and once.
//!
//! Not here: which stream a tree belongs to (`catalog`), and when a dead block may be used again (`space`).

mod balance;
mod build;
mod capture;
mod check;
mod children;
mod join;
mod leaf;
mod node;
mod read;
mod reclaim;
mod rope;
mod source;
mod splice;
mod split;
mod stride;
#[cfg(test)]
mod tests;
mod vacate;

pub use build::{BulkWriter, InnerNode, write_bulk};
pub use capture::CapturedNode;
pub use check::Findings;
pub use leaf::Leaf;
pub use node::{Child, Geometry, Inner, Node, NodeRef, Tree};
pub use reclaim::Reclaim;
use rope::PINNED_ROPE_BYTES;
pub use rope::Rope;
pub use source::TreeSource;
