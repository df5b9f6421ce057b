//! The one primitive: replace a range by a rope, and hand back what was there.
//!
//! Four ways, cheapest first, each atomic with respect to errors:
//! - the range lies in one leaf and the leaf stays within its limits: edited in place, counts adjusted on the path;
//!   everything that can fail (loading the path) happens before anything changes;
//! - as before, and the leaf becomes too large between full siblings: it is cut in two as well;
//! - the range lies in one leaf that becomes too large or too small: edited and rebalanced on a clone;
//! - otherwise: cut twice and join, on a clone.

use std::ops::Range;

use crate::base::{Error, Result};
use crate::cache::Deaths;
use crate::env::{DiskFile, Platform};

use super::{Child, Inner, Leaf, Node, NodeRef, Rope, Tree, TreeSource};

/// How an attempt to edit one leaf in place ended.
enum Attempt {
    Done(Vec<u8>),
    /// One leaf, but it would break its limits. Nothing was changed.
    Misfit,
    /// More than one leaf. Nothing was changed.
    Spans,
}

/// A replacement inside one leaf.
#[derive(Clone, Copy)]
struct Edit<'a> {
    delete_len: u64,
    insert: &'a [u8],
}

impl Edit<'_> {
    fn apply_to_count(&self, bytes: u64) -> u64 {
        bytes - self.delete_len + self.insert.len() as u64
    }
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Replaces `delete_len` bytes at `offset` by `insert`; returns what was there, whose blocks the caller now owns.
    ///
    /// The range lies inside the tree. Costs O(log n + bytes in hand). After an error the tree's content is as it was.
    pub fn splice(
        &self,
        tree: &mut Tree,
        offset: u64,
        delete_len: u64,
        insert: Rope,
        deaths: &mut Deaths,
    ) -> Result<Rope> {
        assert!(offset + delete_len <= tree.len(), "a splice stays inside its tree");
        if let Rope::Bytes(bytes) = &insert
            && bytes.len() <= self.geometry.leaf_bytes
            && let Some(removed) =
                self.splice_leaf(tree, offset, Edit { delete_len, insert: bytes }, deaths)?
        {
            return Ok(Rope::Bytes(removed));
        }
        let insert = match insert {
            Rope::Bytes(bytes) => self.build(bytes),
            Rope::Tree(insert) => insert,
        };
        self.atomically(tree, deaths, |tree, deaths| {
            let (left, rest) = self.split(std::mem::take(tree), offset, deaths)?;
            let (removed, right) = self.split(rest, delete_len, deaths)?;
            reached!("a splice cut a short piece out of a tall tree", left.height > 3 && removed.height == 0);
            let left = self.join(left, insert, deaths)?;
            *tree = self.join(left, right, deaths)?;
            self.copy_if_small(removed, deaths)
        })
    }

    /// As [`TreeSource::splice`], where `range` lies in one leaf and `insert` in another at most; returns the bytes that were
    /// there. `None` if they do not, and nothing is done.
    pub fn splice_in_leaf(
        &self,
        tree: &mut Tree,
        range: &Range<u64>,
        insert: &[u8],
        deaths: &mut Deaths,
    ) -> Result<Option<Vec<u8>>> {
        if insert.len() > self.geometry.leaf_bytes || range.end > tree.len() {
            return Ok(None);
        }
        self.splice_leaf(tree, range.start, Edit { delete_len: range.end - range.start, insert }, deaths)
    }

    /// How many more bytes the leaf takes to which an insertion at `offset` goes. None if it is not in memory.
    pub fn room_in_leaf(&self, tree: &Tree, offset: u64) -> usize {
        let (mut at, mut child) = (offset, tree.root.as_ref());
        while let Some(Child { node: NodeRef::Mem(node), .. }) = child {
            match &**node {
                Node::Leaf(leaf) => return self.geometry.leaf_bytes.saturating_sub(leaf.len()),
                Node::Inner(inner) => {
                    let (index, within) = inner.find(at);
                    (at, child) = (within, inner.children.get(index));
                }
            }
        }
        0
    }

    /// A splice that removes nothing.
    pub fn insert(&self, tree: &mut Tree, offset: u64, insert: Rope, deaths: &mut Deaths) -> Result<()> {
        self.splice(tree, offset, 0, insert, deaths).map(|nothing| assert_eq!(nothing.len(), 0))
    }

    /// Runs `change` on a clone of `tree` and keeps the clone only if all went well.
    pub(super) fn atomically<R>(
        &self,
        tree: &mut Tree,
        deaths: &mut Deaths,
        change: impl FnOnce(&mut Tree, &mut Deaths) -> Result<R>,
    ) -> Result<R> {
        let mark = deaths.mark();
        let mut changed = tree.clone();
        match change(&mut changed, deaths) {
            Ok(result) => {
                *tree = changed;
                Ok(result)
            }
            Err(e) => {
                reached!("a change of a tree failed half-way", deaths.mark() > mark);
                if !mutant!("what a failed change replaced is free") {
                    deaths.forget_since(mark);
                }
                Err(e)
            }
        }
    }

    /// `None` if the range does not lie in one leaf.
    fn splice_leaf(
        &self,
        tree: &mut Tree,
        offset: u64,
        edit: Edit<'_>,
        deaths: &mut Deaths,
    ) -> Result<Option<Vec<u8>>> {
        let height = tree.height;
        let Some(root) = &mut tree.root else {
            if !edit.insert.is_empty() {
                *tree = self.build(edit.insert.to_vec());
            }
            return Ok(Some(Vec::new()));
        };
        match self.edit_in_place(root, height, offset, edit, true, deaths)? {
            Attempt::Done(removed) => Ok(Some(removed)),
            Attempt::Spans => Ok(None),
            Attempt::Misfit if edit.apply_to_count(root.bytes) == 0 => {
                let removed = self.load(root, height)?.expect_leaf().to_vec();
                self.forget_root(tree, deaths);
                Ok(Some(removed))
            }
            Attempt::Misfit => self.atomically(tree, deaths, |tree, deaths| {
                let root = tree.root.as_mut().expect("invariant: checked above");
                let removed = self.edit_and_fix(root, height, offset, edit, deaths)?;
                self.fix_root(tree, deaths)?;
                Ok(Some(removed))
            }),
        }
    }

    /// Empties a tree of one leaf.
    fn forget_root(&self, tree: &mut Tree, deaths: &mut Deaths) {
        if let Some(extent) = tree.root.as_ref().and_then(|root| root.node.extent()) {
            deaths.kill(extent);
        }
        *tree = Tree::new();
    }

    fn edit_in_place(
        &self,
        child: &mut Child,
        height: u8,
        offset: u64,
        edit: Edit<'_>,
        is_root: bool,
        deaths: &mut Deaths,
    ) -> Result<Attempt> {
        let attempt = match self.load_mut(child, height, deaths)? {
            Node::Leaf(leaf) => {
                let len = edit.apply_to_count(leaf.len() as u64);
                let min = if is_root { 1 } else { self.geometry.min_size(0) as u64 };
                if len < min || len > self.geometry.max_size(0) as u64 {
                    return Ok(Attempt::Misfit);
                }
                Attempt::Done(splice_bytes(leaf, offset, edit))
            }
            Node::Inner(inner) => {
                inner.children.index();
                let (at, within) = inner.find(offset);
                if within + edit.delete_len > inner.children[at].bytes {
                    reached!("a splice spans subtrees of the root alone", is_root && height > 3);
                    return Ok(Attempt::Spans);
                }
                let attempt = inner.children.change_one(at, |child| {
                    self.edit_in_place(child, height - 1, within, edit, false, deaths)
                })?;
                match attempt {
                    Attempt::Misfit if height == 1 => self.split_in_place(inner, at, within, edit, deaths)?,
                    other => other,
                }
            }
        };
        if matches!(attempt, Attempt::Done(_)) {
            child.bytes = edit.apply_to_count(child.bytes);
        }
        Ok(attempt)
    }

    /// Edits the leaf `at` of `parent`, which becomes too large, and cuts it in two, if its parent has room and no sibling has
    /// any: what `fix_child` would do, without a clone, since nothing can fail. The leaf was loaded.
    fn split_in_place(
        &self,
        parent: &mut Inner,
        at: usize,
        offset: u64,
        edit: Edit<'_>,
        deaths: &mut Deaths,
    ) -> Result<Attempt> {
        let len = edit.apply_to_count(parent.children[at].bytes);
        let roomy = self.geometry.roomy_size(0) as u64;
        let has_room = |at: usize| parent.children.get(at).is_some_and(|leaf| leaf.bytes + len <= roomy);
        let sibling_has_room = at.checked_sub(1).is_some_and(has_room) || has_room(at + 1);
        let is_full = parent.children.len() >= self.geometry.max_size(1);
        if len <= self.geometry.max_size(0) as u64 || is_full || sibling_has_room {
            return Ok(Attempt::Misfit);
        }
        let (removed, right) = parent.children.change_one(at, |child| {
            let node = self.load_mut(child, 0, deaths)?;
            let Node::Leaf(leaf) = node else { unreachable!("invariant: nodes at height 0 are leaves") };
            let removed = splice_bytes(leaf, offset, edit);
            let right = Child::leaf(leaf.split_off(leaf.len() / 2));
            child.bytes = len - right.bytes;
            Ok::<_, Error>((removed, right))
        })?;
        parent.children.insert_behind(at, right);
        Ok(Attempt::Done(removed))
    }

    /// As `edit_in_place`, on a clone: the leaf may break its limits and is brought back within them.
    fn edit_and_fix(
        &self,
        child: &mut Child,
        height: u8,
        offset: u64,
        edit: Edit<'_>,
        deaths: &mut Deaths,
    ) -> Result<Vec<u8>> {
        let removed = match self.load_mut(child, height, deaths)? {
            Node::Leaf(leaf) => splice_bytes(leaf, offset, edit),
            Node::Inner(inner) => {
                let (at, within) = inner.find(offset);
                let removed = self.edit_and_fix(&mut inner.children[at], height - 1, within, edit, deaths)?;
                self.fix_child(inner, at, height - 1, deaths)?;
                removed
            }
        };
        child.bytes = edit.apply_to_count(child.bytes);
        Ok(removed)
    }

    /// A short tree as bytes, its blocks dead; a long one as it is.
    fn copy_if_small(&self, tree: Tree, deaths: &mut Deaths) -> Result<Rope> {
        if tree.len() >= self.geometry.pinned_rope_bytes() {
            return Ok(Rope::Tree(tree));
        }
        reached!("a tall removed subtree was copied", tree.height > 1);
        let bytes = self.read_all(&tree)?;
        self.kill_all(tree, deaths)?;
        Ok(Rope::Bytes(bytes))
    }
}

fn splice_bytes(leaf: &mut Leaf, offset: u64, edit: Edit<'_>) -> Vec<u8> {
    let fits = "invariant: positions inside a leaf fit a usize";
    let offset = usize::try_from(offset).expect(fits);
    leaf.splice(offset, usize::try_from(edit.delete_len).expect(fits), edit.insert)
}
