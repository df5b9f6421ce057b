//! What people once typed: recorded edits, in the order in which they were made.
//!
//! People go on where they were, take back what they have just written, and jump; drawn offsets do none of that. Whose
//! histories these are is told beside them, in `cli/data/editing-traces`.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::model::{Bytes, Edit};

const RECORDED: [&[u8]; 2] = [
    include_bytes!("../../../cli/data/editing-traces/sveltecomponent.json.gz"),
    include_bytes!("../../../cli/data/editing-traces/rustcode.json.gz"),
];

/// At `at`, `deleted` bytes go and `inserted` comes.
struct Patch {
    at: u64,
    deleted: u64,
    inserted: Vec<u8>,
}

/// Edit `number` of all that were recorded, in a stream of `len` bytes.
pub(super) fn edit(number: usize, len: u64) -> Edit {
    static PATCHES: OnceLock<Vec<Patch>> = OnceLock::new();
    let patches = PATCHES.get_or_init(|| {
        let traces = RECORDED.iter().map(|bytes| decode(bytes).expect("invariant: the traces are committed"));
        traces.flatten().collect()
    });
    let Patch { at, deleted, inserted } = &patches[number % patches.len()];
    let at = at % (len + 1);
    Edit::Splice { at, delete: (*deleted).min(len - at), data: Bytes(inserted.clone()) }
}

/// The patches of a trace; nothing if it is not of the documented form.
fn decode(gz: &[u8]) -> Option<Vec<Patch>> {
    let mut json = String::new();
    GzDecoder::new(gz).read_to_string(&mut json).ok()?;
    let root: Value = serde_json::from_str(&json).ok()?;
    let mut patches = Vec::new();
    for txn in root["txns"].as_array()? {
        for patch in txn["patches"].as_array()? {
            patches.push(Patch {
                at: patch[0].as_u64()?,
                deleted: patch[1].as_u64()?,
                inserted: patch[2].as_str()?.as_bytes().to_vec(),
            });
        }
    }
    Some(patches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_from_its_start_makes_a_document() {
        let mut document = Vec::new();
        for number in 0..5_000 {
            edit(number, document.len() as u64).apply(&mut document).unwrap();
        }
        assert!(document.len() > 1_000);
        assert!(document.is_ascii());
    }
}
