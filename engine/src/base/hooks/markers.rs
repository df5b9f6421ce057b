//! The names of all markers of the engine. A state that more than half of all histories reach is not worth one.

/// Every marker, by mechanism.
pub const MARKERS: &[&str] = &[
    // Log, writing.
    "a slot that was used before is used again",
];
