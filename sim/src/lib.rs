//! Deterministic simulation of NumStore: one seed, one history, with crashes at every instant.
//!
//! ```text
//!   workload ──operation──► runner ──► engine ──► world (disk, time, tasks; crashes)
//!                             │
//!                             ├──► model   (what must be answered, which states may be left)
//!                             └──► judge   (is it so?)
//! ```
//!
//! - [`world`]: the simulated machine.
//! - [`model`]: the database as plain vectors, and the commit order.
//! - [`workload`]: what is done to it.
//! - [`judge`]: what is right.
//! - [`runner`]: seeds and campaigns.
//! - `score`, with the feature `mutants`: how soon planted bugs are found.
//! - [`markers`]: which rare states were reached.
//! - [`testing`]: the machine for explicit crash tests.

#[macro_use]
pub mod markers;

pub mod judge;
pub mod model;
pub mod runner;
#[cfg(feature = "mutants")]
pub mod score;
pub mod testing;
pub mod workload;
pub mod world;
