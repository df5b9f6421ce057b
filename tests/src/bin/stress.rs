//! Sixteen threads on the real disk, judged round by round, until the time is up: `stress SECONDS [THREADS [SEED]]`.

#![expect(clippy::print_stdout, reason = "what came of it is for people to read")]

use std::time::{Duration, Instant};

use numstore::Options;
use tests::Stress;

/// Transactions of a thread in a round, if there are sixteen. With more the judge often gives up looking for an order.
const EACH: u64 = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |at: usize| std::env::args().nth(at).map(|text| text.parse::<u64>()).transpose();
    let seconds = number(1)?.ok_or("stress SECONDS [THREADS [SEED]]")?;
    let threads = number(2)?.unwrap_or(16).clamp(1, 64);
    let seed = number(3)?.unwrap_or(1);
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("x.ns");
    let mut options = Options::new().leaf_bytes(256).fanout(4).checkpoint_log_bytes(1 << 20);
    options = options.lock_timeout(Duration::from_secs(600));
    let mut stress = Stress::new(options.open(&path)?, threads, seed)?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        stress.round((EACH * 16 / threads).max(1)).map_err(|finding| finding.to_string())?;
    }
    let rounds = stress.so_far();
    let db = stress.into_database();
    let audit = db.verify()?;
    assert!(audit.is_clean(), "{:?}", audit.problems);
    println!("{threads} threads, {rounds:?}, {} deadlocks, no finding", db.stats().deadlocks);
    Ok(db.close()?)
}
