//! A process is killed with a transaction open. What it had committed is there, what it had not is gone.
//!
//! The program starts itself a second time; that second process is the one that dies.
//!
//! `cargo run -p numstore --example crash_recovery`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use numstore::Database;

/// How the second process is told that it is the second.
const VICTIM: &str = "victim";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().collect();
    if let [_, role, path] = &args[..]
        && role == VICTIM
    {
        return be_killed(path.as_ref());
    }
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("accounts.ns");
    let mut victim = Command::new(std::env::current_exe()?)
        .arg(VICTIM)
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    BufReader::new(victim.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
    // On Unix this is SIGKILL: no destructor runs, no buffer is written.
    victim.kill()?;
    println!("the victim said {said:?}, and was killed: {}", victim.wait()?);
    assert_eq!(said, "half way\n");

    let db = Database::open(&path)?;
    let recovery = db.stats().recovery.ok_or("nothing was recovered")?;
    println!(
        "recovered in {:?}: {} records redone, {} transaction undone with {} compensation records",
        recovery.duration, recovery.records_redone, recovery.losers, recovery.clrs_written
    );
    assert_eq!(recovery.losers, 1);
    assert_eq!(db.read("from", ..)?, b"100");
    assert_eq!(db.read("to", ..)?, b"0");
    assert!(db.verify()?.is_clean());
    println!("both accounts are as they were before the transfer began");
    db.close()?;
    Ok(())
}

/// Commits two accounts, then dies in the middle of a transfer.
fn be_killed(path: &Path) -> Result<(), Box<dyn Error>> {
    let db = Database::open(path)?;
    let tx = db.begin()?;
    tx.create("from")?.append(b"100")?;
    tx.create("to")?.append(b"0")?;
    tx.commit()?;

    let transfer = db.begin()?;
    transfer.stream("from")?.write(0, b"000")?;
    // Not even making the half transfer durable makes it last: its transaction never commits.
    db.sync()?;
    println!("half way");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    transfer.stream("to")?.write(0, b"1")?;
    Err("nobody killed the victim".into())
}
