//! The system's own environment, on a disk that begins to refuse calls.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::delegating::{Call, DelegatingEnv, Hook};

/// Everything that takes space.
pub const SPACE: &[Call] = &[Call::Write, Call::Allocate, Call::SetLen];

/// The machine that the program runs on, with a disk that refuses some calls from some moment on.
pub type FailingEnv = DelegatingEnv<Refusals>;

/// Which calls are refused.
#[derive(Debug)]
pub struct Refusals {
    calls: &'static [Call],
    /// So many of them go through, and no more until the disk is mended.
    good: u64,
    kind: io::ErrorKind,
    seen: AtomicU64,
    refused: AtomicU64,
    mended: AtomicBool,
}

impl Hook for Refusals {
    fn enter(&self, call: Call) -> io::Result<()> {
        if !self.calls.contains(&call) || self.mended.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.seen.fetch_add(1, Ordering::AcqRel) < self.good {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::AcqRel);
        Err(self.kind.into())
    }
}

impl FailingEnv {
    /// Of `calls`, `good` go through; the others fail with `kind`.
    pub fn new(calls: &'static [Call], good: u64, kind: io::ErrorKind) -> FailingEnv {
        let (seen, refused, mended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        DelegatingEnv::with(Refusals { calls, good, kind, seen, refused, mended })
    }

    /// How many calls were refused.
    pub fn refused(&self) -> u64 {
        self.hook().refused.load(Ordering::Acquire)
    }

    /// Refuses nothing from now on.
    pub fn mend(&self) {
        self.hook().mended.store(true, Ordering::Release);
    }
}
