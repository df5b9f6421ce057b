//! `verify`: reads everything and says whether it holds together.

use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::{Failure, Result};
use crate::output::{Output, thousands};

/// Walks the whole database; problems are printed, and end in exit code 3.
pub fn verify(args: &args::Db, output: &Output) -> Result {
    let found = with_db(&args.db, |db| Ok(db.verify()?))?;
    let mut text = format!(
        "{}: {} streams, {} bytes, {} nodes, height {}, {} blocks used, {} free\n",
        if found.is_clean() { "clean" } else { "DAMAGED" },
        thousands(found.streams),
        thousands(found.bytes),
        thousands(found.nodes),
        found.height,
        thousands(found.blocks_used),
        thousands(found.blocks_free),
    );
    for problem in &found.problems {
        text += &format!("  {problem}\n");
    }
    let value = json!({
        "clean": found.is_clean(),
        "streams": found.streams,
        "bytes": found.bytes,
        "nodes": found.nodes,
        "height": found.height,
        "blocks_used": found.blocks_used,
        "blocks_free": found.blocks_free,
        "problems": found.problems,
    });
    output.result(text, &value)?;
    if found.is_clean() { Ok(()) } else { Err(Failure::Problems(found.problems.len())) }
}
