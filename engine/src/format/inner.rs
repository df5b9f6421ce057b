//! An inner node of an R+Tree on disk: for each child the bytes below it and the reference to it.
//!
//! Little-endian:
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind, `0xA7` |
//! | 1 | height: 1 above leaves |
//! | 2..4 | number of children, 2 to 440 |
//! | 4.. | for each child: bytes below it (8), then its [`BlockRef`] |
//!
//! Leaves have no encoding: a leaf on disk is its bytes.

use super::block_ref::BlockRef;
use super::wire::{Reader, WireError};

const KIND: u8 = 0xA7;
const HEADER_BYTES: usize = 4;
const LARGEST_ENTRY_BYTES: usize = 8 + 8 + 4 + 16;
/// The most children that any inner node can have.
pub const MAX_FANOUT: usize = 440;

const _: () = assert!(
    inner_bytes(MAX_FANOUT) <= 16 * 1024,
    "the largest inner node fits 16 KiB, so that one checksum covers it"
);

/// A child as it stands in its parent on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InnerEntry {
    /// Bytes of the stream below the child; never 0.
    pub bytes: u64,
    /// Where the child is.
    pub child: BlockRef,
}

/// The most bytes that a node with so many children takes.
pub const fn inner_bytes(children: usize) -> usize {
    HEADER_BYTES + children * LARGEST_ENTRY_BYTES
}

/// The length of the encoding of a node with children that these references lead to.
pub fn encoded_inner_bytes(children: impl Iterator<Item = BlockRef>) -> usize {
    children.fold(HEADER_BYTES, |sum, child| sum + 8 + child.encoded_bytes())
}

/// Encodes a node of `height` with the given children.
pub fn encode_inner(height: u8, children: impl ExactSizeIterator<Item = InnerEntry>) -> Vec<u8> {
    let count = u16::try_from(children.len()).expect("invariant: at most MAX_FANOUT children");
    let mut out = Vec::with_capacity(inner_bytes(children.len()));
    out.push(KIND);
    out.push(height);
    out.extend_from_slice(&count.to_le_bytes());
    for entry in children {
        out.extend_from_slice(&entry.bytes.to_le_bytes());
        entry.child.encode_into(&mut out);
    }
    out
}

/// Decodes a node that its parent says has `height`.
pub fn decode_inner(height: u8, bytes: &[u8]) -> Result<Vec<InnerEntry>, WireError> {
    let mut from = Reader::new(bytes);
    if from.u8()? != KIND {
        return Err(WireError("not an inner node"));
    }
    if from.u8()? != height {
        return Err(WireError("an inner node of another height"));
    }
    let count = usize::from(from.u16()?);
    if !(2..=MAX_FANOUT).contains(&count) {
        return Err(WireError("an impossible number of children"));
    }
    let mut children = Vec::with_capacity(count);
    for _ in 0..count {
        let bytes = from.u64()?;
        let child = BlockRef::decode(&mut from)?;
        if bytes == 0 || (height == 1 && bytes != u64::from(child.bytes)) {
            return Err(WireError("a child with a wrong byte count"));
        }
        children.push(InnerEntry { bytes, child });
    }
    from.finish_zero()?;
    Ok(children)
}
