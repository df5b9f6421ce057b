//! Freeing the blocks of a tree that nobody needs any more, in steps of bounded size.

use std::ops::Range;

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::capture::forget_written;
use super::{Child, Rope, Tree, TreeSource};

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

    /// Adds another tree.
    pub fn add(&mut self, tree: Tree) {
        let height = tree.height;
        self.frontier.extend(tree.root.map(|root| (root, height)));
    }

    /// The subtrees that are left, as trees.
    pub fn trees(&self) -> impl ExactSizeIterator<Item = Tree> {
        self.frontier.iter().map(|(root, height)| Tree { root: Some(root.clone()), height: *height })
    }

    /// How many subtrees are left.
    pub fn subtrees(&self) -> usize {
        self.frontier.len()
    }

    /// Lets go of the nodes in memory that are written.
    pub fn forget_written(&mut self) {
        for (child, _) in &mut self.frontier {
            forget_written(child);
        }
    }

    /// Takes every dirty node apart, so that what is left stands on disk.
    pub fn take_dirty_apart<F: DiskFile, P: Platform>(
        &mut self,
        source: &TreeSource<'_, F, P>,
        deaths: &mut Deaths,
    ) -> Result<()> {
        for at in (0..self.frontier.len()).rev() {
            if self.frontier[at].0.node.dirty().is_some() {
                let last = self.frontier.len() - 1;
                self.frontier.swap(at, last);
                self.step(source, deaths)?;
            }
        }
        match self.frontier.iter().any(|(child, _)| child.node.dirty().is_some()) {
            true => {
                reached!("a dead tree has dirty nodes on several levels");
                self.take_dirty_apart(source, deaths)
            }
            false => Ok(()),
        }
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
            _ => match source.load(child, height) {
                Ok(node) => node.expect_inner().children.to_vec(),
                Err(e) => {
                    reached!("a dead node could not be read");
                    // Let the others be freed first.
                    self.frontier.rotate_right(1);
                    return Err(e);
                }
            },
        };
        if let Some(extent) = child.node.extent() {
            deaths.kill(extent);
        }
        self.frontier.pop();
        self.frontier.extend(children.into_iter().map(|child| (child, height - 1)));
        Ok(())
    }
}

impl Extend<Tree> for Reclaim {
    fn extend<T: IntoIterator<Item = Tree>>(&mut self, trees: T) {
        trees.into_iter().for_each(|tree| self.add(tree));
    }
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Removes `range` for good: nobody will put it back. For ranges of bounded size.
    pub fn discard(&self, tree: &mut Tree, range: Range<u64>, deaths: &mut Deaths) -> Result<()> {
        self.atomically(tree, deaths, |tree, deaths| {
            let (start, len) = (range.start, range.end - range.start);
            let removed = self.splice(tree, start, len, Rope::Bytes(Vec::new()), deaths)?;
            self.drop_rope(removed, deaths)
        })
    }

    /// Kills every block of `rope`.
    pub(super) fn drop_rope(&self, rope: Rope, deaths: &mut Deaths) -> Result<()> {
        match rope {
            Rope::Bytes(_) => Ok(()),
            Rope::Tree(tree) => self.kill_all(tree, deaths),
        }
    }

    /// Kills every block of `tree` at once; for small trees.
    pub fn kill_all(&self, tree: Tree, deaths: &mut Deaths) -> Result<()> {
        let mut reclaim = Reclaim::new(tree);
        while !reclaim.is_done() {
            reclaim.step(self, deaths)?;
        }
        Ok(())
    }
}
