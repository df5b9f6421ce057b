//! An ordered map on disk: a copy-on-write B+tree of keys and values, generic over both.
//!
//! Terms: a *leaf* holds entries, an *inner* node holds children; *level* 1 is the leaves, the root is at level
//! `height`, an empty map has no root and height 0. A *clean* node stands on disk and is reached by
//! reference, a *dirty* one is in memory and hangs in its parent, a *captured* one too, until it is written. In memory a clean node is its bytes and an index
//! (`clean`), a dirty one its entries (`node`). The *summary* of a value or of a subtree is
//! a small digest that searches prune with.
//!
//! Invariants:
//! 1. Keys ascend strictly, within a node and from node to node; `first` of a child is the first key below
//!    it, and its `summary` combines the summaries of all values below it.
//! 2. All leaves are at level 1. No node but the root has fewer than two entries or children.
//! 3. A node over the limit has at most three entries or children. A node under a quarter of the limit is the
//!    root, or on the right edge (sequential insertion fills its left neighbour up), as long as no single
//!    entry takes more than an eighth of the limit.
//! 4. What is above a dirty node is dirty. Clones share nodes; a change copies what is shared.
//! 5. A change first loads every node that it can touch, and only then changes anything: one that fails
//!    leaves the map, and the deaths, as they were.
//! 6. Each node on disk that a change replaces is reported as a death, once, when its copy in memory takes
//!    its place.
//!
//! Encoding of a node, little-endian; the rest of its last block is zero:
//!
//! | bytes | field |
//! |---|---|
//! | 0 | level: 1 for a leaf |
//! | 1..4 | zero |
//! | 4..8 | number of entries or children, not 0 |
//! | 8.. | leaf: for each entry key, value; inner node: for each child key `first`, summary, reference (28 bytes) |
//!
//! A reference takes the same room whatever it points at, so that the size of a node is known before its
//! children are written:
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | first block |
//! | 8..12 | length of the node in bytes |
//! | 12..28 | four checksums, unused ones zero |

mod capture;
mod change;
mod check;
mod clean;
mod entry;
mod index;
mod node;
mod opened;
mod plan;
mod read;
mod regroup;
mod source;
mod vacate;

#[cfg(test)]
pub(crate) mod tests;

pub use crate::format::map_root::MapRoot;
pub use capture::CapturedMapNode;
pub use check::MapWalk;
pub use clean::CleanNode;
pub use entry::{MapKey, MapSummary, MapValue};
pub use source::MapSource;

use crate::format::block_ref::MAX_NODE_BYTES;
use node::NodeRef;

/// The size that nodes are split at unless a map asks for another.
pub const DEFAULT_MAP_NODE_BYTES: u32 = 4 * 1024;

/// A persistent map in the order of its keys. Cloning is O(1) and gives an independent map that shares nodes.
pub struct OrderedMap<K, V: MapValue> {
    root: Option<NodeRef<K, V>>,
    height: u8,
    count: u64,
    node_bytes: usize,
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// An empty map whose nodes are split when their encoding is longer than `node_bytes`.
    ///
    /// # Panics
    /// If `node_bytes` is above `MAX_NODE_BYTES`, or an entry could be too large for any node.
    pub fn new(node_bytes: u32) -> OrderedMap<K, V> {
        let node_bytes = node_bytes as usize;
        assert!(node_bytes <= MAX_NODE_BYTES, "map nodes of {node_bytes} bytes");
        assert!(
            node::largest_entry::<K, V>() * 3 + node::NODE_HEADER_BYTES <= MAX_NODE_BYTES,
            "entries too large"
        );
        OrderedMap { root: None, height: 0, count: 0, node_bytes }
    }

    /// The map behind `root`, nothing of it loaded yet.
    pub fn from_root(root: &MapRoot, node_bytes: u32) -> OrderedMap<K, V> {
        let empty = OrderedMap::new(node_bytes);
        OrderedMap { root: root.root.map(NodeRef::Disk), height: root.height, count: root.count, ..empty }
    }

    /// What leads to the map on disk; `None` while anything of it is not written.
    pub fn root(&self) -> Option<MapRoot> {
        let root = match &self.root {
            None => None,
            Some(root) => Some(root.written()?),
        };
        Some(MapRoot { root, height: self.height, count: self.count })
    }

    /// How many entries the map has.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// The most nodes that `entries` entries of at most `entry_bytes` can take: all but one in a level are at least a
    /// quarter full.
    pub fn most_nodes(&self, entries: u64, entry_bytes: u64) -> u64 {
        let least = (self.node_bytes as u64 / 4 / entry_bytes).max(2);
        2 * (entries / least) + u64::from(self.height) + 2
    }

    /// Levels of inner nodes.
    pub fn height(&self) -> u8 {
        self.height
    }

    /// Whether anything of the map is only in memory.
    #[cfg(test)]
    pub fn is_dirty(&self) -> bool {
        self.root.as_ref().is_some_and(|root| root.written().is_none())
    }
}

impl<K, V: MapValue> Clone for OrderedMap<K, V> {
    fn clone(&self) -> Self {
        OrderedMap { root: self.root.clone(), ..*self }
    }
}
