//! Markers and planted bugs: the lists against their sites in the sources.
//!
//! Why: the compiler refuses a site whose name is not in the list, but not a name that has no site, or a marker that
//! has two. How: the sources are read as text.
//!
//! Not here: whether a history reaches a marker and finds a bug (`sim score`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use numstore::hooks::{MARKERS, MUTANTS};
use sim::markers::SIM_MARKERS;
use tests::workspace_root;

/// How often each name stands as the first argument of `call` in the sources below `dir`.
fn sites(dir: &str, call: &str) -> BTreeMap<String, usize> {
    fn walk(dir: &Path, call: &str, found: &mut BTreeMap<String, usize>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, call, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                // Tests at the end of a file may use what names they like.
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                for rest in text.split(call).skip(1) {
                    let Some(quoted) = rest.trim_start().strip_prefix('"') else { continue };
                    *found.entry(quoted.split('"').next().unwrap().to_owned()).or_default() += 1;
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&workspace_root().join(dir), call, &mut found);
    found
}

fn check_markers(dir: &str, list: &[&str]) {
    let found = sites(dir, "reached!(");
    let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "markers with more than one site: {twice:?}");
    let lost: Vec<_> = list.iter().filter(|name| !found.contains_key(**name)).collect();
    assert!(lost.is_empty(), "markers without a site: {lost:?}");
    assert_eq!(found.len(), list.len(), "a marker is listed twice, or has a site and is not listed");
}

#[test]
fn every_marker_of_the_engine_has_one_site() {
    check_markers("engine/src", MARKERS);
}

#[test]
fn every_marker_of_the_simulator_has_one_site() {
    check_markers("sim/src", SIM_MARKERS);
}

#[test]
fn every_planted_bug_has_a_site() {
    let found = sites("engine/src", "mutant!(");
    for mutant in MUTANTS {
        assert!(found.contains_key(mutant.name), "{:?} has no site", mutant.name);
    }
    assert_eq!(found.len(), MUTANTS.len(), "a bug is listed twice, or has a site and is not listed");
}

#[test]
fn no_mechanism_has_too_many_planted_bugs() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    MUTANTS.iter().for_each(|mutant| *counts.entry(mutant.mechanism).or_default() += 1);
    assert!(counts.values().all(|count| *count <= 4), "{counts:?}");
    let surviving = MUTANTS.iter().filter(|mutant| mutant.survives_tests).count();
    assert!(2 * surviving >= MUTANTS.len(), "{surviving} of {} need more than plain tests", MUTANTS.len());
}

#[test]
fn every_trap_has_a_marker_and_a_planted_bug() {
    let page = fs::read_to_string(workspace_root().join("docs/TESTING.md")).unwrap();
    let (_, below) = page.split_once("## Where it could go wrong").unwrap();
    let rows =
        below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> = rows.skip(2).map(|row| row.split('|').map(str::trim).collect()).collect();
    for (number, row) in rows.iter().enumerate() {
        let [_, trap, marker, bug, _] = row[..] else { panic!("a row of three: {row:?}") };
        assert!(trap.starts_with(&format!("{}. ", number + 1)), "the traps are counted: {trap}");
        assert!(MARKERS.iter().chain(SIM_MARKERS).any(|known| *known == marker), "no marker {marker:?}");
        assert!(MUTANTS.iter().any(|known| known.name == bug), "no planted bug {bug:?}");
    }
    assert_eq!(rows.len(), 13);
}
