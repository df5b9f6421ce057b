//! Where a tree's clean nodes come from: the cache, or the data file.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::{DataFile, Deaths, NodeCache};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;
use crate::format::inner::{InnerEntry, decode_inner};

use super::{Child, Geometry, Inner, InnerNode, Leaf, Node, NodeRef};

/// What every operation on a tree needs beside the tree.
pub struct TreeSource<'a, F, P: Platform> {
    /// The data file.
    pub file: &'a DataFile<F, P>,
    /// The cache of nodes.
    pub cache: &'a NodeCache<Node, P>,
    /// How large nodes may be.
    pub geometry: Geometry,
}

impl<F, P: Platform> Clone for TreeSource<'_, F, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F, P: Platform> Copy for TreeSource<'_, F, P> {}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// The node of `child`, which is at `height`.
    pub fn load(&self, child: &Child, height: u8) -> Result<Arc<Node>> {
        match &child.node {
            NodeRef::Mem(node) => Ok(Arc::clone(node)),
            NodeRef::Disk(reference) => self.load_disk(reference, child.bytes, height),
        }
    }

    /// The node of `child`, ready to be changed: dirty and not shared. The block it had dies. Its content is as it
    /// was, so a caller that fails later has changed nothing that a reader could see.
    pub fn load_mut<'n>(
        &self,
        child: &'n mut Child,
        height: u8,
        deaths: &mut Deaths,
    ) -> Result<&'n mut Node> {
        let extent = child.node.extent();
        let in_memory = matches!(child.node, NodeRef::Mem(_));
        reached!("a node changed that a checkpoint had captured", extent.is_some() && in_memory);
        if let NodeRef::Disk(reference) = &child.node {
            child.node = NodeRef::Mem(self.load_disk(reference, child.bytes, height)?);
        }
        let NodeRef::Mem(node) = &mut child.node else { unreachable!("replaced above") };
        let node = Arc::make_mut(node);
        if let Some(extent) = extent {
            if !(in_memory && mutant!("a captured node that is changed keeps its blocks")) {
                deaths.kill(extent);
            }
            node.leave_home();
        }
        Ok(node)
    }

    fn load_disk(&self, reference: &BlockRef, bytes: u64, height: u8) -> Result<Arc<Node>> {
        let claim = claim(bytes, height);
        if let Some(node) = self.cache.get(reference, claim) {
            return Ok(node);
        }
        let node = Arc::new(self.read_disk(reference, bytes, height)?);
        self.cache.insert(reference, claim, Arc::clone(&node));
        Ok(node)
    }

    /// Keeps an inner node that was just written: joining it to others asks for it next.
    pub fn keep(&self, node: &InnerNode<'_>) {
        let inner = Inner::new(node.entries.iter().copied().map(child_on_disk).collect());
        let claim = claim(inner.bytes(), node.height);
        self.cache.insert(&node.reference, claim, Arc::new(Node::Inner(inner)));
    }

    /// Reads, verifies and decodes a node, past the cache.
    pub(super) fn read_disk(&self, reference: &BlockRef, bytes: u64, height: u8) -> Result<Node> {
        let encoded = self.file.read_node(reference)?;
        let node = if height == 0 {
            Node::Leaf(Leaf::new(encoded))
        } else {
            let entries = decode_inner(height, &encoded).map_err(|e| self.file.malformed(reference, e.0))?;
            Node::Inner(Inner::new(entries.into_iter().map(child_on_disk).collect()))
        };
        let below = match &node {
            Node::Leaf(leaf) => Some(leaf.len() as u64),
            Node::Inner(inner) => inner.children.iter().try_fold(0u64, |sum, c| sum.checked_add(c.bytes)),
        };
        if below != Some(bytes) || node.size() > self.geometry.max_size(height) {
            return Err(self.file.malformed(reference, "a node that does not fit its parent's entry"));
        }
        Ok(node)
    }
}

fn child_on_disk(entry: InnerEntry) -> Child {
    Child { bytes: entry.bytes, node: NodeRef::Disk(entry.child) }
}

/// What a parent says of a node, as the cache compares it.
pub(super) fn claim(bytes: u64, height: u8) -> u64 {
    bytes.wrapping_shl(7) | u64::from(height)
}
