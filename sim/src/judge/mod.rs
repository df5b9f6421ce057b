//! The judges: what was answered, what was shown, what is there after a crash.
//!
//! - [`check_answer`]: every answer is the one of the model, every refusal has the right code.
//! - [`Durable`]: whoever reads durable versions sees one whole state of the commit order, and it lasts.
//! - [`check_recovery`]: after a crash the state is one of the commit order, and no acknowledged commit is missing.

mod answer;
mod durable;
mod finding;
mod recovery;
mod signature;

#[cfg(test)]
mod tests;

pub use answer::check_answer;
pub use durable::Durable;
pub use finding::Finding;
pub use recovery::{check_recovery, describe_difference};
pub use signature::Signature;
