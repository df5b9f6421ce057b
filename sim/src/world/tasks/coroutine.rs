//! Coroutines with stacks of their own: what runs a task on the thread of its world.
//!
//! The root task stays on the stack of the thread and resumes the others; they suspend back to it. So changing from one
//! task to another takes two switches, and no task ever resumes a second one.

use std::cell::Cell;
use std::io;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// The address space of a stack; what is never touched takes no memory.
const STACK_BYTES: usize = 1 << 20;
/// Stacks kept for later tasks, which then need no system call.
const POOLED_MAX: usize = 64;

/// Stacks that nobody uses. Shared by all threads, because a run may have a thread of its own.
static POOL: Mutex<Vec<DefaultStack>> = Mutex::new(Vec::new());

thread_local! {
    /// What the coroutine that runs now suspends through; null on the stack of the thread.
    static YIELDER: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
}

fn pool() -> MutexGuard<'static, Vec<DefaultStack>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body on a stack of its own, which has not ended.
pub(super) struct Fiber(ManuallyDrop<Coroutine<(), (), ()>>);

impl Fiber {
    /// A coroutine that will run `body`, which must not let a panic out.
    pub(super) fn new(body: impl FnOnce() + 'static) -> io::Result<Fiber> {
        let pooled = pool().pop();
        let stack = pooled.map_or_else(|| DefaultStack::new(STACK_BYTES), Ok)?;
        let run = |yielder: &Yielder<(), ()>, ()| {
            YIELDER.set(yielder);
            body();
        };
        Ok(Fiber(ManuallyDrop::new(Coroutine::with_stack(stack, run))))
    }

    /// Runs the body until it suspends, which gives the coroutine back, or ends.
    pub(super) fn resume(mut self) -> Option<Fiber> {
        assert!(!is_inside(), "invariant: the root task resumes");
        let outcome = self.0.resume(());
        YIELDER.set(ptr::null());
        match outcome {
            CoroutineResult::Yield(()) => Some(self),
            CoroutineResult::Return(()) => {
                let stack = ManuallyDrop::into_inner(self.0).into_stack();
                let mut pool = pool();
                if pool.len() < POOLED_MAX {
                    pool.push(stack);
                }
                None
            }
        }
    }
}

/// Whether the caller runs in a coroutine.
pub(super) fn is_inside() -> bool {
    !YIELDER.get().is_null()
}

/// Goes back to whoever resumed this coroutine, until the next resumption.
pub(super) fn suspend() {
    let yielder = YIELDER.get();
    assert!(!yielder.is_null(), "invariant: only coroutines suspend");
    // SAFETY: `YIELDER` is set on entry to a coroutine's body and after each of its suspensions, to the yielder that the
    // body borrows for as long as it runs, and cleared when control leaves it. It is not null, so this code runs within
    // that body, on that stack.
    unsafe { (*yielder).suspend(()) };
    YIELDER.set(yielder);
}
