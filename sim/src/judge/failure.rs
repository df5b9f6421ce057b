//! Calls that fail where the model knows of no reason: what has befallen the disk may be one.

use std::fmt::Debug;

use numstore::{Error, ErrorCode};

use super::Finding;

/// What has befallen the disk under a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Befallen {
    /// A call of the disk has failed, or the machine has crashed, or what follows.
    pub failed: bool,
    /// Bits rotted, a write landed elsewhere, or a sync lied.
    pub betrayed: bool,
    /// Nothing of all that: some calls were refused since the disk is full.
    pub only_full: bool,
}

impl Befallen {
    /// Whether an error is what it may cause.
    pub fn explains(self, error: &Error) -> bool {
        let damage = self.betrayed && error.code() == ErrorCode::Corruption;
        let told = matches!(error.code(), ErrorCode::Io | ErrorCode::InDoubt | ErrorCode::Poisoned);
        damage || (self.failed || self.betrayed) && told
    }
}

/// Judges the failure of an operation that might have been refused, had it not been begun; `closes` if it was the end.
///
/// # Errors
/// If the disk is only full, so that what was begun must go through, or nothing explains it at all.
pub fn check_failure(
    operation: &impl Debug,
    closes: bool,
    error: &Error,
    befallen: Befallen,
) -> Result<(), Finding> {
    if befallen.only_full && !closes {
        let what = format!("{operation:?} failed on a disk that is only full: {error}");
        return Err(Finding::new("full disk", what));
    }
    if befallen.explains(error) {
        return Ok(());
    }
    Err(Finding::new("answer", format!("{operation:?} failed: {error}")))
}
