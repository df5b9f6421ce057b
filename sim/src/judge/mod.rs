//! The judges: what was answered, what was shown, what is there after a crash.
//!
//! - [`check_answer`]: every answer is the one of the model, every refusal has the right code.
//! - [`Durable`]: whoever reads durable versions sees one whole state of the commit order, and it lasts.
//! - [`check_recovery`]: after a crash the state is one of the commit order, and no acknowledged commit is missing.
//! - [`check_serial`]: what clients were told side by side is explained by some order of their transactions.

mod answer;
mod durable;
mod finding;
mod observer;
mod recovery;
mod serial;
mod signature;

#[cfg(test)]
mod tests;

pub use answer::check_answer;
pub use durable::Durable;
pub use finding::Finding;
pub use recovery::{check_recovery, describe_difference};
pub use serial::{Serial, TXNS_MAX, check_serial};
pub use signature::Signature;
