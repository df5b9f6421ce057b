//! The audit of one tree: every node is read, every invariant of the module is looked at.

use crate::base::{Error, Result};
use crate::env::{DiskFile, Platform};
use crate::format::extent::Extent;

use super::{Child, Node, NodeRef, Tree, TreeSource};

/// What an audit found.
#[derive(Default, Debug)]
pub struct Findings {
    /// The blocks of the clean nodes.
    pub blocks: Vec<Extent>,
    /// How many nodes there are.
    pub nodes: u64,
    /// How many of them are leaves.
    pub leaves: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    /// What is wrong, in sentences.
    pub problems: Vec<String>,
    /// Whether leaves on disk are not read, and are what their parents say.
    pub trusts_leaves: bool,
}

impl<F: DiskFile, P: Platform> TreeSource<'_, F, P> {
    /// Walks the whole of `tree`. Corruption becomes a finding; only failing I/O is an error.
    pub fn check(&self, tree: &Tree, findings: &mut Findings) -> Result<()> {
        let Some(root) = &tree.root else {
            if tree.height != 0 {
                findings.problems.push(format!("an empty tree of height {}", tree.height));
            }
            return Ok(());
        };
        self.check_child(root, tree.height, true, true, findings)
    }

    fn check_child(
        &self,
        child: &Child,
        height: u8,
        is_root: bool,
        may_be_dirty: bool,
        findings: &mut Findings,
    ) -> Result<()> {
        findings.nodes += 1;
        let place = match child.node.extent() {
            Some(extent) => {
                findings.blocks.push(extent);
                format!("block {}", extent.start)
            }
            None => "a dirty node".to_owned(),
        };
        let is_dirty = child.node.dirty().is_some();
        if is_dirty && !may_be_dirty {
            findings.problems.push("a dirty node below a clean one".to_owned());
        }
        if height == 0 && findings.trusts_leaves && matches!(child.node, NodeRef::Disk(_)) {
            findings.leaves += 1;
            findings.bytes += child.bytes;
            return Ok(());
        }
        let node = match &child.node {
            NodeRef::Mem(_) => self.load(child, height)?,
            NodeRef::Disk(reference) => match self.read_disk(reference, child.bytes, height) {
                Ok(node) => std::sync::Arc::new(node),
                Err(e @ Error::Corruption { .. }) => {
                    findings.problems.push(e.to_string());
                    return Ok(());
                }
                Err(e) => return Err(e),
            },
        };
        if node.bytes() != child.bytes || child.bytes == 0 {
            let (found, said) = (node.bytes(), child.bytes);
            findings.problems.push(format!("{place} holds {found} bytes, its parent says {said}"));
        }
        let least = match (is_root, height) {
            (true, 0) => 1,
            (true, _) => 2,
            (false, _) => self.geometry.min_size(height),
        };
        let size = node.size();
        if size < least || size > self.geometry.max_size(height) {
            findings.problems.push(format!("{place} at height {height} has size {size}"));
        }
        match &*node {
            Node::Leaf(leaf) => {
                findings.leaves += 1;
                findings.bytes += leaf.len() as u64;
            }
            Node::Inner(inner) => {
                if !inner.children.is_sound() {
                    findings.problems.push(format!("{place} has an index of other children"));
                }
                for child in &*inner.children {
                    self.check_child(child, height - 1, false, is_dirty, findings)?;
                }
            }
        }
        Ok(())
    }
}
