//! `compact`: makes the file shorter where much of it is free.

use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::{Failure, Result};
use crate::output::{Output, thousands};
use crate::size::show_size;

/// Compacts until there is no more to gain, closes the database, and shows how long its file was and is.
pub fn compact(args: &args::Db, output: &Output) -> Result {
    let before = with_db(&args.db, |db| {
        let before = db.stats().file_bytes;
        // What a call takes apart lets the next one gain more, as long as the file gets shorter.
        let mut bytes = before;
        while db.compact()? > 0 && db.stats().file_bytes < bytes {
            bytes = db.stats().file_bytes;
        }
        Ok(before)
    })?;
    let after = std::fs::metadata(&args.db).map_err(|e| Failure::file("look at", &args.db, e))?.len();
    let text = format!(
        "{} -> {} bytes ({} -> {})",
        thousands(before),
        thousands(after),
        show_size(before),
        show_size(after)
    );
    let value = json!({
        "database": args.db.display().to_string(),
        "file_bytes_before": before,
        "file_bytes": after,
    });
    output.result(text, &value)
}
