//! The system's clocks.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use crate::env::Clock;

/// When this process first asked for the time. One start for all clocks, because [`Platform::wait`] compares its
/// deadline with the same clock and has no handle to one.
///
/// [`Platform::wait`]: crate::env::Platform::wait
static START: LazyLock<Instant> = LazyLock::new(now);

#[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told to ask")]
fn now() -> Instant {
    Instant::now()
}

/// Time since [`START`].
pub(super) fn monotonic() -> Duration {
    let start = *START;
    now().saturating_duration_since(start)
}

/// The system's clocks.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealClock;

impl Clock for RealClock {
    fn monotonic(&self) -> Duration {
        monotonic()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told to ask")]
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are told to wait with")]
    fn sleep_until(&self, deadline: Duration) {
        loop {
            let left = deadline.saturating_sub(monotonic());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left);
        }
    }
}
