//! The unit of mutation. The inverse of a change is a change.

use crate::base::StreamId;
use crate::catalog::Name;
use crate::format::record::{Operation, Payload};
use crate::format::stride::Stride;
use crate::format::tree_root::TreeRoot;
use crate::tree::{Rope, Tree};

/// A change to a stream or to the names.
#[derive(Clone, Debug)]
pub enum Change {
    /// Replaces a range. Inverse: the splice that puts back what was there.
    Splice {
        /// The stream.
        stream: StreamId,
        /// Where, in bytes.
        offset: u64,
        /// How many bytes go away.
        delete_len: u64,
        /// What comes in their place.
        insert: Rope,
    },
    /// Overwrites elements. Inverse: the same with what they held.
    StridedWrite {
        /// The stream.
        stream: StreamId,
        /// The elements.
        stride: Stride,
        /// Their bytes.
        bytes: Vec<u8>,
    },
    /// Removes elements. Inverse: `StridedInsert`.
    StridedRemove {
        /// The stream.
        stream: StreamId,
        /// The elements.
        stride: Stride,
    },
    /// Puts removed elements back. Inverse: `StridedRemove`.
    StridedInsert {
        /// The stream.
        stream: StreamId,
        /// The elements, where they are afterwards.
        stride: Stride,
        /// Their bytes.
        bytes: Vec<u8>,
    },
    /// Adds a stream. Inverse: `Take`.
    Add {
        /// The stream.
        stream: StreamId,
        /// Its name.
        name: Name,
        /// Its bytes.
        tree: Tree,
    },
    /// Takes a stream out. Inverse: `Add`, with all it held.
    Take {
        /// The stream.
        stream: StreamId,
    },
    /// Changes a name. Inverse: back to the old one.
    Rename {
        /// The stream.
        stream: StreamId,
        /// The new name.
        to: Name,
    },
}

impl Change {
    /// The stream that is changed.
    pub fn stream(&self) -> StreamId {
        match self {
            Change::Splice { stream, .. }
            | Change::StridedWrite { stream, .. }
            | Change::StridedRemove { stream, .. }
            | Change::StridedInsert { stream, .. }
            | Change::Add { stream, .. }
            | Change::Take { stream }
            | Change::Rename { stream, .. } => *stream,
        }
    }

    /// Whether it changes which names there are.
    pub fn is_of_names(&self) -> bool {
        matches!(self, Change::Add { .. } | Change::Take { .. } | Change::Rename { .. })
    }

    /// The tree that the change carries, if it carries one.
    pub fn tree(&self) -> Option<&Tree> {
        match self {
            Change::Splice { insert: Rope::Tree(tree), .. } | Change::Add { tree, .. } => Some(tree),
            _ => None,
        }
    }

    /// As `tree`, to change.
    pub fn tree_mut(&mut self) -> Option<&mut Tree> {
        match self {
            Change::Splice { insert: Rope::Tree(tree), .. } | Change::Add { tree, .. } => Some(tree),
            _ => None,
        }
    }

    /// As `tree`, by value: what is left of a change that nobody will apply.
    pub fn into_tree(self) -> Option<Tree> {
        match self {
            Change::Splice { insert: Rope::Tree(tree), .. } | Change::Add { tree, .. } => Some(tree),
            _ => None,
        }
    }

    /// About how many bytes of memory the change holds on to.
    pub fn bytes_held(&self) -> u64 {
        let carried = match self {
            Change::Splice { insert: Rope::Bytes(bytes), .. }
            | Change::StridedWrite { bytes, .. }
            | Change::StridedInsert { bytes, .. } => bytes.len(),
            Change::Add { name, .. } | Change::Rename { to: name, .. } => name.len(),
            Change::Splice { .. } | Change::StridedRemove { .. } | Change::Take { .. } => 0,
        };
        (carried + size_of::<Change>()) as u64
    }
}

impl From<&Operation<'_>> for Change {
    fn from(operation: &Operation<'_>) -> Change {
        match operation {
            Operation::Splice { stream, offset, delete_len, insert } => {
                let insert = match insert {
                    Payload::Bytes(bytes) => Rope::Bytes(bytes.to_vec()),
                    Payload::Bulk(bulk) => {
                        let form = TreeRoot { root: Some(bulk.root), height: bulk.height, bytes: bulk.bytes };
                        Rope::Tree(Tree::from_disk_form(&form))
                    }
                };
                Change::Splice { stream: *stream, offset: *offset, delete_len: *delete_len, insert }
            }
            Operation::StridedWrite { stream, stride, bytes } => {
                Change::StridedWrite { stream: *stream, stride: *stride, bytes: bytes.to_vec() }
            }
            Operation::StridedRemove { stream, stride } => {
                Change::StridedRemove { stream: *stream, stride: *stride }
            }
            Operation::Create { stream, name } => {
                Change::Add { stream: *stream, name: name.as_bytes().into(), tree: Tree::new() }
            }
            Operation::Drop { stream, .. } => Change::Take { stream: *stream },
            Operation::Rename { stream, to, .. } => {
                Change::Rename { stream: *stream, to: to.as_bytes().into() }
            }
        }
    }
}
