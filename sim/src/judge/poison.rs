//! After a failed sync or write: nothing is acknowledged that may not last, and nothing is read that was never written.

use numstore::{Error, ErrorCode};

use super::Finding;

/// Judges a write that is tried after a failure. `settled` says that the failure left nothing in doubt, so that the
/// database may go on.
///
/// # Errors
/// If the write is acknowledged where nobody knows what lasts, or refused for another reason than the failure.
pub fn check_write_after_failure(settled: bool, got: &Result<(), Error>) -> Result<(), Finding> {
    match got {
        Ok(()) if settled => Ok(()),
        Ok(()) => Err(Finding::new("poison", "a write was acknowledged after a failed sync")),
        Err(e) => match e.code() {
            ErrorCode::Poisoned | ErrorCode::InDoubt | ErrorCode::Io => Ok(()),
            // Somebody lists all streams.
            ErrorCode::Busy => Ok(()),
            _ => Err(Finding::new("poison", format!("a write after a failed sync: {e}"))),
        },
    }
}

/// Judges what a transaction that was open at a failure is told when it reads: anything but that there is damage, as it
/// would find in what the failure left unwritten.
///
/// # Errors
/// If it finds damage.
pub fn check_read_after_failure<T>(got: &Result<T, Error>) -> Result<(), Finding> {
    match got {
        Err(e) if e.code() == ErrorCode::Corruption => {
            Err(Finding::new("poison", format!("a read after a failure finds damage: {e}")))
        }
        _ => Ok(()),
    }
}
