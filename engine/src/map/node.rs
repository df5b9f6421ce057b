//! The nodes of a map and their encoding (the byte map is in the header of the folder).

use std::sync::Arc;

use crate::cache::Weigh;
use crate::format::block_ref::{BlockRef, MAX_NODE_BYTES};
use crate::format::wire::{Reader, WireError};

use super::entry::{MapKey, MapSummary, MapValue};
use crate::format::map_root::{REFERENCE_BYTES, decode_reference, encode_reference};

/// Level, reserved bytes and count, before the first entry.
pub(super) const NODE_HEADER_BYTES: usize = 8;

/// A node in memory.
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

/// A way to a node.
pub enum NodeRef<K, V: MapValue> {
    /// Dirty: only in memory.
    Mem(Arc<MapNode<K, V>>),
    /// Clean: on disk.
    Disk(BlockRef),
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

impl<K: MapKey, V: MapValue> MapNode<K, V> {
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
        MapChild { first, summary, child: NodeRef::Mem(Arc::new(self)) }
    }

    /// The encoding at `level`. All children must be clean.
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
                    let NodeRef::Disk(reference) = &child.child else {
                        panic!("a node is written before its child")
                    };
                    child.first.encode_into(&mut out);
                    child.summary.encode_into(&mut out);
                    encode_reference(Some(reference), &mut out);
                }
            }
        }
        assert!(out.len() <= self.encoded_bytes() && out.len() <= MAX_NODE_BYTES, "a map node is too long");
        out
    }

    /// Reads the node that should be at `level`; anything out of order is an error.
    pub(super) fn decode(bytes: &Arc<[u8]>, level: u8) -> Result<MapNode<K, V>, WireError> {
        let mut from = Reader::over(bytes);
        if from.u8()? != level {
            return Err(WireError("a map node is at the wrong level"));
        }
        if from.array::<3>()? != [0; 3] {
            return Err(WireError("reserved bytes are not zero"));
        }
        let count = from.u32()? as usize;
        if count < if level > 1 { 2 } else { 1 } || count > from.remaining() {
            return Err(WireError("a map node has an impossible number of entries"));
        }
        let node = if level > 1 {
            MapNode::Inner(decode_all(&mut from, count, decode_child, |child| &child.first)?)
        } else {
            let entry = |from: &mut Reader<'_>| Ok((K::decode(from)?, V::decode(from)?));
            MapNode::Leaf(decode_all(&mut from, count, entry, |entry| &entry.0)?)
        };
        from.finish_zero()?;
        Ok(node)
    }
}

fn decode_child<K: MapKey, V: MapValue>(from: &mut Reader<'_>) -> Result<MapChild<K, V>, WireError> {
    let first = K::decode(from)?;
    let summary = V::Summary::decode(from)?;
    let reference = decode_reference(from)?.ok_or(WireError("a child is missing"))?;
    Ok(MapChild { first, summary, child: NodeRef::Disk(reference) })
}

fn decode_all<T, K: Ord>(
    from: &mut Reader<'_>,
    count: usize,
    decode: impl Fn(&mut Reader<'_>) -> Result<T, WireError>,
    key: impl Fn(&T) -> &K,
) -> Result<Vec<T>, WireError> {
    let mut items: Vec<T> = Vec::with_capacity(count.min(MAX_NODE_BYTES / 8));
    for _ in 0..count {
        let item = decode(from)?;
        if items.last().is_some_and(|last| key(last) >= key(&item)) {
            return Err(WireError("the keys of a map node do not ascend"));
        }
        items.push(item);
    }
    Ok(items)
}

impl<K: MapKey, V: MapValue> Weigh for MapNode<K, V> {
    fn weight(&self) -> usize {
        let item = match self {
            MapNode::Leaf(_) => size_of::<(K, V)>(),
            MapNode::Inner(_) => size_of::<MapChild<K, V>>(),
        };
        size_of::<Self>() + self.len() * item + self.encoded_bytes()
    }
}
