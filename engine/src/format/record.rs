//! Log records: what one says, and its bytes.
//!
//! A record is one complete, undoable operation, or a step of its transaction's end. Its LSN is its place in the log
//! and is not stored in it.
//!
//! ```text
//! +--------+------+-----+----------------------+
//! | length | kind | txn | fields of the kind   |
//! +--------+------+-----+----------------------+
//!  varint   1 byte varint
//! ```
//!
//! `length` counts what follows it. The top bit of `kind` says that the record also commits its transaction. All
//! numbers are varints. The last field of a kind, where its length is open, runs to the end of the record.
//!
//! | kind | record | fields |
//! |---|---|---|
//! | 1 | splice, bytes inside | stream, offset, deleted, inserted bytes |
//! | 2 | splice, bytes on disk | stream, offset, deleted, inserted, height (1 byte), root ([`BlockRef`]), extents (start, blocks)* |
//! | 3 | strided write | stream, start, size, stride, count, bytes |
//! | 4 | strided remove | stream, start, size, stride, count |
//! | 5 | create | stream, name |
//! | 6 | drop | stream, name |
//! | 7 | rename | stream, length of the old name, old name, new name |
//! | 8 | compensate | LSN undone, then the next LSN to undo if there is one |
//! | 9 | commit | |
//! | 10 | end of a rollback | |
//!
//! 1. A record has exactly one encoding, and no encoding starts with a zero byte: zeros are never a record.
//! 2. Any bytes give a record or an error, and what is allocated is at most in proportion to the bytes at hand.
//!
//! Not here: how records are packed into checksummed batches (`batch`).

mod decode;
mod encode;
mod show;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::base::{Lsn, StreamId, TxnId};

use super::block_ref::BlockRef;
use super::extent::Extent;
use super::stride::Stride;
use super::wire::WireError;

pub use decode::decode_record;
pub use encode::{encode_record, extend_record, record_bytes};

/// Names of streams are this long at most, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;
/// The most that a record takes beyond the bytes it inserts or writes, names, and a bulk payload's extents.
pub const MAX_RECORD_OVERHEAD: usize = 128;

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// The transaction that it belongs to.
    pub txn: TxnId,
    /// Whether it also commits that transaction. Never set on a compensation or an end.
    pub commits: bool,
    /// What it says.
    pub body: Body<'a>,
}

/// What a [`Record`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// A change, with its inverse on the transaction's undo stack.
    Operation(Operation<'a>),
    /// A compensation: the newest entry of the undo stack was applied and popped. Never undone itself.
    Compensate {
        /// The operation that was undone.
        undone: Lsn,
        /// The entry below it, which is to be undone next.
        undo_next: Option<Lsn>,
    },
    /// The transaction is committed.
    Commit,
    /// The transaction is rolled back to its beginning, completely.
    End,
}

/// A change to a stream or to the names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation<'a> {
    /// Replaces `delete_len` bytes at `offset`.
    Splice {
        /// The stream.
        stream: StreamId,
        /// Where, in bytes.
        offset: u64,
        /// How many bytes go away.
        delete_len: u64,
        /// What comes in their place.
        insert: Payload<'a>,
    },
    /// Overwrites the elements of a stride.
    StridedWrite {
        /// The stream.
        stream: StreamId,
        /// The elements.
        stride: Stride,
        /// Their new bytes, one after the other: `size * count` of them.
        bytes: Cow<'a, [u8]>,
    },
    /// Takes the elements of a stride out; what stood between them moves together.
    StridedRemove {
        /// The stream.
        stream: StreamId,
        /// The elements.
        stride: Stride,
    },
    /// Makes an empty stream.
    Create {
        /// The stream.
        stream: StreamId,
        /// Its name.
        name: Cow<'a, str>,
    },
    /// Deletes a stream with all its bytes.
    Drop {
        /// The stream.
        stream: StreamId,
        /// The name that it had.
        name: Cow<'a, str>,
    },
    /// Changes the name of a stream.
    Rename {
        /// The stream.
        stream: StreamId,
        /// The old name.
        from: Cow<'a, str>,
        /// The new name.
        to: Cow<'a, str>,
    },
}

/// The bytes that a splice brings in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload<'a> {
    /// In the record itself.
    Bytes(Cow<'a, [u8]>),
    /// On disk, written and synced before the record.
    Bulk(Bulk),
}

/// A subtree that is on disk already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bulk {
    /// Its root.
    pub root: BlockRef,
    /// Levels of inner nodes; 0 if the root is a leaf.
    pub height: u8,
    /// How many bytes of the stream it holds.
    pub bytes: u64,
    /// The blocks of all its nodes.
    pub extents: Vec<Extent>,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A field is cut, too long or not canonical.
    #[error("{0}")]
    Field(&'static str),
    /// The kind byte has no meaning.
    #[error("there is no record of kind {0}")]
    Kind(u8),
    /// The commit flag stands on a record that cannot commit.
    #[error("a record of kind {0} cannot commit")]
    CommitFlag(u8),
    /// Bytes are left behind the last field.
    #[error("{0} bytes too many")]
    TooLong(usize),
    /// A name is empty, too long or not UTF-8.
    #[error("a name is not UTF-8 of 1 to {MAX_NAME_BYTES} bytes")]
    Name,
    /// A stride takes nothing that can exist, or the bytes do not fit it.
    #[error("a stride is impossible, or has another number of bytes")]
    Stride,
    /// A splice reaches beyond 64 bits.
    #[error("a splice reaches beyond 64 bits")]
    Range,
    /// The length, height and root of a payload on disk do not belong together.
    #[error("a payload's tree is impossible")]
    Tree,
    /// A run of blocks is empty or cannot exist.
    #[error("an extent is impossible")]
    Extent,
}

impl From<WireError> for RecordError {
    fn from(error: WireError) -> RecordError {
        RecordError::Field(error.0)
    }
}

impl Record<'_> {
    /// Whether the transaction is committed once this record is durable.
    pub fn is_commit(&self) -> bool {
        self.commits || matches!(self.body, Body::Commit)
    }

    /// The blocks that the record brings in, which were written before it.
    pub fn extents(&self) -> &[Extent] {
        match &self.body {
            Body::Operation(operation) => operation.extents(),
            _ => &[],
        }
    }

    /// The same record, independent of the bytes it was decoded from.
    pub fn into_owned(self) -> Record<'static> {
        let body = match self.body {
            Body::Operation(operation) => Body::Operation(operation.into_owned()),
            Body::Compensate { undone, undo_next } => Body::Compensate { undone, undo_next },
            Body::Commit => Body::Commit,
            Body::End => Body::End,
        };
        Record { txn: self.txn, commits: self.commits, body }
    }
}

impl Operation<'_> {
    /// The stream that it changes.
    pub fn stream(&self) -> StreamId {
        match *self {
            Operation::Splice { stream, .. }
            | Operation::StridedWrite { stream, .. }
            | Operation::StridedRemove { stream, .. }
            | Operation::Create { stream, .. }
            | Operation::Drop { stream, .. }
            | Operation::Rename { stream, .. } => stream,
        }
    }

    /// The runs of blocks that it names, which must not be reused while the record is retained.
    pub fn extents(&self) -> &[Extent] {
        match self {
            Operation::Splice { insert: Payload::Bulk(bulk), .. } => &bulk.extents,
            _ => &[],
        }
    }

    /// The same operation, independent of the bytes it was decoded from.
    pub fn into_owned(self) -> Operation<'static> {
        fn bytes(cow: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
            Cow::Owned(cow.into_owned())
        }
        fn name(cow: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(cow.into_owned())
        }
        match self {
            Operation::Splice { stream, offset, delete_len, insert } => {
                let insert = match insert {
                    Payload::Bytes(cow) => Payload::Bytes(bytes(cow)),
                    Payload::Bulk(bulk) => Payload::Bulk(bulk),
                };
                Operation::Splice { stream, offset, delete_len, insert }
            }
            Operation::StridedWrite { stream, stride, bytes: cow } => {
                Operation::StridedWrite { stream, stride, bytes: bytes(cow) }
            }
            Operation::StridedRemove { stream, stride } => Operation::StridedRemove { stream, stride },
            Operation::Create { stream, name: cow } => Operation::Create { stream, name: name(cow) },
            Operation::Drop { stream, name: cow } => Operation::Drop { stream, name: name(cow) },
            Operation::Rename { stream, from, to } => {
                Operation::Rename { stream, from: name(from), to: name(to) }
            }
        }
    }
}

impl Payload<'_> {
    /// How many bytes it brings in.
    pub fn bytes(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Bulk(bulk) => bulk.bytes,
        }
    }
}

/// The kind byte of each record, without the commit flag.
mod kind {
    pub const SPLICE: u8 = 1;
    pub const SPLICE_BULK: u8 = 2;
    pub const STRIDED_WRITE: u8 = 3;
    pub const STRIDED_REMOVE: u8 = 4;
    pub const CREATE: u8 = 5;
    pub const DROP: u8 = 6;
    pub const RENAME: u8 = 7;
    pub const COMPENSATE: u8 = 8;
    pub const COMMIT: u8 = 9;
    pub const END: u8 = 10;
    /// The bit of the kind byte that says "and commits".
    pub const COMMITS: u8 = 0x80;
}
