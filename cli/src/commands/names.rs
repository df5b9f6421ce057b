//! `create`, `ls`, `mv`, `drop`: what concerns names only.

use std::fmt::Write;

use numstore::{Error, Options};
use serde_json::json;

use super::with_db;
use crate::args;
use crate::failure::Result;
use crate::output::Output;

/// Makes the database if it is not there, and the streams named, all or none.
pub fn create(args: &args::Create, output: &Output) -> Result {
    let made = !args.db.exists();
    let mut options = Options::new();
    if let Some(leaf) = args.leaf {
        let leaf = u32::try_from(leaf)
            .map_err(|_| Error::InvalidArgument { what: format!("a leaf of {leaf} bytes") })?;
        options = options.leaf_bytes(leaf);
    }
    if let Some(fanout) = args.fanout {
        options = options.fanout(fanout);
    }
    let db = options.open(&args.db)?;
    if !args.streams.is_empty() {
        let tx = db.begin()?;
        for name in &args.streams {
            tx.create(name)?;
        }
        tx.commit()?;
    }
    db.close()?;
    let db = args.db.display().to_string();
    output.result("", &json!({ "database": db, "created": made, "streams": args.streams }))
}

/// Lists the streams, by name.
pub fn ls(args: &args::Db, output: &Output) -> Result {
    let mut streams = with_db(&args.db, |db| Ok(db.list()?))?;
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::new();
    for stream in &streams {
        // A name may hold anything; what would upset a terminal or look like a second line is escaped.
        let name: String = stream.name.chars().flat_map(escape_control).collect();
        writeln!(text, "{:>15}  {name}", stream.len).expect("invariant: a String takes all text");
    }
    let streams: Vec<_> = streams.iter().map(|s| json!({ "name": s.name, "len": s.len })).collect();
    output.result(text, &json!({ "streams": streams }))
}

/// Renames a stream.
pub fn mv(args: &args::Mv, output: &Output) -> Result {
    with_db(&args.db, |db| Ok(db.rename(&args.from, &args.to)?))?;
    output.result("", &json!({ "from": args.from, "to": args.to }))
}

/// Drops streams, all or none.
pub fn drop(args: &args::DropStreams, output: &Output) -> Result {
    with_db(&args.db, |db| {
        let tx = db.begin()?;
        for name in &args.streams {
            tx.drop_stream(name)?;
        }
        Ok(tx.commit()?)
    })?;
    output.result("", &json!({ "dropped": args.streams }))
}

/// A control character as its escape, any other as it is.
fn escape_control(c: char) -> impl Iterator<Item = char> {
    let escaped: Vec<char> = if c.is_control() { c.escape_default().collect() } else { vec![c] };
    escaped.into_iter()
}
