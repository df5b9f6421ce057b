//! Logs of runs that are worth repeating: those that found something, and those that come by rare states.
//!
//! A log is followed strictly. One that does not fit any more is stale, and says so. What is left of it is played all the
//! same, since it may still find something.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::judge::Finding;
use crate::markers::Reached;
use crate::runner::{Conduct, Fidelity, conduct_log};
use crate::script::Log;

/// Letters of a signature in the name of a file.
const NAME_MAX: usize = 70;

/// What came of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    /// Where it does not fit any more.
    pub stale: Option<String>,
    /// What is wrong.
    pub finding: Option<Finding>,
    /// The rare states that it reaches.
    pub reached: Reached,
}

/// A log of the corpus, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Played {
    /// The file.
    pub path: PathBuf,
    /// Where it does not fit any more.
    pub stale: Option<String>,
    /// Whether nothing was found wrong.
    pub clean: bool,
}

/// The corpus of this repository.
pub fn default_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// A path as one types it at the root of the repository.
pub(super) fn shown(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string()
}

/// The logs in a folder, by name; none if there is no such folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn logs_in(dir: &Path) -> Result<Vec<PathBuf>, String> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let complain = |e: std::io::Error| format!("{}: {e}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(complain)? {
        let path = entry.map_err(complain)?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the log in a file.
///
/// # Errors
/// If there is none.
fn read(path: &Path) -> Result<Log, String> {
    let complain = |what: String| format!("{}: {what}", path.display());
    let content = fs::read(path).map_err(|e| complain(e.to_string()))?;
    Log::read(&content).map_err(|e| complain(e.to_string()))
}

/// Plays the log in a file.
///
/// # Errors
/// If the file holds none.
pub fn play(path: &Path) -> Result<Fate, String> {
    let log = read(path)?;
    let mut ended = conduct_log(&log, Fidelity::Strict, Conduct::default());
    let stale = ended.diverged.take();
    if stale.is_some() {
        ended = conduct_log(&log, Fidelity::Lenient, Conduct::default());
    }
    Ok(Fate { stale, finding: ended.finding, reached: ended.reached })
}

/// Records a stale log anew: the same acts, and of its choices those that fit.
///
/// # Errors
/// If the file cannot be read or written.
pub fn refresh(path: &Path) -> Result<(), String> {
    let conduct = Conduct { records: true, ..Conduct::default() };
    let log = conduct_log(&read(path)?, Fidelity::Lenient, conduct).log;
    let text = log.expect("invariant: the run was recorded").to_string();
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Adds a log, with a name made of the words of `title`.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write(log: &Log, dir: &Path, title: &str) -> Result<PathBuf, String> {
    let path = dir.join(file_name(title));
    let written = fs::create_dir_all(dir).and_then(|()| fs::write(&path, log.to_string()));
    written.map(|()| path).map_err(|e| format!("{}: {e}", dir.display()))
}

/// `durability: commit was lost 42` is `durability-commit-was-lost-42.log`; the last word always stays.
fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_lowercase).collect();
    let last = words.pop().unwrap_or_default();
    let mut name = words.join("-");
    name.truncate(NAME_MAX);
    format!("{}-{last}.log", name.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_signature_and_seed() {
        assert_eq!(file_name("panic: engine/src/a.rs:12 42"), "panic-engine-src-a-rs-12-42.log");
        let long = file_name(&format!("answer: {} 7", "word ".repeat(90)));
        assert!(long.len() < 90 && long.ends_with("-7.log"), "{long}");
    }

    #[test]
    fn a_log_that_does_not_fit_is_stale_until_it_is_recorded_anew() {
        let dir = std::env::temp_dir().join(format!("numstore-corpus-{}", std::process::id()));
        let log =
            crate::runner::conduct_seed(3, Conduct { records: true, ..Conduct::default() }).log.unwrap();
        let path = write(&log, &dir, "some seed 3").unwrap();
        assert_eq!(logs_in(&dir).unwrap(), [path.as_path()]);
        let fresh = play(&path).unwrap();
        assert_eq!((&fresh.stale, &fresh.finding), (&None, &None));
        let mut log = log;
        let drawn = log.entries.iter().position(|entry| !entry.choices.is_empty()).unwrap();
        log.entries[drawn].choices.clear();
        write(&log, &dir, "some seed 3").unwrap();
        let stale = play(&path).unwrap();
        assert!(stale.stale.unwrap().starts_with(&format!("diverged at step {}: ", drawn + 1)));
        assert_eq!(stale.finding, None);
        refresh(&path).unwrap();
        assert_eq!(play(&path).unwrap().stale, None);
        fs::remove_dir_all(dir).unwrap();
    }
}
