//! `cut`: bytes leave the stream once the reader has them.
//!
//! Invariant: the removal is committed only after every byte was written out and flushed.

use std::io::ErrorKind;

use serde_json::json;

use super::cat::in_pieces;
use super::with_db;
use crate::args;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Prints a range and removes it.
pub fn cut(args: &args::Span, output: &Output) -> Result {
    with_db(&args.at.db, |db| {
        let tx = db.begin()?;
        let stream = tx.stream(&args.at.stream)?;
        let range = args.range.within(stream.len()?)?;
        let fields =
            json!({ "stream": args.at.stream, "start": range.start, "bytes": range.end - range.start });
        let printed = output.byte_result(&fields).and_then(|result| {
            in_pieces(range.clone(), &result, |piece| Ok(stream.read(piece)?))?;
            result.finish()
        });
        match printed {
            Err(Failure::Stdout(e)) if e.kind() == ErrorKind::BrokenPipe => return Err(Failure::CutUnread),
            printed => printed?,
        }
        stream.remove(range)?;
        Ok(tx.commit()?)
    })
}
