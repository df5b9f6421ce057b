//! `stat`: what a database or a stream is made of, without walking it.

use std::fmt::Write;

use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::Result;
use crate::output::{Output, thousands};
use crate::size::show_size;

/// Shows the length of a stream, or the extent of a database and what opening it took.
pub fn stat(args: &args::Stat, output: &Output) -> Result {
    match &args.stream {
        Some(name) => {
            let len = with_db(&args.db, |db| Ok(db.len(name)?))?;
            let text = format!("{} bytes ({})", thousands(len), show_size(len));
            output.result(text, &json!({ "stream": name, "len": len }))
        }
        None => database(args, output),
    }
}

/// Shows the extent of a database.
fn database(args: &args::Stat, output: &Output) -> Result {
    let (streams, stats) = with_db(&args.db, |db| Ok((db.list()?, db.stats())))?;
    let bytes: u64 = streams.iter().map(|s| s.len).sum();
    let mut value = json!({
        "database": args.db.display().to_string(),
        "streams": streams.len(),
        "bytes": bytes,
        "file_bytes": stats.file_bytes,
        "recovered": null,
    });
    let mut text = format!(
        "streams    {}\nbytes      {} ({})\nfile       {} ({})\n",
        thousands(streams.len() as u64),
        thousands(bytes),
        show_size(bytes),
        thousands(stats.file_bytes),
        show_size(stats.file_bytes),
    );
    if let Some(recovery) = stats.recovery {
        value["recovered"] = json!({
            "records_redone": recovery.records_redone,
            "losers": recovery.losers,
            "clrs_written": recovery.clrs_written,
            "log_bytes": recovery.log_bytes,
            "seconds": recovery.duration.as_secs_f64(),
        });
        writeln!(
            text,
            "recovered  just now, in {:.3} s: {} records redone, {} transactions undone",
            recovery.duration.as_secs_f64(),
            thousands(recovery.records_redone),
            recovery.losers,
        )
        .expect("invariant: a String takes all text");
    }
    output.result(text, &value)
}
