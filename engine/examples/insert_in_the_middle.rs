//! The middle of a stream is as cheap as its end: sixteen bytes go into the middle of 64 MiB, and a few dozen bytes
//! are logged for it.
//!
//! `cargo run --release -p numstore --example insert_in_the_middle`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use numstore::{Database, Stride};

const MIB: u64 = 1 << 20;
const SIXTEEN: &[u8; 16] = b"sixteen bytes :)";

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let db = Database::open(dir.path().join("film.ns"))?;

    // 64 MiB of counting 32-bit numbers, in one transaction.
    let tx = db.begin()?;
    let film = tx.create("film")?;
    for mib in 0..64u32 {
        let numbers = mib << 18..(mib + 1) << 18;
        film.append(&numbers.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
    }
    tx.commit()?;
    assert_eq!(db.len("film")?, 64 * MIB);

    // A snapshot stays what it is, whatever happens later.
    let before = db.snapshot();

    let logged = db.stats().log_bytes;
    db.insert("film", 32 * MIB, SIXTEEN)?;
    let logged = db.stats().log_bytes - logged;
    println!("inserted 16 bytes in the middle of 64 MiB, durably: {logged} bytes logged");
    assert!(logged <= 16 + 64);

    // What was there has moved right, and nothing else has changed.
    assert_eq!(db.len("film")?, 64 * MIB + 16);
    assert_eq!(db.read("film", 32 * MIB..32 * MIB + 16)?, SIXTEEN);
    assert_eq!(db.read("film", 32 * MIB + 16..32 * MIB + 20)?, (8u32 << 20).to_le_bytes());
    assert_eq!(before.stream("film")?.read(32 * MIB..32 * MIB + 4)?, (8u32 << 20).to_le_bytes());

    // Half of everything goes as cheaply; the log does not hold what was removed.
    let logged = db.stats().log_bytes;
    db.remove("film", 16 * MIB..48 * MIB)?;
    let logged = db.stats().log_bytes - logged;
    println!("removed 32 MiB: {logged} bytes logged");
    assert!(logged < 4096);
    assert_eq!(db.len("film")?, 32 * MIB + 16);

    // Every 1024th number of the old version, in one read.
    let every = Stride { start: 0, size: 4, stride: 1024, count: 16 * 1024 };
    let taken = before.stream("film")?.read_strided(every)?;
    assert_eq!(taken[4..8], 1024u32.to_le_bytes());
    println!("read {} bytes of {} at a stride", taken.len(), 64 * MIB);
    Ok(())
}
