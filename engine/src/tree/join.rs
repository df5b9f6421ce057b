//! Concatenation of two trees, in O(difference of their heights).

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::{Child, Tree, TreeSource};

/// The end of the taller tree at which the other one is hung in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// `left` followed by `right`. After an error neither may be used: the caller keeps clones.
    pub(super) fn join(&self, left: Tree, right: Tree, deaths: &mut Deaths) -> Result<Tree> {
        let (mut tall, low, end) =
            if left.height >= right.height { (left, right, End::Right) } else { (right, left, End::Left) };
        let Some(branch) = low.root else { return Ok(tall) };
        let Some(top) = tall.root.take() else { return Ok(Tree { root: Some(branch), height: low.height }) };

        reached!("a branch was hung in far down", tall.height > low.height + 3);
        reached!(
            "a branch was hung in far down on the left",
            end == End::Left && tall.height > low.height + 3
        );
        if tall.height == low.height {
            reached!("two tall trees were joined", tall.height > 3);
            let children = if end == End::Right { vec![top, branch] } else { vec![branch, top] };
            tall = Tree::from_children(children, tall.height + 1);
            let height = tall.height;
            let root = tall.root.as_mut().expect("invariant: two children have a parent");
            let parent = self.load_mut(root, height, deaths)?.expect_inner_mut();
            self.fix_child(parent, 0, height - 1, deaths)?;
            if parent.children.len() > 1 {
                self.fix_child(parent, 1, height - 1, deaths)?;
            }
        } else {
            tall.root = Some(top);
            let root = tall.root.as_mut().expect("invariant: just set");
            self.hang(root, tall.height, branch, low.height, end, deaths)?;
        }
        self.fix_root(&mut tall, deaths)?;
        Ok(tall)
    }

    /// Makes `branch`, of `branch_height`, the outermost child on one side of the subtree `node`.
    fn hang(
        &self,
        node: &mut Child,
        height: u8,
        branch: Child,
        branch_height: u8,
        end: End,
        deaths: &mut Deaths,
    ) -> Result<()> {
        let counted = if mutant!("bytes that are hung in are not counted") { 0 } else { branch.bytes };
        node.bytes += counted;
        let inner = self.load_mut_grown(node, height, counted, deaths)?;
        let outermost = if end == End::Right { inner.children.len() - 1 } else { 0 };
        let at = if height == branch_height + 1 {
            let at = if end == End::Right { outermost + 1 } else { 0 };
            inner.children.insert(at, branch);
            at
        } else {
            let child = &mut inner.children[outermost];
            self.hang(child, height - 1, branch, branch_height, end, deaths)?;
            outermost
        };
        self.fix_child(inner, at, height - 1, deaths)
    }

    /// As `load_mut`, for a child whose count already includes `grown` bytes that are not below it yet.
    fn load_mut_grown<'n>(
        &self,
        node: &'n mut Child,
        height: u8,
        grown: u64,
        deaths: &mut Deaths,
    ) -> Result<&'n mut super::Inner> {
        node.bytes -= grown;
        self.load_mut(node, height, deaths)?;
        node.bytes += grown;
        Ok(self.load_mut(node, height, deaths)?.expect_inner_mut())
    }
}
