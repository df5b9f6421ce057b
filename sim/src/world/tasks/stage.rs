//! The thread of a world: the world that it belongs to, the coroutines of its tasks, and how they change.

use std::cell::{Cell, RefCell};
use std::panic::{Location, resume_unwind};
use std::sync::Arc;
use std::thread::panicking;
use std::time::Duration;

use super::Tasks;
use super::coroutine::{self, Fiber};
use super::holds::{self, Hold};
use super::reads::{self, Reading};
use super::table::{ROOT, Spot, Status, Table, nanos};
use crate::panics;

/// How often a wait may return at once where it cannot wait, before that counts as hanging.
const VAIN_MAX: u32 = 1_000_000;

thread_local! {
    /// Live tasks of this thread's world; 0 if it has none.
    static LIVE: Cell<usize> = const { Cell::new(0) };
    /// The task that runs.
    static ME: Cell<usize> = const { Cell::new(ROOT) };
    /// Set while tasks are to end at their next scheduling point.
    static ENDING: Cell<bool> = const { Cell::new(false) };
    /// Waits in vain since the last world began.
    static VAIN: Cell<u32> = const { Cell::new(0) };
    static WORLD: RefCell<Option<Arc<Tasks>>> = const { RefCell::new(None) };
    static FIBERS: RefCell<Vec<Option<Fiber>>> = const { RefCell::new(Vec::new()) };
}

/// Makes the calling thread the root task of a world.
pub(super) fn enter(tasks: Arc<Tasks>) {
    assert!(!coroutine::is_inside(), "contract: a task makes no worlds");
    reap();
    // Not dropped while the cell is borrowed: it may hold anything.
    let before = WORLD.replace(Some(tasks));
    drop(before);
    FIBERS.with_borrow_mut(Vec::clear);
    holds::clear();
    reads::clear();
    LIVE.set(1);
    VAIN.set(0);
}

/// Whether `tasks` are those of the calling thread's world.
pub(super) fn is_on(tasks: &Tasks) -> bool {
    WORLD.with_borrow(|world| world.as_deref().is_some_and(|world| std::ptr::eq(world, tasks)))
}

/// Runs `body` on the table of this thread's world, which must not change tasks meanwhile.
fn with_table<T>(body: impl FnOnce(&mut Table) -> T) -> T {
    WORLD.with_borrow(|world| {
        let tasks = world.as_ref().expect("invariant: the thread belongs to a world");
        body(&mut tasks.lock())
    })
}

/// Keeps the coroutine of a new task; now so many are alive.
pub(super) fn add(id: usize, fiber: Fiber, live: usize) {
    FIBERS.with_borrow_mut(|fibers| {
        fibers.resize_with(id + 1, || None);
        fibers[id] = Some(fiber);
    });
    LIVE.set(live);
}

/// The whole of a task, inside its coroutine.
pub(super) fn run(body: Box<dyn FnOnce() + Send>) {
    let outcome = if ENDING.get() { Err(GIVEN_UP.to_owned()) } else { panics::catch(body) };
    with_table(|table| {
        let name = &table.tasks[table.current].name;
        let outcome = outcome.map_err(|said| format!("task {name}: {said}"));
        table.end_current(outcome);
        LIVE.set(table.live.len());
    });
}

/// What a task that is ended panics with.
const GIVEN_UP: &str = "ended with the run";

/// Goes into `status` and lets somebody run who can.
pub(super) fn pause(status: Status, spot: Spot, gives_way: bool) {
    let (me, next, stuck) = with_table(|table| {
        let me = table.current;
        table.tasks[me].status = status;
        table.tasks[me].spot = Some(spot);
        table.choose(gives_way);
        (me, table.current, table.stuck.is_some())
    });
    if me != ROOT {
        if next != me {
            coroutine::suspend();
        }
        if ENDING.get() && !panicking() {
            resume_unwind(Box::new(GIVEN_UP.to_owned()));
        }
    } else if next != ROOT || stuck {
        dispatch();
        say_if_stuck();
    }
}

/// Runs other tasks until it is the root's turn.
fn dispatch() {
    loop {
        let next = with_table(|table| table.current);
        if next == ROOT {
            return;
        }
        let fiber = FIBERS.with_borrow_mut(|fibers| fibers[next].take());
        ME.set(next);
        let rest = fiber.expect("invariant: a live task has a coroutine").resume();
        ME.set(ROOT);
        FIBERS.with_borrow_mut(|fibers| fibers[next] = rest);
    }
}

/// Ends a stuck run. While the root task unwinds it can only return, and hope that it was not important.
fn say_if_stuck() {
    let Some(why) = with_table(|table| table.stuck.take()) else { return };
    if panicking() {
        return wait_in_vain(&why);
    }
    reap();
    panic!("{why}");
}

/// Lets every task but the root unwind. What is left afterwards cannot go on; it stays where it is, for good.
pub(super) fn reap() {
    if LIVE.get() <= 1 || panicking() || coroutine::is_inside() {
        return;
    }
    ENDING.set(true);
    with_table(|table| {
        table.begin_ending();
        table.choose(false);
    });
    dispatch();
    ENDING.set(false);
    with_table(|table| table.ending = false);
}

fn wait_in_vain(why: &str) {
    VAIN.set(VAIN.get() + 1);
    assert!(VAIN.get() < VAIN_MAX, "{why}");
}

/// Before something that other tasks can see: they may come first. Costs nothing while there is one task.
#[inline]
pub(crate) fn yield_point(what: &'static str, place: Option<&'static Location<'static>>) {
    if LIVE.get() > 1 {
        pause(Status::Ready, Spot { what, place }, false);
    }
}

/// Lets other tasks of the calling thread's world run first.
pub(crate) fn yield_now(place: &'static Location<'static>) {
    spin("yield", place);
}

/// As [`yield_now`], for one that does `what`.
pub(crate) fn spin(what: &'static str, place: &'static Location<'static>) {
    reads::waits(ME.get(), place);
    match LIVE.get() {
        0 => std::thread::yield_now(),
        _ => pause(Status::Ready, Spot { what, place: Some(place) }, true),
    }
}

/// Waits on the word at address `word`, unless `changed` says at once that there is nothing to wait for. `changed` is no
/// scheduling point, so nothing comes between it and the waiting.
pub(crate) fn wait(
    word: usize,
    changed: impl Fn() -> bool,
    deadline: Option<Duration>,
    place: &'static Location<'static>,
) {
    if LIVE.get() == 0 {
        // A thread that no world knows of: waking up for no reason is allowed.
        std::thread::yield_now();
        return wait_in_vain("hang: a thread outside of the world waits for a task of it");
    }
    yield_point("wait", Some(place));
    if changed() {
        return;
    }
    reads::waits(ME.get(), place);
    let spurious = with_table(|table| table.policy.is_spurious() && table.dice.chance(1, 64));
    let deadline = deadline.map(nanos);
    let status = if spurious { Status::Ready } else { Status::Waiting { word, deadline } };
    pause(status, Spot { what: "wait", place: Some(place) }, spurious);
}

/// Wakes up to `count` tasks that wait on the word.
pub(crate) fn wake(word: usize, count: usize, place: &'static Location<'static>) {
    if LIVE.get() > 1 {
        yield_point("wake", Some(place));
        with_table(|table| table.wake(word, count));
    }
}

/// Whether the running task is one that the engine started, beside all calls.
pub(crate) fn is_beside() -> bool {
    LIVE.get() > 1 && with_table(|table| table.tasks[table.current].name.starts_with("numstore "))
}

/// The running task now holds `word`.
pub(crate) fn granted(word: usize, mode: &'static str, since: &'static Location<'static>) {
    holds::granted(Hold { task: ME.get(), word, mode, since });
    reads::takes_latch(ME.get(), since);
}

/// Runs `body`, in which the running task reads a version.
pub(crate) fn reading<T>(body: impl FnOnce() -> T) -> T {
    let _reading = Reading::begin(ME.get());
    body()
}

/// The running task sleeps.
pub(super) fn sleeps(place: &'static Location<'static>) {
    reads::waits(ME.get(), place);
}

/// The running task begins a call of the disk.
pub(crate) fn enters_disk() {
    reads::enters_disk(ME.get());
}

/// The running task will wait on the word at address `word`, for what `why` says.
pub(crate) fn awaits(word: usize, why: impl FnOnce() -> String) {
    if LIVE.get() > 1 {
        let why = why();
        with_table(|table| table.tasks[table.current].awaits = Some((word, why)));
    }
}

/// Somebody gives `word` back.
pub(crate) fn released(word: usize, mode: &'static str) {
    holds::released(ME.get(), word, mode);
}
