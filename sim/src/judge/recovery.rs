//! After a crash: the state is the model's after some prefix of the commit order that misses nothing acknowledged.

use crate::model::{History, Streams};

use super::Finding;

/// Finds the recovered state in the commit order. Returns its place.
///
/// # Errors
/// If it is none of the states that may be there.
pub fn check_recovery(history: &History, found: &Streams) -> Result<usize, Finding> {
    if let Some(at) = history.find(found) {
        return Ok(at);
    }
    let candidates = history.candidates();
    if let Some(at) = (0..*candidates.start()).find(|&at| history.state(at) == found) {
        let what = format!(
            "commit {} was acknowledged as durable or shown, and the state is that after commit {at}",
            candidates.start()
        );
        return Err(Finding::new("durability", what));
    }
    let nearest = candidates.clone().min_by_key(|&at| differing(history.state(at), found));
    let nearest = nearest.expect("invariant: a history has at least one candidate");
    let what = format!(
        "the state is none of those after commits {candidates:?}; nearest is {nearest}: {}",
        describe_difference(history.state(nearest), found)
    );
    Err(Finding::new("atomicity", what))
}

/// How many streams differ.
fn differing(expected: &Streams, found: &Streams) -> usize {
    let names = expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
    names.filter(|name| expected.get(*name) != found.get(*name)).count()
}

/// The first difference between two states, in words.
pub fn describe_difference(expected: &Streams, found: &Streams) -> String {
    for (name, bytes) in expected {
        let name = shorten(name);
        match found.iter().find(|(other, _)| shorten(other) == name) {
            None => return format!("stream {name:?} of {} bytes is missing", bytes.len()),
            Some((_, other)) if other != bytes => {
                let at = bytes.iter().zip(other.iter()).position(|(a, b)| a != b);
                let at = at.unwrap_or(bytes.len().min(other.len()));
                return format!(
                    "stream {name:?} has {} bytes instead of {}, different from byte {at} on",
                    other.len(),
                    bytes.len()
                );
            }
            Some(_) => {}
        }
    }
    match found.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => format!("stream {:?} should not be there", shorten(name)),
        None => "no difference".to_owned(),
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(20).collect()
}
