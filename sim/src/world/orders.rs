//! Faults on order: each strikes later, unless its kind is switched off.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use super::World;
use super::faults::FaultKind;
use super::image::{PAGE, SECTOR};
use super::lag::ClockFault;
use super::state::{PLANNED_PANIC, WriteFault};

impl World {
    /// Lets `ios` more I/O calls through; the crash strikes in the one after them, which may be done in part, and
    /// every later call of this process fails. Afterwards drop the database and call [`World::kill`] or
    /// [`World::power_loss`].
    pub fn crash_after(&self, ios: u64) {
        self.shared.lock().budget = Some(ios);
    }

    /// As [`World::crash_after`], counted from the next write to any file that begins before byte `end`.
    pub fn crash_behind_write(&self, end: u64, ios: u64) {
        self.shared.lock().crash_behind_write = Some((end, ios));
    }

    /// Takes back every fault that was ordered and has not struck yet.
    pub fn disarm(&self) {
        let mut state = self.shared.lock();
        state.budget = None;
        state.syncs_until_failure = None;
        state.crash_behind_write = None;
        state.write_fault = None;
        state.name_fault = None;
        state.media.aim();
    }

    /// The sync after the next `syncs` ones fails once: each dirty sector of the file lasts or does not, and later
    /// syncs succeed without saying so.
    pub fn fail_sync_after(&self, syncs: u64) {
        let mut state = self.shared.lock();
        state.syncs_until_failure = (!state.without.has(FaultKind::SyncFailures)).then_some(syncs);
    }

    /// After the next `writes` ones, writes fail as `fault` says.
    pub fn fail_writes_after(&self, writes: u64, fault: WriteFault) {
        let mut state = self.shared.lock();
        let kind = match fault {
            WriteFault::Error => FaultKind::WriteFailures,
            WriteFault::Full => FaultKind::FullDisk,
            WriteFault::Panic | WriteFault::PanicInCall => FaultKind::Panics,
        };
        state.write_fault = (!state.without.has(kind)).then_some((writes, fault));
    }

    /// After the next `changes` ones, a change of names or a sync of a directory fails, once.
    pub fn fail_name_after(&self, changes: u64) {
        let mut state = self.shared.lock();
        state.name_fault = (!state.without.has(FaultKind::NameFailures)).then_some(changes);
    }

    /// Writes go through again, and what was bad is repaired.
    pub fn relieve(&self) {
        let mut state = self.shared.lock();
        state.write_fault = None;
        state.media.repair();
    }

    /// Does `call`; nothing if it panicked as it was ordered to.
    pub(crate) fn catching<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        self.shared.lock().in_call += 1;
        let done = catch_unwind(AssertUnwindSafe(call));
        self.shared.lock().in_call -= 1;
        match done {
            Ok(done) => Some(done),
            Err(panic) if panic.downcast_ref::<&str>() == Some(&PLANNED_PANIC) => None,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Whether a call will panic.
    pub(crate) fn is_to_panic(&self) -> bool {
        matches!(self.shared.lock().write_fault, Some((_, WriteFault::PanicInCall)))
    }

    /// Whether the disk is full, or about to be.
    pub fn is_full(&self) -> bool {
        matches!(self.shared.lock().write_fault, Some((_, WriteFault::Full)))
    }

    /// Makes this many of a thousand transfers short.
    pub fn short_transfers(&self, per_mille: u64) {
        let mut state = self.shared.lock();
        state.short_per_mille = if state.without.has(FaultKind::ShortTransfers) { 0 } else { per_mille };
    }

    /// Gives the disk an atomic unit of this many bytes: 512, or 4096 from there on.
    pub fn atomic_unit(&self, bytes: u64) {
        let mut state = self.shared.lock();
        let wide = bytes >= PAGE && !state.without.has(FaultKind::WideSectors);
        state.unit = if wide { PAGE / SECTOR } else { 1 };
    }

    /// Lets this many of a thousand I/O calls take up to many seconds.
    pub fn slow_ios(&self, per_mille: u64) {
        let mut state = self.shared.lock();
        state.lag.slow_per_mille = if state.without.has(FaultKind::SlowIo) { 0 } else { per_mille.min(1000) };
    }

    /// The one switch of every stream of faults: nothing fails any more, no transfer is short, no call slow and
    /// wall time stands still no longer, until [`World::rouse`].
    pub fn quiesce(&self) {
        self.disarm();
        let mut state = self.shared.lock();
        state.media.heal();
        state.lag.end_stall();
        state.quiet = true;
    }

    /// Faults strike again, if any are ordered.
    pub fn rouse(&self) {
        self.shared.lock().quiet = false;
    }

    /// Wall time departs from the time that passes.
    pub fn disturb_clock(&self, fault: ClockFault, by: Duration) {
        let mut state = self.shared.lock();
        if !state.without.has(FaultKind::ClockJumps) {
            state.lag.depart(fault, by, self.shared.tasks.now());
        }
    }
}
