//! Streams that are too long to be read: what calls on them answer, and what a crash has left of them, as far as it is
//! looked at.

use std::collections::BTreeMap;

use numstore::Error;

use crate::model::SparseStreams;

use super::Finding;

/// A stream, from where, to where.
pub type Place = (String, u64, u64);

/// What was found in a database.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HugeFound {
    /// All streams with their lengths.
    pub lens: BTreeMap<String, u64>,
    /// What is at some places, none of which reaches behind its stream.
    pub pieces: BTreeMap<Place, Vec<u8>>,
}

/// Judges what an edit or a look has answered.
///
/// # Errors
/// If it is something else.
pub fn check_huge_answer(what: &str, got: &[u8], expected: &[u8]) -> Result<(), Finding> {
    if got == expected {
        return Ok(());
    }
    Err(Finding::new("answer", format!("of a huge stream: {what}")))
}

/// Judges what a call came to, behind which the machine had `crashed` or not.
///
/// # Errors
/// If nothing but a crash could be a reason to refuse it.
pub fn check_huge_call<T>(what: &str, got: Result<T, Error>, crashed: bool) -> Result<Option<T>, Finding> {
    match got {
        Ok(done) => Ok(Some(done)),
        Err(_) if crashed => Ok(None),
        Err(e) => Err(Finding::new("answer", format!("a huge stream was refused: {what}: {e}"))),
    }
}

/// Judges what a crash or a close has left, which has to be one of the `candidates`: those of the commit order from the newest
/// on that was acknowledged. Which it is.
///
/// # Errors
/// If it is none of them.
pub fn check_huge_state(found: &HugeFound, candidates: &[&SparseStreams]) -> Result<usize, Finding> {
    let mut newest = String::new();
    for (at, state) in candidates.iter().enumerate() {
        match difference(found, state) {
            None => return Ok(at),
            Some(what) => newest = what,
        }
    }
    let what = format!("a huge stream is as after none of the commits: of {}, {newest}", candidates.len());
    Err(Finding::new("atomicity", what))
}

/// How what was found differs from a state, if it does.
fn difference(found: &HugeFound, state: &SparseStreams) -> Option<String> {
    for (name, len) in &found.lens {
        let expected = state.get(name).map_or(0, |stream| stream.len());
        if *len != expected {
            return Some(format!("{name:?} has {len} bytes instead of {expected}"));
        }
    }
    if let Some(name) = state.keys().find(|name| !found.lens.contains_key(*name)) {
        return Some(format!("{name:?} is missing"));
    }
    for ((name, from, to), bytes) in &found.pieces {
        if state.get(name).is_none_or(|stream| stream.read(*from, *to) != *bytes) {
            return Some(format!("{name:?} differs in bytes {from}..{to}"));
        }
    }
    None
}
