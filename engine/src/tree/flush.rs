//! Writing dirty nodes to fresh blocks, children before parents, left to right.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::NodeWriter;
use crate::env::{DiskFile, Platform};
use crate::format::inner::{InnerEntry, encode_inner};

use super::source::claim;
use super::{Child, Leaf, Node, NodeRef, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Writes every dirty node of `tree`, which is clean afterwards. The content does not change; after an error
    /// some nodes are clean and the rest is still dirty.
    pub fn flush(&self, tree: &mut Tree, writer: &mut impl NodeWriter) -> Result<()> {
        match &mut tree.root {
            Some(root) => self.flush_child(root, tree.height, writer),
            None => Ok(()),
        }
    }

    fn flush_child(&self, child: &mut Child, height: u8, writer: &mut impl NodeWriter) -> Result<()> {
        let NodeRef::Mem(node) = &mut child.node else { return Ok(()) };
        let (reference, clean) = match &**node {
            Node::Leaf(leaf) => {
                let bytes = leaf.to_vec();
                (writer.write_node(&bytes)?, Arc::new(Node::Leaf(Leaf::new(bytes))))
            }
            Node::Inner(_) => {
                // A version may share the node; it keeps its own children, and this tree gets the written ones.
                let inner = Arc::make_mut(node).expect_inner_mut();
                for child in &mut inner.children {
                    self.flush_child(child, height - 1, writer)?;
                }
                let entries = inner.children.iter().map(|child| match child.node {
                    NodeRef::Disk(reference) => InnerEntry { bytes: child.bytes, child: reference },
                    NodeRef::Mem(_) => unreachable!("invariant: just flushed"),
                });
                (writer.write_node(&encode_inner(height, entries))?, Arc::clone(node))
            }
        };
        self.cache.insert(&reference, claim(child.bytes, height), clean);
        child.node = NodeRef::Disk(reference);
        Ok(())
    }
}
