//! One binary for all integration tests of the public interface, and for the checks of the source tree.
//!
//! Each module opens with why it exists and how it works. Most run on the simulated disk of package `sim`, where a
//! sync costs nothing and a power loss is a function call; `bad_input` and `persist` use real
//! files and real processes too.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod background;
mod bad_input;
mod catalog;
mod concurrency;
mod corrupt;
mod crud;
mod docs;
mod format;
mod hooks;
mod model;
mod persist;
mod recovery;
mod regression;
mod snapshot;
mod space;
mod tidy;
mod traces;
mod txn;
mod typing;
mod updates;
