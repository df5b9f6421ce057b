//! Opening one of many streams by name, against opening one of a thousand; and what the machine itself makes of as many
//! names: in maps of the standard library, and in random reads of files as long as the databases.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use numstore::{Database, Durability, Options, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bytes of a read of the files.
const BLOCK: u64 = 4096;
const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 41;
const OPENS: u32 = 2_000;
const OPENS_PER_TRANSACTION: usize = 50;
/// Opens of the larger database that bring all its nodes into the cache.
const WARMING: u32 = 200_000;

/// Nanoseconds and looked-up nodes for one opening.
type Cost = (f64, f64);
/// Opens streams of these names, one after the other; returns the nanoseconds that this took.
type Open = fn(&Database, &[String]) -> Result<f64>;

/// What users call an opening.
const WAYS: [(&str, Open); 3] = [
    ("transaction.stream", |db, names| {
        // Begun again now and then, so that looking up what a transaction owns does not cost more and more.
        names.chunks(OPENS_PER_TRANSACTION).try_fold(0.0, |sum, names| {
            let tx = db.begin()?;
            Ok(sum + timed(names, |name| tx.stream(name).map(drop))?)
        })
    }),
    ("snapshot.stream", |db, names| {
        let snapshot = db.snapshot();
        timed(names, |name| snapshot.stream(name).map(drop))
    }),
    ("begin, stream, roll back", |db, names| timed(names, |name| db.begin()?.stream(name).map(drop))),
];

fn timed(names: &[String], mut open: impl FnMut(&str) -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    names.iter().try_for_each(|name| open(name))?;
    Ok(started.elapsed().as_secs_f64() * 1e9)
}

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

/// Opens streams at random.
fn open_some(db: &Database, open: Open, count: u32, opens: u32, rng: &mut ChaCha8Rng) -> Result<Cost> {
    let names: Vec<String> = (0..opens).map(|_| name(rng.random_range(0..count))).collect();
    let before = db.stats();
    let ns = open(db, &names)?;
    let after = db.stats();
    let nodes = after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
    Ok((ns / f64::from(opens), nodes as f64 / f64::from(opens)))
}

pub fn names() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (few, many) = (dir.path().join("few.ns"), dir.path().join("many.ns"));
    with_streams(FEW, &few)?;
    with_streams(MANY, &many)?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (what, open) in WAYS {
        report("first after opening the database", what, || {
            Ok((
                open_some(&Database::open(&few)?, open, FEW, 1, &mut rng)?,
                open_some(&Database::open(&many)?, open, MANY, 1, &mut rng)?,
            ))
        })?;
    }
    // A cache with room for one node: every look-up reads from the system's page cache.
    compare("no node cached", &few, &many, &Options::new().cache_bytes(1), 0, &mut rng)?;
    compare("all nodes cached", &few, &many, &Options::new().cache_bytes(1 << 30), WARMING, &mut rng)?;
    yardsticks(&few, &many, &mut rng)
}

/// What as many names cost without a database.
fn yardsticks(few: &std::path::Path, many: &std::path::Path, rng: &mut ChaCha8Rng) -> Result<()> {
    let numbered = |count| (0..count).map(|i| (name(i), u64::from(i)));
    let sorted: [BTreeMap<String, u64>; 2] = [numbered(FEW).collect(), numbered(MANY).collect()];
    let hashed: [HashMap<String, u64>; 2] = [numbered(FEW).collect(), numbered(MANY).collect()];
    let files = [File::open(few), File::open(many)].map(|file| file.expect("a closed database"));
    let blocks = files.each_ref().map(|file| file.metadata().expect("a file").len() / BLOCK);
    let mut buffer = vec![0; BLOCK as usize];
    let mut look = |what: &str, find: &mut dyn FnMut(usize, &str, u64)| {
        report("beside", what, || {
            let cost = [FEW, MANY].iter().enumerate().map(|(which, &count)| {
                let names: Vec<String> = (0..OPENS).map(|_| name(rng.random_range(0..count))).collect();
                let places: Vec<u64> = names.iter().map(|_| rng.random_range(0..blocks[which])).collect();
                let started = Instant::now();
                names.iter().zip(places).for_each(|(name, place)| find(which, name, place));
                (started.elapsed().as_secs_f64() * 1e9 / f64::from(OPENS), 1.0)
            });
            let cost: Vec<Cost> = cost.collect();
            Ok((cost[0], cost[1]))
        })
    };
    look("BTreeMap::get", &mut |which, name, _| {
        black_box(sorted[which].get(name));
    })?;
    look("HashMap::get", &mut |which, name, _| {
        black_box(hashed[which].get(name));
    })?;
    look("one pread of 4 KiB", &mut |which, _, place| {
        files[which].read_exact_at(&mut buffer, place * BLOCK).expect("a block");
    })
}

fn compare(
    state: &str,
    few: &std::path::Path,
    many: &std::path::Path,
    options: &Options,
    warming: u32,
    rng: &mut ChaCha8Rng,
) -> Result<()> {
    let (few, many) = (options.clone().open(few)?, options.clone().open(many)?);
    for (what, open) in WAYS {
        open_some(&few, open, FEW, warming / 100, rng)?;
        open_some(&many, open, MANY, warming, rng)?;
        report(state, what, || {
            Ok((open_some(&few, open, FEW, OPENS, rng)?, open_some(&many, open, MANY, OPENS, rng)?))
        })?;
    }
    Ok(())
}

/// Prints the round whose ratio is the median.
fn report(state: &str, what: &str, mut measure: impl FnMut() -> Result<(Cost, Cost)>) -> Result<()> {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        all.push(measure()?);
    }
    all.sort_by(|a, b| (a.1.0 / a.0.0).total_cmp(&(b.1.0 / b.0.0)));
    let (few, many) = all[all.len() / 2];
    println!(
        "{state}: {what}: one of {FEW}: {:.0} ns, {:.1} nodes; one of {MANY}: {:.0} ns, {:.1} nodes; times {:.2}, nodes {:.2}",
        few.0,
        few.1,
        many.0,
        many.1,
        many.0 / few.0,
        many.1 / few.1
    );
    Ok(())
}
