//! The one mutation path: normal running, redo and undo all come through [`Core::apply`].

use crate::base::{Error, Result, StreamId, TxnId};
use crate::catalog::{StreamRecord, shown};
use crate::env::Env;
use crate::format::stride::Stride;
use crate::tree::Tree;

use super::{Change, Core};

/// Streams are at most this long, so that offsets can be added without care.
pub(super) const MAX_STREAM_BYTES: u64 = i64::MAX as u64;

impl<E: Env> Core<E> {
    /// Applies `change` to the current state and returns its inverse, whose tree owns what was removed.
    ///
    /// With `txn`, what is uncommitted afterwards is covered first, and stays covered. After an error everything else is
    /// as it was, the blocks that died included. Logs nothing.
    pub fn apply(&mut self, txn: Option<TxnId>, change: Change) -> Result<Change> {
        let (stream, mark) = (change.stream(), self.deaths.mark());
        let was_changing = self.catalog.changing(stream).is_some();
        if let Some(txn) = txn {
            self.cover(txn, &change)?;
        }
        self.apply_covered(change).inspect_err(|_| {
            // The way to where it failed may be in memory already. If the maps still lead to it on disk, it goes back
            // there; if not, what is in memory is the only one, and equal.
            if !was_changing {
                self.catalog.forget_change(stream);
                self.deaths.forget_since(mark);
            }
        })
    }

    /// Applies a change that nobody can undo, and brings it into the maps. After an error everything is as it was.
    pub fn apply_and_settle(&mut self, change: Change) -> Result<Change> {
        let stream = change.stream();
        assert!(self.catalog.changing(stream).is_none(), "a stream that nobody owns is settled");
        let mark = self.deaths.mark();
        let settled = self.apply(None, change).and_then(|inverse| {
            self.catalog.settle(&self.store, stream, &mut self.deaths)?;
            Ok(inverse)
        });
        settled.inspect_err(|_| {
            reached!("a change that nobody could undo has failed");
            // The maps are as they were: they change in one step, the last.
            self.catalog.forget_change(stream);
            self.deaths.forget_since(mark);
        })
    }

    fn apply_covered(&mut self, change: Change) -> Result<Change> {
        match change {
            Change::Splice { stream, offset, delete_len, insert } => {
                let Core { store, catalog, deaths, .. } = self;
                let tree = existing(catalog.tree_mut(store, stream)?, stream)?;
                check_range(tree, offset, delete_len)?;
                if insert.len() > MAX_STREAM_BYTES - (tree.len() - delete_len) {
                    return Err(Error::TooLong);
                }
                let insert_len = insert.len();
                let removed = store.trees().splice(tree, offset, delete_len, insert, deaths)?;
                Ok(Change::Splice { stream, offset, delete_len: insert_len, insert: removed })
            }
            Change::StridedWrite { stream, stride, bytes } => {
                let Core { store, catalog, deaths, .. } = self;
                let tree = existing(catalog.tree_mut(store, stream)?, stream)?;
                check_stride(tree, &stride)?;
                if stride.bytes() != Some(bytes.len() as u64) {
                    return Err(Error::invalid(format!("{} bytes for {stride}", bytes.len())));
                }
                let bytes = store.trees().write_strided(tree, &stride, &bytes, deaths)?;
                Ok(Change::StridedWrite { stream, stride, bytes })
            }
            Change::StridedRemove { stream, stride } => {
                let Core { store, catalog, deaths, .. } = self;
                let tree = existing(catalog.tree_mut(store, stream)?, stream)?;
                check_stride(tree, &stride)?;
                let bytes = store.trees().remove_strided(tree, &stride, deaths)?;
                Ok(Change::StridedInsert { stream, stride, bytes })
            }
            Change::StridedInsert { stream, stride, bytes } => {
                let Core { store, catalog, deaths, .. } = self;
                let tree = existing(catalog.tree_mut(store, stream)?, stream)?;
                check_put_back(tree, &stride, bytes.len() as u64)?;
                store.trees().insert_strided(tree, &stride, &bytes, deaths)?;
                Ok(Change::StridedRemove { stream, stride })
            }
            Change::Add { .. } | Change::Take { .. } | Change::Rename { .. } => self.apply_to_names(change),
        }
    }

    fn apply_to_names(&mut self, change: Change) -> Result<Change> {
        let Core { store, catalog, deaths, .. } = self;
        match change {
            Change::Add { stream, name, tree } => {
                if catalog.find(store, &name)?.is_some() || catalog.stream(store, stream)?.is_some() {
                    return Err(Error::StreamExists { name: shown(&name) });
                }
                catalog.add(store, stream, StreamRecord { name, tree }, deaths)?;
                Ok(Change::Take { stream })
            }
            Change::Take { stream } => {
                let record = existing(catalog.take(store, stream, deaths)?, stream)?;
                Ok(Change::Add { stream, name: record.name, tree: record.tree })
            }
            Change::Rename { stream, to } => {
                let from = existing(catalog.stream(store, stream)?, stream)?.name;
                if catalog.find(store, &to)?.is_some() {
                    return Err(Error::StreamExists { name: shown(&to) });
                }
                catalog.rename(store, stream, &from, &to, deaths)?;
                Ok(Change::Rename { stream, to: from })
            }
            _ => unreachable!("invariant: the caller sends changes of names only"),
        }
    }

    /// Remembers the committed state of what `change` is about to change, unless that was done before.
    fn cover(&mut self, txn: TxnId, change: &Change) -> Result<()> {
        let stream = change.stream();
        let mut names = Vec::new();
        if !self.table.state(txn).changed_streams.contains(&stream) {
            if !self.overlay.join_writers(txn, stream) {
                let committed = self.catalog.stream(&self.store, stream)?;
                self.overlay.cover_stream(txn, stream, self.era, committed);
            }
            self.table.state(txn).changed_streams.insert(stream);
        }
        match change {
            Change::Add { name, .. } => names.push(name.clone()),
            Change::Rename { to, .. } => {
                if !mutant!("a new name is not covered") {
                    names.push(to.clone());
                }
                names.extend(self.catalog.stream(&self.store, stream)?.map(|record| record.name));
            }
            Change::Take { .. } => {
                names.extend(self.catalog.stream(&self.store, stream)?.map(|record| record.name));
            }
            _ => {}
        }
        for name in names {
            let committed = self.catalog.find(&self.store, &name)?;
            self.overlay.cover_name(&name, self.era, committed);
            self.table.state(txn).changed_names.insert(name);
        }
        Ok(())
    }
}

pub(super) fn existing<T>(found: Option<T>, stream: StreamId) -> Result<T> {
    found.ok_or_else(|| Error::NoSuchStream { name: format!("#{stream}") })
}

fn check_range(tree: &Tree, offset: u64, delete_len: u64) -> Result<()> {
    match offset.checked_add(delete_len) {
        Some(end) if end <= tree.len() => Ok(()),
        end => Err(Error::OutOfBounds { start: offset, end: end.unwrap_or(u64::MAX), len: tree.len() }),
    }
}

fn check_stride(tree: &Tree, stride: &Stride) -> Result<()> {
    stride.check()?;
    match stride.hull() {
        Some(hull) if hull.end <= tree.len() => Ok(()),
        hull => {
            let end = hull.map_or(u64::MAX, |hull| hull.end);
            Err(Error::OutOfBounds { start: stride.start, end, len: tree.len() })
        }
    }
}

/// That removed elements of `bytes` in all can go back to where `stride` says they were.
fn check_put_back(tree: &Tree, stride: &Stride, bytes: u64) -> Result<()> {
    stride.check()?;
    let end = stride.hull().map_or(u64::MAX, |hull| hull.end);
    let fits = stride.bytes() == Some(bytes) && end.checked_sub(bytes).is_some_and(|end| end <= tree.len());
    let grows = tree.len().checked_add(bytes).is_some_and(|len| len <= MAX_STREAM_BYTES);
    if fits && grows { Ok(()) } else { Err(Error::OutOfBounds { start: stride.start, end, len: tree.len() }) }
}
