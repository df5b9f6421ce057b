//! Commits of many threads a second, against a raw group commit of the same bytes: threads that append as many bytes to a
//! buffer, of which one writes and syncs what there is while the others wait. Interleaved, round by round.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use numstore::{Database, Result};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1_500);
const BLOCK: usize = 4096;
const SEGMENT_BYTES: u64 = 64 << 20;
const PAYLOAD: [u8; 16] = [7; 16];

pub fn commits() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    println!("threads   commits/s    raw/s   ratio   syncs a commit   raw");
    for threads in threads_wanted() {
        let db = Database::open(dir.path().join(format!("{threads}.ns")))?;
        for thread in 0..threads {
            db.create(&format!("s{thread}"))?;
            db.append(&format!("s{thread}"), &[1; 100_000])?;
        }
        let raw = Raw::new(&dir.path().join(format!("{threads}.raw")));
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let before = db.stats();
            let ours = run(threads, |thread, count| {
                let tx = db.begin().expect("a transaction");
                let stream = tx.stream(&format!("s{thread}")).expect("a stream");
                stream.insert(count * 31 % 100_000, &PAYLOAD).expect("an insertion");
                tx.commit().expect("a commit");
            });
            let after = db.stats();
            let bytes = (after.log_bytes - before.log_bytes) / ours.max(1);
            let syncs = (after.log_batches - before.log_batches) as f64 / ours as f64;
            let before = raw.syncs();
            let theirs = run(threads, |_, _| raw.commit(bytes as usize));
            let raw_syncs = (raw.syncs() - before) as f64 / theirs as f64;
            if round > 0 {
                rounds.push([ours as f64, theirs as f64, ours as f64 / theirs as f64, syncs, raw_syncs]);
            }
        }
        let medians: [f64; 5] = std::array::from_fn(|column| {
            let mut all: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        });
        let [ours, theirs, ratio, syncs, raw_syncs] = medians;
        println!(
            "{threads:7}   {:9.0}   {:6.0}   {ratio:5.2}   {syncs:14.3}   {raw_syncs:.3}",
            ours / ROUND.as_secs_f64(),
            theirs / ROUND.as_secs_f64(),
        );
    }
    Ok(())
}

/// How many calls the threads make in a round.
fn run(threads: u64, call: impl Fn(u64, u64) + Sync) -> u64 {
    let end = Instant::now() + ROUND;
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
struct Raw {
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

impl Raw {
    fn new(path: &std::path::Path) -> Raw {
        let file = OpenOptions::new().create_new(true).write(true).open(path).expect("a file");
        for at in (0..SEGMENT_BYTES).step_by(1 << 20) {
            file.write_all_at(&[0; 1 << 20], at).expect("a write");
        }
        file.sync_all().expect("a sync");
        Raw { file, state: Mutex::default(), landed: Condvar::new() }
    }

    fn syncs(&self) -> u64 {
        self.state.lock().expect("a lock").durable
    }

    fn commit(&self, bytes: usize) {
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

/// The numbers of threads to measure, from the command line.
fn threads_wanted() -> Vec<u64> {
    let asked: Vec<u64> = std::env::args().skip(2).filter_map(|arg| arg.parse().ok()).collect();
    if asked.is_empty() { vec![1, 2, 4, 16, 32] } else { asked }
}
