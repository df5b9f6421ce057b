//! Keeping nodes within their limits: split, merge, borrow.

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::{Child, Inner, Node, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Brings the child `at` of `parent`, which is at `height`, within its limits: at most twice the largest size on
    /// entry, it shares with a sibling or is split; under the smallest, it is merged with a sibling or borrows.
    /// `parent` may be left with one child more or less, for its own parent to deal with.
    pub(super) fn fix_child(
        &self,
        parent: &mut Inner,
        at: usize,
        height: u8,
        deaths: &mut Deaths,
    ) -> Result<()> {
        let size = self.size_of(&parent.children[at], height)?;
        if size > self.geometry.max_size(height) {
            self.fix_overflow(parent, at, size, height, deaths)
        } else if size < self.geometry.min_size(height) && parent.children.len() > 1 {
            self.share(parent, at.saturating_sub(1), None, height, deaths)
        } else {
            Ok(())
        }
    }

    /// Splits the root, or drops it while it has a single child.
    pub(super) fn fix_root(&self, tree: &mut Tree, deaths: &mut Deaths) -> Result<()> {
        while tree.height > 0 {
            let root = tree.root.as_mut().expect("invariant: a tree with a height has a root");
            if self.size_of(root, tree.height)? > 1 {
                break;
            }
            let inner = self.load_mut(root, tree.height, deaths)?.expect_inner_mut();
            tree.root = inner.children.pop();
            reached!("a tree lost its third level", tree.height == 3);
            tree.height -= 1;
        }
        if let Some(root) = &tree.root
            && self.size_of(root, tree.height)? > self.geometry.max_size(tree.height)
        {
            let mut top = Inner::new(tree.root.take().into_iter().collect());
            reached!("a tree got a fourth level", tree.height == 3);
            reached!("a tree got a fifth level", tree.height == 4);
            self.fix_child(&mut top, 0, tree.height, deaths)?;
            *tree = Tree::from_children(top.children.into(), tree.height + 1);
        }
        Ok(())
    }

    fn size_of(&self, child: &Child, height: u8) -> Result<usize> {
        if height == 0 {
            return Ok(usize::try_from(child.bytes).expect("invariant: a leaf's length fits"));
        }
        Ok(self.load(child, height)?.size())
    }

    fn fix_overflow(
        &self,
        parent: &mut Inner,
        at: usize,
        size: usize,
        height: u8,
        deaths: &mut Deaths,
    ) -> Result<()> {
        let (max, roomy) = (self.geometry.max_size(height), self.geometry.roomy_size(height));
        if at > 0 && self.size_of(&parent.children[at - 1], height)? + size <= roomy {
            // The last child is where appends arrive: fill the left one up, so that appends leave full nodes.
            let appending = at + 1 == parent.children.len();
            let left_size = if appending { Some(max) } else { None };
            reached!("an inner node that grew shares with its left neighbour", height > 1);
            return self.share(parent, at - 1, left_size, height, deaths);
        }
        if at + 1 < parent.children.len() && self.size_of(&parent.children[at + 1], height)? + size <= roomy {
            reached!("an inner node that grew shares with its right neighbour", height > 1);
            return self.share(parent, at, None, height, deaths);
        }
        let node = self.load_mut(&mut parent.children[at], height, deaths)?;
        reached!("an inner node far up was split", height > 2);
        let right = split_node(node, size / 2);
        parent.children[at].bytes -= right.bytes;
        parent.children.insert(at + 1, right);
        Ok(())
    }

    /// Puts the children `left` and `left + 1` together, then cuts them so that the left one has `left_size`, or
    /// half of all; if all fit into one node, there is only one left.
    fn share(
        &self,
        parent: &mut Inner,
        left: usize,
        left_size: Option<usize>,
        height: u8,
        deaths: &mut Deaths,
    ) -> Result<()> {
        // Load both before changing either: after a failure nothing has moved.
        self.load_mut(&mut parent.children[left], height, deaths)?;
        let right_node = self.load_mut(&mut parent.children[left + 1], height, deaths)?;
        let right_node = std::mem::replace(right_node, Node::Inner(Inner::default()));
        let right_bytes = parent.children.remove(left + 1).bytes;

        let entry = &mut parent.children[left];
        entry.bytes += right_bytes;
        let node = self.load_mut(entry, height, deaths)?;
        match (&mut *node, right_node) {
            (Node::Leaf(leaf), Node::Leaf(right)) => leaf.append(&right),
            (Node::Inner(inner), Node::Inner(right)) => inner.children.extend(Vec::from(right.children)),
            _ => unreachable!("invariant: siblings are of one height"),
        }
        let size = node.size();
        reached!("inner nodes were merged", height > 0 && size <= self.geometry.max_size(height));
        if size > self.geometry.max_size(height) {
            reached!("an inner node took children from its neighbour", height > 1 && left_size.is_none());
            let right = split_node(node, left_size.unwrap_or(size / 2));
            entry.bytes -= right.bytes;
            parent.children.insert(left + 1, right);
        }
        Ok(())
    }
}

/// Cuts `node` so that it keeps `size`; returns the rest.
fn split_node(node: &mut Node, size: usize) -> Child {
    match node {
        Node::Leaf(leaf) => Child::leaf(leaf.split_off(size)),
        Node::Inner(inner) => Child::inner(inner.children.split_off(size)),
    }
}
