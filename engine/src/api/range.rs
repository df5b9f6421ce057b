//! Ranges as users write them: `..`, `5..`, `..=9`, `3..7`.

use std::ops::{Bound, Range, RangeBounds};

use crate::base::{Error, Result};

/// `range` with its open ends filled in.
///
/// # Errors
/// [`Error::OutOfBounds`] if it does not lie inside `0..len`, or ends before it starts.
pub fn resolve(range: &impl RangeBounds<u64>, len: u64) -> Result<Range<u64>> {
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(&before) => before.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.checked_add(1),
        Bound::Excluded(&end) => Some(end),
        Bound::Unbounded => Some(len),
    };
    match (start, end) {
        (Some(start), Some(end)) if start <= end && end <= len => Ok(start..end),
        _ => Err(Error::OutOfBounds { start: start.unwrap_or(u64::MAX), end: end.unwrap_or(u64::MAX), len }),
    }
}
