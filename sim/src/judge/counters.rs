//! What the database tells of itself in numbers.

use std::time::Duration;

use super::Finding;

/// Judges how long a recovery says that it took, in an opening of `most`: the wall clock may do what it likes meanwhile.
///
/// # Errors
/// If it took no time, or longer.
pub fn check_duration(told: Duration, most: Duration) -> Result<(), Finding> {
    if told > Duration::ZERO && told <= most {
        return Ok(());
    }
    let what = format!("a recovery in an opening of {most:?} says that it took {told:?}");
    Err(Finding::new("counters", what))
}

/// Judges the number of transactions that are said to be open.
///
/// # Errors
/// If so many are not.
pub fn check_open_transactions(open: u64, told: u64) -> Result<(), Finding> {
    if told == open {
        return Ok(());
    }
    Err(Finding::new("counters", format!("{open} transactions are open, the counters say {told}")))
}
