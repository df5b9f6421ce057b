//! Ranges of a stream's bytes, with or without its end.
//!
//! A stream is a line of points: its offsets, and behind them all one more, *the end*, which is where the length is
//! asked for and where appending happens. It is the same point however long the stream is, so spans are never clipped
//! to a length. The end has the number `u64::MAX`, which is no offset of a byte: a stream has fewer.
//!
//! ```text
//!   bytes(a, b)   a ● ─────── ○ b          overwrite, read
//!   suffix(k)     k ● ──────────────── ● end     insert, remove
//!   END                                ● end     length
//! ```

use std::fmt;

const END_POINT: u64 = u64::MAX;

/// A range of points, never empty. Kept with both bounds inside, since nothing is behind the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span {
    first: u64,
    last: u64,
}

impl Span {
    /// The end of the stream and no byte.
    pub const END: Span = Span { first: END_POINT, last: END_POINT };

    /// All bytes and the end.
    pub const ALL: Span = Span { first: 0, last: END_POINT };

    /// The bytes of `start..end`, never the end of the stream. `None` if there are none.
    pub fn bytes(start: u64, end: u64) -> Option<Span> {
        (start < end).then(|| Span { first: start, last: end - 1 })
    }

    /// All bytes from `start` on, and the end.
    pub fn suffix(start: u64) -> Span {
        let last = if mutant!("an insertion leaves the end unlocked") { END_POINT - 1 } else { END_POINT };
        Span { first: start, last }
    }

    /// From point `first` to point `last`. `None` if these are out of order.
    pub(super) fn points(first: u64, last: u64) -> Option<Span> {
        (first <= last).then_some(Span { first, last })
    }

    /// The first point.
    pub fn start(self) -> u64 {
        self.first
    }

    /// One past the last byte; `u64::MAX` if the span goes on to the end.
    pub fn end(self) -> u64 {
        self.last.saturating_add(1)
    }

    /// The last point.
    pub(super) fn last(self) -> u64 {
        self.last
    }

    /// Whether the end of the stream is in it.
    pub fn has_end(self) -> bool {
        self.last == END_POINT
    }

    /// Whether they share a point.
    pub fn overlaps(self, other: Span) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The span and the points beside it: what overlaps this can be merged with the span.
    #[must_use]
    pub(super) fn grown(self) -> Span {
        Span { first: self.first.saturating_sub(1), last: self.last.saturating_add(1) }
    }

    /// From the first point of either to the last point of either.
    #[must_use]
    pub(super) fn hull(self, other: Span) -> Span {
        Span { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// What of it lies before `other`, and what behind.
    pub(super) fn outside(self, other: Span) -> [Option<Span>; 2] {
        let before =
            other.first.checked_sub(1).and_then(|last| Span::points(self.first, last.min(self.last)));
        let behind =
            other.last.checked_add(1).and_then(|first| Span::points(first.max(self.first), self.last));
        [before, behind]
    }

    /// The points between this span and a later one.
    pub(super) fn gap(self, later: Span) -> Option<Span> {
        Span::points(self.last.checked_add(1)?, later.first.checked_sub(1)?)
    }

    /// How many points it has, `u64::MAX` at most.
    pub(super) fn points_len(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self == Span::END, self.has_end()) {
            (true, _) => f.write_str("end"),
            (false, true) => write!(f, "{}..end", self.first),
            (false, false) => write!(f, "{}..{}", self.first, self.end()),
        }
    }
}
