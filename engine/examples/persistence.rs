//! What is written stays: through a close, and in the order in which it was committed.
//!
//! `cargo run -p numstore --example persistence`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use numstore::Database;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("diary.ns");

    // Opening makes the file if it is not there. Each call on the database is a transaction of its own, and what it
    // did is durable when it returns.
    let db = Database::open(&path)?;
    db.create("monday")?;
    db.append("monday", b"It rained.")?;

    // Several changes that belong together are one transaction: all of them last, or none.
    let tx = db.begin()?;
    tx.stream("monday")?.insert(3, b"hardly ")?;
    tx.create("tuesday")?.append(b"Sun.")?;
    tx.commit()?;

    // One that is dropped has never happened.
    let tx = db.begin()?;
    tx.drop_stream("monday")?;
    drop(tx);
    db.close()?;
    println!("closed {}", path.display());

    let db = Database::open(&path)?;
    let streams = db.list()?;
    for stream in &streams {
        let text = String::from_utf8(db.read(&stream.name, ..)?)?;
        println!("{:8} {:2} bytes: {text}", stream.name, stream.len);
    }
    assert_eq!(streams.len(), 2);
    assert_eq!(db.read("monday", ..)?, b"It hardly rained.");
    assert_eq!(db.read("tuesday", ..)?, b"Sun.");
    assert!(db.stats().recovery.is_none(), "a clean close leaves nothing to recover");
    db.close()?;
    Ok(())
}
