//! Schedules from outside: how tasks are chosen, and all the orders that there are.

use super::World;
use super::tasks::{self, Choice, ReadCounters, Schedule};
use crate::panics;

impl World {
    /// How tasks are chosen from the next time on that a single task starts a second one. An exact schedule stays.
    pub fn set_schedule(&self, schedule: Schedule) {
        self.shared.tasks.set_schedule(schedule);
    }

    /// A run that passes more scheduling points than this is stuck.
    pub fn limit_steps(&self, steps: u64) -> u64 {
        self.shared.tasks.limit_steps(steps)
    }

    /// Who waited for what when time jumped for the first time since this was asked, since nobody could go on.
    pub fn take_jump(&self) -> Option<String> {
        self.shared.tasks.take_jump()
    }

    /// Runs `body`, in which the running task reads a version: it may wait for nobody.
    pub fn reading<T>(&self, body: impl FnOnce() -> T) -> T {
        tasks::reading(body)
    }

    /// What reads of versions came to so far.
    pub fn read_counters(&self) -> ReadCounters {
        self.shared.tasks.read_counters()
    }

    /// How a read of a version waited for the first time since this was asked.
    pub fn take_read_fault(&self) -> Option<String> {
        self.shared.tasks.take_read_fault()
    }

    /// Scheduling points passed while there was more than one task.
    pub fn steps(&self) -> u64 {
        self.shared.tasks.steps()
    }

    /// Ends the tasks that are left, by unwinding them. One that can never go on stays where it is.
    pub fn reap(&self) {
        self.shared.tasks.reap();
    }
}

/// How far [`explore`] goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most preemptions in a schedule: choices that take the processor from a task that could go on.
    pub preemptions: u32,
    /// Most schedules.
    pub schedules: u64,
}

/// What [`explore`] has seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explored {
    /// Schedules that were run.
    pub schedules: u64,
    /// Whether these are all with so few preemptions.
    pub complete: bool,
    /// The first schedule that panicked, for [`Schedule::Exact`], and what it said.
    pub finding: Option<(Vec<u32>, String)>,
}

/// Runs `body` in a new world under every schedule within `bounds`, depth first, until one panics.
///
/// `body` must depend on its world alone.
pub fn explore(bounds: Bounds, body: impl Fn(&World)) -> Explored {
    let mut explored = Explored { schedules: 0, complete: false, finding: None };
    let mut next = Some(Vec::new());
    while let Some(choices) = next.take() {
        if explored.schedules == bounds.schedules {
            return explored;
        }
        explored.schedules += 1;
        let world = World::with_schedule(0, Schedule::Exact(choices));
        let outcome = panics::catch(|| body(&world));
        world.reap();
        let trail = world.shared.tasks.trail();
        if let Err(said) = outcome {
            explored.finding = Some((trail.iter().map(|choice| choice.taken).collect(), said));
            return explored;
        }
        next = following(&trail, bounds.preemptions);
    }
    explored.complete = true;
    explored
}

/// The schedule after the one with these choices: the last choice that can be another becomes the next one.
fn following(trail: &[Choice], preemptions: u32) -> Option<Vec<u32>> {
    let cost = |choice: &Choice| u32::from(choice.preempts && choice.taken > 0);
    let mut spent: u32 = trail.iter().map(cost).sum();
    for (at, choice) in trail.iter().enumerate().rev() {
        spent -= cost(choice);
        let taken = choice.taken + 1;
        if taken < choice.options && spent + u32::from(choice.preempts) <= preemptions {
            return Some(trail[..at].iter().map(|choice| choice.taken).chain([taken]).collect());
        }
    }
    None
}
