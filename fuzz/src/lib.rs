//! What the fuzz targets do with their bytes. Each target in `targets/` is one line around a function here, so that the
//! committed inputs in `seeds/` are also replayed by an ordinary test, with no fuzzer at hand.
//!
//! Terms: *input*: the bytes a fuzzer makes up. *seed*: an input worth keeping.
//!
//! 1. No input panics the engine, whatever it says.
//! 2. No input makes the engine answer with bytes that were never committed.

mod crash_ops;
mod hostile;
mod machine;
mod ops;

pub use crash_ops::crash_ops;
pub use hostile::open_hostile_file;
pub use ops::ops_vs_model;
