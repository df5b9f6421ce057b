//! No silent error: each fault of the disk was harmless, or the call that it struck says so and names the right file.
//!
//! 1. A short transfer is harmless: what is left is transferred then.
//! 2. What a disk that is full refuses may be: what needed the space is refused, or finds some, or can be done without.
//! 3. Of calls that fail, those must be reported after which somebody would rely on what is not there: `must_be_told` has
//!    them by kind, and why the others may be passed over.
//! 4. What strikes a task of the engine's own is reported by some call afterwards, the closing of the database at the latest.
//! 5. A panic beside all calls is told as one, or as something that was broken off; it need not name a file.
//! 6. Whoever reports an error of the disk names a file that a fault struck, in that call, at that byte.
//!
//! That all answers are the model's is for the other judges.

use std::path::Path;

use numstore::ErrorCode;

use crate::world::{Call, Line, Reported, Strike, Struck};

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
    match struck.strike {
        Strike::Short | Strike::Full => false,
        // Whoever has called has heard of it already.
        Strike::Panicked => struck.beside,
        Strike::Failed => must_be_told(struck),
    }
}

/// The same of a call that failed.
fn must_be_told(struck: &Struck) -> bool {
    match struck.call {
        // Nobody can know what the file holds now, or what of it will last.
        Call::Write | Call::Sync => true,
        // What comes next would be done to a file that is not there, or to another one; or somebody else has it too.
        Call::Create | Call::Rename | Call::Lock => true,
        // A file that a commit or a checkpoint leads to may lose its name. Where none has a new one, the sync only makes
        // removals last, as below.
        Call::SyncDir => struck.names_at_stake,
        // What stays too long is an old log. No superblock leads to it, and the next log that is made removes it or fails.
        Call::Remove => false,
        // Without the space a log takes no more records. In the data file it is set aside for a checkpoint to come: typing
        // goes on in a record of its own instead, what is to be freed waits, and whoever cannot do without asks again.
        Call::Allocate => is_log(&struck.file),
        // The engine never lengthens a file so; a file that is not cut, or keeps a hole's space, has bytes that nobody reads.
        Call::SetLen | Call::Punch => false,
        // They change nothing. What needs the answer fails or asks again, and an audit has it in its report; an answer that
        // was made up is found by the model.
        Call::Open | Call::List | Call::Len | Call::Read => false,
    }
}

fn is_log(file: &Path) -> bool {
    file.to_string_lossy().contains("-log-")
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
        Some((_, offset)) if matches!(struck.call, Call::Read | Call::Write) => {
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
