//! The recorded editing histories that ship in `cli/data/editing-traces` (attribution in the README there).

use std::fs::File;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::workspace_root;

/// One edit: `deleted` bytes go at `position`, then `inserted` comes in there.
#[derive(Clone, Debug)]
pub struct Patch {
    /// Byte position in the document.
    pub position: u64,
    /// How many bytes go.
    pub deleted: u64,
    /// The bytes that come.
    pub inserted: Vec<u8>,
}

impl Patch {
    /// Does to a plain vector what the database does to a stream.
    pub fn apply(&self, model: &mut Vec<u8>) {
        let start = usize::try_from(self.position).expect("a position in memory");
        let end = start + usize::try_from(self.deleted).expect("a length in memory");
        model.splice(start..end, self.inserted.iter().copied());
    }
}

/// A whole recorded history, from the empty document to its end.
#[derive(Debug)]
pub struct Trace {
    /// The recorded transactions, in order.
    pub transactions: Vec<Vec<Patch>>,
    /// The document after the last of them.
    pub end: Vec<u8>,
}

impl Trace {
    /// Reads the trace called `name`; panics if it is not there or not as described.
    pub fn load(name: &str) -> Trace {
        let path = workspace_root().join("cli/data/editing-traces").join(format!("{name}.json.gz"));
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value = serde_json::from_reader(GzDecoder::new(file)).expect("gzipped JSON");
        assert_eq!(json["startContent"], "", "a history starts from nothing");
        let transactions =
            array(&json["txns"]).iter().map(|txn| array(&txn["patches"]).iter().map(patch).collect());
        Trace { transactions: transactions.collect(), end: string(&json["endContent"]) }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn string(value: &Value) -> Vec<u8> {
    value.as_str().expect("a string").as_bytes().to_vec()
}

fn patch(value: &Value) -> Patch {
    let position = value[0].as_u64().expect("a position");
    let deleted = value[1].as_u64().expect("a length");
    Patch { position, deleted, inserted: string(&value[2]) }
}
