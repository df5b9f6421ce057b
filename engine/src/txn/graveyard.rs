//! What committed transactions removed and nobody will put back: its blocks are freed beside other work, a
//! bounded number of nodes at a time.
//!
//! A commit buries its whole undo stack in one step. A checkpoint writes down what is left.

use std::collections::VecDeque;

use crate::base::Result;
use crate::cache::Deaths;
use crate::catalog::Store;
use crate::env::Env;
use crate::tree::{Reclaim, Tree};

use super::UndoStack;

/// Undo stacks and trees on their way out.
#[derive(Default, Debug)]
pub struct Graveyard {
    stacks: VecDeque<UndoStack>,
    reclaim: Reclaim,
}

impl Graveyard {
    /// Buries everything that an undo stack holds.
    pub fn bury_stack(&mut self, stack: UndoStack) {
        if !stack.is_empty() || !stack.spilled().is_empty() {
            self.stacks.push_back(stack);
        }
    }

    /// Whether nothing is left to free.
    pub fn is_empty(&self) -> bool {
        self.stacks.is_empty() && self.reclaim.is_done()
    }

    /// How many stacks and subtrees are left.
    pub fn len(&self) -> usize {
        self.stacks.len() + self.reclaim.subtrees()
    }

    /// The nodes that are only in memory, in bytes of whole blocks; those that undo stacks hold are not counted.
    pub fn dirty_bytes(&self) -> u64 {
        self.reclaim.trees().map(|tree| tree.dirty_bytes()).sum()
    }

    /// The stacks that are left.
    pub fn stacks(&self) -> impl ExactSizeIterator<Item = &UndoStack> {
        self.stacks.iter()
    }

    /// The subtrees that are left.
    pub fn trees(&self) -> impl ExactSizeIterator<Item = Tree> {
        self.reclaim.trees()
    }

    /// Takes up to `budget` nodes or undo entries apart. After an error nothing is lost; the next call goes on.
    pub fn step<E: Env>(
        &mut self,
        store: &Store<E>,
        mut budget: usize,
        deaths: &mut Deaths,
        private: &mut Deaths,
    ) -> Result<()> {
        while budget > 0 && !self.is_empty() {
            budget -= 1;
            if !self.reclaim.is_done() {
                self.reclaim.step(&store.trees(), deaths)?;
            } else if let Some(stack) = self.stacks.front_mut() {
                match stack.peek(store, private).map(|entry| entry.is_some()) {
                    Ok(true) => self.reclaim.extend(stack.pop().and_then(|entry| entry.change.into_tree())),
                    Ok(false) => drop(self.stacks.pop_front()),
                    Err(e) => {
                        reached!("a dead undo stack could not be read");
                        // Let the others be freed first.
                        self.stacks.rotate_left(1);
                        return Err(e);
                    }
                }
            }
        }
        Ok(())
    }

    /// Brings everything into the form that a checkpoint can write: no entry in memory, no dirty node.
    pub fn settle<E: Env>(&mut self, store: &Store<E>, deaths: &mut Deaths) -> Result<()> {
        for stack in &mut self.stacks {
            for entry in stack.take_recent() {
                if mutant!("what a commit removed is lost at a checkpoint") {
                    continue;
                }
                self.reclaim.extend(entry.change.into_tree());
            }
        }
        self.stacks.retain(|stack| !stack.is_empty());
        reached!("a checkpoint found a dead undo stack that is on disk", !self.stacks.is_empty());
        reached!("a checkpoint found several dead undo stacks", self.stacks.len() > 1);
        self.reclaim.take_dirty_apart(&store.trees(), deaths)
    }

    /// Lets go of the nodes in memory that are written.
    pub fn forget_written(&mut self) {
        self.stacks.iter_mut().for_each(UndoStack::forget_written);
        self.reclaim.forget_written();
    }
}

/// Buries trees.
impl Extend<Tree> for Graveyard {
    fn extend<T: IntoIterator<Item = Tree>>(&mut self, trees: T) {
        self.reclaim.extend(trees);
    }
}
