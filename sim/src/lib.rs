//! Deterministic simulation of NumStore: one seed, one history, with crashes at every instant.
//!
//! ```text
//!   seed ──► director ──┐
//!                       act ──► stage ──► engine ──► world (disk, time, tasks; crashes)
//!   log of a run ───────┘         │
//!                                 ├──► model   (what must be answered, which states may be left)
//!                                 └──► judge   (is it so?)
//! ```
//!
//! - [`world`]: the simulated machine.
//! - [`model`]: the database as plain vectors, and the commit order.
//! - [`workload`]: what is done to it.
//! - [`judge`]: what is right.
//! - [`script`]: what a run is made of, as data: acts, and the choices drawn below them.
//! - [`runner`]: does what a seed or a record says; campaigns of many seeds.
//! - [`campaign`]: many seeds over a long time: a state that lasts, a corpus, reports.
//! - [`exhaustive`]: every short workload, with every crash, to the end.
//! - [`shrink`]: from a long run that fails to the shortest one that fails in the same way.
//! - `score`, with the feature `mutants`: how soon planted bugs are found.
//! - [`markers`]: which rare states were reached.
//! - [`testing`]: the machine for explicit crash tests.

#[macro_use]
pub mod markers;

pub mod campaign;
pub mod exhaustive;
pub mod judge;
pub mod model;
mod panics;
pub mod runner;
#[cfg(feature = "mutants")]
pub mod score;
pub mod script;
pub mod shrink;
pub mod testing;
pub mod workload;
pub mod world;
