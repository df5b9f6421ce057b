//! Nodes and log bytes of a small insertion, by the length of the stream.

use std::time::Instant;

use numstore::{Durability, Options, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::disk::CountingEnv;

const PIECE_BYTES: u64 = 16 << 20;
/// A checkpoint is taken each time that so much was appended.
const CHECKPOINT_BYTES: u64 = 16 << 30;
const INSERTIONS: u32 = 300;

pub fn growth() -> Result<()> {
    [1 << 20, 1 << 30, 1 << 40].into_iter().try_for_each(of_length)
}

/// Measures a stream of `len` zeros, which are appended in large pieces like any other bytes.
fn of_length(len: u64) -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let db = Options::new().open_in(CountingEnv::default(), dir.path().join("growth.ns"))?;
    db.create("s")?;
    let zeros = vec![0; PIECE_BYTES.min(len) as usize];
    let started = Instant::now();
    for from in (0..len).step_by(zeros.len()) {
        let tx = db.begin()?;
        tx.stream("s")?.append(&zeros)?;
        tx.commit_with(Durability::Deferred)?;
        if (from + PIECE_BYTES).is_multiple_of(CHECKPOINT_BYTES) {
            db.checkpoint()?;
        }
    }
    db.checkpoint()?;
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(db.len("s")?, len);

    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut nodes, mut record_bytes) = (0, 0);
    for _ in 0..INSERTIONS {
        // Nodes that changed are in memory and no look-up finds them; after a checkpoint there are none.
        db.checkpoint()?;
        let at = rng.random_range(0..=len);
        let before = db.stats();
        db.insert("s", at, &[7; 100])?;
        let after = db.stats();
        nodes += after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
        record_bytes += after.log_bytes - before.log_bytes;
    }
    let mean = |sum: u64| sum as f64 / f64::from(INSERTIONS);
    println!(
        "{len} bytes, appended in {seconds:.1} s: an insertion of 100 bytes looks at {:.2} nodes and logs {:.1} bytes",
        mean(nodes),
        mean(record_bytes)
    );
    // The tree's shape, where reading all of it takes no hour.
    if len <= 1 << 30 {
        println!("  height {}", db.verify()?.height);
    }
    Ok(())
}
