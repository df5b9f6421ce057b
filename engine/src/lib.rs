//! NumStore.
pub mod base;
pub mod cache;
pub mod env;
pub mod format;
pub mod sync;
pub mod tree;
