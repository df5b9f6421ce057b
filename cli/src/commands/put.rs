//! `put`: a stream gets the input's bytes, in one transaction however long the input is.

use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::Result;
use crate::input::Input;
use crate::output::Output;

/// Replaces the stream's bytes, or appends to them; makes the stream if it is not there.
pub fn put(args: &args::Put, output: &Output) -> Result {
    // Opened first: a missing input file must not make a stream.
    let input = Input::open(&args.source)?;
    let name = &args.at.stream;
    let (created, bytes, len) = with_db(&args.at.db, |db| {
        let tx = db.begin()?;
        let created = !tx.exists(name)?;
        let stream = if created { tx.create(name)? } else { tx.stream(name)? };
        if !args.append && !created {
            stream.truncate(0)?;
        }
        let bytes = input.for_each_piece(|_, piece| Ok(stream.append(piece)?))?;
        let len = stream.len()?;
        tx.commit()?;
        Ok((created, bytes, len))
    })?;
    output.result("", &json!({ "stream": name, "created": created, "bytes": bytes, "len": len }))
}
