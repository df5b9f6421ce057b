//! The longest that a committing writer waits while 1 GiB of changed nodes is checkpointed, against the slowest of raw
//! syncs beside the same volume of background writing, in turns.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use numstore::{Database, Durability, Options, Result};

const ROUNDS: usize = 3;
const LEAF: u64 = 64 << 10;
const CHUNK: usize = 16 << 20;
const SYNC_EVERY: u64 = 16 << 20;
/// What a commit of the writer writes to the log.
const COMMIT: usize = 4096;

/// Waits of one writer, in order.
struct Waits(Vec<Duration>);

impl Waits {
    fn part(&self, of_thousand: usize) -> Duration {
        self.0[(self.0.len() * of_thousand / 1000).min(self.0.len() - 1)]
    }

    fn show(&self, what: &str) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "  {what}: {} commits, median {:.2} ms, 99 % {:.2} ms, longest {:.2} ms",
            self.0.len(),
            ms(self.part(500)),
            ms(self.part(990)),
            ms(self.part(1000))
        );
    }
}

/// Calls `commit` again and again while `work` runs.
fn beside<R: Send>(mut commit: impl FnMut() + Send, work: impl FnOnce() -> R) -> (Waits, R) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut waits = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let since = Instant::now();
                commit();
                waits.push(since.elapsed());
            }
            waits.sort_unstable();
            Waits(waits)
        });
        let result = work();
        over.store(true, Ordering::Relaxed);
        (writer.join().expect("a thread that ends"), result)
    })
}

/// `measure stall [MIB]`: of so much changed state, 1,024 MiB unless said otherwise.
pub fn stall() -> Result<()> {
    let mib = std::env::args().nth(2).and_then(|arg| arg.parse().ok()).unwrap_or(1024);
    let bytes = mib << 20;
    let dir = tempfile::tempdir_in(".").expect("a directory on the disk that is measured");
    let options = Options::new().dirty_bytes(4 * bytes).checkpoint_log_bytes(1 << 40).cache_bytes(2 * bytes);
    let db = options.open(dir.path().join("stall.ns"))?;
    db.create("large")?;
    db.create("small")?;
    for _ in 0..bytes.div_ceil(CHUNK as u64) {
        db.append("large", &vec![1; CHUNK])?;
    }
    db.checkpoint()?;
    let log = preallocated(&dir.path().join("raw-log"), 256 << 20);
    // The database writes its checkpoints to blocks that its file has already; so does this.
    let data = preallocated(&dir.path().join("raw-data"), bytes);
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        change_every_leaf(&db, bytes, round as u8)?;
        println!("round {}: {} MiB changed", round + 1, db.stats().dirty_bytes >> 20);
        let (ours, took) = beside(
            || db.append("small", &[7; 100]).expect("a commit"),
            || timed(|| db.checkpoint().expect("a checkpoint")),
        );
        ours.show(&format!("numstore, checkpoint of {:.2} s", took.as_secs_f64()));
        let mut at = 0;
        let (raw, took) = beside(
            || {
                log.write_all_at(&[7; COMMIT], at).expect("a write");
                log.sync_data().expect("a sync");
                at = (at + COMMIT as u64) % (255 << 20);
            },
            || timed(|| write_beside(&data, bytes)),
        );
        raw.show(&format!("raw, writing of {:.2} s", took.as_secs_f64()));
        ratios.push(ours.part(1000).as_secs_f64() / raw.part(1000).as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    println!("longest wait, numstore / raw: median {:.2}, of {ratios:.2?}", ratios[ratios.len() / 2]);
    Ok(())
}

fn timed(work: impl FnOnce()) -> Duration {
    let since = Instant::now();
    work();
    since.elapsed()
}

/// Overwrites a few bytes in each leaf, in transactions that nobody waits for.
fn change_every_leaf(db: &Database, bytes: u64, value: u8) -> Result<()> {
    for first in (0..bytes).step_by(1 << 26) {
        let tx = db.begin()?;
        let stream = tx.stream("large")?;
        for at in (first..bytes.min(first + (1 << 26))).step_by(LEAF as usize) {
            stream.write(at + 1000, &[value; 16])?;
        }
        drop(stream);
        tx.commit_with(Durability::Deferred)?;
    }
    db.sync()
}

fn preallocated(path: &Path, bytes: u64) -> File {
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(path).expect("a file");
    for at in (0..bytes).step_by(1 << 20) {
        file.write_all_at(&[0; 1 << 20], at).expect("a write");
    }
    file.sync_all().expect("a sync");
    file
}

/// What a checkpoint does to the disk: large writes to blocks that the file has, with a sync now and then.
fn write_beside(file: &File, bytes: u64) {
    for at in (0..bytes).step_by(1 << 20) {
        file.write_all_at(&[3; 1 << 20], at).expect("a write");
        if (at + (1 << 20)) % SYNC_EVERY == 0 {
            file.sync_data().expect("a sync");
        }
    }
    file.sync_all().expect("a sync");
}
