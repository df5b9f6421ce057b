//! Immutable bytes that many can hold: a range of a shared buffer.
//!
//! The names in a node are ranges of the node's own bytes, so that reading a node of a hundred names allocates once and
//! not a hundred times, and looking for one touches memory that lies together.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A range of a buffer that is never changed. Cloning is O(1); compared, ordered and shown as the bytes.
#[derive(Clone)]
pub struct SharedBytes {
    buffer: Arc<[u8]>,
    start: usize,
    len: usize,
}

impl SharedBytes {
    /// `len` bytes of `buffer` from `start` on.
    ///
    /// # Panics
    /// If the range does not lie inside the buffer.
    pub fn of_buffer(buffer: &Arc<[u8]>, start: usize, len: usize) -> SharedBytes {
        assert!(start + len <= buffer.len(), "a range inside its buffer");
        SharedBytes { buffer: Arc::clone(buffer), start, len }
    }
}

impl From<&[u8]> for SharedBytes {
    fn from(bytes: &[u8]) -> SharedBytes {
        SharedBytes { buffer: Arc::from(bytes), start: 0, len: bytes.len() }
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl Borrow<[u8]> for SharedBytes {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &SharedBytes) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

impl PartialOrd for SharedBytes {
    fn partial_cmp(&self, other: &SharedBytes) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedBytes {
    fn cmp(&self, other: &SharedBytes) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.escape_ascii())
    }
}
