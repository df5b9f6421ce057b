//! What can be a key, a value or a summary in a map.

use std::fmt::Debug;

use crate::base::SharedBytes;
use crate::format::wire::{Reader, WireError};

/// A key.
pub trait MapKey: Ord + Clone + Debug + Send + Sync + 'static {
    /// The longest encoding.
    const MAX_BYTES: usize;
    /// The length of this key's encoding.
    fn encoded_bytes(&self) -> usize;
    /// Appends the encoding.
    fn encode_into(&self, out: &mut Vec<u8>);
    /// Reads an encoding.
    fn decode(from: &mut Reader<'_>) -> Result<Self, WireError>;
    /// Bytes that are ordered as the keys are.
    type Order<'k>: AsRef<[u8]>;
    /// Those of this key.
    fn order(&self) -> Self::Order<'_>;
    /// Reads an encoding, if it is one, only as far as to compare it.
    fn read_order<'k>(from: &mut Reader<'k>) -> Result<Self::Order<'k>, WireError>;
}

/// A value.
pub trait MapValue: Clone + Send + Sync + 'static {
    /// What searches prune with; `()` for nothing.
    type Summary: MapSummary;
    /// The longest encoding.
    const MAX_BYTES: usize;
    /// An upper bound of the length of this value's encoding, also while parts of it are not written yet.
    fn encoded_bytes(&self) -> usize;
    /// Appends the encoding. Called only after the value was given to `each_value` in a flush.
    fn encode_into(&self, out: &mut Vec<u8>);
    /// Reads an encoding that [`MapValue::check`] has passed.
    fn decode(from: &mut Reader<'_>) -> Result<Self, WireError>;
    /// Reads an encoding and makes nothing of it; fails if it is none. Returns the `encoded_bytes` of the value.
    fn check(from: &mut Reader<'_>) -> Result<usize, WireError>;
    /// The summary of this value alone. A flush must not change it.
    fn summary(&self) -> Self::Summary;
}

/// The digest of one or more values.
pub trait MapSummary: Copy + PartialEq + Debug + Send + Sync + 'static {
    /// Length of the encoding, the same for all.
    const BYTES: usize;
    /// The digest of both, in this order.
    fn combine(self, other: Self) -> Self;
    /// Appends the encoding.
    fn encode_into(&self, out: &mut Vec<u8>);
    /// Reads an encoding.
    fn decode(from: &mut Reader<'_>) -> Result<Self, WireError>;
}

impl MapSummary for () {
    const BYTES: usize = 0;
    fn combine(self, _other: ()) {}
    fn encode_into(&self, _out: &mut Vec<u8>) {}
    fn decode(_from: &mut Reader<'_>) -> Result<(), WireError> {
        Ok(())
    }
}

impl MapKey for u64 {
    const MAX_BYTES: usize = 8;
    fn encoded_bytes(&self) -> usize {
        8
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn decode(from: &mut Reader<'_>) -> Result<u64, WireError> {
        from.u64()
    }
    type Order<'k> = [u8; 8];
    fn order(&self) -> [u8; 8] {
        self.to_be_bytes()
    }
    #[inline]
    fn read_order(from: &mut Reader<'_>) -> Result<[u8; 8], WireError> {
        from.u64().map(u64::to_be_bytes)
    }
}

impl MapValue for u64 {
    type Summary = ();
    const MAX_BYTES: usize = 8;
    fn encoded_bytes(&self) -> usize {
        8
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn decode(from: &mut Reader<'_>) -> Result<u64, WireError> {
        from.u64()
    }
    #[inline]
    fn check(from: &mut Reader<'_>) -> Result<usize, WireError> {
        from.u64().map(|_| 8)
    }
    fn summary(&self) {}
}

/// The longest byte string that can be a key.
const MAX_NAME_BYTES: usize = 1024;

/// Byte strings of up to 1024 bytes, ordered byte by byte; encoded as a length of two bytes and the bytes.
impl MapKey for SharedBytes {
    const MAX_BYTES: usize = 2 + MAX_NAME_BYTES;
    fn encoded_bytes(&self) -> usize {
        2 + self.len()
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        assert!(self.len() <= MAX_NAME_BYTES, "a key of {} bytes", self.len());
        let bytes = u16::try_from(self.len()).expect("invariant: at most MAX_NAME_BYTES");
        out.extend_from_slice(&bytes.to_le_bytes());
        out.extend_from_slice(self);
    }
    fn decode(from: &mut Reader<'_>) -> Result<SharedBytes, WireError> {
        let bytes = decode_len(from)?;
        from.shared_bytes(bytes)
    }
    type Order<'k> = &'k [u8];
    fn order(&self) -> &[u8] {
        self
    }
    #[inline]
    fn read_order<'k>(from: &mut Reader<'k>) -> Result<&'k [u8], WireError> {
        let bytes = decode_len(from)?;
        from.bytes(bytes)
    }
}

#[inline]
fn decode_len(from: &mut Reader<'_>) -> Result<usize, WireError> {
    let bytes = usize::from(from.u16()?);
    if bytes > MAX_NAME_BYTES { Err(WireError("a key is too long")) } else { Ok(bytes) }
}
