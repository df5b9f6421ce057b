//! Checkpoints and everything that they are part of: long calls, opening, closing; and the audit.
//!
//! Opening a database that was not closed, with the functions that do each step:
//!
//! ```text
//!   read both  ─► open log ─► publish again ─► analyse ─► redo ─► new log ─► checkpoint ─► remove ─► roll losers back
//!   (choose)      (whose      (make durable)   (reserve   (repeat  (next      (losers in    old log   (CLRs, End)
//!                  is it?)                      extents)  history) generation) its table)
//! ```
//!
//! Invariants:
//! 1. Recovery never writes to the log that it reads; until its checkpoint is published a crash finds everything as it
//!    was, and recovery starts over.
//! 2. A superblock is written only after everything that it leads to was synced.
//! 3. A checkpoint changes no content: the state before and after is the same.

mod analysis;
mod audit;
mod calls;
mod checkpoint;
mod compact;
mod open;
mod redo;

pub use audit::{Verification, verify};
pub use calls::{
    Undone, check_not_behind, commit, remove_strided, roll_back, roll_back_some, roll_back_to, run_committed,
    splice, splice_committed, with_room, write_strided,
};
pub use checkpoint::{catch_up, checkpoint_beside, close, is_checkpoint_wanted};
pub use compact::compact;
pub use open::{Creation, open};
pub use redo::RecoveryReport;
