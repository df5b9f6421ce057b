//! Transactions: what they own, what they changed, how they end.
//!
//! [`Core`] is the state of an open database that only one task changes at a time. [`Change`] is the one unit of
//! mutation: normal running, redo and undo all go through [`Core::apply`], which returns the inverse.
//!
//! Life of a transaction, with the functions that make each transition:
//!
//! ```text
//!   begin ──► open ──────── commit ────────► committed   (its undo stack goes to the graveyard)
//!              │ ▲
//!              │ └── undo_one, down to a savepoint (CLRs)
//!              └──── undo_one, down to nothing (CLRs), end_rollback (End) ─► ended
//! ```
//!
//! Invariants:
//! 1. A change is logged in the same step in which it is applied, and pushed on its transaction's undo stack unless the
//!    record commits it.
//! 2. The undo stack holds the inverses of exactly the operations that are logged and not compensated, newest on top.
//! 3. A stream or a name with uncommitted changes is covered in the overlay. Whoever changed it holds locks on what it
//!    changed until it has ended.
//! 4. Once a log write or a sync has failed no call changes anything any more.
//!
//! Not here: checkpoints and what happens at opening (`recovery`).

mod apply;
mod backoff;
mod bell;
mod bulk;
mod change;
mod codec;
mod core;
mod durability;
mod end;
mod execute;
mod graft;
mod graveyard;
mod growing;
mod health;
mod locking;
mod published;
mod read_pin;
mod room;
mod table;
mod typing;
mod underway;
mod undo_stack;
mod unsettled;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use bell::Bell;
pub use change::Change;
pub use codec::{CapturedTable, decode_table};
pub use core::{Core, Settings};
pub use durability::Logged;
pub use end::{Durability, Savepoint};
pub use graveyard::Graveyard;
pub use health::{Health, Sign};
pub use locking::{Locks, Stop, Waiter};
pub use published::Published;
pub use read_pin::ReadPin;
pub use room::Room;
pub use table::{Table, TxnState};
pub use underway::{EndOnPanic, Outcome, Pace, Underway};
pub use undo_stack::{UndoEntry, UndoStack};
pub use unsettled::{Needs, Unsettled};
