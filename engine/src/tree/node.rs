//! Nodes in memory.

use std::sync::Arc;

use crate::base::BLOCK_BYTES;
use crate::cache::{Home, Weigh};
use crate::format::block_ref::{BlockRef, MAX_NODE_BYTES};
use crate::format::extent::Extent;
use crate::format::inner::{MAX_FANOUT, inner_bytes};
use crate::format::tree_root::TreeRoot;

use super::children::Children;
use super::{Leaf, PINNED_ROPE_BYTES};

/// How large nodes may be; fixed when a database is created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Most bytes of a leaf.
    pub leaf_bytes: usize,
    /// Most children of an inner node.
    pub fanout: usize,
}

impl Geometry {
    /// Whether the engine can work with it.
    pub fn is_valid(&self) -> bool {
        (256..=MAX_NODE_BYTES).contains(&self.leaf_bytes) && (4..=MAX_FANOUT).contains(&self.fanout)
    }

    /// Most bytes of a leaf, or most children of an inner node.
    pub fn max_size(&self, height: u8) -> usize {
        if height == 0 { self.leaf_bytes } else { self.fanout }
    }

    /// Most bytes, or children, of two neighbours that share what they have instead of splitting: sharing must leave some
    /// room, or the next insertion overflows again.
    pub(super) fn roomy_size(&self, height: u8) -> usize {
        let max = self.max_size(height);
        2 * max - max / 8
    }

    /// The blocks of the largest node of a height, in bytes.
    pub fn largest_bytes(&self, height: u8) -> u64 {
        let bytes = if height == 0 { self.leaf_bytes } else { inner_bytes(self.fanout) };
        bytes.next_multiple_of(BLOCK_BYTES) as u64
    }

    /// Removed pieces shorter than this are copied; longer ones stay the subtrees that they were.
    pub fn pinned_rope_bytes(&self) -> u64 {
        PINNED_ROPE_BYTES.min(4 * self.leaf_bytes as u64)
    }

    /// Fewest bytes or children of a node that is not the root.
    pub fn min_size(&self, height: u8) -> usize {
        if height == 0 { self.leaf_bytes / 4 } else { (self.fanout / 4).max(2) }
    }
}

/// A byte sequence. See the module's documentation.
#[derive(Clone, Default, Debug)]
pub struct Tree {
    pub(super) root: Option<Child>,
    pub(super) height: u8,
}

impl Tree {
    /// The empty sequence.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// The tree whose root node stands on disk.
    pub fn from_disk_form(form: &TreeRoot) -> Tree {
        let root = form.root.map(|root| Child { bytes: form.bytes, node: NodeRef::Disk(root) });
        Tree { root, height: form.height }
    }

    /// How to find the tree on disk again; `None` while it is not written.
    pub fn disk_form(&self) -> Option<TreeRoot> {
        self.form(NodeRef::written)
    }

    /// As [`Tree::disk_form`], less the checksums, of a tree that was captured.
    pub fn reserved_form(&self) -> Option<TreeRoot> {
        self.form(NodeRef::reserved)
    }

    fn form(&self, reference: impl FnOnce(&NodeRef) -> Option<BlockRef>) -> Option<TreeRoot> {
        let Some(root) = &self.root else { return Some(TreeRoot::default()) };
        reference(&root.node).map(|node| TreeRoot {
            root: Some(node),
            height: self.height,
            bytes: root.bytes,
        })
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.bytes)
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// What a checkpoint would capture, in bytes of whole blocks. Walks the dirty nodes.
    pub fn dirty_bytes(&self) -> u64 {
        self.root.as_ref().map_or(0, Child::dirty_bytes)
    }

    /// Levels of inner nodes; 0 for a single leaf and for the empty tree.
    pub fn height(&self) -> u8 {
        self.height
    }

    /// The tree that consists of `children`, each of height `height - 1`.
    pub(super) fn from_children(mut children: Vec<Child>, height: u8) -> Tree {
        match children.len() {
            0 => Tree::new(),
            1 => Tree { root: children.pop(), height: height - 1 },
            _ => Tree { root: Some(Child::inner(children)), height },
        }
    }
}

/// An entry of an inner node, or a root.
#[derive(Clone, Debug)]
pub struct Child {
    /// Bytes below.
    pub bytes: u64,
    /// The node.
    pub node: NodeRef,
}

impl Child {
    pub(super) fn leaf(leaf: Leaf) -> Child {
        Child { bytes: leaf.len() as u64, node: NodeRef::Mem(Arc::new(Node::Leaf(leaf))) }
    }

    pub(super) fn inner(children: Vec<Child>) -> Child {
        let inner = Inner::new(children);
        Child { bytes: inner.bytes(), node: NodeRef::Mem(Arc::new(Node::Inner(inner))) }
    }

    fn dirty_bytes(&self) -> u64 {
        let Some(node) = self.node.dirty() else { return 0 };
        let below = match &**node {
            Node::Leaf(_) => 0,
            Node::Inner(inner) => inner.children.iter().map(Child::dirty_bytes).sum(),
        };
        let own = match &**node {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner_bytes(inner.children.len()),
        };
        own.next_multiple_of(BLOCK_BYTES) as u64 + below
    }
}

/// Where a node is.
#[derive(Clone, Debug)]
pub enum NodeRef {
    /// In memory; perhaps shared with other trees. Dirty, unless a checkpoint has captured it.
    Mem(Arc<Node>),
    /// On disk; perhaps in the cache as well.
    Disk(BlockRef),
}

impl NodeRef {
    /// The node, if it has no blocks.
    pub(super) fn dirty(&self) -> Option<&Arc<Node>> {
        match self {
            NodeRef::Mem(node) if !node.home().is_assigned() => Some(node),
            _ => None,
        }
    }

    /// The blocks that the node has.
    pub(super) fn extent(&self) -> Option<Extent> {
        match self {
            NodeRef::Mem(node) => node.home().extent(),
            NodeRef::Disk(reference) => Some(reference.extent()),
        }
    }

    /// What leads to the node on disk, once it is written.
    pub(super) fn written(&self) -> Option<BlockRef> {
        match self {
            NodeRef::Mem(node) => node.home().written(),
            NodeRef::Disk(reference) => Some(*reference),
        }
    }

    /// The same less the checksums, as soon as it is captured.
    pub(super) fn reserved(&self) -> Option<BlockRef> {
        match self {
            NodeRef::Mem(node) => node.home().reserved(),
            NodeRef::Disk(reference) => Some(*reference),
        }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub enum Node {
    /// Bytes.
    Leaf(Leaf),
    /// Children.
    Inner(Inner),
}

impl Node {
    /// Bytes of a leaf, number of children of an inner node: what [`Geometry`] limits.
    pub(super) fn size(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.children.len(),
        }
    }

    /// Where a checkpoint puts it.
    pub(super) fn home(&self) -> &Home {
        match self {
            Node::Leaf(leaf) => &leaf.home,
            Node::Inner(inner) => &inner.home,
        }
    }

    /// Makes it a node of its own, which no checkpoint has captured.
    pub(super) fn leave_home(&mut self) {
        match self {
            Node::Leaf(leaf) => leaf.home = Home::default(),
            Node::Inner(inner) => inner.home = Home::default(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Node::Leaf(leaf) => leaf.len() as u64,
            Node::Inner(inner) => inner.bytes(),
        }
    }

    pub(super) fn expect_inner(&self) -> &Inner {
        match self {
            Node::Inner(inner) => inner,
            Node::Leaf(_) => unreachable!("invariant: nodes above height 0 are inner nodes"),
        }
    }

    pub(super) fn expect_inner_mut(&mut self) -> &mut Inner {
        match self {
            Node::Inner(inner) => inner,
            Node::Leaf(_) => unreachable!("invariant: nodes above height 0 are inner nodes"),
        }
    }

    pub(super) fn expect_leaf(&self) -> &Leaf {
        match self {
            Node::Leaf(leaf) => leaf,
            Node::Inner(_) => unreachable!("invariant: nodes at height 0 are leaves"),
        }
    }
}

impl Weigh for Node {
    fn weight(&self) -> usize {
        64 + match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.children.len() * size_of::<Child>(),
        }
    }
}

/// An inner node.
#[derive(Clone, Default, Debug)]
pub struct Inner {
    /// In the order of their bytes.
    pub children: Children,
    home: Home,
}

impl Inner {
    /// A node with these children.
    pub fn new(children: Vec<Child>) -> Inner {
        Inner { children: children.into(), home: Home::default() }
    }

    /// Bytes below the node.
    pub fn bytes(&self) -> u64 {
        self.children.iter().map(|child| child.bytes).sum()
    }

    /// The child that holds byte `offset`, and where in that child the byte is. An offset between two children
    /// belongs to the left one, so that what is inserted there extends it.
    pub(super) fn find(&self, offset: u64) -> (usize, u64) {
        match self.children.search(|end| offset <= end) {
            Some((at, before)) => (at, offset - before),
            None => unreachable!("invariant: the offset lies inside the node"),
        }
    }
}
