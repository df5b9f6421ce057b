//! Space that nobody needs is used again. Blocks of the data file are for [`check_audit`](super::check_audit).

use super::Finding;

/// Segments by which a log may grow though checkpoints free all of it: the one that is being written, and the next one.
const SEGMENTS_MAX: u64 = 2;

/// Judges the length of a log, in bytes, before and behind a series of alike rounds that each end with a checkpoint while
/// nothing is open.
///
/// # Errors
/// If it has grown by more than the log moves on meanwhile.
pub fn check_log_growth(before: u64, now: u64, segment_bytes: u64) -> Result<(), Finding> {
    if now <= before + SEGMENTS_MAX * segment_bytes {
        return Ok(());
    }
    let what = format!("the log grew from {before} to {now} bytes, though checkpoints freed all of it");
    Err(Finding::new("space", what))
}
