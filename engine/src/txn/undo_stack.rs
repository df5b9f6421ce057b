//! A transaction's inverses, newest on top.
//!
//! The newest entries are in memory. A checkpoint *spills* them: they are encoded and appended to a tree of bytes of
//! their own, so that each checkpoint writes only what is new. An entry is encoded with its length behind it, so that
//! the stack can be read from the top.
//!
//! Invariant: all spilled entries lie below all entries in memory.

use crate::base::{Error, Lsn, Result, TxnId};
use crate::cache::{Deaths, NodeWriter};
use crate::catalog::Store;
use crate::env::Env;
use crate::format::record::{Body, Record, record_bytes};
use crate::format::wire::Reader;
use crate::tree::{Rope, Tree};

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

    /// The newest entry, fetched from disk if need be.
    pub fn peek<E: Env>(&mut self, store: &Store<E>, private: &mut Deaths) -> Result<Option<&UndoEntry>> {
        if self.recent.is_empty() && !self.spilled.is_empty() {
            let entry = self.fetch(store, private)?;
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

    /// Moves everything in memory to disk. Trees that entries hold are written first.
    pub fn spill<E: Env>(
        &mut self,
        store: &Store<E>,
        writer: &mut impl NodeWriter,
        private: &mut Deaths,
    ) -> Result<()> {
        if !self.recent.is_empty() {
            let mut encoded = Vec::new();
            for entry in &mut self.recent {
                if let Some(tree) = entry.change.tree_mut() {
                    store.trees().flush(tree, writer)?;
                }
                encode_entry(entry, &mut encoded);
            }
            let end = self.spilled.len();
            store.trees().insert(&mut self.spilled, end, Rope::Bytes(encoded), private)?;
            self.recent.clear();
            self.unspilled = Unspilled::default();
        }
        store.trees().flush(&mut self.spilled, writer)
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
