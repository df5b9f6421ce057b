//! The one shared world: files, names, faults, counters and the trace, behind one lock.
//!
//! 1. Every I/O call passes `State::enter` once: it is counted, traced, refused to the dead, and the crash that was
//!    ordered strikes there.
//! 2. A handle belongs to one incarnation of the process; once that has crashed, every call on it fails.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dice::{Concern, Dice};
use super::faults::{FaultKind, Without};
use super::inode::Inode;
use super::lag::Lag;
use super::ledger::{Line, Strike};
use super::media::Media;
use super::names::{NameChange, Names};
use super::odds::Odds;
use super::persist::{Persist, Plan, Strategy, Tears};
use super::power::Stale;
use super::tasks::{self, Tasks};
use super::trace::Trace;

/// What is done to a file or directory; part of the trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// A file is opened.
    Open = 1,
    /// A file is made.
    Create,
    /// A name is removed.
    Remove,
    /// A name is moved.
    Rename,
    /// The names in a directory are read.
    List,
    /// The names in a directory are made durable.
    SyncDir,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// The length of a file is read.
    Len,
    /// A file is cut, or grows with zeros.
    SetLen,
    /// Space is reserved.
    Allocate,
    /// Space is given back.
    Punch,
    /// The bytes of a file are made durable.
    Sync,
    /// A file is locked.
    Lock,
}

impl Call {
    /// What it is called where a task stands before it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Call::Open => "open",
            Call::Create => "create",
            Call::Remove => "remove",
            Call::Rename => "rename",
            Call::List => "list",
            Call::SyncDir => "sync of a directory",
            Call::Read => "read",
            Call::Write => "write",
            Call::Len => "length",
            Call::SetLen => "change of length",
            Call::Allocate => "allocate",
            Call::Punch => "punch",
            Call::Sync => "sync",
            Call::Lock => "lock of a file",
        }
    }
}

/// What has happened in a world so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorldCounters {
    /// I/O calls.
    pub ios: u64,
    /// Successful syncs of files.
    pub syncs: u64,
    /// Process kills.
    pub kills: u64,
    /// Power losses.
    pub power_losses: u64,
    /// Sectors whose fate a power loss decided.
    pub sectors_undecided: u64,
    /// Of those, how many lost their newest version.
    pub sectors_lost: u64,
    /// Sectors torn inside.
    pub sectors_torn: u64,
    /// Changes of names that a power loss undid.
    pub names_lost: u64,
    /// Syncs that were made to fail.
    pub syncs_failed: u64,
    /// Writes, creations and changes of length that were made to fail.
    pub writes_failed: u64,
    /// Of those, how many because the disk was full.
    pub refused_full: u64,
    /// Reads that were made to fail.
    pub reads_failed: u64,
    /// Changes of names and syncs of directories that were made to fail.
    pub names_failed: u64,
    /// Writes that landed elsewhere.
    pub misdirected: u64,
    /// Of those, how many in a log.
    pub misdirected_logs: u64,
    /// Syncs that made nothing durable and said that they did.
    pub lies: u64,
}

impl WorldCounters {
    /// Calls that were made to fail, but for syncs of files.
    pub fn calls_failed(&self) -> u64 {
        self.writes_failed + self.reads_failed + self.names_failed
    }
}

/// How the disk refuses to take more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteFault {
    /// One write fails, perhaps after a part of it was done.
    Error,
    /// The disk is full: no file grows and none is created, until [`World::relieve`](super::World::relieve).
    Full,
    /// One write of a task of the engine's own does not come back: the task panics, perhaps after a part was done.
    Panic,
    /// The same of a call that `World::catching` is around.
    PanicInCall,
}

/// What such a task or call panics with.
pub(crate) const PLANNED_PANIC: &str = "a planned panic";

/// What stands for a write that panics, on its way out of the disk.
#[derive(Debug)]
pub(crate) struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLANNED_PANIC)
    }
}

impl std::error::Error for Panics {}

/// Whether an I/O call goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It does.
    Go,
    /// The crash strikes in the middle of it; afterwards it reports [`crashed`].
    Strike,
}

/// Called with a line for every event worth telling.
pub(crate) type Narrator = Box<dyn FnMut(&str) + Send>;

pub(crate) struct State {
    pub(crate) incarnation: u64,
    pub(crate) dead: bool,
    pub(crate) budget: Option<u64>,
    pub(crate) io_limit: u64,
    pub(crate) names: Names,
    pub(crate) inodes: BTreeMap<u64, Inode>,
    pub(crate) disk_dice: Dice,
    pub(crate) fault_dice: Dice,
    pub(crate) clock_dice: Dice,
    pub(crate) identity_dice: Dice,
    pub(crate) stale: Stale,
    pub(crate) trace: Trace,
    pub(crate) counters: WorldCounters,
    pub(crate) short_per_mille: u64,
    /// Sectors in the disk's atomic unit.
    pub(crate) unit: u64,
    pub(crate) lag: Lag,
    pub(crate) media: Media,
    pub(crate) syncs_until_failure: Option<u64>,
    /// A crash strikes so many calls after the next write that begins before so many bytes.
    pub(crate) crash_behind_write: Option<(u64, u64)>,
    /// The fault, and how many writes go through before it.
    pub(crate) write_fault: Option<(u64, WriteFault)>,
    /// How many changes of names go through before one fails.
    pub(crate) name_fault: Option<u64>,
    /// A call is under way whose panic is caught.
    pub(crate) in_call: u64,
    /// No fault strikes.
    pub(crate) quiet: bool,
    /// The call that was entered last: where, and how many bytes.
    pub(crate) entered: (Call, u64, u64),
    /// What struck the living process, and what it said.
    pub(crate) ledger: Vec<Line>,
    /// Kinds of faults that do not occur.
    pub(crate) without: Without,
    /// How often those strike that nobody orders.
    pub(crate) odds: Odds,
    pub(crate) narrator: Option<Narrator>,
    pub(crate) narrate_io: bool,
    tasks: Arc<Tasks>,
    next: u64,
}

/// The error of every call after a crash.
pub(crate) fn crashed() -> io::Error {
    // Of no kind that a disk reports: nobody outlives it.
    io::Error::new(io::ErrorKind::ConnectionAborted, "crashed")
}

impl State {
    pub(crate) fn new(seed: u64, tasks: Arc<Tasks>) -> State {
        State {
            incarnation: 1,
            dead: false,
            budget: None,
            io_limit: u64::MAX,
            names: Names::default(),
            inodes: BTreeMap::new(),
            disk_dice: Dice::new(seed, Concern::Disk),
            fault_dice: Dice::new(seed, Concern::Faults),
            clock_dice: Dice::new(seed, Concern::Clock),
            identity_dice: Dice::new(seed, Concern::Identity),
            stale: Stale::default(),
            trace: Trace::new(),
            counters: WorldCounters::default(),
            short_per_mille: 0,
            unit: 1,
            lag: Lag::default(),
            media: Media::default(),
            syncs_until_failure: None,
            crash_behind_write: None,
            write_fault: None,
            name_fault: None,
            in_call: 0,
            quiet: false,
            entered: (Call::Open, 0, 0),
            ledger: Vec::new(),
            without: Without::default(),
            odds: Odds::default(),
            narrator: None,
            narrate_io: false,
            tasks,
            next: 1,
        }
    }

    /// A number never given before: ids of files and handles, places in the order of changes.
    pub(crate) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn narrate(&mut self, line: impl FnOnce() -> String) {
        if let Some(narrator) = &mut self.narrator {
            narrator(&line());
        }
    }

    /// Whether the process of `incarnation` can still do anything.
    pub(crate) fn lives(&self, incarnation: u64) -> bool {
        incarnation == self.incarnation && !self.dead
    }

    /// The entrance of every I/O call; `sum` stands for the data that goes out.
    pub(crate) fn enter(
        &mut self,
        incarnation: u64,
        call: Call,
        path: &Path,
        offset: u64,
        len: u64,
        sum: u64,
    ) -> io::Result<Gate> {
        if !self.lives(incarnation) {
            return Err(crashed());
        }
        self.counters.ios += 1;
        tasks::enters_disk();
        self.entered = (call, offset, len);
        assert!(self.counters.ios <= self.io_limit, "hang: {} I/O calls, more than allowed", self.io_limit);
        let delay = if self.quiet {
            Lag::default().draw(&mut self.clock_dice)
        } else {
            self.lag.draw(&mut self.clock_dice)
        };
        self.tasks.pass_time(delay);
        let name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        self.trace.word(call as u64);
        self.trace.bytes(name);
        self.trace.word(offset);
        self.trace.word(len);
        self.trace.word(sum);
        if self.narrate_io {
            self.narrate(|| format!("    io {call:?} {} @{offset} +{len}", path.display()));
        }
        let ordered = self.crash_behind_write.filter(|(end, _)| call == Call::Write && offset < *end);
        if let (None, Some((_, ios))) = (self.budget, ordered) {
            self.budget = Some(ios + 1);
            self.crash_behind_write = None;
        }
        match &mut self.budget {
            Some(0) => {
                note_struck(call, path, offset);
                self.die();
                self.narrate(|| {
                    format!("  crash strikes at {call:?} of {} @{offset} +{len}", path.display())
                });
                Ok(Gate::Strike)
            }
            Some(left) => {
                *left -= 1;
                Ok(Gate::Go)
            }
            None => Ok(Gate::Go),
        }
    }

    /// Whether a write to `path` is to fail; `grows` says that it needs more space.
    pub(crate) fn refuse_write(&mut self, path: &Path, grows: bool) -> Option<io::Error> {
        let (left, fault) = self.write_fault.as_mut()?;
        let strikes = match *fault {
            WriteFault::Panic => self.entered.0 == Call::Write && tasks::is_beside(),
            WriteFault::PanicInCall => {
                self.entered.0 == Call::Write && self.in_call > 0 && !tasks::is_beside()
            }
            WriteFault::Error | WriteFault::Full => true,
        };
        if !strikes {
            return None;
        }
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let error = match *fault {
            WriteFault::Full if !grows => return None,
            WriteFault::Full => io::ErrorKind::StorageFull.into(),
            WriteFault::Error => {
                self.write_fault = None;
                io::Error::other("injected write failure")
            }
            WriteFault::Panic | WriteFault::PanicInCall => {
                self.write_fault = None;
                io::Error::other(Panics)
            }
        };
        self.counters.writes_failed += 1;
        let full = error.kind() == io::ErrorKind::StorageFull;
        self.counters.refused_full += u64::from(full);
        let panics = error.get_ref().is_some_and(|e| e.is::<Panics>());
        let failed = !full && !panics;
        self.strike(
            if full {
                Strike::Full
            } else if panics {
                Strike::Panicked
            } else {
                Strike::Failed
            },
            path,
        );
        reached!("the disk was too full for the data file", full && is_data(path));
        reached!("the disk was too full for the log", full && !is_data(path));
        reached!("a write of the data file failed", failed && is_data(path));
        reached!("a write of the log failed", failed && !is_data(path));
        let beside = tasks::is_beside();
        reached!("the background task panicked while it wrote to the data file", {
            panics && beside && is_data(path)
        });
        reached!(
            "the background task panicked while it wrote to the log",
            panics && beside && !is_data(path)
        );
        reached!("a call panicked while it wrote to the data file", panics && !beside && is_data(path));
        reached!("a call panicked while it wrote to the log", panics && !beside && !is_data(path));
        self.narrate(|| format!("  a write to {} fails: {error}", path.display()));
        Some(error)
    }

    /// Whether a change of names, or a sync of them, is to fail. Nothing of a change happens; of a sync a part may. Both may
    /// be tried again: a file system that cannot write its names keeps what it owes, or takes nothing more.
    pub(crate) fn refuse_name(&mut self, call: Call, path: &Path) -> Option<io::Error> {
        match self.name_fault.as_mut()? {
            0 => self.name_fault = None,
            left => {
                *left -= 1;
                return None;
            }
        }
        self.counters.names_failed += 1;
        self.strike(Strike::Failed, path);
        if call == Call::SyncDir {
            let dice = &mut self.disk_dice;
            let (lasting, open) = self.names.sync_some(path, |_| dice.chance(1, 2));
            reached!(
                "a failed sync of a directory made one name durable and not another",
                lasting > 0 && open > 0
            );
        }
        reached!("a file could not be created", call == Call::Create);
        reached!("a file could not be removed", call == Call::Remove);
        reached!("a file could not be renamed", call == Call::Rename);
        reached!("a sync of a directory failed", call == Call::SyncDir);
        self.narrate(|| format!("  {} of {} fails", call.word(), path.display()));
        Some(io::Error::other("injected failure of a name"))
    }

    /// The process ends here and now.
    pub(crate) fn die(&mut self) {
        self.dead = true;
        self.budget = None;
        self.trace.word(0xdead);
    }

    /// The locks of the dead are gone; a new process may start.
    pub(crate) fn next_incarnation(&mut self) {
        self.incarnation += 1;
        self.dead = false;
        self.budget = None;
        self.syncs_until_failure = None;
        self.crash_behind_write = None;
        self.write_fault = None;
        self.name_fault = None;
        self.ledger.clear();
        for inode in self.inodes.values_mut() {
            inode.lock = None;
            inode.opens = 0;
        }
        self.forget_unreachable();
    }

    /// What lasts of the pending changes at these places.
    pub(crate) fn plan(&mut self, persist: Persist, seqs: &[u64]) -> Plan {
        let mut plan = Plan::draw(persist, seqs, &self.odds, &mut self.disk_dice);
        plan.unit = self.unit;
        if self.without.has(FaultKind::Tears) {
            plan.tears = Tears::Few(0);
        }
        if self.without.has(FaultKind::LostLengths) {
            plan.lengths = Strategy::All;
        }
        plan.stale &= !self.without.has(FaultKind::StaleGaps);
        plan
    }

    /// The power fails: the fate of everything pending is decided.
    pub(crate) fn power_loss(&mut self, persist: Persist) {
        let mut seqs: Vec<u64> = self.names.pending_seqs().collect();
        seqs.extend(self.inodes.values().flat_map(|inode| inode.pending.iter().map(|p| p.seq)));
        seqs.sort_unstable();
        let mut plan = self.plan(persist, &seqs);
        let before = self.counters;
        for (&id, inode) in &mut self.inodes {
            let damage = inode.power_loss(id, &mut plan, &self.stale, &mut self.disk_dice);
            self.counters.sectors_undecided += damage.undecided;
            self.counters.sectors_lost += damage.lost;
            self.counters.sectors_torn += damage.torn;
        }
        let dice = &mut self.disk_dice;
        let names_last = self.without.has(FaultKind::NameLoss);
        let (kept, lost) = self.names.power_loss(|seq| names_last || plan.names.keeps(seq, dice));
        self.counters.names_lost += lost;
        self.counters.power_losses += 1;
        self.media.lose_power();
        let now = self.counters;
        let (undecided, last) =
            (now.sectors_undecided > before.sectors_undecided, now.sectors_lost == before.sectors_lost);
        reached!("a power loss lost a name", lost > 0);
        reached!("a power loss kept one name and lost another", lost > 0 && kept > 0);
        reached!("a power loss tore nothing but names", lost > 0 && undecided && last);
        for word in [now.sectors_undecided, now.sectors_lost, now.sectors_torn, kept, lost] {
            self.trace.word(word);
        }
        self.narrate(|| {
            format!(
                "  power loss, data {:?}, lengths {:?}, names {:?}: {} of {} sectors lost, {} torn, {kept} names kept, {lost} lost",
                plan.data,
                plan.lengths,
                plan.names,
                now.sectors_lost - before.sectors_lost,
                now.sectors_undecided - before.sectors_undecided,
                now.sectors_torn - before.sectors_torn,
            )
        });
    }

    /// The file that `path` names.
    pub(crate) fn find(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The file that `path` names, made with a durable name if it is not there.
    pub(crate) fn find_or_create(&mut self, path: &Path) -> u64 {
        if let Some(id) = self.names.get(path) {
            return id;
        }
        let (id, seq) = (self.fresh(), self.fresh());
        self.inodes.insert(id, Inode::default());
        self.names.change(seq, NameChange::Create { name: path.to_owned(), inode: id });
        self.names.sync_dir(path.parent().unwrap_or(Path::new("")));
        id
    }

    pub(crate) fn inode(&mut self, id: u64) -> &mut Inode {
        self.inodes.get_mut(&id).expect("invariant: a file lives while it is open or named")
    }

    /// Drops files that neither a name nor a handle leads to; their bytes may show up in gaps later.
    pub(crate) fn forget_unreachable(&mut self) {
        let names = &self.names;
        let dead: Vec<u64> = self
            .inodes
            .iter()
            .filter(|(id, inode)| inode.opens == 0 && !names.reaches(**id))
            .map(|(id, _)| *id)
            .collect();
        for id in dead {
            if let Some(inode) = self.inodes.remove(&id) {
                self.stale.collect(inode.visible);
            }
        }
    }

    /// Every file that can be seen: its name and length.
    pub(crate) fn files(&self) -> Vec<(PathBuf, u64)> {
        let len = |id| self.inodes.get(&id).map_or(0, |inode| inode.visible.len());
        self.names.visible().map(|(name, id)| (name.to_owned(), len(id))).collect()
    }
}

/// Whether `path` is the data file and no log.
pub(crate) fn is_data(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ns")
}

/// Whether `path` is a log.
pub(crate) fn is_log(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("-log-"))
}

/// Notes the rarer calls that a crash strikes.
fn note_struck(call: Call, path: &Path, offset: u64) {
    let slot = |slot: u64| call == Call::Write && is_data(path) && offset == slot * 4096;
    reached!("a crash struck the writing of slot 0", slot(0));
    reached!("a crash struck the writing of slot 1", slot(1));
    reached!("a crash struck the creation of a file", call == Call::Create);
    reached!("a crash struck the removal of a file", call == Call::Remove);
    reached!("a crash struck a rename", call == Call::Rename);
    reached!("a crash struck a sync of a directory", call == Call::SyncDir);
    reached!("a crash struck the growth of a log", call == Call::Allocate && offset > 4096);
}
