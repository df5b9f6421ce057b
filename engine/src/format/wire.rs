//! Fixed little-endian fields: how long a row of them is, and reading them out of a byte slice with every length checked.

use std::sync::Arc;

use crate::base::SharedBytes;

/// What was wrong with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WireError(pub &'static str);

/// The length of a row of fields, for an assertion that a layout is what it says.
pub const fn total_bytes(fields: &[usize]) -> usize {
    let mut total = 0;
    let mut at = 0;
    while at < fields.len() {
        total += fields[at];
        at += 1;
    }
    total
}

/// A cursor over encoded bytes.
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The buffer that `rest` is the end of, if whoever reads may keep parts of it.
    buffer: Option<&'a Arc<[u8]>>,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, buffer: None }
    }

    /// Starts at byte `at` of a buffer that [`Reader::shared_bytes`] shares instead of copying.
    #[inline]
    pub fn over(buffer: &'a Arc<[u8]>, at: usize) -> Reader<'a> {
        Reader { rest: &buffer[at..], buffer: Some(buffer) }
    }

    /// The next `n` bytes, to keep.
    pub fn shared_bytes(&mut self, n: usize) -> Result<SharedBytes, WireError> {
        let left = self.rest.len();
        let bytes = self.bytes(n)?;
        Ok(match self.buffer {
            Some(buffer) => SharedBytes::of_buffer(buffer, buffer.len() - left, n),
            None => SharedBytes::from(bytes),
        })
    }

    /// The next `n` bytes.
    #[inline]
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        if n > self.rest.len() {
            return Err(WireError("the bytes end too early"));
        }
        let (head, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(head)
    }

    /// The next byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// The next two bytes.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let bytes = self.bytes(N)?;
        Ok(bytes.try_into().expect("invariant: the slice has N bytes"))
    }

    /// How many bytes are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// That nothing is left, or that all that is left is zero.
    pub fn finish_zero(self) -> Result<(), WireError> {
        if self.rest.iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            Err(WireError("reserved bytes are not zero"))
        }
    }
}
