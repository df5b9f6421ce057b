//! Writing what is dirty, bottom-up and in the order of the keys.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::cache::NodeWriter;
use crate::env::{DiskFile, Platform};

use super::clean::CleanNode;
use super::entry::{MapKey, MapValue};
use super::node::{MapNode, NodeRef};
use super::{MapSource, OrderedMap};

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// Writes every dirty node; the map is clean afterwards. `each_value` is called before on every value of a
    /// dirty leaf, so that it writes what hangs below the value.
    ///
    /// # Errors
    /// As `writer` and `each_value`. The map holds the same entries then, and what was written stays written.
    pub fn flush<W: NodeWriter, F: DiskFile, P: Platform>(
        &mut self,
        source: MapSource<'_, K, V, F, P>,
        writer: &mut W,
        each_value: &mut impl FnMut(&mut V, &mut W) -> Result<()>,
    ) -> Result<()> {
        match &mut self.root {
            None => Ok(()),
            Some(root) => flush_node(root, self.height, source, writer, each_value),
        }
    }

    /// Calls `each` with the length of every node that a flush would write, in the order in which it would
    /// (exact if [`MapValue::encoded_bytes`] is).
    pub fn each_dirty(&self, each: &mut impl FnMut(usize)) {
        if let Some(root) = &self.root {
            each_dirty(root, each);
        }
    }
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// Calls `each` with every value of a dirty leaf.
    pub fn each_dirty_value(&self, each: &mut impl FnMut(&V)) {
        if let Some(root) = &self.root {
            each_dirty_value(root, each);
        }
    }
}

fn each_dirty_value<K: MapKey, V: MapValue>(node: &NodeRef<K, V>, each: &mut impl FnMut(&V)) {
    let NodeRef::Mem(node) = node else { return };
    match &**node {
        MapNode::Leaf(entries) => entries.iter().for_each(|(_, value)| each(value)),
        MapNode::Inner(children) => children.iter().for_each(|child| each_dirty_value(&child.child, each)),
    }
}

fn flush_node<K: MapKey, V: MapValue, W: NodeWriter, F: DiskFile, P: Platform>(
    node: &mut NodeRef<K, V>,
    level: u8,
    source: MapSource<'_, K, V, F, P>,
    writer: &mut W,
    each_value: &mut impl FnMut(&mut V, &mut W) -> Result<()>,
) -> Result<()> {
    let NodeRef::Mem(shared) = node else { return Ok(()) };
    match Arc::make_mut(shared) {
        MapNode::Leaf(entries) => {
            for (_, value) in entries {
                each_value(value, writer)?;
            }
        }
        MapNode::Inner(children) => {
            for child in children {
                flush_node(&mut child.child, level - 1, source, writer, each_value)?;
            }
        }
    }
    let bytes = shared.encode(level);
    // Nodes that a damaged file put in the wrong order make no node that can be read.
    let clean = CleanNode::read(bytes.as_slice().into(), level)
        .map_err(|e| Error::corruption(source.file.path(), 0, "neighbours whose keys are in order", e.0))?;
    let reference = writer.write_node(&bytes)?;
    source.cache.insert(&reference, u64::from(level), Arc::new(clean));
    *node = NodeRef::Disk(reference);
    Ok(())
}

fn each_dirty<K: MapKey, V: MapValue>(node: &NodeRef<K, V>, each: &mut impl FnMut(usize)) {
    let NodeRef::Mem(node) = node else { return };
    if let MapNode::Inner(children) = &**node {
        for child in children {
            each_dirty(&child.child, each);
        }
    }
    each(node.encoded_bytes());
}
