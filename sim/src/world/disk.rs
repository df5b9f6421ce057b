//! The simulated directory tree.

use std::io;
use std::path::Path;
use std::sync::Arc;

use numstore::env::{Disk, OpenMode};

use super::Shared;
use super::file::SimFile;
use super::inode::Inode;
use super::names::NameChange;
use super::state::{Call, Gate, State, crashed};

/// The disk, as one incarnation of the process sees it.
#[derive(Clone)]
pub struct SimDisk {
    pub(super) shared: Arc<Shared>,
    pub(super) incarnation: u64,
}

impl SimDisk {
    /// Runs a change of names; a crash that strikes in it leaves it done or not done.
    fn change(
        &self,
        call: Call,
        path: &Path,
        body: impl FnOnce(&mut State) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.shared.turn(call);
        let gate = state.enter(self.incarnation, call, path, 0, 0, 0)?;
        let changes = matches!(call, Call::Create | Call::Remove | Call::Rename | Call::SyncDir);
        if changes
            && gate == Gate::Go
            && let Some(error) = state.refuse_name(call, path)
        {
            return Err(error);
        }
        match gate {
            Gate::Go => body(&mut state),
            Gate::Strike => {
                if state.fault_dice.chance(1, 2) {
                    let _ = body(&mut state);
                }
                Err(crashed())
            }
        }
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<SimFile> {
        let mut id = 0;
        if mode.create_new {
            self.change(Call::Create, path, |state| {
                if state.names.get(path).is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                if let Some(error) = state.refuse_write(path, true) {
                    return Err(error);
                }
                id = state.fresh();
                state.inodes.insert(id, Inode::default());
                let seq = state.fresh();
                state.names.change(seq, NameChange::Create { name: path.to_owned(), inode: id });
                Ok(())
            })?;
        } else {
            self.change(Call::Open, path, |state| {
                id = state.find(path)?;
                Ok(())
            })?;
        }
        let handle = {
            let mut state = self.shared.lock();
            state.inode(id).opens += 1;
            state.fresh()
        };
        Ok(SimFile {
            shared: Arc::clone(&self.shared),
            incarnation: self.incarnation,
            inode: id,
            handle,
            path: path.to_owned(),
            mode,
            direct: None,
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, path, |state| {
            let inode = state.find(path)?;
            assert!(
                state.inode(inode).opens == 0,
                "contract: {} is removed while it is open",
                path.display()
            );
            let seq = state.fresh();
            state.names.change(seq, NameChange::Remove { name: path.to_owned(), inode });
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Rename, from, |state| {
            let inode = state.find(from)?;
            for path in [from, to] {
                let open = state.find(path).is_ok_and(|id| state.inode(id).opens > 0);
                assert!(!open, "contract: {} is renamed or replaced while it is open", path.display());
            }
            let seq = state.fresh();
            let change = NameChange::Rename { from: from.to_owned(), to: to.to_owned(), inode };
            state.names.change(seq, change);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.change(Call::List, dir, |state| {
            names = state.names.list(dir);
            Ok(())
        })?;
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Call::SyncDir, dir, |state| {
            if state.lies() {
                reached!("a sync of a directory made no name durable and said that it did");
                state.names.promise(dir);
                return Ok(());
            }
            state.names.sync_dir(dir);
            state.forget_unreachable();
            Ok(())
        })
    }
}
