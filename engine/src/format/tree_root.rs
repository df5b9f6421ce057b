//! The way to an R+Tree on disk.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | number of bytes in the tree |
//! | 8 | height |
//! | 9.. | the root's [`BlockRef`], absent if the tree is empty |

use super::block_ref::BlockRef;
use super::wire::{Reader, WireError};

/// The longest encoding of a [`TreeRoot`].
pub const TREE_ROOT_BYTES: usize = 9 + 28;
/// More levels than any tree can have: every inner node has two children or more.
const MAX_HEIGHT: u8 = 64;

/// The way to a tree on disk.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TreeRoot {
    /// The root node; `None` if the tree is empty.
    pub root: Option<BlockRef>,
    /// Levels of inner nodes.
    pub height: u8,
    /// Bytes in the tree.
    pub bytes: u64,
}

impl TreeRoot {
    /// Appends the encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.push(self.height);
        if let Some(root) = &self.root {
            root.encode_into(out);
        }
    }

    /// Reads an encoding.
    pub fn decode(from: &mut Reader<'_>) -> Result<TreeRoot, WireError> {
        let (bytes, height) = (from.u64()?, from.u8()?);
        let root = if bytes > 0 { Some(BlockRef::decode(from)?) } else { None };
        let found = TreeRoot { root, height, bytes };
        if found.is_possible() { Ok(found) } else { Err(WireError("the root of a tree contradicts itself")) }
    }

    /// Whether length, height and root can belong together.
    pub fn is_possible(&self) -> bool {
        let in_range = self.height <= MAX_HEIGHT && self.bytes <= i64::MAX as u64;
        in_range
            && match &self.root {
                None => self.bytes == 0 && self.height == 0,
                Some(root) if self.height == 0 => self.bytes == u64::from(root.bytes),
                Some(_) => self.bytes > 0,
            }
    }
}
