//! Runs seeds and records: acts with crashes and recoveries, judged as they go.
//!
//! A seed's acts come from the [`Director`], those of a record from its [`Log`](crate::script::Log). The [`Stage`] does
//! them, and cannot tell which.

mod audit;
mod betrayal;
mod calls;
mod campaign;
mod client;
mod clients;
mod director;
mod fits;
mod huge;
mod meetings;
mod observe;
mod opening;
mod outcome;
mod plots;
mod quiesce;
mod refusal;
mod rot;
mod run;
mod session;
mod stage;
mod stats;
mod tally;

#[cfg(test)]
mod tests;

pub(crate) use campaign::FINDINGS_MAX;
pub use campaign::{Campaign, Report};
pub use director::Director;
pub(crate) use huge::huge_steps;
pub use observe::observe;
pub use outcome::{Counters, Outcome};
pub use run::{
    Canary, Conduct, Ended, Fidelity, Watch, conduct_log, conduct_seed, run_seed, run_seed_without,
};
pub use session::{Fault, Session, Stop};
pub use stage::{Done, Seen, Stage};
pub use tally::Tally;
