//! The system's threads.

use std::any::Any;
use std::io;
use std::thread::{self, JoinHandle};

use crate::env::{Scheduler, TaskHandle};

/// Tasks as threads of the system.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealScheduler;

impl Scheduler for RealScheduler {
    type Task = RealTask;

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<RealTask> {
        if name.contains('\0') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a task's name has a zero byte"));
        }
        thread::Builder::new().name(name.to_owned()).spawn(body).map(RealTask)
    }

    #[expect(clippy::disallowed_methods, reason = "this is what yielding goes through")]
    fn yield_now(&self) {
        thread::yield_now();
    }

    fn parallelism(&self) -> usize {
        thread::available_parallelism().map_or(1, |tasks| tasks.get())
    }
}

/// A thread. Dropping the handle lets it run on.
#[derive(Debug)]
pub struct RealTask(JoinHandle<()>);

impl TaskHandle for RealTask {
    fn join(self) -> Result<(), String> {
        self.0.join().map_err(panic_message)
    }
}

/// What the panicking task said, if it was text.
fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(message) => (*message).to_owned(),
            Err(_) => "a panic without a message".to_owned(),
        },
    }
}
