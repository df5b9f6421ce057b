//! Taking nodes off the end of the file: they become dirty as they are, and the next checkpoint finds them other blocks.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::{Deaths, Vacating};
use crate::env::{DiskFile, Platform};

use super::{Child, Node, NodeRef, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// `tree` with every node in memory that reaches behind `vacating.end`, and with the way to each; `None` if there is none.
    /// The tree itself stays as it is; what it owns alone then are `deaths`.
    ///
    /// - Cost: reads every inner node, and the leaves that are to move
    ///
    /// # Errors
    /// If one of these cannot be read. The deaths are to be forgotten.
    pub fn vacate(&self, tree: &Tree, vacating: &mut Vacating, deaths: &mut Deaths) -> Result<Option<Tree>> {
        let Some(root) = &tree.root else { return Ok(None) };
        let moved = self.vacate_child(root, tree.height, vacating, deaths)?;
        Ok(moved.map(|root| Tree { root: Some(root), height: tree.height }))
    }

    fn vacate_child(
        &self,
        child: &Child,
        height: u8,
        vacating: &mut Vacating,
        deaths: &mut Deaths,
    ) -> Result<Option<Child>> {
        let extent = child.node.extent();
        let lies_behind = extent.is_some_and(|extent| extent.end() > vacating.end);
        if height == 0 && !lies_behind || height > 0 && !vacating.visit() {
            return Ok(None);
        }
        let node = self.load(child, height)?;
        let mut below = Vec::new();
        if let Node::Inner(inner) = &*node {
            for (at, child) in inner.children.iter().enumerate() {
                let moved = self.vacate_child(child, height - 1, vacating, deaths)?;
                below.extend(moved.map(|moved| (at, moved)));
            }
        }
        if below.is_empty() && !lies_behind {
            return Ok(None);
        }
        // A copy has no blocks.
        let mut copy = Node::clone(&node);
        for (at, moved) in below {
            copy.expect_inner_mut().children.change_one(at, |child| *child = moved);
        }
        extent.into_iter().for_each(|extent| deaths.kill(extent));
        Ok(Some(Child { bytes: child.bytes, node: NodeRef::Mem(Arc::new(copy)) }))
    }
}
