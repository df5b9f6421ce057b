//! The raw group commit with which that of the engine is compared, and threads that call as often as they can.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;
const SEGMENT_BYTES: u64 = 64 << 20;

/// How many calls `threads` threads make in a `window` of time; each is told its thread and how many that thread has made.
pub fn count_calls(threads: u64, window: Duration, call: impl Fn(u64, u64) + Sync) -> u64 {
    let end = Instant::now() + window;
    std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..threads)
            .map(|thread| {
                let call = &call;
                scope.spawn(move || {
                    let mut count = 0;
                    while Instant::now() < end {
                        call(thread, count);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().expect("a thread that ends")).sum()
    })
}

/// The least that a group commit does: a buffer, a write of whole blocks, a sync.
pub struct GroupCommit {
    file: File,
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    /// Counts the groups that were begun, and those that are durable.
    begun: u64,
    durable: u64,
    offset: u64,
    writing: bool,
}

impl GroupCommit {
    /// One over a new file at `path`, all of it written already.
    pub fn new(path: &Path) -> GroupCommit {
        let file = OpenOptions::new().create_new(true).write(true).open(path).expect("a file");
        for at in (0..SEGMENT_BYTES).step_by(1 << 20) {
            file.write_all_at(&[0; 1 << 20], at).expect("a write");
        }
        file.sync_all().expect("a sync");
        GroupCommit { file, state: Mutex::default(), landed: Condvar::new() }
    }

    /// Syncs so far.
    pub fn syncs(&self) -> u64 {
        self.state.lock().expect("a lock").durable
    }

    /// Makes `bytes` durable, with those of whoever else waits.
    pub fn commit(&self, bytes: usize) {
        let mut state = self.state.lock().expect("a lock");
        let len = state.buffer.len();
        state.buffer.resize(len + bytes, 7);
        let mine = state.begun + 1;
        while state.durable < mine {
            if state.writing {
                state = self.landed.wait(state).expect("a lock");
                continue;
            }
            state.writing = true;
            state.begun += 1;
            let group = state.begun;
            let mut batch = std::mem::take(&mut state.buffer);
            let offset = state.offset;
            batch.resize(batch.len().next_multiple_of(BLOCK), 0);
            state.offset = (offset + batch.len() as u64) % (SEGMENT_BYTES - (1 << 20));
            drop(state);
            self.file.write_all_at(&batch, offset).expect("a write");
            self.file.sync_data().expect("a sync");
            state = self.state.lock().expect("a lock");
            state.writing = false;
            state.durable = group;
            self.landed.notify_all();
        }
    }
}
