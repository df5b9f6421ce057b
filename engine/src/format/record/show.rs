//! Records for people: one line each.

use std::fmt;

use super::{Body, Operation, Payload, Record};

/// How many bytes of a payload are shown.
const SHOWN_BYTES: usize = 24;

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "txn {} ", self.txn)?;
        match &self.body {
            Body::Operation(operation) => operation.fmt(f)?,
            Body::Compensate { undone, undo_next: Some(next) } => {
                write!(f, "compensate {undone}, next {next}")?
            }
            Body::Compensate { undone, undo_next: None } => write!(f, "compensate {undone}, nothing next")?,
            Body::Commit => f.write_str("commit")?,
            Body::End => f.write_str("end")?,
        }
        if self.commits && !matches!(self.body, Body::Commit) { f.write_str(", commit") } else { Ok(()) }
    }
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Splice { stream, offset, delete_len, insert } => {
                write!(f, "splice stream {stream} at {offset}: delete {delete_len}, insert {insert}")
            }
            Operation::StridedWrite { stream, stride, bytes } => {
                write!(f, "strided write stream {stream}: {stride} = {}", Shown(bytes))
            }
            Operation::StridedRemove { stream, stride } => {
                write!(f, "strided remove stream {stream}: {stride}")
            }
            Operation::Create { stream, name } => write!(f, "create stream {stream} {name:?}"),
            Operation::Drop { stream, name } => write!(f, "drop stream {stream} {name:?}"),
            Operation::Rename { stream, from, to } => {
                write!(f, "rename stream {stream} {from:?} to {to:?}")
            }
        }
    }
}

impl fmt::Display for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Bytes(bytes) if bytes.is_empty() => f.write_str("0"),
            Payload::Bytes(bytes) => write!(f, "{} {}", bytes.len(), Shown(bytes)),
            Payload::Bulk(bulk) => {
                let blocks: u128 = bulk.extents.iter().map(|extent| u128::from(extent.blocks)).sum();
                let (extents, root) = (bulk.extents.len(), bulk.root.block);
                write!(f, "{} from disk (root at block {root}, height {}, ", bulk.bytes, bulk.height)?;
                write!(f, "{blocks} blocks in {extents} extents)")
            }
        }
    }
}

/// The start of some bytes, quoted.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_BYTES)];
        let more = if shown.len() < self.0.len() { "…" } else { "" };
        write!(f, "\"{}\"{more}", shown.escape_ascii())
    }
}
