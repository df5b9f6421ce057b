//! Figures that the documentation states, measured in one run each: `cargo run --release -p tests --bin measure -- WHAT`.
//!
//! `names`: opening one of many streams by name, against opening one of a thousand.
//! `fill`: how full leaves are after random and after sequential insertions.
//! `growth`: nodes touched and bytes logged by one insertion of 100 bytes, by the length of the stream.
//! `records`: bytes of records and of the log for small insertions, and for removing 1 GiB.
//! `open`: what opening a closed database reads, by its length.
//!
//! `growth` runs on a simulated disk, which does not store zeros, so that streams can be longer than this disk.

#![expect(clippy::print_stdout, reason = "figures are for people to read")]

use std::time::Instant;

use numstore::{Database, Durability, Env, Options, RealEnv, Result, Stats};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sim::testing::World;

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const ROUNDS: usize = 21;
const OPENS: u32 = 2_000;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("names") => names(),
        Some("fill") => fill(),
        Some("growth") => growth(),
        Some("records") => records(),
        Some("open") => open(),
        _ => {
            eprintln!("measure names | fill | growth | records | open");
            std::process::exit(2);
        }
    }
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

fn names() -> Result<()> {
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

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const PIECE: u64 = 16 * MIB;

/// A database with one stream of `len` zeros, each piece a commit of its own.
fn of_zeros<E: Env>(env: E, path: &std::path::Path, len: u64) -> Result<Database<E>> {
    let db = Options::new().open_in(env, path)?;
    db.create("s")?;
    let zeros = vec![0; usize::try_from(PIECE.min(len)).expect("a piece fits in memory")];
    for piece in 0..len / zeros.len() as u64 {
        db.append("s", &zeros)?;
        if piece % 1024 == 1023 {
            db.checkpoint()?;
        }
    }
    db.checkpoint()?;
    Ok(db)
}

fn growth() -> Result<()> {
    const INSERTS: u32 = 200;
    for (what, len) in [("1 MiB", MIB), ("1 GiB", GIB), ("1 TiB", TIB)] {
        let world = World::new(1);
        let db = of_zeros(world.env(), std::path::Path::new("x.ns"), len)?;
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut nodes, mut bytes) = (0, 0);
        for _ in 0..INSERTS {
            // With nothing dirty every node that is touched is looked up.
            db.checkpoint()?;
            let before = db.stats();
            db.insert("s", rng.random_range(0..len), &[7; 100])?;
            let after = db.stats();
            nodes += after.cache_hits + after.cache_misses - before.cache_hits - before.cache_misses;
            bytes += after.log_bytes - before.log_bytes;
        }
        let each = |sum: u64| sum as f64 / f64::from(INSERTS);
        println!(
            "{what}: {:.1} nodes touched, {:.1} bytes of records an insertion",
            each(nodes),
            each(bytes)
        );
    }
    Ok(())
}

/// Bytes of records, and all bytes written to the log, since `before`.
fn logged<E: Env>(db: &Database<E>, before: &Stats) -> (u64, u64) {
    let after = db.stats();
    (after.log_bytes - before.log_bytes, after.log_bytes_written - before.log_bytes_written)
}

fn records() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let db = of_zeros(RealEnv::new(), &dir.path().join("x.ns"), GIB)?;
    let mut before = db.stats();
    db.insert("s", GIB / 2, &[7; 16])?;
    let (records, written) = logged(&db, &before);
    println!("16 bytes inserted by one call: {records} bytes of records; {written} with header and padding");

    before = db.stats();
    let tx = db.begin()?;
    let stream = tx.stream("s")?;
    for i in 0..1000 {
        stream.insert(GIB / 2 + i, &[7; 16])?;
    }
    tx.commit()?;
    let (records, written) = logged(&db, &before);
    println!(
        "1000 times 16 bytes in one transaction, commit included: {records} bytes of records; {written} in all"
    );

    before = db.stats();
    let tx = db.begin()?;
    tx.stream("s")?.remove(0..GIB)?;
    println!("1 GiB removed: {} bytes of records", logged(&db, &before).0);
    before = db.stats();
    tx.rollback()?;
    println!("undone: {} bytes of records", logged(&db, &before).0);
    let tx = db.begin()?;
    tx.stream("s")?.remove(0..GIB)?;
    before = db.stats();
    tx.commit()?;
    println!("removed again and committed: {} bytes of records for the commit", logged(&db, &before).0);
    Ok(())
}

fn open() -> Result<()> {
    for (what, len) in [("1 MiB", MIB), ("1 GiB", GIB), ("16 GiB", 16 * GIB)] {
        let world = World::new(1);
        let path = std::path::Path::new("x.ns");
        of_zeros(world.env(), path, len)?.close()?;
        let before = world.counters();
        let db = Options::new().open_in(world.env(), path)?;
        let after = world.counters();
        println!("{what}: {} calls to the disk, each of one block at most", after.ios - before.ios);
        drop(db);
    }
    Ok(())
}
