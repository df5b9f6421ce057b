//! A value behind a latch: what the engine has in place of mutexes.
//!
//! Invariants:
//! 1. A reference to the value exists only while a guard holds the latch: `&T` under shared, `&mut T` under exclusive.
//! 2. A reference does not outlive its guard, because it borrows from it.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{ExclusiveGuard, Latch, SharedGuard};
use crate::env::Platform;

/// A value that can be reached only through its latch.
///
/// A panic under a guard releases the latch and poisons nothing: whoever changes the value keeps it whole at each
/// step that can panic.
pub struct Latched<T, P: Platform> {
    latch: Latch<P>,
    value: UnsafeCell<T>,
}

// SAFETY: sharing a `Latched` gives other tasks `&T` (several at once, which needs `T: Sync`) and `&mut T` (one at a
// time, through which the value can be moved to that task, which needs `T: Send`). The latch keeps the two apart and
// orders them.
unsafe impl<T: Send + Sync, P: Platform> Sync for Latched<T, P> {}

impl<T, P: Platform> Latched<T, P> {
    /// Puts `value` behind a latch that nobody holds.
    pub fn new(value: T) -> Latched<T, P> {
        Latched { latch: Latch::new(), value: UnsafeCell::new(value) }
    }

    /// Waits until nobody else can reach the value, then gives it to change.
    #[track_caller]
    pub fn lock(&self) -> LatchedMut<'_, T, P> {
        LatchedMut { _guard: self.latch.exclusive(), value: &self.value }
    }

    /// The value to change, if nobody else holds it now.
    #[track_caller]
    pub fn try_lock(&self) -> Option<LatchedMut<'_, T, P>> {
        self.latch.try_exclusive().map(|guard| LatchedMut { _guard: guard, value: &self.value })
    }

    /// Waits until nobody can change the value, then gives it to read, beside other readers.
    #[track_caller]
    pub fn read(&self) -> LatchedRef<'_, T, P> {
        LatchedRef { _guard: self.latch.shared(), value: &self.value }
    }

    /// The value to read, if nobody changes it now or waits to.
    #[track_caller]
    pub fn try_read(&self) -> Option<LatchedRef<'_, T, P>> {
        self.latch.try_shared().map(|guard| LatchedRef { _guard: guard, value: &self.value })
    }

    /// The value, without the latch: an exclusive borrow is proof enough.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default, P: Platform> Default for Latched<T, P> {
    fn default() -> Latched<T, P> {
        Latched::new(T::default())
    }
}

impl<T: fmt::Debug, P: Platform> fmt::Debug for Latched<T, P> {
    /// Does not wait: a value that somebody changes shows as `<latched>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_read() {
            Some(value) => f.debug_tuple("Latched").field(&*value).finish(),
            None => f.debug_tuple("Latched").field(&format_args!("<latched>")).finish(),
        }
    }
}

/// The value of a [`Latched`], to read.
#[must_use = "the latch is released when the guard is dropped"]
pub struct LatchedRef<'a, T, P: Platform> {
    _guard: SharedGuard<'a, P>,
    value: &'a UnsafeCell<T>,
}

// SAFETY: a shared `LatchedRef` gives `&T` only, and holds the latch on behalf of no task in particular.
unsafe impl<T: Sync, P: Platform> Sync for LatchedRef<'_, T, P> {}

// SAFETY: a `LatchedRef` in another task gives that task `&T`; its latch may be released by any task.
unsafe impl<T: Sync, P: Platform> Send for LatchedRef<'_, T, P> {}

impl<T, P: Platform> Deref for LatchedRef<'_, T, P> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the latch in shared mode, so no `LatchedMut`, and by that no `&mut T`, exists while
        // it lives (invariants 1 and 2); the grant ordered us after the last of them.
        unsafe { &*self.value.get() }
    }
}

impl<T: fmt::Debug, P: Platform> fmt::Debug for LatchedRef<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The value of a [`Latched`], to change.
#[must_use = "the latch is released when the guard is dropped"]
pub struct LatchedMut<'a, T, P: Platform> {
    _guard: ExclusiveGuard<'a, P>,
    value: &'a UnsafeCell<T>,
}

// SAFETY: a shared `LatchedMut` gives `&T` only.
unsafe impl<T: Sync, P: Platform> Sync for LatchedMut<'_, T, P> {}

// SAFETY: a `LatchedMut` in another task gives that task `&mut T`, which needs `T: Send` and no more; its latch may be
// released by any task.
unsafe impl<T: Send, P: Platform> Send for LatchedMut<'_, T, P> {}

impl<T, P: Platform> Deref for LatchedMut<'_, T, P> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard holds the latch in exclusive mode, so no other guard exists while it lives (invariants 1
        // and 2), and `&self` keeps `deref_mut` of this one out.
        unsafe { &*self.value.get() }
    }
}

impl<T, P: Platform> DerefMut for LatchedMut<'_, T, P> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the latch in exclusive mode, so no other guard exists while it lives (invariants 1
        // and 2), and `&mut self` makes this the only reference of this one.
        unsafe { &mut *self.value.get() }
    }
}

impl<T: fmt::Debug, P: Platform> fmt::Debug for LatchedMut<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
