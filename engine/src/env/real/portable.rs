//! The back end of std alone: short vectored transfers, no holes, no direct I/O, and a table of condition variables
//! in place of futexes.
//!
//! Invariants of the table:
//! 1. A waiter compares its word and goes to sleep under the lock of the word's slot.
//! 2. A waker takes that lock after the word has changed and before it wakes, so it finds every waiter that has
//!    seen the old value asleep.
//! 3. Words may share a slot: a wake-up reaches all sleepers of the slot, and those of other words take it for a
//!    spurious one. Waking only one could wake the wrong one.

#[cfg(any(unix, windows))]
mod positioned;
#[cfg(any(test, not(any(unix, windows))))]
#[cfg_attr(
    any(unix, windows),
    expect(dead_code, reason = "only its tests use it where offsets can be passed")
)]
mod seeking;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
#[expect(clippy::disallowed_types, reason = "the latches of the engine stand on this table")]
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[cfg(any(unix, windows))]
pub(super) use positioned::Transfers;
#[cfg(not(any(unix, windows)))]
pub(super) use seeking::Transfers;

/// Std has no way around the system's cache.
pub(super) fn open_direct(_file: &File) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Std cannot reserve space.
pub(super) fn allocate(_file: &File, _offset: u64, _len: u64) -> io::Result<bool> {
    Ok(false)
}

/// Std cannot give space back.
pub(super) fn punch(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Ok(())
}

/// Words that share sleepers' bookkeeping.
#[expect(clippy::disallowed_types, reason = "the latches of the engine stand on this table")]
struct Slot {
    lock: Mutex<()>,
    sleepers: Condvar,
}

const SLOT_BITS: u32 = 6;

#[expect(clippy::disallowed_types, reason = "the latches of the engine stand on this table")]
static SLOTS: [Slot; 1 << SLOT_BITS] =
    [const { Slot { lock: Mutex::new(()), sleepers: Condvar::new() } }; 1 << SLOT_BITS];

/// The slot of a word; words near one another get different ones.
fn slot_of(word: &AtomicU32) -> &'static Slot {
    let address = std::ptr::from_ref(word).addr() as u64;
    &SLOTS[(address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOT_BITS)) as usize]
}

/// Sleeps while `*word == expected`, at most for `timeout`.
pub(super) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let slot = slot_of(word);
    let held = slot.lock.lock().unwrap_or_else(PoisonError::into_inner);
    if word.load(Ordering::Relaxed) != expected {
        return;
    }
    // The lock guards nothing but the order of events, so a poisoned one is as good as any.
    match timeout {
        Some(timeout) => drop(slot.sleepers.wait_timeout(held, timeout)),
        None => drop(slot.sleepers.wait(held)),
    }
}

/// Wakes at least one sleeper of `word`.
pub(super) fn wake_one(word: &AtomicU32) {
    wake_all(word);
}

/// Wakes all sleepers of `word`.
pub(super) fn wake_all(word: &AtomicU32) {
    let slot = slot_of(word);
    drop(slot.lock.lock());
    slot.sleepers.notify_all();
}
