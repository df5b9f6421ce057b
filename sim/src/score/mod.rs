//! How strong the simulator is: how many planted bugs a campaign finds, and how soon.
//!
//! ```text
//!   score ──► hunt: each bug in a process of its own, seed by seed, until a judge objects
//!         ├─► faults: each kind of fault has a bug that is found with it and not without it
//!         ├─► a campaign without bugs: markers, determinism, nothing found
//!         └─► canary: a campaign with a bug ends with a non-zero code and names the seed
//! ```
//!
//! A bug may abort the process or hang; that is why each hunt has one of its own.

mod canary;
mod child;
mod faults;
mod goals;
mod hunt;
mod report;

pub use child::hunt;
pub use faults::ONLY;
pub use goals::Goal;
pub use hunt::{Catch, Hunt};
pub use report::Score;

use std::ops::Range;

use numstore::hooks::{MUTANTS, select};

use crate::runner::{Campaign, Report};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seeds after which a bug counts as not found.
    pub seeds_max: u64,
    /// Processes, or threads, at once.
    pub jobs: usize,
    /// Seeds of the campaign without bugs.
    pub clean_seeds: u64,
    /// Of those, how many run twice.
    pub twice_seeds: u64,
}

/// Measures everything; `progress` hears what is being done.
pub fn run(options: &Options, progress: &mut dyn FnMut(&str)) -> Score {
    select(None);
    progress("the campaign without bugs");
    let clean = campaign(0..options.clean_seeds, options.jobs, false);
    let twice = campaign(0..options.twice_seeds, options.jobs, true);
    let all: Vec<Hunt> = (0..MUTANTS.len()).map(|at| Hunt::new(at, options.seeds_max)).collect();
    let caught = hunt::run_all(&all, options.jobs, progress);
    let pairs = faults::pairs(&caught, options.seeds_max);
    let without = hunt::run_all(&pairs, options.jobs, progress);
    progress("the canary");
    Score { seeds_max: options.seeds_max, caught, without, clean, twice, canary: canary::rings() }
}

fn campaign(seeds: Range<u64>, jobs: usize, twice: bool) -> Report {
    Campaign { seeds, jobs, twice, ..Campaign::default() }.run(|_, _, _| {})
}
