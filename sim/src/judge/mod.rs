//! The judges: what was answered, what was shown, what is there after a crash.
//!
//! - [`check_answer`]: every answer is the one of the model, every refusal has the right code.
//! - [`Durable`]: whoever reads durable versions sees one whole state of the commit order, and it lasts.
//! - [`check_recovery`]: after a crash the state is one of the commit order, and no acknowledged commit is missing.
//! - [`check_serial`]: what clients were told side by side is explained by some order of their transactions.
//! - [`check_queues`]: locks that exclude each other are not held at once, and who came first is served first;
//!   [`check_victim`]: whoever gives way in a deadlock is the youngest in a circle.
//! - [`check_bounds`]: what has changed and is in no checkpoint is bounded.
//! - [`check_ledger`]: a fault of the disk is harmless, or it is reported and the right file named.
//! - [`check_audit`]: after a recovery nothing has leaked, nothing is owned twice and nothing is open.
//! - [`check_readers`]: whoever reads a version waits for nobody.
//! - [`check_liveness`]: without faults everything ends; [`judge_panic`], [`check_waits`]: nobody waits for ever, or for
//!   nothing.

mod answer;
mod audit;
mod bounds;
mod durable;
mod finding;
mod ledger;
mod liveness;
mod observer;
mod queues;
mod recovery;
mod serial;
mod signature;

#[cfg(test)]
mod tests;

pub use answer::check_answer;
pub use audit::{Audit, check_audit};
pub use bounds::{Changed, check_bounds};
pub use durable::Durable;
pub use finding::Finding;
pub use ledger::check_ledger;
pub use liveness::{Ended, Quiet, check_liveness, check_readers, check_waits, judge_panic};
pub use queues::{check_queues, check_victim};
pub use recovery::{check_recovery, describe_difference};
pub use serial::{Serial, TXNS_MAX, check_serial};
pub use signature::Signature;
