//! A node that is read, whichever form it has.

use std::sync::Arc;

use super::clean::CleanNode;
use super::entry::{MapKey, MapValue};
use super::node::{MapChild, MapNode, MemNode, NodeRef, child_at, child_bytes, entry_bytes};

/// A node in memory, to read.
pub(super) enum Opened<K, V: MapValue> {
    /// Dirty.
    Dirty(Arc<MemNode<K, V>>),
    /// Clean.
    Clean(Arc<CleanNode<K, V>>),
}

impl<K: MapKey, V: MapValue> Opened<K, V> {
    pub(super) fn is_leaf(&self) -> bool {
        match self {
            Opened::Dirty(node) => matches!(node.node, MapNode::Leaf(_)),
            Opened::Clean(node) => node.is_leaf(),
        }
    }

    /// How many entries or children there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Opened::Dirty(node) => node.len(),
            Opened::Clean(node) => node.len(),
        }
    }

    /// As [`MapNode::encoded_bytes`].
    pub(super) fn encoded_bytes(&self) -> usize {
        match self {
            Opened::Dirty(node) => node.encoded_bytes(),
            Opened::Clean(node) => node.encoded_bytes(),
        }
    }

    /// Where `key` is among the keys of the node, or where it belongs.
    pub(super) fn search(&self, key: &K) -> Result<usize, usize> {
        match self {
            Opened::Dirty(node) => node.search(key),
            Opened::Clean(node) => node.search(key),
        }
    }

    /// The child of an inner node whose keys `key` belongs among.
    pub(super) fn child_for(&self, key: &K) -> usize {
        child_at(self.search(key))
    }

    /// The entry at `at` of a leaf.
    pub(super) fn entry(&self, at: usize) -> (K, V) {
        match self {
            Opened::Dirty(node) => node.entries()[at].clone(),
            Opened::Clean(node) => node.entry(at),
        }
    }

    /// Gives the entry at `at` of a leaf to `take`, without a copy if there is one already.
    pub(super) fn with_entry<R>(&self, at: usize, take: impl FnOnce(&K, &V) -> R) -> R {
        match self {
            Opened::Dirty(node) => {
                let (key, value) = &node.entries()[at];
                take(key, value)
            }
            Opened::Clean(node) => {
                let (key, value) = node.entry(at);
                take(&key, &value)
            }
        }
    }

    /// The child at `at` of an inner node.
    pub(super) fn child(&self, at: usize) -> MapChild<K, V> {
        match self {
            Opened::Dirty(node) => node.children()[at].clone(),
            Opened::Clean(node) => node.child(at),
        }
    }

    /// The way to the child at `at` of an inner node.
    pub(super) fn child_node(&self, at: usize) -> NodeRef<K, V> {
        match self {
            Opened::Dirty(node) => node.children()[at].child.clone(),
            Opened::Clean(node) => NodeRef::Disk(node.child_reference(at)),
        }
    }

    /// What the entry or the child at `at` takes.
    pub(super) fn item_bytes(&self, at: usize) -> usize {
        if self.is_leaf() { entry_bytes(&self.entry(at)) } else { child_bytes(&self.child(at)) }
    }
}
