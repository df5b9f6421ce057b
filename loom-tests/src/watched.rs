//! A number whose every access loom checks for races.

use loom::cell::UnsafeCell;

/// A number that nothing protects, with loom looking on: any two accesses of which one is a write must be ordered by
/// what the tasks did in between, or the model panics.
#[derive(Debug)]
pub struct Watched(UnsafeCell<u32>);

// SAFETY: it is shared to find out whether a latch orders its users. Loom runs one task at a time, so an access that
// the latch fails to order is reported, and is no data race of this program.
unsafe impl Sync for Watched {}

impl Watched {
    /// A number to watch.
    pub fn new(value: u32) -> Watched {
        Watched(UnsafeCell::new(value))
    }

    /// Reads it.
    pub fn get(&self) -> u32 {
        // SAFETY: loom runs one task at a time, and the reference ends within the call.
        self.0.with(|value| unsafe { *value })
    }

    /// Writes it.
    pub fn set(&self, to: u32) {
        // SAFETY: loom runs one task at a time, and the reference ends within the call.
        self.0.with_mut(|value| unsafe { *value = to });
    }

    /// Reads it, then writes one more: two accesses, so that a write in between gets lost.
    pub fn bump(&self) {
        self.set(self.get() + 1);
    }
}
