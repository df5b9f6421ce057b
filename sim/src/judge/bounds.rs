//! Bounds: what has changed and is in no checkpoint yet.
//!
//! Whoever finds twice as much of it as makes a checkpoint due waits for one before it changes anything. So it comes to less
//! than that, and to what one call adds.

use super::Finding;

/// So many times as much as makes a checkpoint due may have changed before somebody waits for one.
const TIMES_DUE: u64 = 2;
/// What one call adds at most to the memory that has changed. Much of it is what was removed before and is freed behind a
/// commit, some nodes at a time with all that is right below them; each of their blocks counts.
const CALL_DIRTY_BYTES: u64 = 3 << 20;
/// What one call adds at most to the log: a few records, of which none has a payload that goes to extents.
const CALL_LOG_BYTES: u64 = 16 << 10;

/// What has changed since the last checkpoint, and how much makes the next one due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Memory.
    pub dirty_bytes: u64,
    /// Of that, what makes a checkpoint due.
    pub dirty_bytes_due: u64,
    /// Records in the log.
    pub log_bytes: u64,
    /// Of these, what makes a checkpoint due.
    pub log_bytes_due: u64,
}

/// Judges what has changed, between two calls of a database on a disk that takes checkpoints.
///
/// # Errors
/// What there is too much of.
pub fn check_bounds(changed: Changed) -> Result<(), Finding> {
    let Changed { dirty_bytes, dirty_bytes_due, log_bytes, log_bytes_due } = changed;
    let parts = [
        ("memory", dirty_bytes, dirty_bytes_due, CALL_DIRTY_BYTES),
        ("log", log_bytes, log_bytes_due, CALL_LOG_BYTES),
    ];
    match parts.into_iter().find(|(_, bytes, due, call)| *bytes > TIMES_DUE * due + call) {
        Some((what, bytes, due, _)) => {
            let what =
                format!("{bytes} bytes of {what} have changed since a checkpoint that is due at {due} bytes");
            Err(Finding::new("bounds", what))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: Changed = Changed {
        dirty_bytes: 32 << 10,
        dirty_bytes_due: 32 << 10,
        log_bytes: 4 << 10,
        log_bytes_due: 4 << 10,
    };

    #[test]
    fn what_one_call_adds_to_twice_of_what_is_due_passes() {
        assert_eq!(check_bounds(DUE), Ok(()));
        let dirty_bytes = 2 * DUE.dirty_bytes_due + CALL_DIRTY_BYTES;
        let log_bytes = 2 * DUE.log_bytes_due + CALL_LOG_BYTES;
        assert_eq!(check_bounds(Changed { dirty_bytes, log_bytes, ..DUE }), Ok(()));
    }

    #[test]
    fn more_memory_or_more_log_does_not() {
        let said = |changed| check_bounds(changed).unwrap_err().to_string();
        let dirty_bytes = 2 * DUE.dirty_bytes_due + CALL_DIRTY_BYTES + 1;
        assert!(said(Changed { dirty_bytes, ..DUE }).contains("bytes of memory have changed"));
        let log_bytes = 2 * DUE.log_bytes_due + CALL_LOG_BYTES + 1;
        assert!(said(Changed { log_bytes, ..DUE }).contains("bytes of log have changed"));
    }
}
