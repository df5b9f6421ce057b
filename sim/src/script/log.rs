//! The complete record of a run.

use crate::workload::Geometry;
use crate::world::{Choices, Without};

use super::Act;

/// An act, and what the world drew below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The act.
    pub act: Act,
    /// The choices drawn in it.
    pub choices: Choices,
}

/// The record of a run: all that is needed to have the same run again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// The seed that it came from, if it came from one.
    pub seed: Option<u64>,
    /// The database's geometry and thresholds.
    pub geometry: Geometry,
    /// Of a thousand transfers, how many are short.
    pub short_transfers: u64,
    /// Kinds of faults that did not occur.
    pub without: Without,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

impl Log {
    /// The version of both forms, text and bytes.
    pub const VERSION: u64 = 1;

    /// A log of the given acts, without choices: the benign ones are taken.
    pub fn of_acts(geometry: Geometry, acts: impl IntoIterator<Item = Act>) -> Log {
        let entry = |act| Entry { act, choices: Choices::new() };
        let (entries, without) = (acts.into_iter().map(entry).collect(), Without::default());
        Log { seed: None, geometry, short_transfers: 0, without, entries }
    }

    /// The acts, in order.
    pub fn acts(&self) -> impl Iterator<Item = &Act> {
        self.entries.iter().map(|entry| &entry.act)
    }
}
