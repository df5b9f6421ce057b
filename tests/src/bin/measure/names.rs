//! Opening one of many streams by name, against opening one of a thousand.

use std::time::Instant;

use numstore::{Database, Durability, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 21;
const OPENS: u32 = 2_000;

fn name(i: u32) -> String {
    format!("stream {i:08}")
}

fn with_streams(count: u32, path: &std::path::Path) -> Result<()> {
    let db = Database::open(path)?;
    for first in (0..count).step_by(10_000) {
        let tx = db.begin()?;
        for i in first..count.min(first + 10_000) {
            tx.create(&name(i))?;
        }
        tx.commit_with(Durability::Deferred)?;
    }
    db.close()
}

/// Nanoseconds to open one stream at random and nodes looked at.
fn open_some(db: &Database, count: u32, opens: u32, rng: &mut ChaCha8Rng) -> Result<Cost> {
    let names: Vec<String> = (0..opens).map(|_| name(rng.random_range(0..count))).collect();
    let before = db.stats();
    let started = Instant::now();
    for name in &names {
        let tx = db.begin()?;
        tx.stream(name)?;
    }
    let ns = started.elapsed().as_secs_f64() * 1e9 / f64::from(opens);
    let after = db.stats();
    let nodes = after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
    Ok((ns, nodes as f64 / f64::from(opens)))
}

pub fn names() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (few, many) = (dir.path().join("few.ns"), dir.path().join("many.ns"));
    with_streams(FEW, &few)?;
    with_streams(MANY, &many)?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // Cold: the first stream that is opened after the database was.
    report("first after opening the database", ROUNDS, || {
        Ok((
            open_some(&Database::open(&few)?, FEW, 1, &mut rng)?,
            open_some(&Database::open(&many)?, MANY, 1, &mut rng)?,
        ))
    })?;
    let (few, many) = (Database::open(&few)?, Database::open(&many)?);
    for _ in 0..ROUNDS {
        open_some(&many, MANY, OPENS, &mut rng)?;
    }
    report("with all nodes cached", ROUNDS, || {
        Ok((open_some(&few, FEW, OPENS, &mut rng)?, open_some(&many, MANY, OPENS, &mut rng)?))
    })
}

type Cost = (f64, f64);

/// Prints the round whose ratio is the median.
fn report(what: &str, rounds: usize, mut measure: impl FnMut() -> Result<(Cost, Cost)>) -> Result<()> {
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(measure()?);
    }
    all.sort_by(|a, b| (a.1.0 / a.0.0).total_cmp(&(b.1.0 / b.0.0)));
    let (few, many) = all[all.len() / 2];
    println!(
        "{what}: one of {FEW}: {:.0} ns, {:.1} nodes; one of {MANY}: {:.0} ns, {:.1} nodes; times {:.2}, nodes {:.2}",
        few.0,
        few.1,
        many.0,
        many.1,
        many.0 / few.0,
        many.1 / few.1
    );
    Ok(())
}
