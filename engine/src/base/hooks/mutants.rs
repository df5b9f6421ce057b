//! The bugs that can be planted, to see whether tests find them.

/// A bug that a developer could have made.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What it belongs to.
    pub mechanism: &'static str,
    /// What is broken.
    pub broken: &'static str,
    /// Whether all tests pass with it that inject no crash, no fault and no schedule.
    pub survives_tests: bool,
}

/// Every bug, by mechanism.
pub const MUTANTS: &[Mutant] = &[Mutant {
    name: "a batch is not synced",
    mechanism: "log, writing",
    broken: "A commit returns when its batch was written, and does not wait for the sync.",
    survives_tests: true,
}];
