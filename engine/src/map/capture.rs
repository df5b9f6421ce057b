//! Writing what is dirty, bottom-up and in the order of the keys: captured first, written later, as trees are.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::cache::{Capture, NodeWriter};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;

use super::clean::CleanNode;
use super::entry::{MapKey, MapValue};
use super::node::{MapNode, MemNode, NodeRef};
use super::{MapSource, OrderedMap};

/// A node that a checkpoint has captured. It does not change any more: who wants to changes a copy.
pub struct CapturedMapNode<K, V: MapValue> {
    node: Arc<MemNode<K, V>>,
    level: u8,
}

impl<K: MapKey, V: MapValue> OrderedMap<K, V> {
    /// Gives every dirty node its blocks. `each_value` is called before with every value of a dirty leaf, to do the same
    /// with what hangs below the value.
    ///
    /// # Errors
    /// As `capture` and `each_value`. Some nodes are captured then and the others are not.
    pub fn capture<C: Capture<CapturedMapNode<K, V>>>(
        &self,
        capture: &mut C,
        each_value: &mut impl FnMut(&V, &mut C) -> Result<()>,
    ) -> Result<()> {
        self.root.as_ref().map_or(Ok(()), |root| capture_node(root, self.height, capture, each_value))
    }

    /// Lets go of the nodes in memory that are written. `each_value` is called with the values of those that have to stay.
    pub fn forget_written(&mut self, each_value: &mut impl FnMut(&mut V)) {
        if let Some(root) = &mut self.root {
            forget_written(root, each_value);
        }
    }

    /// Calls `each` with the length of every dirty node, in the order in which they are captured (an upper bound, as
    /// [`MapValue::encoded_bytes`] is).
    pub fn each_dirty(&self, each: &mut impl FnMut(usize)) {
        if let Some(root) = &self.root {
            each_dirty(root, each);
        }
    }

    /// Calls `each` with every entry of a dirty leaf.
    pub fn each_dirty_entry(&self, each: &mut impl FnMut(&K, &V)) {
        if let Some(root) = &self.root {
            each_dirty_entry(root, each);
        }
    }
}

fn capture_node<K: MapKey, V: MapValue, C: Capture<CapturedMapNode<K, V>>>(
    node: &NodeRef<K, V>,
    level: u8,
    capture: &mut C,
    each_value: &mut impl FnMut(&V, &mut C) -> Result<()>,
) -> Result<()> {
    let Some(node) = node.dirty() else { return Ok(()) };
    match &node.node {
        MapNode::Leaf(entries) => entries.iter().try_for_each(|(_, value)| each_value(value, capture))?,
        MapNode::Inner(children) => {
            let mut below = children.iter();
            below.try_for_each(|child| capture_node(&child.child, level - 1, capture, each_value))?;
        }
    }
    let bytes = node.encoded_bytes();
    node.home.assign(capture.place(bytes)?, bytes);
    capture.push(CapturedMapNode { node: Arc::clone(node), level });
    Ok(())
}

fn forget_written<K: MapKey, V: MapValue>(node: &mut NodeRef<K, V>, each_value: &mut impl FnMut(&mut V)) {
    let NodeRef::Mem(shared) = node else { return };
    if let Some(reference) = shared.home.written() {
        *node = NodeRef::Disk(reference);
        return;
    }
    reached!("a map changed while a checkpoint was written");
    match &mut Arc::make_mut(shared).node {
        MapNode::Leaf(entries) => entries.iter_mut().for_each(|(_, value)| each_value(value)),
        MapNode::Inner(children) => {
            children.iter_mut().for_each(|child| forget_written(&mut child.child, each_value));
        }
    }
}

fn each_dirty<K: MapKey, V: MapValue>(node: &NodeRef<K, V>, each: &mut impl FnMut(usize)) {
    let Some(node) = node.dirty() else { return };
    if let MapNode::Inner(children) = &node.node {
        children.iter().for_each(|child| each_dirty(&child.child, each));
    }
    each(node.encoded_bytes());
}

fn each_dirty_entry<K: MapKey, V: MapValue>(node: &NodeRef<K, V>, each: &mut impl FnMut(&K, &V)) {
    let Some(node) = node.dirty() else { return };
    match &node.node {
        MapNode::Leaf(entries) => entries.iter().for_each(|(key, value)| each(key, value)),
        MapNode::Inner(children) => children.iter().for_each(|child| each_dirty_entry(&child.child, each)),
    }
}

impl<K: MapKey, V: MapValue, F: DiskFile, P: Platform> MapSource<'_, K, V, F, P> {
    /// Writes a node whose children are written, and what hangs below its values.
    ///
    /// # Errors
    /// As `writer`. [`Error::Corruption`] if a damaged file has led to neighbours in the wrong order: they make no node that
    /// could be read.
    pub fn write(&self, captured: &CapturedMapNode<K, V>, writer: &mut impl NodeWriter) -> Result<()> {
        let CapturedMapNode { node, level } = captured;
        let bytes = node.encode(*level);
        let clean = CleanNode::read(bytes.as_slice().into(), *level)
            .map_err(|e| Error::corruption(self.file.path(), 0, "neighbours whose keys are in order", e.0))?;
        let block = node.home.extent().expect("invariant: it was captured").start;
        writer.write_node(block, &bytes)?;
        let reference = BlockRef::to(block, &bytes);
        self.cache.insert(&reference, u64::from(*level), Arc::new(clean));
        node.home.set_written(reference);
        Ok(())
    }
}
