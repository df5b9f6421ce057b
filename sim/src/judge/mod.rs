//! The judges: what was answered, what was shown, what is there after a crash.
//!
//! Each is a pure function over plain data: it is told what happened, asks nobody, and answers with a [`Finding`] or with
//! none. `runner` gathers what they judge.
//!
//! Answers:
//! - [`check_answer`]: every answer is the one of the model, every refusal has the right code; [`check_doubt`]: only a
//!   commit is ever in doubt.
//! - [`Durable`]: whoever reads durable versions sees one whole state of the commit order, and it lasts;
//!   [`check_views`]: a transaction sees the same.
//! - [`check_open_transactions`], [`check_duration`]: what the database tells of itself in numbers is true.
//!
//! Clients side by side:
//! - [`check_serial`]: what they were told is explained by some order of their transactions.
//! - [`check_queues`]: locks that exclude each other are not held at once, and who came first is served first;
//!   [`check_victim`]: whoever gives way in a deadlock is the youngest in a circle.
//! - [`check_bounds`]: what has changed and is in no checkpoint is bounded.
//! - [`check_readers`]: whoever reads a version waits for nobody.
//! - [`check_liveness`], [`check_left`]: without faults everything ends; [`judge_panic`], [`check_waits`]: nobody waits
//!   for ever, or for nothing.
//!
//! Faults:
//! - [`check_ledger`]: a fault of the disk is harmless, or it is reported and the right file named.
//! - [`check_failure`]: what was begun fails only for what has befallen the disk, and not because it is full.
//! - [`check_write_after_failure`], [`check_read_after_failure`]: after a failed sync nothing is acknowledged that may
//!   not last, and nothing is read that was never written.
//! - [`check_salvage`]: where bits rot, what can be read is right; [`check_betrayal`]: the same where writes land
//!   elsewhere or syncs lie.
//!
//! Openings:
//! - [`check_recovery`]: after a crash the state is one of the commit order, and no acknowledged commit is missing.
//! - [`check_audit`]: after a recovery nothing has leaked, nothing is owned twice and nothing is open.
//! - [`check_reopening`]: a database that was closed is as it was; [`check_refused_opening`]: only damage keeps one from
//!   opening; [`check_name`], [`check_second_opening`]: it has its name for good, and one owner at a time.
//! - [`check_huge_state`]: the same as [`check_recovery`] where nobody can read it all; [`check_huge_answer`],
//!   [`check_huge_call`]: what calls answer there.
//! - [`check_log_growth`]: a log whose records nobody needs does not grow.

mod answer;
mod audit;
mod bounds;
mod counters;
mod damage;
mod durable;
mod failure;
mod finding;
mod huge;
mod ledger;
mod liveness;
mod observer;
mod opening;
mod poison;
mod queues;
mod recovery;
mod serial;
mod signature;
mod space;

#[cfg(test)]
mod tests;

pub use answer::{check_answer, check_doubt};
pub use audit::{Audit, check_audit, check_problems};
pub use bounds::{Changed, check_bounds};
pub use counters::{check_duration, check_open_transactions};
pub use damage::{Betrayed, Salvage, check_betrayal, check_detected, check_salvage};
pub use durable::{Durable, check_views};
pub use failure::{Befallen, check_failure};
pub use finding::Finding;
pub use huge::{HugeFound, Place, check_huge_answer, check_huge_call, check_huge_state};
pub use ledger::check_ledger;
pub use liveness::{Ended, Quiet, check_left, check_liveness, check_readers, check_waits, judge_panic};
pub use opening::{Left, check_name, check_refused_opening, check_reopening, check_second_opening};
pub use poison::{check_read_after_failure, check_write_after_failure};
pub use queues::{check_queues, check_victim};
pub use recovery::{check_recovery, describe_difference};
pub use serial::{Serial, TXNS_MAX, check_serial};
pub use signature::Signature;
pub use space::check_log_growth;
