//! Replays every committed input of the fuzz targets, so that what a fuzzer once found stays found.

use std::path::{Path, PathBuf};

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.expect("a listed file").path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no seeds in {}", folder.display());
    for input in inputs {
        // Names the input, should it fail.
        eprintln!("{}", input.display());
        run(&std::fs::read(&input).expect("a readable seed"));
    }
}

#[test]
fn crash_ops() {
    replay("crash_ops", fuzz::crash_ops);
}

#[test]
fn ops_vs_model() {
    replay("ops_vs_model", fuzz::ops_vs_model);
}

#[test]
fn open_hostile_file() {
    replay("open_hostile_file", fuzz::open_hostile_file);
}
