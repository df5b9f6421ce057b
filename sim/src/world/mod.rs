//! The simulated world: a disk that loses what was not synced, virtual time, tasks that run one at a time.
//!
//! A [`World`] outlives the crashes in it. [`World::env`] gives the environment of the process that lives now; after
//! [`World::kill`] or [`World::power_loss`] every handle of that process is dead and `env` gives the next one.
//! Everything is decided by the seed: the same seed and the same calls give the same [`World::trace_hash`].

mod clock;
mod dice;
mod disk;
mod env;
mod fate;
mod faults;
mod file;
mod forged;
mod image;
mod inode;
mod lag;
mod ledger;
mod media;
mod names;
mod odds;
mod orders;
mod persist;
mod platform;
mod power;
mod schedule;
mod scheduler;
mod state;
mod tasks;
mod trace;
mod turns;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;

pub use clock::SimClock;
pub use dice::{Concern, Dice, Draw, Source, mix};
pub use disk::SimDisk;
pub use env::SimEnv;
pub use fate::{Fate, Platter, Torn, Undecided};
pub use faults::{FaultKind, Without};
pub use file::SimFile;
pub use forged::{FORGED_LEAF_BYTES, forged_blocks};
pub use lag::ClockFault;
pub use ledger::{Line, Reported, Strike, Struck};
pub use media::BadPart;
pub use odds::Odds;
pub use persist::Persist;
pub use platform::{SimPlatform, SimWord};
pub use schedule::{Bounds, Explored, explore};
pub use scheduler::{SimScheduler, SimTask};
pub use state::{Call, WorldCounters, WriteFault};
pub use tasks::{ReadCounters, Schedule};
pub use trace::{Trace, checksum};
pub use turns::{Choices, Draws};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use state::State;
use tasks::Tasks;

/// What all parts of a world share.
pub(crate) struct Shared {
    state: Mutex<State>,
    tasks: Arc<Tasks>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As `lock`, for an I/O call, once it is the calling task's turn.
    fn turn(&self, call: Call) -> MutexGuard<'_, State> {
        tasks::yield_point(call.word(), None);
        self.lock()
    }
}

/// A handle on a simulated world, from outside: it sees through crashes and causes them.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
}

impl World {
    /// An empty world. The calling thread becomes its first task.
    pub fn new(seed: u64) -> World {
        World::with_schedule(seed, Schedule::Swarm)
    }

    /// As [`World::new`], with a given way to choose among tasks.
    pub fn with_schedule(seed: u64, schedule: Schedule) -> World {
        let tasks = Tasks::new(seed, schedule);
        let state = Mutex::new(State::new(seed, Arc::clone(&tasks)));
        World { shared: Arc::new(Shared { state, tasks }) }
    }

    /// The environment of the process that lives now.
    pub fn env(&self) -> SimEnv {
        SimEnv::new(Arc::clone(&self.shared))
    }

    /// Whether the process is dead: an ordered crash has struck, and no new process has been started.
    pub fn crashed(&self) -> bool {
        self.shared.lock().dead
    }

    /// Every call of the living process fails from now on, between two I/O calls.
    pub fn stop(&self) {
        let mut state = self.shared.lock();
        if !state.dead {
            state.die();
        }
    }

    /// The process dies and the system lives: what was written stays visible, and still is not durable.
    pub fn kill(&self) {
        let mut state = self.shared.lock();
        state.trace.word(0x6b69_6c6c);
        state.counters.kills += 1;
        state.narrate(|| "  process killed".to_owned());
        state.next_incarnation();
    }

    /// The power fails: of everything that no sync covered, `persist` decides what lasts.
    pub fn power_loss(&self, persist: Persist) {
        let mut state = self.shared.lock();
        state.die();
        state.power_loss(persist);
        state.next_incarnation();
    }

    /// Switches kinds of faults off, whoever orders them.
    pub fn switch_off(&self, without: Without) {
        self.shared.lock().without = without;
    }

    /// Kinds of faults that are switched off.
    pub fn switched_off(&self) -> Without {
        self.shared.lock().without
    }

    /// Faults that nobody orders strike as often as these say.
    pub fn set_odds(&self, odds: Odds) {
        self.shared.lock().odds = odds;
    }

    /// A run that makes more I/O calls than this panics: it hangs.
    pub fn limit_ios(&self, ios: u64) {
        self.shared.lock().io_limit = ios;
    }

    /// Whether faults of this kind occur.
    pub fn lets(&self, kind: FaultKind) -> bool {
        !self.shared.lock().without.has(kind)
    }

    /// Calls `narrator` with a line for each crash and, if `io`, for each I/O call.
    pub fn narrate_to(&self, io: bool, narrator: impl FnMut(&str) + Send + 'static) {
        let mut state = self.shared.lock();
        state.narrator = Some(Box::new(narrator));
        state.narrate_io = io;
    }

    /// Tells the narrator something, and puts it into the trace.
    pub fn note(&self, line: &str) {
        let mut state = self.shared.lock();
        state.trace.bytes(line.as_bytes());
        state.narrate(|| line.to_owned());
    }

    /// Whether anybody listens to the narration.
    pub fn narrates(&self) -> bool {
        self.shared.lock().narrator.is_some()
    }

    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        self.shared.tasks.now()
    }

    /// Whether wall time stands still.
    pub fn is_wall_stalled(&self) -> bool {
        let now = self.elapsed();
        self.shared.lock().lag.is_stalled(now)
    }

    /// What has happened so far.
    pub fn counters(&self) -> WorldCounters {
        self.shared.lock().counters
    }

    /// The hash of everything that has happened so far.
    pub fn trace_hash(&self) -> u64 {
        let mut trace = self.shared.lock().trace;
        trace.word(self.shared.tasks.order());
        trace.value()
    }

    /// Every visible file and its length.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        self.shared.lock().files()
    }

    /// The bytes of a file as readers see them, around the engine.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if no file has that name.
    pub fn read_file(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let mut state = self.shared.lock();
        let id = state.find(path.as_ref())?;
        let visible = &state.inode(id).visible;
        let mut bytes = vec![0; visible.len() as usize];
        visible.read(0, &mut bytes);
        Ok(bytes)
    }

    /// Puts `bytes` into a file, durably and around the engine: rot, or a file made by hand. A missing file is
    /// created with its name durable.
    pub fn overwrite(&self, path: impl AsRef<Path>, offset: u64, bytes: &[u8]) {
        let mut state = self.shared.lock();
        let id = state.find_or_create(path.as_ref());
        let inode = state.inode(id);
        inode.visible.write(offset, bytes);
        inode.durable.write(offset, bytes);
    }

    /// Flips one bit of a file, durably and around the engine. Doing it again takes it back.
    pub fn flip(&self, path: impl AsRef<Path>, offset: u64, bit: u8) {
        let mut state = self.shared.lock();
        let id = state.find_or_create(path.as_ref());
        let inode = state.inode(id);
        for image in [&mut inode.visible, &mut inode.durable] {
            let mut byte = [0];
            image.read(offset, &mut byte);
            image.write(offset, &[byte[0] ^ (1 << (bit % 8))]);
        }
    }

    /// Cuts a file to `len` bytes, durably and around the engine.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if no file has that name.
    pub fn cut_file(&self, path: impl AsRef<Path>, len: u64) -> io::Result<()> {
        let mut state = self.shared.lock();
        let id = state.find(path.as_ref())?;
        let inode = state.inode(id);
        inode.visible.set_len(len);
        inode.durable.set_len(len);
        Ok(())
    }
}
