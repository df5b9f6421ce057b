//! The lock table of transactions: who may touch what, who waits for whom, and who dies in a deadlock.
//!
//! A state machine and nothing else: it never blocks, knows no time and does no I/O. The same calls in the same order
//! give the same answers. Who waits is told so, and is named in an [`Event`] when the wait is over; sleeping and waking
//! are the caller's.
//!
//! Terms: a *target* is what is locked: the database, a name, a stream, or a *span* of a stream, which is a range of
//! bytes with or without the end of the stream. The first three are *whole* targets; each has a queue. A transaction
//! *arrives* at a target when it first asks there; its *rank* says when. An *upgrade* asks for more at a target, or on
//! bytes of which the transaction has some in a weaker mode. A request's *blockers* are those for whom it waits.
//!
//! ```text
//!              request                        all of its steps granted
//!   running ────────────► at a step ─────────────────────────────────────► running, Granted
//!                           │    ▲
//!              a blocker    ▼    │  the last blocker left (release_all, cancel, a victim)
//!                         waiting ─────────────────────────────────────► running, Deadlock or Event::Victim
//!                           │        youngest in a cycle
//!                           └──────► running; cancel
//! ```
//!
//! The suffix rule, which the callers keep and for which spans are made: an overwrite takes X on `[a, b)`, a read S on
//! `[a, b)`, or U if it is for a change to come, an insertion or a removal at k takes X on `[k, end]`, a question for the length S on the end alone. So at
//! most one transaction shifts bytes, all other locks lie before the place, and nobody's offsets move.
//!
//! Invariants:
//! 1. No two transactions hold modes at one target that exclude each other, nor overlapping spans, save two in S, or S that was there before U.
//! 2. Whoever holds a target holds an intention, or more, on all above it: `IS` for reading, `IX` for the rest.
//! 3. The spans of one transaction in one stream are disjoint, those of one mode do not touch, and none is there that the
//!    lock on the stream covers.
//! 4. A request waits for every other holder that excludes it, and for every conflicting request of lower rank, save
//!    those that wait for what its own transaction holds at that target: to wait for these would be a deadlock.
//! 5. A newcomer's rank is the time of its request. An upgrade has the rank with which its transaction arrived at the
//!    stream or other whole target, so it goes before those who came later, but not before those who were there
//!    already. So each request is overtaken by finitely many others, and nobody starves.
//! 6. Who waits is blocked. After each call no request waits whose blockers are gone.
//! 7. After each call the graph of who waits for whom has no cycle. Only a new wait can close one, so all cycles are
//!    looked for there; the youngest transaction in a cycle loses its request: that with the greatest id, or
//!    whose first attempt had the greatest.
//! 8. What is held only grows until [`LockTable::release_all`]. Escalation widens it only where nobody waits or will have
//!    to wait for that at the time.
//!
//! Cost: with n locks in a stream, of which k overlap what is asked for and exclude it, a request is O(log n + k), and so
//! is the release of each span.
//!
//! Not here: waiting and timeouts (the callers); which lock an operation needs (the callers); latches, which guard memory
//! and not data (`sync`).
//!
//! Source: Gray and Reuter 1992, sections 7.8 (granularity, update mode, conversion) and 8.4 (queues, deadlock).

mod check;
mod deadlock;
mod escalate;
mod intervals;
mod mode;
mod picture;
mod queue;
mod ranges;
mod settle;
mod span;
mod spans;
mod step;
mod table;
mod target;

#[cfg(test)]
mod tests;

pub use deadlock::Cycle;
pub use mode::Mode;
pub use picture::{LockInfo, Picture};
pub use span::Span;
pub use table::{Event, LockTable, Outcome};
pub use target::Target;
