//! Some judges have a bug that they find and no other does; without one nobody knew what they are good for.
#![cfg(feature = "mutants")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use numstore::hooks::{MUTANTS, select};
use sim::runner::run_seed;

/// A bug, the seeds that meet it, and who may object.
const FOUND: [(&str, std::ops::Range<u64>, &[&str]); 13] = [
    ("a refused operation keeps its blocks", 0..600, &["audit"]),
    ("a read looks before it locks", 0..300, &["serialisability", "serial recovery"]),
    ("the oldest gives way", 0..100, &["locks"]),
    ("whoever has to give way is not woken", 0..100, &["waits"]),
    ("a read of a version takes the core's latch", 0..20, &["readers"]),
    ("a failed log does not say its name", 0..20, &["silent error"]),
    ("a log is used whose name could not be synced", 0..200, &["silent error"]),
    ("a checkpoint that fails keeps its latch", 0..20, &["liveness"]),
    ("checksums of nodes are not looked at", 0..20, &["rot"]),
    ("a slot of an earlier publication stays", 0..600, &["reopening"]),
    ("a database is not locked", 0..20, &["lock"]),
    ("a recovery is timed by the wall clock", 0..100, &["counters"]),
    ("the log is never truncated", 0..100, &["space"]),
];

/// Tells this test's own process, started again, to run the seeds.
const CHILD: &str = "NUMSTORE_SIM_JUDGES";

/// Says what is wrong, and ends the process: the harness would wait for the threads of runs that are stuck.
fn check() -> ! {
    for (name, seeds, judges) in FOUND {
        select(Some(MUTANTS.iter().position(|mutant| mutant.name == name).unwrap()));
        let findings: Vec<_> = seeds.filter_map(|seed| run_seed(seed, None).finding).collect();
        let other = findings.iter().find(|finding| !judges.contains(&finding.judge));
        match other {
            None if !findings.is_empty() => {}
            None => eprintln!("wrong: nobody finds: {name}"),
            Some(other) => eprintln!("wrong: {name}: {other}"),
        }
    }
    std::process::exit(0)
}

#[test]
fn these_judges_find_what_no_other_does() {
    if std::env::var_os(CHILD).is_some() {
        check();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.arg("--nocapture").env(CHILD, "1").env_remove("RUST_BACKTRACE").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("wrong: "), "{}: {said}", output.status);
}
