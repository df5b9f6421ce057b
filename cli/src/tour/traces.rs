//! The two recorded editing histories that ship with the program; see `data/editing-traces/README.md`.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::failure::{Failure, Result};

const RUSTCODE: &[u8] = include_bytes!("../../data/editing-traces/rustcode.json.gz");
const SVELTE: &[u8] = include_bytes!("../../data/editing-traces/sveltecomponent.json.gz");

/// One edit: at `at`, `deleted` bytes go and `inserted` comes.
pub struct Patch {
    /// Byte position in the document.
    pub at: u64,
    /// How many bytes go.
    pub deleted: u64,
    /// What comes in their place.
    pub inserted: Vec<u8>,
}

/// The history of one document, from empty to its end.
pub struct Trace {
    /// What the document was.
    pub name: &'static str,
    /// Recorded transactions, each a list of patches to apply in order.
    pub txns: Vec<Vec<Patch>>,
    /// The document when all are applied.
    pub end: Vec<u8>,
}

/// Both traces.
pub fn load() -> Result<Vec<Trace>> {
    [("rustcode", RUSTCODE), ("sveltecomponent", SVELTE)]
        .into_iter()
        .map(|(name, bytes)| {
            decode(name, bytes).ok_or_else(|| Failure::Tour(format!("the trace {name} does not decode")))
        })
        .collect()
}

/// Decodes one trace; `None` if it is not of the documented form.
fn decode(name: &'static str, gz: &[u8]) -> Option<Trace> {
    let mut json = String::new();
    GzDecoder::new(gz).read_to_string(&mut json).ok()?;
    let root: Value = serde_json::from_str(&json).ok()?;
    let txns =
        root["txns"].as_array()?.iter().map(|txn| txn["patches"].as_array()?.iter().map(patch).collect());
    Some(Trace {
        name,
        txns: txns.collect::<Option<_>>()?,
        end: root["endContent"].as_str()?.as_bytes().to_vec(),
    })
}

/// Decodes `[position, deleted, inserted]`.
fn patch(value: &Value) -> Option<Patch> {
    Some(Patch {
        at: value[0].as_u64()?,
        deleted: value[1].as_u64()?,
        inserted: value[2].as_str()?.as_bytes().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::load;

    #[test]
    fn the_patches_end_in_the_recorded_end() {
        for trace in load().unwrap() {
            let mut document = Vec::new();
            for patch in trace.txns.iter().flatten() {
                let at = patch.at as usize;
                document.splice(at..at + patch.deleted as usize, patch.inserted.iter().copied());
            }
            assert!(document == trace.end, "{}", trace.name);
            assert!(!document.is_empty());
        }
    }
}
