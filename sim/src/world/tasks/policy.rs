//! Who runs next, of those who can.
//!
//! Choice 0 is the quiet one: a task that could go on goes on, and one that gives way does not.

use crate::world::dice::Dice;

/// How the order of the tasks is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// Drawn anew each time that a single task starts a second one: uniform, or by priorities.
    Swarm,
    /// At each scheduling point everybody is as likely as the next.
    Uniform,
    /// The highest of random priorities runs. At so many points, drawn from the first so many, the task that runs gets
    /// the lowest. Finds what needs few preemptions at the right places (Burckhardt et al. 2010).
    Pct {
        /// Changes of priorities.
        changes: u32,
        /// Scheduling points that are expected.
        steps: u64,
    },
    /// These choices; behind them always the quiet one. No wake-up comes without a cause.
    Exact(Vec<u32>),
}

/// One choice of an exact schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    /// How many there were to choose from.
    pub(crate) options: u32,
    /// Which it was.
    pub(crate) taken: u32,
    /// Whether all but choice 0 take the processor from a task that could go on.
    pub(crate) preempts: bool,
}

/// A schedule, and how far it has come.
pub(super) enum Policy {
    Uniform,
    Pct(Pct),
    Exact { choices: Vec<u32>, trail: Vec<Choice> },
}

/// Those who can run: the quiet choice first.
pub(super) struct Ready<'a> {
    pub(super) ids: &'a [usize],
    /// The task that runs now.
    pub(super) current: usize,
    /// It lets others go first.
    pub(super) gives_way: bool,
}

impl Policy {
    /// Begins a schedule among tasks with ids below `tasks`.
    pub(super) fn begin(schedule: &Schedule, tasks: usize, dice: &mut Dice) -> Policy {
        match schedule {
            Schedule::Uniform => Policy::Uniform,
            Schedule::Pct { changes, steps } => Policy::Pct(Pct::draw(*changes, *steps, tasks, dice)),
            Schedule::Exact(choices) => Policy::Exact { choices: choices.clone(), trail: Vec::new() },
            Schedule::Swarm if dice.chance(1, 2) => {
                let (changes, steps) = (dice.below(6) as u32, 1 << dice.between(5, 13));
                Policy::Pct(Pct::draw(changes, steps, tasks, dice))
            }
            Schedule::Swarm => Policy::Uniform,
        }
    }

    /// Takes note of one more task.
    pub(super) fn add_task(&mut self, dice: &mut Dice) {
        if let Policy::Pct(pct) = self {
            pct.priorities.push(Pct::priority(dice));
        }
    }

    /// Whether waiting may end for no reason.
    pub(super) fn is_spurious(&self) -> bool {
        !matches!(self, Policy::Exact { .. })
    }

    /// The place in `ready` of the next task to run.
    pub(super) fn pick(&mut self, ready: &Ready<'_>, dice: &mut Dice) -> usize {
        if let Policy::Pct(pct) = self {
            return pct.pick(ready);
        }
        let preempts = !ready.gives_way && ready.ids[0] == ready.current;
        self.choose(ready.ids.len(), preempts, dice)
    }

    /// One of several things that are equal to the schedule.
    pub(super) fn choose(&mut self, options: usize, preempts: bool, dice: &mut Dice) -> usize {
        if options == 1 {
            return 0;
        }
        let Policy::Exact { choices, trail } = self else { return dice.index(options) };
        let taken = choices.get(trail.len()).copied().unwrap_or(0);
        let options = options as u32;
        assert!(taken < options, "a schedule has choice {taken} of {options}");
        trail.push(Choice { options, taken, preempts });
        taken as usize
    }
}

/// Priorities that change at few points.
pub(super) struct Pct {
    /// Of each task by its id; a greater one goes first.
    priorities: Vec<i64>,
    /// Scheduling points at which the running task gets the lowest priority.
    changes: Vec<u64>,
    step: u64,
    /// The lowest priority so far.
    lowest: i64,
}

impl Pct {
    fn draw(changes: u32, steps: u64, tasks: usize, dice: &mut Dice) -> Pct {
        let changes = (0..changes).map(|_| dice.between(1, steps.max(1))).collect();
        let priorities = (0..tasks).map(|_| Pct::priority(dice)).collect();
        Pct { priorities, changes, step: 0, lowest: 0 }
    }

    fn priority(dice: &mut Dice) -> i64 {
        1 + dice.below(1 << 32) as i64
    }

    fn pick(&mut self, ready: &Ready<'_>) -> usize {
        self.step += 1;
        // One that gives way would otherwise spin for ever, if it waits for what a lower one has to do.
        if ready.gives_way || self.changes.contains(&self.step) {
            self.lowest -= 1;
            self.priorities[ready.current] = self.lowest;
        }
        let first = (0..ready.ids.len()).rev().max_by_key(|at| self.priorities[ready.ids[*at]]);
        first.expect("invariant: somebody is ready")
    }
}
