//! Openings, apart from the state that a recovery finds: whether the database opens at all, what it is after it was
//! closed, and that nobody opens it twice.

use numstore::Error;

use crate::model::Streams;

use super::{Finding, check_detected, describe_difference};

/// How a database was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// It was closed.
    Closed,
    /// Its process or its machine died.
    Dead,
    /// As before, and a bit of its log has rotted since.
    Rotten,
}

/// Judges a database that is refused, where no fault that struck the opening is a reason.
///
/// # Errors
/// Unless it is damaged and says so.
pub fn check_refused_opening(left: Left, e: &Error) -> Result<(), Finding> {
    match left {
        Left::Closed => Err(Finding::new("reopening", format!("after a clean close: {e}"))),
        Left::Dead => Err(Finding::new("recovery", format!("the database does not open: {e}"))),
        Left::Rotten => check_detected(e),
    }
}

/// Judges what is found in a database that was closed in the state `closed`.
///
/// # Errors
/// If it is another state.
pub fn check_reopening(closed: &Streams, found: &Streams) -> Result<(), Finding> {
    if found == closed {
        return Ok(());
    }
    let difference = describe_difference(closed, found);
    Err(Finding::new("reopening", format!("after a clean close: {difference}")))
}

/// Judges what somebody is told who opens a database that is open.
///
/// # Errors
/// Unless it is locked.
pub fn check_second_opening(got: &Result<(), Error>) -> Result<(), Finding> {
    match got {
        Err(Error::Locked { .. }) => Ok(()),
        Err(e) => Err(Finding::new("lock", format!("an open database answers who opens it: {e}"))),
        Ok(()) => Err(Finding::new("lock", "an open database was opened once more")),
    }
}

/// Judges the name of the data file: once an opening has gone through, the database has it for good.
///
/// # Errors
/// If it is gone.
pub fn check_name(was_open: bool, is_there: bool) -> Result<(), Finding> {
    if is_there || !was_open {
        return Ok(());
    }
    Err(Finding::new("durability", "the database was opened, and its file is gone"))
}
