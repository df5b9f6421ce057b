//! Liveness: nothing waits for ever, and once no fault is left everything comes to its end.
//!
//! 1. A run that is stuck, or goes on without end, says so itself: who waits where for what, and who holds it.
//! 2. After every fault was taken back, all that is open can be ended, and the database closed, in so many I/O calls. A
//!    database that an earlier failure has poisoned may refuse, but it answers.

use numstore::ErrorCode;

use super::Finding;

/// I/O calls that one ending may take, at most.
pub const IOS_MAX: u64 = 20_000;

/// A call that ends something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// What it was to end.
    pub what: String,
    /// I/O calls that it took.
    pub ios: u64,
    /// The code of its error, if it failed.
    pub failed: Option<ErrorCode>,
}

/// How everything was ended after the last fault.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quiet {
    /// Whether an earlier failure has poisoned the database.
    pub poisoned: bool,
    /// Whether a write has landed elsewhere: what is missing then may be found out now.
    pub betrayed: bool,
    /// The calls, in order.
    pub calls: Vec<Ended>,
    /// Transactions and versions that were still in use before it was closed.
    pub left: u64,
}

/// Judges how everything was ended.
///
/// # Errors
/// What did not end, or not in time.
pub fn check_liveness(quiet: &Quiet) -> Result<(), Finding> {
    let wrong = |what: String| Err(Finding::new("liveness", what));
    for Ended { what, ios, failed } in &quiet.calls {
        if *ios > IOS_MAX {
            return wrong(format!("an ending takes too long: {what} took {ios} calls"));
        }
        match failed {
            Some(ErrorCode::Poisoned) if quiet.poisoned || quiet.betrayed => {}
            Some(ErrorCode::Corruption) if quiet.betrayed => {}
            Some(code) => return wrong(format!("an ending failed, and no fault was left: {what}: {code:?}")),
            None => {}
        }
    }
    if quiet.left > 0 && !quiet.betrayed {
        return wrong(format!("something is open when all was ended: {}", quiet.left));
    }
    Ok(())
}

/// Judges what clients have left behind that have all ended.
///
/// # Errors
/// If something is open.
pub fn check_left(transactions: u64, snapshots: u64) -> Result<(), Finding> {
    if transactions + snapshots == 0 {
        return Ok(());
    }
    let what = format!(
        "something is open when all clients have ended: {transactions} transactions, {snapshots} snapshots"
    );
    Err(Finding::new("liveness", what))
}

/// Judges the waits of clients each of whom does one thing at a time, and whose calls all end: somebody can always go on,
/// so time passes with what they do, and never `jumps` to a moment at which one of them gives up.
///
/// # Errors
/// Who waited for what when it did.
pub fn check_waits(jumps: Option<String>) -> Result<(), Finding> {
    match jumps {
        Some(who) => Err(Finding::new("waits", format!("everybody waits: {who}"))),
        None => Ok(()),
    }
}

/// Judges reads of versions, each of which may wait for nobody: `fault` says how one has waited.
///
/// # Errors
/// How it did.
pub fn check_readers(fault: Option<String>) -> Result<(), Finding> {
    fault.map_or(Ok(()), |fault| Err(Finding::new("readers", fault)))
}

/// What a panic says of a run: that it hangs, or that its code is wrong.
pub fn judge_panic(said: String) -> Finding {
    let hangs = ["hang: ", "deadlock: "].iter().any(|word| said.contains(word));
    Finding::new(if hangs { "liveness" } else { "panic" }, said)
}
