//! Runs the real program on databases in temporary directories: every command, its JSON, its exit codes.
//!
//! Why: the engine's tests cannot see a wrong flag, a swapped argument or a lost exit code.
//! How: `shell` runs the program; each other module is about some commands.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bytes;
mod crash;
mod failures;
mod names;
mod session;
mod shell;
