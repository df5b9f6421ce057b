//! Cutting a tree in two, in O(log n).

use crate::base::Result;
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::{Child, Node, Tree, TreeSource};

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// The first `offset` bytes of `tree`, and the rest. After an error neither exists: the caller keeps a clone.
    pub(super) fn split(&self, tree: Tree, offset: u64, deaths: &mut Deaths) -> Result<(Tree, Tree)> {
        match tree.root {
            Some(root) => self.split_child(root, tree.height, offset, deaths),
            None => Ok((Tree::new(), Tree::new())),
        }
    }

    fn split_child(
        &self,
        mut child: Child,
        height: u8,
        offset: u64,
        deaths: &mut Deaths,
    ) -> Result<(Tree, Tree)> {
        if offset == 0 {
            return Ok((Tree::new(), Tree { root: Some(child), height }));
        }
        if offset == child.bytes {
            return Ok((Tree { root: Some(child), height }, Tree::new()));
        }
        let mut children = match self.load_mut(&mut child, height, deaths)? {
            Node::Leaf(leaf) => {
                let at = usize::try_from(offset).expect("invariant: the offset lies inside a leaf");
                let right = Child::leaf(leaf.split_off(at));
                child.bytes = offset;
                let whole = |root| Tree { root: Some(root), height: 0 };
                return Ok((whole(child), whole(right)));
            }
            Node::Inner(inner) => {
                let (at, within) = inner.find(offset);
                let right = inner.children.split_off(at + 1);
                let cut = inner.children.pop().expect("invariant: find gave a child");
                (Vec::from(std::mem::take(&mut inner.children)), cut, within, right)
            }
        };
        let (cut_left, cut_right) = self.split_child(children.1, height - 1, children.2, deaths)?;
        let left = Tree::from_children(std::mem::take(&mut children.0), height);
        let right = Tree::from_children(children.3, height);
        Ok((self.join(left, cut_left, deaths)?, self.join(cut_right, right, deaths)?))
    }
}
