//! Bytes to records. Nothing here trusts a length, a number or a name.

use crate::format::tree_root::TreeRoot;
use std::borrow::Cow;

use crate::base::{BlockId, Lsn, StreamId, TxnId};
use crate::format::block_ref::BlockRef;
use crate::format::extent::Extent;
use crate::format::stride::Stride;
use crate::format::varint::decode_varint;
use crate::format::wire::Reader;

use super::{Body, Bulk, MAX_NAME_BYTES, Operation, Payload, Record, RecordError, kind};

/// Reads the record at the start of `bytes`; returns how many bytes it takes as well.
///
/// Byte fields are borrowed from `bytes`; see [`Record::into_owned`].
///
/// # Errors
/// If there is no record: any bytes at all may be given.
pub fn decode_record(bytes: &[u8]) -> Result<(Record<'_>, usize), RecordError> {
    let mut from = Reader::new(bytes);
    let length = decode_varint(&mut from)?;
    let length = usize::try_from(length).map_err(|_| RecordError::Field("the bytes end too early"))?;
    let mut fields = Reader::new(from.bytes(length)?);
    let record = decode_fields(&mut fields)?;
    if fields.remaining() > 0 {
        return Err(RecordError::TooLong(fields.remaining()));
    }
    Ok((record, bytes.len() - from.remaining()))
}

fn decode_fields<'a>(from: &mut Reader<'a>) -> Result<Record<'a>, RecordError> {
    let first = from.u8()?;
    let (kind, commits) = (first & !kind::COMMITS, first & kind::COMMITS != 0);
    if commits && (kind == kind::COMPENSATE || kind == kind::END) {
        return Err(RecordError::CommitFlag(kind));
    }
    let txn = TxnId(decode_varint(from)?);
    let body = match kind {
        kind::SPLICE..=kind::RENAME => Body::Operation(decode_operation(kind, from)?),
        kind::COMPENSATE => {
            let undone = Lsn(decode_varint(from)?);
            let more = from.remaining() > 0;
            Body::Compensate { undone, undo_next: more.then(|| decode_varint(from).map(Lsn)).transpose()? }
        }
        kind::COMMIT => Body::Commit,
        kind::END => Body::End,
        _ => return Err(RecordError::Kind(kind)),
    };
    Ok(Record { txn, commits, body })
}

fn decode_operation<'a>(kind: u8, from: &mut Reader<'a>) -> Result<Operation<'a>, RecordError> {
    let stream = StreamId(decode_varint(from)?);
    Ok(match kind {
        kind::SPLICE | kind::SPLICE_BULK => {
            let offset = decode_varint(from)?;
            let delete_len = decode_varint(from)?;
            let insert = match kind {
                kind::SPLICE => Payload::Bytes(Cow::Borrowed(rest(from)?)),
                _ => Payload::Bulk(decode_bulk(from)?),
            };
            let in_range = |len| offset.checked_add(len).is_some();
            if !in_range(delete_len) || !in_range(insert.bytes()) {
                return Err(RecordError::Range);
            }
            Operation::Splice { stream, offset, delete_len, insert }
        }
        kind::STRIDED_WRITE => {
            let stride = decode_stride(from)?;
            let bytes = rest(from)?;
            if stride.bytes() != Some(bytes.len() as u64) {
                return Err(RecordError::Stride);
            }
            Operation::StridedWrite { stream, stride, bytes: Cow::Borrowed(bytes) }
        }
        kind::STRIDED_REMOVE => Operation::StridedRemove { stream, stride: decode_stride(from)? },
        kind::CREATE => Operation::Create { stream, name: decode_name(rest(from)?)? },
        kind::DROP => Operation::Drop { stream, name: decode_name(rest(from)?)? },
        kind::RENAME => {
            let old = usize::try_from(decode_varint(from)?).map_err(|_| RecordError::Name)?;
            let from_name = decode_name(from.bytes(old)?)?;
            Operation::Rename { stream, from: from_name, to: decode_name(rest(from)?)? }
        }
        _ => return Err(RecordError::Kind(kind)),
    })
}

fn decode_bulk(from: &mut Reader<'_>) -> Result<Bulk, RecordError> {
    let bytes = decode_varint(from)?;
    let height = from.u8()?;
    let root = BlockRef::decode(from)?;
    if !(TreeRoot { root: Some(root), height, bytes }).is_possible() {
        return Err(RecordError::Tree);
    }
    let mut extents = Vec::new();
    while from.remaining() > 0 {
        let start = BlockId(decode_varint(from)?);
        let blocks = decode_varint(from)?;
        extents.push(Extent::checked(start, blocks).ok_or(RecordError::Extent)?);
    }
    Ok(Bulk { root, height, bytes, extents })
}

fn decode_stride(from: &mut Reader<'_>) -> Result<Stride, RecordError> {
    let mut next = || decode_varint(from);
    let stride = Stride { start: next()?, size: next()?, stride: next()?, count: next()? };
    stride.check().map_err(|_| RecordError::Stride)?;
    Ok(stride)
}

fn decode_name(bytes: &[u8]) -> Result<Cow<'_, str>, RecordError> {
    if !(1..=MAX_NAME_BYTES).contains(&bytes.len()) {
        return Err(RecordError::Name);
    }
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| RecordError::Name)
}

fn rest<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], RecordError> {
    Ok(from.bytes(from.remaining())?)
}
