//! `insert`, `write`, `rm`, `truncate`: changes in the middle that print nothing.

use numstore::Stream;
use serde_json::json;

use super::with_db;
use crate::args::{self, StreamArg};
use crate::failure::Result;
use crate::input::Input;
use crate::output::Output;
use crate::size::Position;

/// Inserts the input at an offset; what follows moves right.
pub fn insert(args: &args::Place, output: &Output) -> Result {
    place(args, output, |stream, offset, piece| Ok(stream.insert(offset, piece)?))
}

/// Overwrites from an offset on; past the end the stream grows.
pub fn write(args: &args::Place, output: &Output) -> Result {
    place(args, output, |stream, offset, piece| Ok(stream.write(offset, piece)?))
}

/// Takes the input in pieces, each to where the last one ended, in one transaction.
fn place(args: &args::Place, output: &Output, put: impl Fn(&Stream<'_>, u64, &[u8]) -> Result) -> Result {
    let input = Input::open(&args.source)?;
    let (offset, bytes, len) = edit(&args.at, |stream| {
        let offset = match args.offset {
            Position::Offset(offset) => offset,
            Position::End => stream.len()?,
        };
        // An offset past the end is an error even if there is nothing to put there.
        put(stream, offset, &[])?;
        let bytes = input.for_each_piece(|done, piece| put(stream, offset + done, piece))?;
        Ok((offset, bytes, stream.len()?))
    })?;
    output.result("", &json!({ "stream": args.at.stream, "offset": offset, "bytes": bytes, "len": len }))
}

/// Removes a range; what follows moves left.
pub fn rm(args: &args::Span, output: &Output) -> Result {
    let (range, len) = edit(&args.at, |stream| {
        let range = args.range.within(stream.len()?)?;
        stream.remove(range.clone())?;
        Ok((range, stream.len()?))
    })?;
    let bytes = range.end - range.start;
    output.result("", &json!({ "stream": args.at.stream, "start": range.start, "bytes": bytes, "len": len }))
}

/// Shortens a stream.
pub fn truncate(args: &args::Truncate, output: &Output) -> Result {
    let bytes = edit(&args.at, |stream| {
        let before = stream.len()?;
        stream.truncate(args.len)?;
        Ok(before - args.len)
    })?;
    output.result("", &json!({ "stream": args.at.stream, "bytes": bytes, "len": args.len }))
}

/// Runs `body` on a stream in one transaction, and commits.
fn edit<T>(at: &StreamArg, body: impl FnOnce(&Stream<'_>) -> Result<T>) -> Result<T> {
    with_db(&at.db, |db| {
        let tx = db.begin()?;
        let result = body(&tx.stream(&at.stream)?)?;
        tx.commit()?;
        Ok(result)
    })
}
