//! Log bytes of small insertions, and of removing 1 GiB, taking that back and committing it.

use numstore::{Database, Result, Stats};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

const INSERTIONS: u32 = 1_000;
const BATCH_HEADER_BYTES: u64 = 80;
const PIECE_BYTES: usize = 16 << 20;
const LONG_BYTES: u64 = 1 << 30;

pub fn records() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    insertions(&Database::open(dir.path().join("small.ns"))?)?;
    removal(&Database::open(dir.path().join("long.ns"))?)
}

fn record_bytes(before: &Stats, after: &Stats) -> u64 {
    after.log_bytes - before.log_bytes
}

fn print(what: &str, before: &Stats, after: &Stats) {
    let records = record_bytes(before, after);
    let batches = after.log_batches - before.log_batches;
    let headers = batches * BATCH_HEADER_BYTES;
    let padding = after.log_bytes_written - before.log_bytes_written - records - headers;
    let each = |sum: u64| sum as f64 / f64::from(INSERTIONS);
    println!(
        "{what}: {:.3} bytes of records each; {batches} batches: {:.3} bytes of headers and {:.3} of padding each",
        each(records),
        each(headers),
        each(padding)
    );
}

fn insertions(db: &Database) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut len = 1 << 20;
    db.create("s")?;
    db.append("s", &vec![1; len as usize])?;
    let mut place = || {
        len += 16;
        rng.random_range(0..=len - 16)
    };

    let before = db.stats();
    for _ in 0..INSERTIONS {
        db.insert("s", place(), &[7; 16])?;
    }
    print("16 bytes inserted in a call", &before, &db.stats());

    let before = db.stats();
    let tx = db.begin()?;
    let stream = tx.stream("s")?;
    for _ in 0..INSERTIONS {
        stream.insert(place(), &[7; 16])?;
    }
    let inserted = db.stats();
    tx.commit()?;
    let committed = db.stats();
    print("16 bytes inserted, 1000 times in a transaction, with its commit", &before, &committed);
    println!("  the commit: {} bytes", record_bytes(&inserted, &committed));
    Ok(())
}

fn removal(db: &Database) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut piece = vec![0; PIECE_BYTES];
    db.create("s")?;
    for _ in 0..LONG_BYTES / PIECE_BYTES as u64 {
        rng.fill_bytes(&mut piece);
        db.append("s", &piece)?;
    }
    for rolls_back in [true, false] {
        let before = db.stats();
        let tx = db.begin()?;
        tx.stream("s")?.remove(..)?;
        let removed = db.stats();
        let end = if rolls_back { tx.rollback() } else { tx.commit() };
        end?;
        let ended = db.stats();
        println!(
            "{LONG_BYTES} bytes removed: {} bytes of records; {}: {} bytes, {} of them compensation records; {} left",
            record_bytes(&before, &removed),
            if rolls_back { "rolled back" } else { "committed" },
            record_bytes(&removed, &ended),
            ended.clrs - removed.clrs,
            db.len("s")?
        );
    }
    Ok(())
}
