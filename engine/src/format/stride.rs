//! Every n-th element of a range, as one operand.

use std::fmt;
use std::ops::Range;

use crate::base::{Error, Result};

/// Elements of `size` bytes from byte `start` on, one taken of every `stride`, `count` of them.
///
/// Element `i` is the bytes `start + i * stride * size ..` of length `size`. A stride of 1 takes a contiguous range.
///
/// ```text
/// Stride { start: 2, size: 2, stride: 3, count: 3 }
///
///   byte   0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
///              [0]         [1 ]          [2  ]       elements; the hull is 2..16
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stride {
    /// Offset of the first element, in bytes.
    pub start: u64,
    /// Length of an element, in bytes; at least 1.
    pub size: u64,
    /// From one element taken to the next, in elements; at least 1.
    pub stride: u64,
    /// How many elements are taken; 0 takes nothing.
    pub count: u64,
}

impl Stride {
    /// That the stride means something, wherever the stream ends.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `size` or `stride` is 0, or the last element ends behind byte 2^64 - 1.
    pub fn check(&self) -> Result<()> {
        if self.size == 0 {
            return Err(Error::invalid("a stride's elements have at least one byte"));
        }
        if self.stride == 0 {
            return Err(Error::invalid("a stride of zero elements never leaves its first element"));
        }
        if self.hull().is_none() {
            return Err(Error::invalid(format!("the last element of {self} ends beyond 64 bits")));
        }
        Ok(())
    }

    /// From the first byte taken to behind the last one; empty at `start` if nothing is taken.
    ///
    /// `None` if the end does not fit 64 bits.
    pub fn hull(&self) -> Option<Range<u64>> {
        let Some(last) = self.count.checked_sub(1) else {
            return Some(self.start..self.start);
        };
        let to_last = last.checked_mul(self.stride)?.checked_mul(self.size)?;
        let end = self.start.checked_add(to_last)?.checked_add(self.size)?;
        Some(self.start..end)
    }

    /// How many bytes are taken; `None` if that does not fit 64 bits.
    pub fn bytes(&self) -> Option<u64> {
        self.count.checked_mul(self.size)
    }
}

impl fmt::Display for Stride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stride { start, size, stride, count } = self;
        write!(f, "{count} elements of {size} bytes from {start}, one of every {stride}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hull_and_bytes() {
        let stride = Stride { start: 2, size: 2, stride: 3, count: 3 };
        assert_eq!(stride.hull(), Some(2..16));
        assert_eq!(stride.bytes(), Some(6));
        assert!(stride.check().is_ok());
        let none = Stride { count: 0, ..stride };
        assert_eq!((none.hull(), none.bytes()), (Some(2..2), Some(0)));
        assert!(none.check().is_ok());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let one = Stride { start: 0, size: 1, stride: 1, count: 1 };
        for bad in [
            Stride { size: 0, ..one },
            Stride { stride: 0, ..one },
            Stride { size: 0, count: 0, ..one },
            Stride { start: u64::MAX, ..one },
            Stride { count: u64::MAX, stride: 2, ..one },
            Stride { count: 3, stride: u64::MAX / 2, size: 2, ..one },
        ] {
            assert!(matches!(bad.check(), Err(Error::InvalidArgument { .. })), "{bad:?}");
        }
        let most = Stride { count: u64::MAX, ..one };
        assert_eq!(most.hull(), Some(0..u64::MAX));
    }
}
