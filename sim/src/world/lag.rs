//! How long I/O calls take, and how wall time departs from the time that passes.
//!
//! Nothing here makes monotonic time go backwards: wall time alone jumps, stands still, and catches up.

use std::time::Duration;

use super::dice::Dice;

/// Wall time at the start of every world: 2001-09-09, one billion seconds after 1970.
const WALL_START: Duration = Duration::from_secs(1_000_000_000);
/// A call takes so long at least.
const LEAST_NS: u64 = 1_500;
/// A slow one takes so many milliseconds more at most.
const SLOW_MS: u64 = 20_000;

/// What wall time does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockFault {
    /// It jumps ahead.
    Forwards,
    /// It jumps back.
    Backwards,
    /// It stands still, and then catches up.
    Stall,
}

/// Delays, and the wall clock.
#[derive(Default)]
pub(crate) struct Lag {
    /// Of a thousand calls, how many are slow.
    pub(crate) slow_per_mille: u64,
    ahead: Duration,
    behind: Duration,
    /// What the wall clock shows, until so much time has passed.
    stalled: Option<(Duration, Duration)>,
}

impl Lag {
    /// How long a call takes, in nanoseconds.
    pub(crate) fn draw(&self, dice: &mut Dice) -> u64 {
        if self.slow_per_mille == 0 {
            return LEAST_NS * (1 + dice.below(64));
        }
        // Both in one draw, so that records stay short.
        let drawn = dice.below(64 * 1000);
        let ordinary = LEAST_NS * (1 + drawn % 64);
        if drawn / 64 < 1000 - self.slow_per_mille {
            return ordinary;
        }
        let slow = 1 + dice.below(SLOW_MS);
        reached!("an I/O call took seconds", slow > 1000);
        ordinary + slow * 1_000_000
    }

    pub(crate) fn is_stalled(&self, now: Duration) -> bool {
        self.stalled.is_some_and(|(_, until)| now < until)
    }

    /// What the wall clock shows at a moment of monotonic time.
    pub(crate) fn wall(&self, now: Duration) -> Duration {
        match self.stalled {
            Some((shown, until)) if now < until => shown,
            _ => (WALL_START + now + self.ahead).saturating_sub(self.behind),
        }
    }

    /// Wall time that stands still catches up.
    pub(crate) fn end_stall(&mut self) {
        self.stalled = None;
    }

    /// Wall time departs.
    pub(crate) fn depart(&mut self, fault: ClockFault, by: Duration, now: Duration) {
        match fault {
            ClockFault::Forwards => self.ahead = self.ahead.saturating_add(by),
            ClockFault::Backwards => self.behind = self.behind.saturating_add(by),
            ClockFault::Stall => self.stalled = Some((self.wall(now), now.saturating_add(by))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_jumps_stands_still_and_catches_up() {
        let seconds = Duration::from_secs;
        let mut lag = Lag::default();
        assert_eq!(lag.wall(seconds(5)), WALL_START + seconds(5));
        lag.depart(ClockFault::Stall, seconds(10), seconds(5));
        assert_eq!(lag.wall(seconds(14)), WALL_START + seconds(5));
        assert_eq!(lag.wall(seconds(15)), WALL_START + seconds(15));
        lag.depart(ClockFault::Backwards, seconds(100), seconds(15));
        assert_eq!(lag.wall(seconds(16)), WALL_START - seconds(84));
        lag.depart(ClockFault::Forwards, seconds(200), seconds(16));
        assert_eq!(lag.wall(seconds(16)), WALL_START + seconds(116));
        lag.depart(ClockFault::Stall, seconds(50), seconds(20));
        assert!(lag.is_stalled(seconds(30)));
        lag.end_stall();
        assert!(!lag.is_stalled(seconds(30)));
        assert_eq!(lag.wall(seconds(30)), WALL_START + seconds(130));
    }
}
