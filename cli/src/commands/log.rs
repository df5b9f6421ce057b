//! `log`: the records of the log, as they are on disk.
//!
//! Not through the database: opening it would recover it, and the log would be gone.

use numstore::env::RealEnv;
use numstore::inspect::read_log;
use serde_json::json;

use crate::args;
use crate::failure::Result;
use crate::output::Output;

/// Prints one record a line, oldest first.
pub fn log(args: &args::Db, output: &Output) -> Result {
    let entries = read_log(&RealEnv::new(), &args.db)?;
    if output.is_json() {
        let entries: Vec<_> = entries
            .iter()
            .map(|e| {
                let record = format!("{:?}", e.record);
                json!({ "lsn": e.lsn.0, "txn": e.txn.0, "commits": e.commits, "record": record })
            })
            .collect();
        return output.result("", &json!({ "records": entries }));
    }
    for entry in &entries {
        output.bytes(format!("{entry}\n").as_bytes())?;
    }
    output.flush()
}
