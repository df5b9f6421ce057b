//! Runs seeds: one history each, with crashes and recoveries, judged as it goes.

mod calls;
mod campaign;
mod observe;
mod outcome;
mod panics;
mod run;
mod session;

pub use campaign::{Campaign, Report};
pub use observe::observe;
pub use outcome::{Counters, Outcome};
pub use run::{Watch, run_seed, run_seed_without};
pub use session::{Fault, Session, Stop};
