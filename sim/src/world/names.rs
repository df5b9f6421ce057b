//! Names of files: creations, removals and renames that last only after their directory was synced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A change of the namespace since the last sync of its directory.
pub(crate) enum NameChange {
    Create { name: PathBuf, inode: u64 },
    Remove { name: PathBuf, inode: u64 },
    Rename { from: PathBuf, to: PathBuf, inode: u64 },
}

/// All names of the world.
#[derive(Default)]
pub(crate) struct Names {
    visible: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    /// What the disk said is durable, which it may have lied about.
    promised: BTreeMap<PathBuf, u64>,
    pending: Vec<(u64, NameChange)>,
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            NameChange::Create { name, inode } => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Remove { name, inode } => {
                if names.get(name) == Some(inode) {
                    names.remove(name);
                }
            }
            NameChange::Rename { from, to, inode } => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        match self {
            NameChange::Create { name, .. } | NameChange::Remove { name, .. } => name.parent() == Some(dir),
            NameChange::Rename { from, to, .. } => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

impl Names {
    pub(crate) fn get(&self, name: &Path) -> Option<u64> {
        self.visible.get(name).copied()
    }

    pub(crate) fn change(&mut self, seq: u64, change: NameChange) {
        change.apply(&mut self.visible);
        self.pending.push((seq, change));
    }

    /// Whether a power loss might take a name in `dir` that leads to a file now, and nobody was told that it could not. A
    /// removal that is undone costs nobody a file.
    pub(crate) fn are_at_stake(&self, dir: &Path) -> bool {
        let mut inside = self.visible.iter().filter(|(name, _)| name.parent() == Some(dir));
        inside.any(|(name, inode)| self.promised.get(name) != Some(inode))
    }

    pub(crate) fn list(&self, dir: &Path) -> Vec<String> {
        let inside = self.visible.keys().filter(|name| name.parent() == Some(dir));
        inside.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect()
    }

    /// Says that every name inside `dir` is durable.
    pub(crate) fn promise(&mut self, dir: &Path) {
        self.promised.retain(|name, _| name.parent() != Some(dir));
        let inside = self.visible.iter().filter(|(name, _)| name.parent() == Some(dir));
        self.promised.extend(inside.map(|(name, inode)| (name.clone(), *inode)));
    }

    /// Makes every change inside `dir` durable, and says so.
    pub(crate) fn sync_dir(&mut self, dir: &Path) {
        self.promise(dir);
        let (done, open) = std::mem::take(&mut self.pending).into_iter().partition(|(_, c)| c.is_in(dir));
        self.pending = open;
        let done: Vec<(u64, NameChange)> = done;
        for (_, change) in &done {
            change.apply(&mut self.durable);
        }
    }

    /// Makes those changes inside `dir` durable that `lasts` says; how many, and how many are still open there.
    pub(crate) fn sync_some(&mut self, dir: &Path, mut lasts: impl FnMut(u64) -> bool) -> (usize, usize) {
        let (mut done, mut open) = (0, 0);
        for (seq, change) in std::mem::take(&mut self.pending) {
            let inside = change.is_in(dir);
            if inside && lasts(seq) {
                change.apply(&mut self.durable);
                done += 1;
            } else {
                open += usize::from(inside);
                self.pending.push((seq, change));
            }
        }
        (done, open)
    }

    pub(super) fn durable(&self) -> &BTreeMap<PathBuf, u64> {
        &self.durable
    }

    pub(super) fn pending(&self) -> &[(u64, NameChange)] {
        &self.pending
    }

    pub(crate) fn pending_seqs(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().map(|(seq, _)| *seq)
    }

    /// The power fails: each pending change lasts if `keep` says so. Returns how many were kept and lost.
    pub(crate) fn power_loss(&mut self, mut keep: impl FnMut(u64) -> bool) -> (u64, u64) {
        let (mut kept, mut lost) = (0, 0);
        for (seq, change) in std::mem::take(&mut self.pending) {
            if keep(seq) {
                change.apply(&mut self.durable);
                kept += 1;
            } else {
                lost += 1;
            }
        }
        self.visible = self.durable.clone();
        self.promised = self.durable.clone();
        (kept, lost)
    }

    /// Whether any name, seen or durable, or any change still open, leads to the file.
    pub(crate) fn reaches(&self, inode: u64) -> bool {
        let named = |names: &BTreeMap<PathBuf, u64>| names.values().any(|&i| i == inode);
        named(&self.visible)
            || named(&self.durable)
            || self.pending.iter().any(|(_, change)| match change {
                NameChange::Create { inode: i, .. }
                | NameChange::Remove { inode: i, .. }
                | NameChange::Rename { inode: i, .. } => *i == inode,
            })
    }

    /// Every name that readers see, in order.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.visible.iter().map(|(name, &inode)| (name.as_path(), inode))
    }
}
