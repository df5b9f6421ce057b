//! Writing dirty nodes. A checkpoint captures them first, which gives them their blocks and takes no time worth the name,
//! children before parents, left to right. Later, in that order and beside other work, they are written; last the tree
//! lets go of what is in memory.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::{Capture, NodeWriter};
use crate::env::{DiskFile, Platform};
use crate::format::block_ref::BlockRef;
use crate::format::inner::{InnerEntry, encode_inner, encoded_inner_bytes};

use super::source::claim;
use super::{Child, Inner, Node, NodeRef, Tree, TreeSource};

/// A node that a checkpoint has captured. It does not change any more: who wants to changes a copy.
pub struct CapturedNode {
    node: Arc<Node>,
    bytes: u64,
    height: u8,
}

impl Tree {
    /// Gives every dirty node its blocks.
    ///
    /// # Errors
    /// As `capture`. Some nodes are captured then and the others are not.
    pub fn capture(&self, capture: &mut impl Capture<CapturedNode>) -> Result<()> {
        self.root.as_ref().map_or(Ok(()), |root| capture_child(root, self.height, capture))
    }

    /// Lets go of the nodes in memory that are written. Whether an inner node stays that is not: it has changed since.
    pub fn forget_written(&mut self) -> bool {
        self.root.as_mut().is_some_and(forget_written)
    }
}

fn capture_child(child: &Child, height: u8, capture: &mut impl Capture<CapturedNode>) -> Result<()> {
    let Some(node) = child.node.dirty() else { return Ok(()) };
    let bytes = match &**node {
        Node::Leaf(leaf) => leaf.len(),
        Node::Inner(inner) => {
            inner.children.iter().try_for_each(|child| capture_child(child, height - 1, capture))?;
            let captured = "invariant: just captured";
            encoded_inner_bytes(inner.children.iter().map(|child| child.node.reserved().expect(captured)))
        }
    };
    node.home().assign(capture.place(bytes)?, bytes);
    capture.push(CapturedNode { node: Arc::clone(node), bytes: child.bytes, height });
    Ok(())
}

pub(super) fn forget_written(child: &mut Child) -> bool {
    let NodeRef::Mem(node) = &mut child.node else { return false };
    if let Some(reference) = node.home().written() {
        child.node = NodeRef::Disk(reference);
        return false;
    }
    let stays = match &**node {
        Node::Inner(inner) => inner.children.iter().any(|child| matches!(child.node, NodeRef::Mem(_))),
        Node::Leaf(_) => false,
    };
    if stays {
        // A version may share it, and keeps its own children.
        for child in Arc::make_mut(node).expect_inner_mut().children.iter_mut() {
            forget_written(child);
        }
    }
    stays
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Writes a node whose children are written.
    pub fn write(&self, captured: &CapturedNode, writer: &mut impl NodeWriter) -> Result<()> {
        let CapturedNode { node, bytes, height } = captured;
        let block = node.home().extent().expect("invariant: it was captured").start;
        let mut put = |encoded: &[u8]| {
            writer.write_node(block, encoded)?;
            Ok(BlockRef::to(block, encoded))
        };
        let (reference, clean) = match &**node {
            Node::Leaf(leaf) => {
                let leaf = leaf.in_one_piece();
                let bytes = leaf.chunks().next().expect("invariant: no leaf is empty");
                (put(bytes)?, Node::Leaf(leaf))
            }
            Node::Inner(inner) => {
                let children: Vec<Child> = inner.children.iter().map(on_disk).collect();
                let entries = children.iter().map(|child| match child.node {
                    NodeRef::Disk(reference) => InnerEntry { bytes: child.bytes, child: reference },
                    NodeRef::Mem(_) => unreachable!("invariant: just made"),
                });
                (put(&encode_inner(*height, entries))?, Node::Inner(Inner::new(children)))
            }
        };
        self.cache.insert(&reference, claim(*bytes, *height), Arc::new(clean));
        node.home().set_written(reference);
        Ok(())
    }
}

fn on_disk(child: &Child) -> Child {
    let reference = child.node.written().expect("invariant: children are written first");
    Child { bytes: child.bytes, node: NodeRef::Disk(reference) }
}
