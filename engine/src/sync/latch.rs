//! A latch of one word with three modes: shared, update, exclusive.
//!
//! | held \ asked | shared | update | exclusive |
//! |--------------|--------|--------|-----------|
//! | shared       | yes    | yes    | no        |
//! | update       | yes    | no     | no        |
//! | exclusive    | no     | no     | no        |
//!
//! An updater reads beside readers, sure that nobody else will change what it sees, until it upgrades to change it
//! itself. Nothing is poisoned: a guard dropped by a panic releases like any other.
//!
//! ```text
//!            update()                upgrade()                 last shared leaves
//!          ------------>           ------------>             --------------------->
//!   FREE                  UPDATE                  DRAINING                           EXCLUSIVE
//!   n >= 0                n >= 0                  n > 0                              n = 0
//!          <------------           <-----------------------------------------------
//!          drop, downgrade()                    downgrade_to_update()
//!
//!   FREE -- exclusive() --> DRAINING (EXCLUSIVE if n = 0, and so does upgrade())
//!   EXCLUSIVE -- drop, downgrade_to_shared() --> FREE
//!   downgrade() and downgrade_to_shared() add 1 to n; shared() adds 1 in FREE and UPDATE; drop of shared takes 1
//! ```
//!
//! The word: n = holders of shared in `SHARED`; tasks waiting for `UPDATE` in `WAITING`; the flags `UPDATE` (U, DRAIN
//! and X), `CLOSED` (DRAIN and X), `SHARED_PARKED` (tasks wait for `CLOSED` to go).
//!
//! Invariants:
//! 1. Who sets `UPDATE` owns it, alone, until it clears it; only the owner sets or clears `CLOSED`. `CLOSED` implies
//!    `UPDATE`.
//! 2. Shared is granted only while `CLOSED` is clear, so n never grows under `CLOSED`: a draining owner waits for
//!    those who were there before it, and is not starved.
//! 3. Exclusive is held by the owner while `CLOSED` is set and n = 0. Nothing else changes n or the data then.
//! 4. Every change of the word is a read-modify-write; those that release are `release`, those that grant are
//!    `acquire`, as is the load that sees n = 0. So a grant sees what all holders before it did, through however many
//!    changes of the word by others.
//! 5. A task sleeps only on a value of the word that refuses it, and that says that it waits: by the count `WAITING`
//!    (from before its first sleep until the grant), by `SHARED_PARKED`, or by `CLOSED` with n > 0 (the owner).
//! 6. Who clears `UPDATE` while `WAITING` > 0 wakes a task afterwards. If that reaches the wrong one, then somebody
//!    took `UPDATE` in between and will clear it again, or is about to wake all. Who clears `CLOSED` while `SHARED_PARKED` is set clears that
//!    too and wakes all. Who takes n to 0 under `CLOSED` wakes all: one wake-up could reach another than the owner.
//!    With 5, no sleeper is forgotten.
//!
//! Not promised: an order among writers, or that an owner in U keeps readers out for a writer that waits for it
//! (when U is released, the writer's grant closes the latch in the same step).
//!
//! Source of update mode: Gray and Reuter 1992, section 7.8.2 (there of locks).

use std::fmt;
use std::mem::ManuallyDrop;

use crate::env::{AtomicWord, Platform};

const SHARED_ONE: u32 = 1;
const SHARED: u32 = 0xffff;
const WAITING_ONE: u32 = 0x1_0000;
const WAITING: u32 = 0x1fff_0000;
const UPDATE: u32 = 0x2000_0000;
const CLOSED: u32 = 0x4000_0000;
const SHARED_PARKED: u32 = 0x8000_0000;
const _: () = assert!(SHARED ^ WAITING ^ UPDATE ^ CLOSED ^ SHARED_PARKED == u32::MAX);

/// A latch with shared, update and exclusive modes. See the module for the rules.
///
/// At most 65,535 guards may hold one latch in shared mode, and 8,191 tasks may wait for another mode at once; one
/// more panics.
pub struct Latch<P: Platform> {
    word: P::AtomicU32,
}

impl<P: Platform> Latch<P> {
    /// A latch that nobody holds.
    pub fn new() -> Latch<P> {
        Latch { word: P::AtomicU32::new(0) }
    }

    /// Waits for shared mode: beside other shared holders and an updater.
    #[track_caller]
    pub fn shared(&self) -> SharedGuard<'_, P> {
        if !self.spin(CLOSED, SHARED_ONE) {
            self.wait_shared();
        }
        SharedGuard::new(self)
    }

    /// Waits for update mode: beside shared holders, alone of its kind.
    #[track_caller]
    pub fn update(&self) -> UpdateGuard<'_, P> {
        if !self.spin(UPDATE, UPDATE) {
            self.wait_update(UPDATE);
        }
        UpdateGuard::new(self)
    }

    /// Waits for exclusive mode: alone.
    #[track_caller]
    pub fn exclusive(&self) -> ExclusiveGuard<'_, P> {
        if !self.spin(UPDATE, UPDATE | CLOSED) {
            self.wait_update(UPDATE | CLOSED);
        }
        // The guard first: should the platform end this task in its sleep, it releases.
        let guard = ExclusiveGuard::new(self);
        self.drain();
        guard
    }

    /// Shared mode, if it can be had at once.
    #[track_caller]
    pub fn try_shared(&self) -> Option<SharedGuard<'_, P>> {
        self.try_add(CLOSED, SHARED_ONE).then(|| SharedGuard::new(self))
    }

    /// Update mode, if it can be had at once.
    #[track_caller]
    pub fn try_update(&self) -> Option<UpdateGuard<'_, P>> {
        self.try_add(UPDATE, UPDATE).then(|| UpdateGuard::new(self))
    }

    /// Exclusive mode, if it can be had at once.
    #[track_caller]
    pub fn try_exclusive(&self) -> Option<ExclusiveGuard<'_, P>> {
        self.try_add(UPDATE | SHARED, UPDATE | CLOSED).then(|| ExclusiveGuard::new(self))
    }

    /// Adds `mode` to the word unless any bit of `refused_by` is set in it.
    #[track_caller]
    fn try_add(&self, refused_by: u32, mode: u32) -> bool {
        let mut state = self.word.load_relaxed();
        while state & refused_by == 0 {
            assert!(
                mode != SHARED_ONE || state & SHARED != SHARED,
                "invariant: shared holders fit their count"
            );
            match self.word.compare_exchange_weak_acquire(state, state + mode) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// As `try_add`, a bounded number of times.
    #[track_caller]
    fn spin(&self, refused_by: u32, mode: u32) -> bool {
        for _ in 0..P::SPINS {
            if self.try_add(refused_by, mode) {
                return true;
            }
            P::spin_hint();
        }
        for _ in 0..P::YIELDS {
            if self.try_add(refused_by, mode) {
                return true;
            }
            P::yield_hint();
        }
        self.try_add(refused_by, mode)
    }

    /// Sleeps until shared mode is granted.
    #[cold]
    #[track_caller]
    fn wait_shared(&self) {
        while !self.try_add(CLOSED, SHARED_ONE) {
            let state = self.word.load_relaxed();
            let parked = state | SHARED_PARKED;
            // Only ever set under CLOSED, whose owner will clear both.
            if state & CLOSED != 0
                && (state == parked || self.word.compare_exchange_weak_acquire(state, parked).is_ok())
            {
                P::wait(&self.word, parked, None);
            }
        }
    }

    /// Sleeps until `mode`, which includes `UPDATE`, is granted.
    #[cold]
    #[track_caller]
    fn wait_update(&self, mode: u32) {
        let mut state = self.word.load_relaxed();
        loop {
            assert!(state & WAITING != WAITING, "invariant: waiting tasks fit their count");
            match self.word.compare_exchange_weak_acquire(state, state + WAITING_ONE) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        loop {
            let state = self.word.load_relaxed();
            if state & UPDATE != 0 {
                P::wait(&self.word, state, None);
            } else if self.word.compare_exchange_weak_acquire(state, state - WAITING_ONE + mode).is_ok() {
                return;
            }
        }
    }

    /// Sleeps until no shared holder is left. For the owner of `CLOSED`.
    #[track_caller]
    fn drain(&self) {
        let mut spins = P::SPINS;
        loop {
            let state = self.word.load_acquire();
            debug_assert!(state & CLOSED != 0, "invariant: only the owner drains");
            if state & SHARED == 0 {
                return;
            }
            if spins > 0 {
                spins -= 1;
                P::spin_hint();
            } else {
                P::wait(&self.word, state, None);
            }
        }
    }

    /// Ends one shared hold.
    #[track_caller]
    fn release_shared(&self) {
        let before = self.word.fetch_sub_release(SHARED_ONE);
        assert!(before & SHARED != 0, "invariant: a shared guard is counted");
        if before & SHARED == SHARED_ONE && before & CLOSED != 0 {
            P::wake_all(&self.word);
        }
    }

    /// Exchanges what the owner holds, flags of the word, for a lesser mode, or for nothing.
    #[track_caller]
    fn release(&self, held: u32, kept: u32) {
        let mut state = self.word.load_relaxed();
        loop {
            assert!(state & held == held, "invariant: a guard's mode is in the word");
            let opens = held & CLOSED & !kept != 0;
            let mut next = state - held + kept;
            if opens {
                next &= !SHARED_PARKED;
            }
            match self.word.compare_exchange_weak_release(state, next) {
                Err(now) => state = now,
                Ok(_) if opens && state & SHARED_PARKED != 0 => return P::wake_all(&self.word),
                Ok(_) if kept & UPDATE == 0 && state & WAITING != 0 => return P::wake_one(&self.word),
                Ok(_) => return,
            }
        }
    }
}

impl<P: Platform> Default for Latch<P> {
    fn default() -> Latch<P> {
        Latch::new()
    }
}

impl<P: Platform> fmt::Debug for Latch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.word.load_relaxed();
        f.debug_struct("Latch")
            .field("shared", &(state & SHARED))
            .field("update", &(state & UPDATE != 0))
            .field("closed", &(state & CLOSED != 0))
            .field("waiting", &(state & WAITING != 0 || state & SHARED_PARKED != 0))
            .finish()
    }
}

/// Shared mode, until dropped.
#[must_use = "the latch is released when the guard is dropped"]
#[derive(Debug)]
pub struct SharedGuard<'a, P: Platform> {
    latch: &'a Latch<P>,
}

impl<'a, P: Platform> SharedGuard<'a, P> {
    #[inline]
    #[track_caller]
    fn new(latch: &'a Latch<P>) -> SharedGuard<'a, P> {
        P::granted(&latch.word, "shared");
        SharedGuard { latch }
    }
}

impl<P: Platform> Drop for SharedGuard<'_, P> {
    fn drop(&mut self) {
        P::released(&self.latch.word, "shared");
        self.latch.release_shared();
    }
}

/// Update mode, until dropped, upgraded or downgraded.
#[must_use = "the latch is released when the guard is dropped"]
#[derive(Debug)]
pub struct UpdateGuard<'a, P: Platform> {
    latch: &'a Latch<P>,
}

impl<'a, P: Platform> UpdateGuard<'a, P> {
    #[inline]
    #[track_caller]
    fn new(latch: &'a Latch<P>) -> UpdateGuard<'a, P> {
        P::granted(&latch.word, "update");
        UpdateGuard { latch }
    }

    /// The latch, for a guard of another mode.
    #[inline]
    fn into_latch(self) -> &'a Latch<P> {
        P::released(&self.latch.word, "update");
        ManuallyDrop::new(self).latch
    }

    /// Waits for the shared holders to leave, letting in no more of them. Nobody changes the data in between.
    #[track_caller]
    pub fn upgrade(self) -> ExclusiveGuard<'a, P> {
        let latch = self.into_latch();
        let before = latch.word.fetch_add_release(CLOSED);
        assert!(before & (UPDATE | CLOSED) == UPDATE, "invariant: an updater upgrades once");
        let guard = ExclusiveGuard::new(latch);
        latch.drain();
        guard
    }

    /// Exclusive mode if there are no shared holders, else the guard back.
    #[track_caller]
    pub fn try_upgrade(self) -> Result<ExclusiveGuard<'a, P>, UpdateGuard<'a, P>> {
        if self.latch.try_add(SHARED, CLOSED) {
            Ok(ExclusiveGuard::new(self.into_latch()))
        } else {
            Err(self)
        }
    }

    /// Keeps shared mode only. Does not wait, and nobody changes the data in between.
    #[track_caller]
    pub fn downgrade(self) -> SharedGuard<'a, P> {
        let latch = self.into_latch();
        latch.release(UPDATE, SHARED_ONE);
        SharedGuard::new(latch)
    }
}

impl<P: Platform> Drop for UpdateGuard<'_, P> {
    fn drop(&mut self) {
        P::released(&self.latch.word, "update");
        self.latch.release(UPDATE, 0);
    }
}

/// Exclusive mode, until dropped or downgraded.
#[must_use = "the latch is released when the guard is dropped"]
#[derive(Debug)]
pub struct ExclusiveGuard<'a, P: Platform> {
    latch: &'a Latch<P>,
}

impl<'a, P: Platform> ExclusiveGuard<'a, P> {
    #[inline]
    #[track_caller]
    fn new(latch: &'a Latch<P>) -> ExclusiveGuard<'a, P> {
        P::granted(&latch.word, "exclusive");
        ExclusiveGuard { latch }
    }

    /// The latch, for a guard of another mode.
    #[inline]
    fn into_latch(self) -> &'a Latch<P> {
        P::released(&self.latch.word, "exclusive");
        ManuallyDrop::new(self).latch
    }

    /// Keeps update mode only: lets shared holders in. Does not wait.
    #[track_caller]
    pub fn downgrade_to_update(self) -> UpdateGuard<'a, P> {
        let latch = self.into_latch();
        latch.release(UPDATE | CLOSED, UPDATE);
        UpdateGuard::new(latch)
    }

    /// Keeps shared mode only. Does not wait, and nobody changes the data in between.
    #[track_caller]
    pub fn downgrade_to_shared(self) -> SharedGuard<'a, P> {
        let latch = self.into_latch();
        latch.release(UPDATE | CLOSED, SHARED_ONE);
        SharedGuard::new(latch)
    }
}

impl<P: Platform> Drop for ExclusiveGuard<'_, P> {
    fn drop(&mut self) {
        P::released(&self.latch.word, "exclusive");
        self.latch.release(UPDATE | CLOSED, 0);
    }
}
