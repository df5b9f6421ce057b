//! Figures that the documentation states, measured in one run each: `cargo run --release -p tests --bin measure -- WHAT`.
//!
//! `names`: opening one of many streams by name, against opening one of a thousand.
//! `fill`: how full leaves are after random and after sequential insertions.

#![expect(clippy::print_stdout, reason = "figures are for people to read")]

use std::time::Instant;

use numstore::{Database, Durability, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 21;
const OPENS: u32 = 2_000;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("names") => names(),
        Some("fill") => fill(),
        _ => {
            eprintln!("measure names | fill");
            std::process::exit(2);
        }
    }
}

fn name(i: u32) -> String {
    format!("stream {i:08}")
}

fn with_streams(count: u32, path: &std::path::Path) -> Result<Database> {
    let db = Database::open(path)?;
    for first in (0..count).step_by(10_000) {
        let tx = db.begin()?;
        for i in first..count.min(first + 10_000) {
            tx.create(&name(i))?;
        }
        tx.commit_with(Durability::Deferred)?;
    }
    db.close()?;
    Database::open(path)
}

/// Nanoseconds to open one stream at random and nodes looked at.
fn open_some(db: &Database, count: u32, rng: &mut ChaCha8Rng) -> Result<(f64, f64)> {
    let names: Vec<String> = (0..OPENS).map(|_| name(rng.random_range(0..count))).collect();
    let before = db.stats();
    let started = Instant::now();
    for name in &names {
        let tx = db.begin()?;
        tx.stream(name)?;
    }
    let ns = started.elapsed().as_secs_f64() * 1e9 / f64::from(OPENS);
    let after = db.stats();
    let nodes = after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
    Ok((ns, nodes as f64 / f64::from(OPENS)))
}

fn names() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let few = with_streams(FEW, &dir.path().join("few.ns"))?;
    let many = with_streams(MANY, &dir.path().join("many.ns"))?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut rounds = Vec::new();
    for round in 0..2 * ROUNDS {
        let a = open_some(&few, FEW, &mut rng)?;
        let b = open_some(&many, MANY, &mut rng)?;
        // The first half only warms the caches.
        if round >= ROUNDS {
            rounds.push((b.0 / a.0, a, b));
        }
    }
    rounds.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (ratio, few, many) = rounds[rounds.len() / 2];
    println!(
        "one of {FEW}: {:.0} ns, {:.1} nodes; one of {MANY}: {:.0} ns, {:.1} nodes",
        few.0, few.1, many.0, many.1
    );
    println!("ratio of times, median of {ROUNDS}: {ratio:.2}");
    Ok(())
}

fn fill() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (what, random) in [("sequential", false), ("random", true)] {
        let db = Database::open(dir.path().join(format!("{what}.ns")))?;
        db.create("s")?;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let tx = db.begin()?;
        let stream = tx.stream("s")?;
        let mut len = 0;
        for _ in 0..640_000 {
            let at = if random { rng.random_range(0..=len) } else { len };
            stream.insert(at, &[7; 100])?;
            len += 100;
        }
        tx.commit()?;
        db.checkpoint()?;
        let found = db.verify()?;
        println!(
            "{what}: {} bytes, {} % of their blocks, {} % of the largest leaves, height {}",
            found.bytes, found.leaf_fill_percent, found.node_fill_percent, found.height
        );
    }
    Ok(())
}
