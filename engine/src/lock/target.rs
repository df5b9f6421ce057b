//! What can be locked, and what lies above it.

use std::fmt;

use crate::base::{SharedBytes, StreamId};

use super::Span;

/// What is locked. Streams and names are below the database, spans below their stream.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// Everything.
    Database,
    /// What a name stands for, or that it stands for nothing.
    Name(SharedBytes),
    /// All of a stream.
    Stream(StreamId),
    /// Some of a stream's points. Only in the modes S, U and X.
    Range(StreamId, Span),
}

impl Target {
    /// The targets above, from the top.
    pub(super) fn above(&self) -> [Option<Target>; 2] {
        match self {
            Target::Database => [None, None],
            Target::Name(_) | Target::Stream(_) => [Some(Target::Database), None],
            Target::Range(stream, _) => [Some(Target::Database), Some(Target::Stream(*stream))],
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Database => f.pad("database"),
            Target::Name(name) => f.pad(&format!("name \"{name:?}\"")),
            Target::Stream(stream) => f.pad(&format!("stream {stream}")),
            Target::Range(stream, span) => f.pad(&format!("stream {stream} [{span}]")),
        }
    }
}
