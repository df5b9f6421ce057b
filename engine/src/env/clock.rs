//! Time, as the engine sees it.

use std::time::Duration;

/// Time. Nothing else in the engine asks for it.
pub trait Clock: Send + Sync + 'static {
    /// Time since an arbitrary start; never goes back.
    fn monotonic(&self) -> Duration;
    /// Time since 1970-01-01 UTC; may jump in either direction, so only for people to read.
    fn wall(&self) -> Duration;
    /// Blocks the calling task until [`Clock::monotonic`] is at least `deadline`.
    #[track_caller]
    fn sleep_until(&self, deadline: Duration);
}
