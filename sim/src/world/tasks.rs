//! Tasks that run one at a time: a baton goes round between threads, and only at yield points.
//!
//! 1. Exactly one task that is not waiting holds the baton (`current`); all others are parked.
//! 2. Who gets it next is drawn from the schedule's own random stream, so the same seed gives the same order.
//! 3. When everybody waits, time jumps to the first deadline; without one the run is a deadlock and says who waits
//!    for what.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::dice::{Concern, Dice};

/// What keeps a task from running.
enum Status {
    Ready,
    Waiting { word: usize, deadline: Option<u64> },
    Sleeping { until: u64 },
    Joining(usize),
    Done(Result<(), String>),
}

struct Task {
    name: String,
    status: Status,
}

struct Table {
    tasks: Vec<Task>,
    current: usize,
    dice: Dice,
    now_ns: u64,
    switches: u64,
    steps: u64,
    dead: Option<String>,
}

/// The tasks of one world.
pub(crate) struct Tasks {
    table: Mutex<Table>,
    baton: Condvar,
}

thread_local! {
    static CURRENT: RefCell<Option<(Arc<Tasks>, usize)>> = const { RefCell::new(None) };
}

/// Yield points that a run may pass before it counts as hanging.
const STEPS_MAX: u64 = 50_000_000;

/// The tasks that the calling thread belongs to, and which of them it is.
fn current() -> Option<(Arc<Tasks>, usize)> {
    CURRENT.with(|current| current.borrow().clone())
}

impl Tasks {
    /// A table whose first task is the calling thread.
    pub(crate) fn new(seed: u64) -> Arc<Tasks> {
        let root = Task { name: "main".to_owned(), status: Status::Ready };
        let table = Table {
            tasks: vec![root],
            current: 0,
            dice: Dice::new(seed, Concern::Schedule),
            now_ns: 0,
            switches: 0,
            steps: 0,
            dead: None,
        };
        let tasks = Arc::new(Tasks { table: Mutex::new(table), baton: Condvar::new() });
        CURRENT.with(|current| *current.borrow_mut() = Some((Arc::clone(&tasks), 0)));
        tasks
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.lock().now_ns)
    }

    pub(crate) fn pass_time(&self, ns: u64) {
        self.lock().now_ns += ns;
    }

    /// Gives access to the schedule's source of choices.
    pub(crate) fn with_dice<T>(&self, body: impl FnOnce(&mut Dice) -> T) -> T {
        body(&mut self.lock().dice)
    }

    /// How often the baton went to another task.
    pub(crate) fn switches(&self) -> u64 {
        self.lock().switches
    }

    /// Starts `body` as a new task; it runs when it is drawn.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        name: &str,
        body: Box<dyn FnOnce() + Send>,
    ) -> std::io::Result<usize> {
        let mut table = self.lock();
        let id = table.tasks.len();
        let tasks = Arc::clone(self);
        let markers = numstore::hooks::current();
        let run = move || {
            numstore::hooks::install(markers);
            CURRENT.with(|current| *current.borrow_mut() = Some((Arc::clone(&tasks), id)));
            tasks.park(tasks.lock(), id);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            tasks.end(id, outcome.map_err(|panic| panic_text(&*panic)));
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        table.tasks.push(Task { name: name.to_owned(), status: Status::Ready });
        Ok(id)
    }

    fn end(&self, me: usize, outcome: Result<(), String>) {
        let mut table = self.lock();
        table.tasks[me].status = Status::Done(outcome);
        for task in &mut table.tasks {
            if matches!(task.status, Status::Joining(whom) if whom == me) {
                task.status = Status::Ready;
            }
        }
        table.choose();
        self.baton.notify_all();
    }

    /// Waits for the baton.
    fn park(&self, mut table: MutexGuard<'_, Table>, me: usize) {
        while table.current != me && table.dead.is_none() {
            table = self.baton.wait(table).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(why) = table.dead.clone() {
            drop(table);
            if !std::thread::panicking() {
                panic!("{why}");
            }
        }
    }

    /// Goes into `status` and lets somebody run who can.
    fn pause(&self, me: usize, status: Status) {
        let mut table = self.lock();
        table.tasks[me].status = status;
        table.choose();
        if table.current != me {
            self.baton.notify_all();
        }
        self.park(table, me);
    }

    pub(crate) fn join(&self, whom: usize) -> Result<(), String> {
        loop {
            if let Status::Done(outcome) = &self.lock().tasks[whom].status {
                return outcome.clone();
            }
            match current() {
                Some((tasks, me)) if std::ptr::eq(&*tasks, self) => self.pause(me, Status::Joining(whom)),
                _ => std::thread::yield_now(),
            }
        }
    }

    pub(crate) fn sleep_until(&self, deadline: Duration) {
        let until = nanos(deadline);
        while self.now() < deadline {
            match current() {
                Some((tasks, me)) if std::ptr::eq(&*tasks, self) => {
                    self.pause(me, Status::Sleeping { until })
                }
                _ => self.pass_time(1_000_000),
            }
        }
    }
}

impl Table {
    /// Draws the next holder of the baton.
    fn choose(&mut self) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.dead.get_or_insert_with(|| format!("hang: {STEPS_MAX} yield points, more than allowed"));
        }
        loop {
            let now = self.now_ns;
            for task in &mut self.tasks {
                if task.status.deadline().is_some_and(|deadline| deadline <= now) {
                    task.status = Status::Ready;
                }
            }
            let ready = |task: &Task| matches!(task.status, Status::Ready);
            let count = self.tasks.iter().filter(|task| ready(task)).count();
            if count > 0 {
                let drawn = if count == 1 { 0 } else { self.dice.index(count) };
                let next = self.tasks.iter().enumerate().filter(|(_, task)| ready(task)).nth(drawn);
                let next = next.expect("invariant: drawn from the ready ones").0;
                self.switches += u64::from(next != self.current);
                self.current = next;
                return;
            }
            match self.tasks.iter().filter_map(|task| task.status.deadline()).min() {
                Some(first) => self.now_ns = self.now_ns.max(first),
                None => {
                    let why = self.stuck();
                    self.dead.get_or_insert(why);
                    return;
                }
            }
        }
    }

    fn stuck(&self) -> String {
        let mut words = Vec::new();
        let mut lines = Vec::new();
        for task in &self.tasks {
            let what = match &task.status {
                Status::Waiting { word, .. } => {
                    let at = words.iter().position(|w| w == word).unwrap_or_else(|| {
                        words.push(*word);
                        words.len() - 1
                    });
                    format!("waits on word {at}")
                }
                Status::Joining(whom) => format!("joins {}", self.tasks[*whom].name),
                Status::Ready | Status::Sleeping { .. } | Status::Done(_) => continue,
            };
            lines.push(format!("{} {what}", task.name));
        }
        format!("deadlock: {}", lines.join(", "))
    }
}

impl Status {
    fn deadline(&self) -> Option<u64> {
        match self {
            Status::Waiting { deadline, .. } => *deadline,
            Status::Sleeping { until } => Some(*until),
            Status::Ready | Status::Joining(_) | Status::Done(_) => None,
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Lets another task of the calling thread's world run; other threads just yield.
pub(crate) fn yield_now() {
    match current() {
        Some((tasks, me)) => tasks.pause(me, Status::Ready),
        None => std::thread::yield_now(),
    }
}

/// Waits on the word at address `word`, unless `changed` says at once that there is nothing to wait for.
pub(crate) fn wait(word: usize, changed: impl Fn() -> bool, deadline: Option<Duration>) {
    let Some((tasks, me)) = current() else {
        // A thread that no world knows of: waking up for no reason is allowed.
        std::thread::yield_now();
        return;
    };
    let spurious = tasks.lock().dice.chance(1, 64);
    if spurious || changed() {
        return tasks.pause(me, Status::Ready);
    }
    tasks.pause(me, Status::Waiting { word, deadline: deadline.map(nanos) });
}

/// Wakes up to `count` tasks that wait on the word, in drawn order.
pub(crate) fn wake(word: usize, count: usize) {
    let Some((tasks, _)) = current() else { return };
    let mut table = tasks.lock();
    for _ in 0..count {
        let waits = |task: &Task| matches!(task.status, Status::Waiting { word: w, .. } if w == word);
        let waiting: Vec<usize> = (0..table.tasks.len()).filter(|&id| waits(&table.tasks[id])).collect();
        if waiting.is_empty() {
            return;
        }
        let drawn = if waiting.len() == 1 { 0 } else { table.dice.index(waiting.len()) };
        table.tasks[waiting[drawn]].status = Status::Ready;
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
