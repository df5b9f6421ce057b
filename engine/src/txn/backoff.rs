//! When a checkpoint that a full disk has refused is worth another try.
//!
//! A refusal costs a walk over everything that is dirty. So the background task is not called again before a pause is over,
//! which grows from one refusal to the next; and a call that finds the disk full does not ask for the same checkpoint of the
//! same state once more meanwhile. Whoever asks for a checkpoint itself gets a try at once.

use std::time::Duration;

use crate::base::{Era, Lsn};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What is known of the last checkpoint that was refused, if none was taken since.
#[derive(Default, Debug)]
pub struct Backoff(Option<Refusal>);

#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// The end of the log at the time.
    at: Lsn,
    /// The oldest that readers kept from being used again.
    pin: Era,
    pause: Duration,
    /// When the pause is over.
    until: Duration,
}

impl Backoff {
    /// A checkpoint of the state at `at`, of which readers pinned `pin`, was refused `now`. A pause that is not over gets no longer.
    pub fn refuse(&mut self, at: Lsn, pin: Era, now: Duration) {
        let (pause, until) = match self.0 {
            Some(last) if now < last.until => (last.pause, last.until),
            last => {
                let pause = last.map_or(FIRST_PAUSE, |last| (2 * last.pause).min(LAST_PAUSE));
                (pause, now.saturating_add(pause))
            }
        };
        self.0 = Some(Refusal { at, pin, pause, until });
    }

    /// A checkpoint was taken.
    pub fn end(&mut self) {
        self.0 = None;
    }

    /// Whether the pause is not over.
    pub fn is_on(&self, now: impl FnOnce() -> Duration) -> bool {
        self.0.is_some_and(|last| now() < last.until)
    }

    /// Whether the pause is not over, nothing was logged since, and no reader has let go of anything.
    pub fn is_vain(&self, at: Lsn, pin: impl FnOnce() -> Era, now: impl FnOnce() -> Duration) -> bool {
        self.0.is_some_and(|last| last.at == at && last.pin == pin()) && self.is_on(now)
    }
}
