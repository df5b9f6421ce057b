//! A transaction's inverses, newest on top.
//!
//! The newest entries are in memory. A checkpoint *spills* them: they are encoded and appended to a tree of bytes of
//! their own, so that each checkpoint writes only what is new; before that it writes the trees that they hold. An entry is encoded with its length behind it, so that
//! the stack can be read from the top.
//!
//! Invariant: all spilled entries lie below all entries in memory.

use crate::base::{Error, Lsn, Result, TxnId};
use crate::cache::{Capture, Deaths};
use crate::catalog::Store;
use crate::env::Env;
use crate::format::record::{Body, Record, record_bytes};
use crate::format::wire::Reader;
use crate::tree::{CapturedNode, Rope, Tree};

use super::Change;
use super::codec::{decode_entry, encode_entry};

/// How to undo one operation.
#[derive(Clone, Debug)]
pub struct UndoEntry {
    /// The operation.
    pub lsn: Lsn,
    /// The entry below this one.
    pub below: Option<Lsn>,
    /// Its inverse.
    pub change: Change,
}

/// What a spill has to write, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unspilled {
    /// About the length of the encoded entries.
    pub entries: u64,
    /// The blocks of dirty nodes that hang below entries.
    pub nodes: u64,
}

impl Unspilled {
    fn add(&mut self, other: Unspilled) {
        self.entries += other.entries;
        self.nodes += other.nodes;
    }

    /// What hangs below an entry may have been written since it was added.
    fn subtract(&mut self, other: Unspilled) {
        self.entries = self.entries.saturating_sub(other.entries);
        self.nodes = self.nodes.saturating_sub(other.nodes);
    }
}

impl UndoEntry {
    fn unspilled(&self) -> Unspilled {
        let nodes = self.change.tree().map_or(0, Tree::dirty_bytes);
        Unspilled { entries: self.change.bytes_held(), nodes }
    }

    /// The length of the record that compensates it.
    pub fn compensation_bytes(&self, txn: TxnId) -> u64 {
        let body = Body::Compensate { undone: self.lsn, undo_next: self.below };
        record_bytes(&Record { txn, commits: false, body }) as u64
    }
}

/// The stack.
#[derive(Default, Debug)]
pub struct UndoStack {
    spilled: Tree,
    recent: Vec<UndoEntry>,
    top: Option<Lsn>,
    /// What spilling `recent` would write.
    unspilled: Unspilled,
}

impl UndoStack {
    /// The stack that a checkpoint wrote.
    pub fn from_spilled(spilled: Tree, top: Option<Lsn>) -> UndoStack {
        UndoStack { spilled, top, ..UndoStack::default() }
    }

    /// The LSN of the newest entry.
    pub fn top(&self) -> Option<Lsn> {
        self.top
    }

    /// The entries on disk, as bytes.
    pub fn spilled(&self) -> &Tree {
        &self.spilled
    }

    /// The entries in memory.
    pub fn recent(&self) -> &[UndoEntry] {
        &self.recent
    }

    /// What [`UndoStack::spill`] would write, beside the last leaf and the way to it.
    pub fn unspilled(&self) -> Unspilled {
        let Unspilled { entries, nodes } = self.unspilled;
        Unspilled { entries, nodes: nodes + self.spilled.dirty_bytes() }
    }

    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    /// Adds the inverse of the operation at `lsn`.
    pub fn push(&mut self, lsn: Lsn, change: Change) -> &UndoEntry {
        let entry = UndoEntry { lsn, below: self.top, change };
        self.unspilled.add(entry.unspilled());
        self.recent.push(entry);
        self.top = Some(lsn);
        self.recent.last().expect("invariant: just pushed")
    }

    /// Whether the newest entry is that of the operation at `lsn`, and in memory.
    pub fn is_newest(&self, lsn: Lsn) -> bool {
        self.recent.last().is_some_and(|entry| entry.lsn == lsn)
    }

    /// Widens the newest entry, the inverse of a splice that went on.
    pub fn widen_newest(&mut self, widen: impl FnOnce(&mut Change)) {
        let entry = self.recent.last_mut().expect("invariant: the caller knows that it is in memory");
        let before = entry.change.bytes_held();
        widen(&mut entry.change);
        let after = entry.change.bytes_held();
        self.unspilled.entries = (self.unspilled.entries + after).saturating_sub(before);
    }

    /// The newest entry, fetched from disk if need be.
    pub fn peek<E: Env>(&mut self, store: &Store<E>, private: &mut Deaths) -> Result<Option<&UndoEntry>> {
        if self.recent.is_empty() && !self.spilled.is_empty() {
            let entry = self.fetch(store, private)?;
            let is_tall = |tree: &Tree| tree.height() > 1;
            reached!(
                "the undo of a large removal crossed a checkpoint",
                entry.change.tree().is_some_and(is_tall)
            );
            self.unspilled.add(entry.unspilled());
            self.recent.push(entry);
        }
        Ok(self.recent.last())
    }

    /// Takes the entry that `peek` showed.
    pub fn pop(&mut self) -> Option<UndoEntry> {
        let entry = self.recent.pop()?;
        self.unspilled.subtract(entry.unspilled());
        self.top = entry.below;
        Some(entry)
    }

    /// Takes all entries out that are in memory, newest last.
    pub fn take_recent(&mut self) -> Vec<UndoEntry> {
        if let Some(oldest) = self.recent.first() {
            self.top = oldest.below;
        }
        self.unspilled = Unspilled::default();
        std::mem::take(&mut self.recent)
    }

    /// Captures the trees that entries in memory hold.
    pub fn capture_removed(&self, capture: &mut impl Capture<CapturedNode>) -> Result<()> {
        self.recent.iter().filter_map(|entry| entry.change.tree()).try_for_each(|tree| {
            reached!("a checkpoint writes a removed subtree", tree.disk_form().is_none());
            tree.capture(capture)
        })
    }

    /// Moves the entries in memory to the tree of bytes. The trees that they hold are written.
    pub fn spill<E: Env>(&mut self, store: &Store<E>, private: &mut Deaths) -> Result<()> {
        if self.recent.is_empty() {
            return Ok(());
        }
        let mut encoded = Vec::new();
        let several = self.recent.len() > 1;
        let left_out = usize::from(several && mutant!("the oldest undo entry is not written"));
        self.recent.iter().skip(left_out).for_each(|entry| encode_entry(entry, &mut encoded));
        let end = self.spilled.len();
        reached!("a tall undo stack was spilled once more", self.spilled.height() > 1);
        store.trees().insert(&mut self.spilled, end, Rope::Bytes(encoded), private)?;
        self.recent.clear();
        self.unspilled = Unspilled::default();
        Ok(())
    }

    /// Lets go of the nodes in memory that are written.
    pub fn forget_written(&mut self) {
        self.spilled.forget_written();
        for tree in self.recent.iter_mut().filter_map(|entry| entry.change.tree_mut()) {
            tree.forget_written();
        }
    }

    /// All spilled entries, newest first, for the audit.
    pub fn read_spilled<E: Env>(&self, store: &Store<E>) -> Result<Vec<UndoEntry>> {
        let mut entries = Vec::new();
        let mut end = self.spilled.len();
        let mut expected = self.recent.first().map_or(self.top, |oldest| oldest.below);
        while end > 0 {
            let (start, entry) = self.read_entry(store, end, expected)?;
            (end, expected) = (start, entry.below);
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Takes the last spilled entry off the tree.
    fn fetch<E: Env>(&mut self, store: &Store<E>, private: &mut Deaths) -> Result<UndoEntry> {
        let end = self.spilled.len();
        let (start, entry) = self.read_entry(store, end, self.top)?;
        store.trees().discard(&mut self.spilled, start..end, private)?;
        Ok(entry)
    }

    /// The spilled entry that ends at `end`, and where it starts. Its LSN is known from the entry above it.
    fn read_entry<E: Env>(&self, store: &Store<E>, end: u64, lsn: Option<Lsn>) -> Result<(u64, UndoEntry)> {
        let malformed =
            |what: &str| Error::corruption(store.file.path(), 0, "a well-formed undo stack", what);
        if end < 4 {
            return Err(malformed("too few bytes"));
        }
        let length = store.trees().read_range(&self.spilled, end - 4..end)?;
        let length = u64::from(Reader::new(&length).u32().map_err(|e| malformed(e.0))?);
        let Some(start) = (end - 4).checked_sub(length) else {
            return Err(malformed("an impossible length"));
        };
        let bytes = store.trees().read_range(&self.spilled, start..end - 4)?;
        let entry = decode_entry(&bytes).map_err(|e| malformed(e.0))?;
        if Some(entry.lsn) != lsn {
            return Err(malformed("an entry out of order"));
        }
        Ok((start, entry))
    }
}
