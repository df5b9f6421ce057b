//! The nodes of a map that can be changed, and their encoding (the byte map is in the header of the folder).

use std::ops::Deref;
use std::sync::Arc;

use crate::cache::Home;
use crate::format::block_ref::{BlockRef, MAX_NODE_BYTES};
use crate::format::extent::Extent;

use super::entry::{MapKey, MapSummary, MapValue};
use crate::format::map_root::{REFERENCE_BYTES, encode_reference};

/// Level, reserved bytes and count, before the first entry.
pub(super) const NODE_HEADER_BYTES: usize = 8;

/// A node in the form that can be changed.
#[derive(Clone)]
pub enum MapNode<K, V: MapValue> {
    /// Entries in the order of their keys.
    Leaf(Vec<(K, V)>),
    /// Children in the order of their keys.
    Inner(Vec<MapChild<K, V>>),
}

/// A child of an inner node.
pub struct MapChild<K, V: MapValue> {
    /// The first key below the child.
    pub first: K,
    /// The summaries of all values below the child, combined.
    pub summary: V::Summary,
    /// The child itself.
    pub child: NodeRef<K, V>,
}

/// A node in memory, and where a checkpoint puts it.
#[derive(Clone)]
pub struct MemNode<K, V: MapValue> {
    pub(super) node: MapNode<K, V>,
    pub(super) home: Home,
}

impl<K, V: MapValue> Deref for MemNode<K, V> {
    type Target = MapNode<K, V>;

    fn deref(&self) -> &MapNode<K, V> {
        &self.node
    }
}

/// A way to a node.
pub enum NodeRef<K, V: MapValue> {
    /// In memory. Dirty, unless a checkpoint has captured it.
    Mem(Arc<MemNode<K, V>>),
    /// Clean: on disk.
    Disk(BlockRef),
}

impl<K, V: MapValue> NodeRef<K, V> {
    /// A way to a dirty node.
    pub(super) fn to(node: MapNode<K, V>) -> NodeRef<K, V> {
        NodeRef::Mem(Arc::new(MemNode { node, home: Home::default() }))
    }

    /// The node, if it has no blocks.
    pub(super) fn dirty(&self) -> Option<&Arc<MemNode<K, V>>> {
        match self {
            NodeRef::Mem(node) if !node.home.is_assigned() => Some(node),
            _ => None,
        }
    }

    /// The blocks that the node has.
    pub(super) fn extent(&self) -> Option<Extent> {
        match self {
            NodeRef::Mem(node) => node.home.extent(),
            NodeRef::Disk(reference) => Some(reference.extent()),
        }
    }

    /// What leads to the node on disk, once it is written.
    pub(super) fn written(&self) -> Option<BlockRef> {
        match self {
            NodeRef::Mem(node) => node.home.written(),
            NodeRef::Disk(reference) => Some(*reference),
        }
    }
}

impl<K: Clone, V: MapValue> Clone for MapChild<K, V> {
    fn clone(&self) -> Self {
        MapChild { first: self.first.clone(), summary: self.summary, child: self.child.clone() }
    }
}

impl<K, V: MapValue> Clone for NodeRef<K, V> {
    fn clone(&self) -> Self {
        match self {
            NodeRef::Mem(node) => NodeRef::Mem(Arc::clone(node)),
            NodeRef::Disk(reference) => NodeRef::Disk(*reference),
        }
    }
}

/// What an entry of a leaf takes.
pub(super) fn entry_bytes<K: MapKey, V: MapValue>(entry: &(K, V)) -> usize {
    entry.0.encoded_bytes() + entry.1.encoded_bytes()
}

/// What a child of an inner node takes.
pub(super) fn child_bytes<K: MapKey, V: MapValue>(child: &MapChild<K, V>) -> usize {
    child.first.encoded_bytes() + V::Summary::BYTES + REFERENCE_BYTES
}

/// What the largest entry or child takes.
pub(super) const fn largest_entry<K: MapKey, V: MapValue>() -> usize {
    let child = V::Summary::BYTES + REFERENCE_BYTES;
    K::MAX_BYTES + if V::MAX_BYTES > child { V::MAX_BYTES } else { child }
}

/// Where a search for a key goes on.
pub(super) enum Step<K, V: MapValue> {
    /// In this child.
    Below(NodeRef<K, V>),
    /// Nowhere: this is the value, if there is one.
    End(Option<V>),
}

/// The child that a key belongs below, if a search among the first keys ended so.
pub(super) fn child_at(found: Result<usize, usize>) -> usize {
    match found {
        Ok(at) => at,
        Err(at) => at.saturating_sub(1),
    }
}

impl<K: MapKey, V: MapValue> MapNode<K, V> {
    /// The entries of a leaf.
    pub(super) fn entries(&self) -> &[(K, V)] {
        match self {
            MapNode::Leaf(entries) => entries,
            MapNode::Inner(_) => unreachable!("invariant: the caller knows that the node is a leaf"),
        }
    }

    /// The children of an inner node.
    pub(super) fn children(&self) -> &[MapChild<K, V>] {
        match self {
            MapNode::Inner(children) => children,
            MapNode::Leaf(_) => unreachable!("invariant: the caller knows that the node is an inner one"),
        }
    }

    /// Where `key` is among the keys, or where it belongs.
    pub(super) fn search(&self, key: &K) -> Result<usize, usize> {
        match self {
            MapNode::Leaf(entries) => entries.binary_search_by(|(other, _)| other.cmp(key)),
            MapNode::Inner(children) => children.binary_search_by(|child| child.first.cmp(key)),
        }
    }

    /// Where the search for `key` goes on.
    pub(super) fn step(&self, key: &K) -> Step<K, V> {
        let found = self.search(key);
        match self {
            MapNode::Leaf(entries) => Step::End(found.ok().map(|at| entries[at].1.clone())),
            MapNode::Inner(children) => Step::Below(children[child_at(found)].child.clone()),
        }
    }

    /// How many entries or children there are.
    pub(super) fn len(&self) -> usize {
        match self {
            MapNode::Leaf(entries) => entries.len(),
            MapNode::Inner(children) => children.len(),
        }
    }

    /// The length of the encoding.
    pub(super) fn encoded_bytes(&self) -> usize {
        NODE_HEADER_BYTES
            + match self {
                MapNode::Leaf(entries) => entries.iter().map(entry_bytes).sum::<usize>(),
                MapNode::Inner(children) => children.iter().map(child_bytes).sum::<usize>(),
            }
    }

    /// The first key; `None` in an empty leaf.
    pub(super) fn first(&self) -> Option<&K> {
        match self {
            MapNode::Leaf(entries) => entries.first().map(|(key, _)| key),
            MapNode::Inner(children) => children.first().map(|child| &child.first),
        }
    }

    /// The summary of everything below; `None` in an empty leaf.
    pub(super) fn summary(&self) -> Option<V::Summary> {
        match self {
            MapNode::Leaf(entries) => {
                entries.iter().map(|(_, value)| value.summary()).reduce(MapSummary::combine)
            }
            MapNode::Inner(children) => {
                children.iter().map(|child| child.summary).reduce(MapSummary::combine)
            }
        }
    }

    /// A child that holds this node, which is not empty.
    pub(super) fn into_child(self) -> MapChild<K, V> {
        let first = self.first().expect("invariant: a node has a first key").clone();
        let summary = self.summary().expect("invariant: a node has a summary");
        MapChild { first, summary, child: NodeRef::to(self) }
    }

    /// The encoding at `level`. All children are written.
    pub(super) fn encode(&self, level: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_bytes());
        out.extend_from_slice(&[level, 0, 0, 0]);
        let count = u32::try_from(self.len()).expect("invariant: a node is small");
        out.extend_from_slice(&count.to_le_bytes());
        match self {
            MapNode::Leaf(entries) => {
                assert_eq!(level, 1, "a leaf at level {level}");
                for (key, value) in entries {
                    key.encode_into(&mut out);
                    value.encode_into(&mut out);
                }
            }
            MapNode::Inner(children) => {
                assert!(level > 1, "an inner node at level {level}");
                for child in children {
                    let reference = child.child.written().expect("invariant: children are written first");
                    child.first.encode_into(&mut out);
                    child.summary.encode_into(&mut out);
                    encode_reference(Some(&reference), &mut out);
                }
            }
        }
        assert!(out.len() <= self.encoded_bytes() && out.len() <= MAX_NODE_BYTES, "a map node is too long");
        out
    }
}
