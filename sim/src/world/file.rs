//! A handle on a simulated file.

use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;

use numstore::env::{DiskFile, OpenMode};

use super::Shared;
use super::faults::FaultKind;
use super::image::SECTOR;
use super::inode::Change;
use super::ledger::Strike;
use super::persist::Persist;
use super::state::{Call, Gate, PLANNED_PANIC, Panics, State, crashed, is_log};
use super::trace::checksum;

/// What direct transfers must be aligned to.
const DIRECT_ALIGNMENT: usize = 4096;

/// An open file of one incarnation of the process; dead once that has crashed.
pub struct SimFile {
    pub(super) shared: Arc<Shared>,
    pub(super) incarnation: u64,
    pub(super) inode: u64,
    pub(super) handle: u64,
    pub(super) path: PathBuf,
    pub(super) mode: OpenMode,
    /// How its transfers go around the system's cache, if they do.
    pub(super) direct: Option<Direct>,
}

/// What a file system makes of direct transfers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direct {
    /// It does them.
    Works,
    /// It lets files be opened for them, and refuses them.
    Refused,
}

impl SimFile {
    /// Refuses what the system would refuse.
    fn check(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let align = self.alignment();
        let aligned = offset.is_multiple_of(align as u64) && buf.len().is_multiple_of(align);
        if !aligned || !(buf.as_ptr() as usize).is_multiple_of(align) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "misaligned direct transfer"));
        }
        Ok(())
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.mode.write {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is open for reading only"))
    }

    /// Says that the file system has no direct transfers, if this is one and it has none.
    fn check_direct(&self, state: &mut State) -> io::Result<()> {
        if self.direct == Some(Direct::Refused) {
            state.narrate(|| format!("  {} takes no direct transfers", self.path.display()));
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(())
    }

    /// How much of `len` bytes a transfer moves: now and then not all.
    fn transfer(&self, state: &mut State, len: usize) -> usize {
        let align = self.alignment();
        if len > align
            && state.short_per_mille > 0
            && !state.quiet
            && state.fault_dice.chance(state.short_per_mille, 1000)
        {
            state.strike(Strike::Short, &self.path);
            return state.fault_dice.between(1, (len / align) as u64) as usize * align;
        }
        len
    }

    /// Runs a change of length; a crash that strikes in it leaves it done or not done.
    fn resize(
        &self,
        call: Call,
        offset: u64,
        len: u64,
        change: impl Fn(u64) -> Option<Change>,
    ) -> io::Result<()> {
        self.check_writable()?;
        let mut state = self.shared.turn(call);
        let gate = state.enter(self.incarnation, call, &self.path, offset, len, 0)?;
        let end = if call == Call::SetLen { len } else { offset.saturating_add(len) };
        let grows = call != Call::Punch && end > state.inode(self.inode).visible.len();
        if gate == Gate::Go
            && grows
            && let Some(error) = state.refuse_write(&self.path, grows)
        {
            return Err(error);
        }
        if gate == Gate::Go || state.fault_dice.chance(1, 2) {
            let seq = state.fresh();
            let inode = state.inode(self.inode);
            if let Some(change) = change(inode.visible.len()) {
                inode.change(seq, change);
            }
        }
        if gate == Gate::Strike { Err(crashed()) } else { Ok(()) }
    }

    /// The sync fails: every dirty unit lasts or not, and no later sync will tell.
    fn fail_sync(&self, state: &mut State) -> io::Error {
        let seqs: Vec<u64> = state.inode(self.inode).pending.iter().map(|p| p.seq).collect();
        let mut plan = state.plan(Persist::Swarm, &seqs);
        let percent = state.odds.of(FaultKind::RevertedPages);
        let reverts = !state.without.has(FaultKind::RevertedPages) && state.disk_dice.weighted(percent);
        reached!("what a failed sync did not write is not seen any more", reverts && !seqs.is_empty());
        let inode = state.inodes.get_mut(&self.inode).expect("invariant: an open file lives");
        inode.failed_sync(self.inode, &mut plan, reverts, &mut state.disk_dice);
        state.counters.syncs_failed += 1;
        state.strike(Strike::Failed, &self.path);
        let is_log = is_log(&self.path);
        reached!("a sync of a log failed", is_log);
        let took_back = !is_log && reverts && !seqs.is_empty();
        reached!("a failed sync of the data file took writes back", took_back);
        state.syncs_until_failure = None;
        state.narrate(|| format!("  sync of {} fails", self.path.display()));
        io::Error::other("injected sync failure")
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.check(buf, offset)?;
        let mut state = self.shared.turn(Call::Read);
        let gate = state.enter(self.incarnation, Call::Read, &self.path, offset, buf.len() as u64, 0)?;
        if gate == Gate::Strike {
            return Err(crashed());
        }
        self.check_direct(&mut state)?;
        let end = offset + buf.len() as u64;
        if let Some(error) = state.refuse_bad(&self.path, offset..end, false) {
            return Err(error);
        }
        let want = self.transfer(&mut state, buf.len());
        let inode = state.inode(self.inode);
        let take = inode.visible.len().saturating_sub(offset).min(want as u64) as usize;
        inode.visible.read(offset, &mut buf[..take]);
        state.trace.bytes(&buf[..take]);
        Ok(take)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.check(buf, offset)?;
        self.check_writable()?;
        let mut state = self.shared.turn(Call::Write);
        let len = buf.len() as u64;
        let gate = state.enter(self.incarnation, Call::Write, &self.path, offset, len, checksum(buf))?;
        if gate == Gate::Go {
            self.check_direct(&mut state)?;
        }
        let grows = offset + len > state.inode(self.inode).visible.len();
        let refused = match gate {
            Gate::Strike => None,
            Gate::Go => {
                let full = state.refuse_write(&self.path, grows);
                full.or_else(|| state.refuse_bad(&self.path, offset..offset + len, true))
            }
        };
        let take = match (gate, &refused) {
            (Gate::Go, None) => self.transfer(&mut state, buf.len()),
            (Gate::Go, Some(_)) if grows => 0,
            _ => state.fault_dice.index(buf.len() + 1),
        };
        let whole_sectors = state.without.has(FaultKind::Tears);
        let take = if whole_sectors { take.next_multiple_of(SECTOR as usize).min(buf.len()) } else { take };
        if take > 0 {
            let visible = state.inode(self.inode).visible.len();
            let strays = gate == Gate::Go && refused.is_none();
            let offset = if strays { state.landing(&self.path, offset, visible) } else { offset };
            let seq = state.fresh();
            state.inode(self.inode).change(seq, Change::write(offset, &buf[..take]));
        }
        match refused {
            Some(error) if error.get_ref().is_some_and(|e| e.is::<Panics>()) => {
                drop(state);
                // No hook hears it: it is nobody's finding.
                resume_unwind(Box::new(PLANNED_PANIC))
            }
            Some(error) => Err(error),
            None if gate == Gate::Strike => Err(crashed()),
            None => Ok(take),
        }
    }

    fn read_vectored_at(&self, bufs: &mut [io::IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
            let moved = match self.read_at(buf, offset + done as u64) {
                Err(_) if done > 0 => return Ok(done),
                moved => moved?,
            };
            done += moved;
            if moved < buf.len() {
                break;
            }
        }
        Ok(done)
    }

    fn write_vectored_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        for buf in bufs.iter().filter(|buf| !buf.is_empty()) {
            let moved = match self.write_at(buf, offset + done as u64) {
                Err(_) if done > 0 => return Ok(done),
                moved => moved?,
            };
            done += moved;
            if moved < buf.len() {
                break;
            }
        }
        Ok(done)
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.shared.turn(Call::Len);
        match state.enter(self.incarnation, Call::Len, &self.path, 0, 0, 0)? {
            Gate::Go => Ok(state.inode(self.inode).visible.len()),
            Gate::Strike => Err(crashed()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.resize(Call::SetLen, 0, len, |_| Some(Change::SetLen(len)))
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        let end = offset + len;
        self.resize(Call::Allocate, offset, len, |now| (end > now).then_some(Change::SetLen(end)))
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        let clip = |now: u64| offset.min(now)..(offset + len).min(now);
        self.resize(Call::Punch, offset, len, |now| Some(Change::Punch(clip(now))))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.shared.turn(Call::Sync);
        let gate = state.enter(self.incarnation, Call::Sync, &self.path, 0, 0, 0)?;
        // A disk that lies says that all is well, also where a sync was to fail.
        if gate == Gate::Go && state.lies() {
            return Ok(());
        }
        if gate == Gate::Go {
            match &mut state.syncs_until_failure {
                Some(0) => return Err(self.fail_sync(&mut state)),
                Some(left) => *left -= 1,
                None => {}
            }
        }
        if gate == Gate::Go || state.fault_dice.chance(1, 2) {
            state.inode(self.inode).sync();
            state.counters.syncs += 1;
        }
        if gate == Gate::Strike { Err(crashed()) } else { Ok(()) }
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.shared.turn(Call::Lock);
        if state.enter(self.incarnation, Call::Lock, &self.path, 0, 0, 0)? == Gate::Strike {
            return Err(crashed());
        }
        let handle = self.handle;
        Ok(*state.inode(self.inode).lock.get_or_insert(handle) == handle)
    }

    fn alignment(&self) -> usize {
        if self.direct.is_some() { DIRECT_ALIGNMENT } else { 1 }
    }

    /// Works, fails, or works until it is used; as on a system that keeps its caches in step, all handles see the same.
    fn open_direct(&self) -> io::Result<SimFile> {
        let mut state = self.shared.turn(Call::Open);
        if state.enter(self.incarnation, Call::Open, &self.path, 0, 0, 0)? == Gate::Strike {
            return Err(crashed());
        }
        let percent = state.odds.of(FaultKind::NoDirectIo);
        let lacks = state.fault_dice.weighted(percent);
        let direct = match lacks && !state.quiet && !state.without.has(FaultKind::NoDirectIo) {
            true if state.fault_dice.chance(1, 2) => Direct::Refused,
            true => return Err(io::ErrorKind::Unsupported.into()),
            false => Direct::Works,
        };
        state.inode(self.inode).opens += 1;
        Ok(SimFile {
            shared: Arc::clone(&self.shared),
            incarnation: self.incarnation,
            inode: self.inode,
            handle: state.fresh(),
            path: self.path.clone(),
            mode: self.mode,
            direct: Some(direct),
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if self.incarnation != state.incarnation {
            return;
        }
        let handle = self.handle;
        let inode = state.inode(self.inode);
        inode.opens -= 1;
        if inode.lock == Some(handle) {
            inode.lock = None;
        }
        state.forget_unreachable();
    }
}
