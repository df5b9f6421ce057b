//! Freeing the blocks of a tree that nobody needs any more, in steps of bounded size.

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::{Child, NodeRef, Tree, TreeSource};

/// A tree on its way out: the subtrees whose blocks are still owned. Holds at most one path and its siblings.
#[derive(Clone, Default, Debug)]
pub struct Reclaim {
    frontier: Vec<(Child, u8)>,
}

impl Reclaim {
    /// Starts with the whole of `tree`.
    pub fn new(tree: Tree) -> Reclaim {
        let height = tree.height;
        Reclaim { frontier: tree.root.into_iter().map(|root| (root, height)).collect() }
    }

    /// Whether all blocks are free.
    pub fn is_done(&self) -> bool {
        self.frontier.is_empty()
    }

    /// The subtrees that are left, as trees.
    pub fn into_trees(self) -> impl Iterator<Item = Tree> {
        self.frontier.into_iter().map(|(root, height)| Tree { root: Some(root), height })
    }

    /// How many subtrees are left.
    pub fn subtrees(&self) -> usize {
        self.frontier.len()
    }

    /// Takes one node apart: its own block dies, its children are left for later. After an error nothing changed.
    pub fn step<F: DiskFile, P: Platform>(
        &mut self,
        source: &TreeSource<'_, F, P>,
        deaths: &mut Deaths,
    ) -> Result<()> {
        let Some((child, height)) = self.frontier.last() else { return Ok(()) };
        let height = *height;
        let children = match height {
            0 => Vec::new(),
            _ => source.load(child, height)?.expect_inner().children.clone(),
        };
        if let NodeRef::Disk(reference) = &child.node {
            deaths.kill(reference.extent());
        }
        self.frontier.pop();
        self.frontier.extend(children.into_iter().map(|child| (child, height - 1)));
        Ok(())
    }
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Kills every block of `tree` at once; for small trees.
    pub(super) fn kill_all(&self, tree: Tree, deaths: &mut Deaths) -> Result<()> {
        let mut reclaim = Reclaim::new(tree);
        while !reclaim.is_done() {
            reclaim.step(self, deaths)?;
        }
        Ok(())
    }
}
