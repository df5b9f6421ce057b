//! What a run is made of, as data: acts with explicit arguments, and the choices drawn below them.
//!
//! A [`Log`] is the complete record of a run. It is kept as text, one line per act, or as bytes:
//!
//! ```text
//! sim log 1
//! seed 42
//! geometry leaf_bytes=256 fanout=5 …
//! short_transfers 0
//! open | clock 64: 3 17 0*4 | identity 0: 4711 42
//! direct create "alpha"
//! direct append "alpha" ~89abcdef*1500 | clock 64: 5
//! arm crash 12
//! in 2 remove "alpha" 0 700
//! power-loss swarm | disk 101: 40, 8: 6
//! ```
//!
//! Data is written as `"text"`, as `x00ff`, as `61*1500` (one byte over and over), or as `~89abcdef*1500` (a pattern without
//! repetition that begins with that word); `0011*1000+xff` is a longer unit over and over, and more behind it.
//!
//! Any list of acts is a valid run: an act that does not fit is skipped. So a log may be edited by hand.

mod act;
mod binary;
mod builder;
mod codec;
mod data;
mod fields;
mod log;
mod orders;
mod print;
mod read;
pub mod step;

#[cfg(test)]
mod tests;

pub use act::{Act, Death, FaultOrder, Rot, Turns};
pub use builder::Script;
pub(crate) use fields::Field;
pub use log::{Entry, Log};
pub use read::BadLog;
