//! The victim of the kill tests: appends numbered records to a real database, one transaction each, and prints each
//! number once its commit has returned. Every transaction but the acknowledged ones stays open while it dies.
//!
//! Usage: `appender DATABASE`. It runs until it is killed.

use std::io::Write;

use numstore::Database;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: appender DATABASE")?;
    let db = Database::open(path)?;
    if !db.exists("acknowledged")? {
        db.create("acknowledged")?;
        db.create("abandoned")?;
    }
    let abandoned = db.begin()?;
    let first = db.len("acknowledged")? / 8;
    let mut out = std::io::stdout().lock();
    for number in first.. {
        abandoned.stream("abandoned")?.append(&[0xee; 100])?;
        let transaction = db.begin()?;
        transaction.stream("acknowledged")?.append(&number.to_le_bytes())?;
        transaction.commit()?;
        writeln!(out, "{number}")?;
        out.flush()?;
    }
    Ok(())
}
