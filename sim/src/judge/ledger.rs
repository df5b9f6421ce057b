//! No silent error: each fault of the disk was harmless, or the call that it struck says so and names the right file.
//!
//! 1. A short transfer is harmless: what is left is transferred then.
//! 2. A failed sync never is, wherever it comes from: the call reports it.
//! 3. Nor is a failed write to a file that it does not extend: nobody can know what is there now.
//! 4. A failed read may be: what is only tidied up is tried again.
//! 5. A file that cannot grow may be: what needed the space is refused, or finds some, or can be done without.
//! 6. What strikes a task of the engine's own is reported by some call afterwards, the closing of the database at the latest.
//! 7. A panic beside all calls is told as one, or as something that was broken off; it need not name a file.
//! 8. Whoever reports an error of the disk names a file that a fault struck, in that call, at that byte.
//!
//! That all answers are the model's is for the other judges.

use numstore::ErrorCode;

use crate::world::{Line, Reported, Strike, Struck};

use super::Finding;

/// An error names the first byte of what was to be transferred; the fault struck so far behind it at most.
const TRANSFER_MAX: u64 = 16 << 20;

/// Judges the ledger of a process that lives.
///
/// # Errors
/// A fault that no call reported, or a report that no fault explains.
pub fn check_ledger(ledger: &[Line]) -> Result<(), Finding> {
    let mut all: Vec<&Struck> = Vec::new();
    let mut silent: Vec<&Struck> = Vec::new();
    for line in ledger {
        match line {
            Line::Struck(struck) => {
                all.push(struck);
                if must_be_reported(struck) {
                    silent.push(struck);
                }
            }
            Line::Reported(reported) => {
                check_place(reported, &all)?;
                silent.retain(|struck| !tells_of(reported, struck));
            }
            Line::Returned | Line::Closed => {
                let is_late = |struck: &&&Struck| !struck.beside || *line == Line::Closed;
                if let Some(struck) = silent.iter().find(is_late) {
                    return Err(Finding::new(
                        "silent error",
                        format!("a fault was not reported: {struck:?}"),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Whether going on as if nothing had happened would be wrong.
fn must_be_reported(struck: &Struck) -> bool {
    match (struck.strike, struck.call) {
        (Strike::Short | Strike::Full, _) => false,
        // Whoever has called has heard of it already.
        (Strike::Panicked, _) => struck.beside,
        (Strike::Failed, call) => ["sync", "write"].contains(&call),
    }
}

/// Whether an error tells of a fault. One that stands for an earlier one has that one's text.
fn tells_of(reported: &Reported, struck: &Struck) -> bool {
    let named = || match struck.strike {
        Strike::Panicked => ["panicked", "broken off"].iter().any(|word| reported.text.contains(word)),
        _ => reported.text.contains(&struck.file.display().to_string()),
    };
    match &reported.place {
        Some((file, _)) => *file == struck.file,
        None => [ErrorCode::InDoubt, ErrorCode::Poisoned].contains(&reported.code) && named(),
    }
}

/// That an error of the disk tells of a fault that struck, and where.
fn check_place(reported: &Reported, all: &[&Struck]) -> Result<(), Finding> {
    let is_of_disk = [ErrorCode::Io, ErrorCode::InDoubt, ErrorCode::Poisoned].contains(&reported.code);
    if !is_of_disk {
        return Ok(());
    }
    let mut told = all.iter().filter(|struck| struck.strike != Strike::Short && tells_of(reported, struck));
    let at = |struck: &Struck| match &reported.place {
        // Neither a sync nor a change of names is about a byte.
        Some((_, offset)) if ["read", "write"].contains(&struck.call) => {
            (*offset..offset + TRANSFER_MAX).contains(&struck.offset)
        }
        _ => true,
    };
    if told.any(|struck| at(struck)) {
        return Ok(());
    }
    let struck = all.last();
    Err(Finding::new(
        "silent error",
        format!("an error tells of no fault: {reported:?}; the last was {struck:?}"),
    ))
}
