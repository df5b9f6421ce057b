//! `cat`: a stream's bytes to standard output, a range of them, or elements at a distance.

use std::ops::Range;

use numstore::{Database, Error, Stride};
use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::Result;
use crate::input::PIECE_BYTES;
use crate::output::{ByteResult, Output};

/// Prints bytes of the newest durable version, in pieces.
pub fn cat(args: &args::Cat, output: &Output) -> Result {
    with_db(&args.at.db, |db| match args.size {
        None => contiguous(db, args, output),
        Some(size) => strided(db, args, size, output),
    })
}

/// Prints a range.
fn contiguous(db: &Database, args: &args::Cat, output: &Output) -> Result {
    let stream = db.snapshot().stream(&args.at.stream)?;
    let range = args.range.within(stream.len())?;
    let fields = json!({ "stream": args.at.stream, "start": range.start, "bytes": range.end - range.start });
    let result = output.byte_result(&fields)?;
    in_pieces(range, &result, |piece| Ok(stream.read(piece)?))?;
    result.finish()
}

/// Reads `range` in pieces and hands each to `result`.
pub fn in_pieces(
    range: Range<u64>,
    result: &ByteResult<'_>,
    read: impl Fn(Range<u64>) -> Result<Vec<u8>>,
) -> Result {
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + PIECE_BYTES as u64);
        result.piece(&read(at..end)?)?;
        at = end;
    }
    Ok(())
}

/// Prints elements at a distance from each other.
fn strided(db: &Database, args: &args::Cat, size: u64, output: &Output) -> Result {
    let stream = db.snapshot().stream(&args.at.stream)?;
    let len = stream.len();
    let range = args.range.within(len)?;
    let step = size.checked_mul(args.stride).ok_or_else(|| Error::InvalidArgument {
        what: "size times stride is more than fits in 64 bits".into(),
    })?;
    let room = range.end - range.start;
    let fitting = if room < size { 0 } else { (room - size) / step + 1 };
    let count = args.count.unwrap_or(fitting);
    if count > fitting {
        let end = range.start.saturating_add((count - 1).saturating_mul(step)).saturating_add(size);
        return Err(Error::OutOfBounds { start: range.start, end, len: range.end }.into());
    }
    let fields = json!({
        "stream": args.at.stream, "start": range.start, "size": size, "stride": args.stride, "count": count,
        "bytes": count * size,
    });
    let result = output.byte_result(&fields)?;
    let at_once = (PIECE_BYTES as u64 / size).max(1);
    let mut done = 0;
    while done < count {
        let count = at_once.min(count - done);
        let start = range.start + done * step;
        result.piece(&stream.read_strided(Stride { start, size, stride: args.stride, count })?)?;
        done += count;
    }
    result.finish()
}
