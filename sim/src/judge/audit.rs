//! What a recovered database says of itself: nothing leaked, nothing owned twice, nothing left open, and a log that goes
//! with it.
//!
//! That it comes back in the same state when it is recovered once more is for [`check_recovery`](super::check_recovery):
//! after each recovery the process ends again, with one state to come back to.

use super::Finding;

/// What is known of a database that has just been opened, before anybody used it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Audit {
    /// What a walk over every node found wrong: sums, counts, blocks without an owner or with two.
    pub problems: Vec<String>,
    /// Streams and bytes in them: counted by the walk, and read.
    pub counted: (u64, u64),
    /// What was read through the interface.
    pub read: (u64, u64),
    /// Blocks that are used and blocks that are free.
    pub blocks: (u64, u64),
    /// Blocks that the data file has room for.
    pub file_blocks: u64,
    /// Transactions that are open.
    pub transactions: u64,
    /// Versions that somebody holds.
    pub snapshots: u64,
    /// Locks that are held or waited for, as they are shown to people.
    pub locks: Vec<String>,
    /// Bytes of the log: as the database says, and as the file is long; nothing if there is no file.
    pub log: (u64, Option<u64>),
    /// What is wrong with the log's records, if they cannot be read.
    pub log_error: Option<String>,
}

/// Judges an audit.
///
/// # Errors
/// What is wrong.
pub fn check_audit(audit: &Audit) -> Result<(), Finding> {
    check_problems(&audit.problems)?;
    let wrong = |what: String| Err(Finding::new("audit", what));
    if audit.counted != audit.read {
        return wrong(format!(
            "the counts differ from what is read: {:?} instead of {:?}",
            audit.counted, audit.read
        ));
    }
    let (used, free) = audit.blocks;
    if used + free > audit.file_blocks {
        return wrong(format!(
            "the space is larger than its file: {used} and {free} blocks in {}",
            audit.file_blocks
        ));
    }
    if audit.transactions > 0 {
        return wrong(format!("transactions are open and nobody has begun one: {}", audit.transactions));
    }
    if audit.snapshots > 0 {
        return wrong(format!("versions are held and nobody has asked for one: {}", audit.snapshots));
    }
    if !audit.locks.is_empty() {
        return wrong(format!(
            "something is locked and nobody has begun a transaction: {}",
            audit.locks.join("; ")
        ));
    }
    match audit.log {
        (0, _) => {}
        (bytes, Some(file_bytes)) if bytes <= file_bytes => {}
        (bytes, there) => {
            return wrong(format!("the log is shorter than it says: {there:?} of {bytes} bytes"));
        }
    }
    match &audit.log_error {
        Some(e) => wrong(format!("the log of an open database cannot be read: {e}")),
        None => Ok(()),
    }
}

/// Judges what a walk over the nodes of a database found wrong.
///
/// # Errors
/// If that is anything.
pub fn check_problems(problems: &[String]) -> Result<(), Finding> {
    if problems.is_empty() { Ok(()) } else { Err(Finding::new("audit", problems.join("; "))) }
}
