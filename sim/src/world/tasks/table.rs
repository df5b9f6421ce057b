//! The table of a world's tasks: what each does, and who is next.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::policy::{Policy, Ready, Schedule};
use crate::world::dice::{Concern, Dice, mix};

/// The task that made the world.
pub(super) const ROOT: usize = 0;

/// Scheduling points that a run may pass before it counts as hanging.
const STEPS_MAX: u64 = 50_000_000;
/// As many again, for tasks to end after the run was given up.
const STEPS_TO_END: u64 = 1_000_000;

/// What keeps a task from running.
pub(super) enum Status {
    Ready,
    Waiting {
        word: usize,
        deadline: Option<u64>,
    },
    Sleeping {
        until: u64,
    },
    Joining(usize),
    /// Until all others have ended, or none of them can go on.
    Reaping,
    Done(Result<(), String>),
}

impl Status {
    fn deadline(&self) -> Option<u64> {
        match self {
            Status::Waiting { deadline, .. } => *deadline,
            Status::Sleeping { until } => Some(*until),
            Status::Ready | Status::Joining(_) | Status::Reaping | Status::Done(_) => None,
        }
    }
}

/// A scheduling point: what is about to be done, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) what: &'static str,
    pub(crate) place: Option<&'static Location<'static>>,
}

pub(super) struct Task {
    pub(super) name: String,
    pub(super) status: Status,
    /// Where it last gave others a chance.
    pub(super) spot: Option<Spot>,
    /// What it last said that it waits for, on which word.
    pub(super) awaits: Option<(usize, String)>,
}

pub(super) struct Table {
    pub(super) tasks: Vec<Task>,
    /// The ids of those that have not ended.
    pub(super) live: Vec<usize>,
    pub(super) current: usize,
    pub(super) dice: Dice,
    now_ns: Arc<AtomicU64>,
    pub(super) schedule: Schedule,
    pub(super) policy: Policy,
    /// How often another task got to run, and a hash of which.
    pub(super) switches: u64,
    pub(super) order: u64,
    pub(super) steps: u64,
    pub(super) steps_max: u64,
    /// Who waited for what when time first jumped.
    pub(super) jumped: Option<String>,
    /// Why the run is given up, until the root task has said so.
    pub(super) stuck: Option<String>,
    /// Tasks other than the root end at their next scheduling point.
    pub(super) ending: bool,
    /// Kept for its memory.
    ready: Vec<usize>,
}

impl Table {
    /// The table of a single task, the root.
    pub(super) fn new(seed: u64, schedule: Schedule, now_ns: Arc<AtomicU64>) -> Table {
        let mut dice = Dice::new(seed, Concern::Schedule);
        let policy = match schedule {
            Schedule::Exact(_) => Policy::begin(&schedule, 1, &mut dice),
            _ => Policy::Uniform,
        };
        Table {
            tasks: vec![Task { name: "main".to_owned(), status: Status::Ready, spot: None, awaits: None }],
            live: vec![ROOT],
            current: ROOT,
            dice,
            now_ns,
            schedule,
            policy,
            switches: 0,
            order: 0,
            steps: 0,
            steps_max: STEPS_MAX,
            jumped: None,
            stuck: None,
            ending: false,
            ready: Vec::new(),
        }
    }

    /// Adds a task that can run; returns its id.
    pub(super) fn add(&mut self, name: &str) -> usize {
        let id = self.tasks.len();
        self.tasks.push(Task { name: name.to_owned(), status: Status::Ready, spot: None, awaits: None });
        if self.live.len() == 1 && !matches!(self.policy, Policy::Exact { .. }) {
            self.policy = Policy::begin(&self.schedule, self.tasks.len(), &mut self.dice);
        } else {
            self.policy.add_task(&mut self.dice);
        }
        self.live.push(id);
        id
    }

    /// The running task has ended.
    pub(super) fn end_current(&mut self, outcome: Result<(), String>) {
        let me = self.current;
        self.tasks[me].status = Status::Done(outcome);
        self.live.retain(|id| *id != me);
        for &id in &self.live {
            if matches!(self.tasks[id].status, Status::Joining(whom) if whom == me) {
                self.tasks[id].status = Status::Ready;
            }
        }
        self.choose(false);
    }

    /// Makes the next task the current one. `gives_way`: others first.
    pub(super) fn choose(&mut self, gives_way: bool) {
        self.steps += 1;
        if self.steps > self.steps_max {
            return self.give_up(&format!("hang: {} scheduling points, more than allowed", self.steps_max));
        }
        while !self.choose_ready(gives_way) {
            let deadlines = self.live.iter().filter_map(|id| self.tasks[*id].status.deadline());
            match deadlines.min() {
                Some(first) => {
                    if self.jumped.is_none() && self.live.len() > 1 {
                        self.jumped = Some(self.report("nobody goes on before the time of one is up"));
                    }
                    self.now_ns.fetch_max(first, Ordering::Relaxed);
                }
                None => return self.give_up("deadlock: nobody can go on, and no deadline will come"),
            }
        }
    }

    /// Makes one of those who can run the current task, if there is any.
    fn choose_ready(&mut self, gives_way: bool) -> bool {
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        let now = self.now_ns.load(Ordering::Relaxed);
        for &id in &self.live {
            let status = &mut self.tasks[id].status;
            if status.deadline().is_some_and(|deadline| deadline <= now) {
                *status = Status::Ready;
            }
            if matches!(status, Status::Ready) {
                ready.push(id);
            }
        }
        // Round from the current task; it comes first, or last if it gives way.
        let first = self.current + usize::from(gives_way);
        let behind = ready.iter().filter(|id| **id < first).count();
        ready.rotate_left(behind);
        let found = !ready.is_empty();
        if found {
            let choice = Ready { ids: &ready, current: self.current, gives_way };
            let next = ready[self.policy.pick(&choice, &mut self.dice)];
            self.go_to(next);
        }
        self.ready = ready;
        found
    }

    fn go_to(&mut self, next: usize) {
        if next != self.current {
            self.current = next;
            self.switches += 1;
            self.order = mix(self.order ^ self.steps << 16 ^ next as u64);
        }
    }

    /// Wakes up to `count` of those who wait on the word, in drawn order.
    pub(super) fn wake(&mut self, word: usize, count: usize) {
        let waits = |status: &Status| matches!(status, Status::Waiting { word: w, .. } if *w == word);
        for _ in 0..count {
            let waiting = || self.live.iter().filter(|id| waits(&self.tasks[**id].status));
            let options = waiting().count();
            if options == 0 {
                return;
            }
            // Who wakes all has nothing to choose.
            let drawn = if options <= count { 0 } else { self.policy.choose(options, false, &mut self.dice) };
            let id = *waiting().nth(drawn).expect("invariant: drawn from those who wait");
            self.tasks[id].status = Status::Ready;
        }
    }

    /// Gives the run up: the root task goes on, to say why.
    fn give_up(&mut self, why: &str) {
        if !self.ending {
            self.stuck = Some(self.report(why));
        }
        self.tasks[ROOT].status = Status::Ready;
        self.go_to(ROOT);
        self.steps = 0;
    }

    /// Lets all tasks but the root go on, to end at once. The root waits for that.
    pub(super) fn begin_ending(&mut self) {
        self.ending = true;
        self.steps = 0;
        self.steps_max = self.steps_max.max(STEPS_TO_END);
        for &id in &self.live {
            self.tasks[id].status = if id == ROOT { Status::Reaping } else { Status::Ready };
        }
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
