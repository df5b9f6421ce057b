//! What a judge found wrong.

use std::fmt;

/// A failure, and which judge saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The judge.
    pub judge: &'static str,
    /// One sentence.
    pub what: String,
}

impl Finding {
    /// A finding of `judge`.
    pub fn new(judge: &'static str, what: impl Into<String>) -> Finding {
        Finding { judge, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.judge, self.what)
    }
}
