//! Deterministic simulation of NumStore: one seed, one history, with crashes at every instant.

pub mod world;
