//! Records to bytes.

use crate::base::{Lsn, StreamId};
use crate::format::stride::Stride;
use crate::format::varint::{decode_varint, encode_varint, overwrite_varint, varint_bytes};
use crate::format::wire::Reader;

use super::{Body, Operation, Payload, Record, kind};

/// Appends the encoding of `record`.
///
/// # Panics
/// If the commit flag stands on a compensation or an end.
pub fn encode_record(record: &Record<'_>, out: &mut Vec<u8>) {
    let (start, guess) = (out.len(), varint_bytes(carried_bytes(record) as u64));
    out.resize(start + guess, 0);
    encode_body(record, out);
    let length = (out.len() - start - guess) as u64;
    let bytes = varint_bytes(length);
    if bytes > guess {
        out.splice(start..start, std::iter::repeat_n(0, bytes - guess));
    }
    overwrite_varint(length, &mut out[start..start + bytes]);
    debug_assert_eq!(out.len() - start, record_bytes(record), "a record is as long as was reserved for it");
}

/// Appends `more` to the last field of the record that begins at `start` and ends `out`, and whose last field is as long as
/// it likes. What comes of it is the encoding of the longer record.
pub fn extend_record(out: &mut Vec<u8>, start: usize, more: &[u8]) {
    let mut from = Reader::new(&out[start..]);
    let length = decode_varint(&mut from).expect("invariant: a record begins with its length");
    let body = from.remaining();
    assert_eq!(length, body as u64, "only the last record grows");
    let (old, new) = (varint_bytes(length), varint_bytes(length + more.len() as u64));
    out.reserve(more.len() + new - old);
    reached!("a record grew until its length took a byte more", new > old);
    if new > old {
        out.splice(start..start, std::iter::repeat_n(0, new - old));
    }
    overwrite_varint(length + more.len() as u64, &mut out[start..start + new]);
    out.extend_from_slice(more);
}

/// How long `record` is at least: a length that takes as many bytes is seldom exceeded.
fn carried_bytes(record: &Record<'_>) -> usize {
    match &record.body {
        Body::Operation(
            Operation::Splice { insert: Payload::Bytes(bytes), .. } | Operation::StridedWrite { bytes, .. },
        ) => bytes.len(),
        _ => 0,
    }
}

/// How many bytes [`encode_record`] would append.
pub fn record_bytes(record: &Record<'_>) -> usize {
    let length = body_bytes(record);
    length + varint_bytes(length as u64)
}

/// Where an encoding goes: into a buffer, or only into a count.
trait Sink {
    fn put(&mut self, bytes: &[u8]);
    fn put_varint(&mut self, value: u64);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    fn put_varint(&mut self, value: u64) {
        encode_varint(value, self);
    }
}

/// Counts what is put.
struct Count(usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
    fn put_varint(&mut self, value: u64) {
        self.0 += varint_bytes(value);
    }
}

fn body_bytes(record: &Record<'_>) -> usize {
    let mut count = Count(0);
    encode_body(record, &mut count);
    count.0
}

fn encode_body(record: &Record<'_>, out: &mut impl Sink) {
    let (kind, may_commit) = match &record.body {
        Body::Operation(operation) => (operation_kind(operation), true),
        Body::Compensate { .. } => (kind::COMPENSATE, false),
        Body::Commit => (kind::COMMIT, true),
        Body::End => (kind::END, false),
    };
    assert!(may_commit || !record.commits, "a record of kind {kind} cannot commit");
    out.put(&[kind | if record.commits { kind::COMMITS } else { 0 }]);
    out.put_varint(record.txn.0);
    match &record.body {
        Body::Operation(operation) => encode_operation(operation, out),
        Body::Compensate { undone: Lsn(undone), undo_next } => {
            out.put_varint(*undone);
            if let Some(Lsn(next)) = undo_next {
                out.put_varint(*next);
            }
        }
        Body::Commit | Body::End => {}
    }
}

fn operation_kind(operation: &Operation<'_>) -> u8 {
    match operation {
        Operation::Splice { insert: Payload::Bytes(_), .. } => kind::SPLICE,
        Operation::Splice { insert: Payload::Bulk(_), .. } => kind::SPLICE_BULK,
        Operation::StridedWrite { .. } => kind::STRIDED_WRITE,
        Operation::StridedRemove { .. } => kind::STRIDED_REMOVE,
        Operation::Create { .. } => kind::CREATE,
        Operation::Drop { .. } => kind::DROP,
        Operation::Rename { .. } => kind::RENAME,
    }
}

fn encode_operation(operation: &Operation<'_>, out: &mut impl Sink) {
    let StreamId(stream) = operation.stream();
    out.put_varint(stream);
    match operation {
        Operation::Splice { offset, delete_len, insert, .. } => {
            out.put_varint(*offset);
            out.put_varint(*delete_len);
            encode_payload(insert, out);
        }
        Operation::StridedWrite { stride, bytes, .. } => {
            encode_stride(stride, out);
            out.put(bytes);
        }
        Operation::StridedRemove { stride, .. } => encode_stride(stride, out),
        Operation::Create { name, .. } | Operation::Drop { name, .. } => out.put(name.as_bytes()),
        Operation::Rename { from, to, .. } => {
            out.put_varint(from.len() as u64);
            out.put(from.as_bytes());
            out.put(to.as_bytes());
        }
    }
}

fn encode_payload(payload: &Payload<'_>, out: &mut impl Sink) {
    match payload {
        Payload::Bytes(bytes) => out.put(bytes),
        Payload::Bulk(bulk) => {
            out.put_varint(bulk.bytes);
            out.put(&[bulk.height]);
            let mut root = Vec::with_capacity(32);
            bulk.root.encode_into(&mut root);
            out.put(&root);
            for extent in &bulk.extents {
                out.put_varint(extent.start.0);
                out.put_varint(extent.blocks);
            }
        }
    }
}

fn encode_stride(stride: &Stride, out: &mut impl Sink) {
    for value in [stride.start, stride.size, stride.stride, stride.count] {
        out.put_varint(value);
    }
}
