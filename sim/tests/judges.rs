//! Some judges have a bug that they find and no other does; without one nobody knew what they are good for.
#![cfg(feature = "mutants")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use numstore::hooks::{MUTANTS, select};
use sim::runner::run_seed;

/// A bug, the seeds that meet it, and who may object.
const FOUND: [(&str, std::ops::Range<u64>, &[&str]); 4] = [
    ("a refused operation keeps its blocks", 0..600, &["audit"]),
    ("a stream is claimed after its check", 0..300, &["serialisability", "serial recovery"]),
    ("a failed log does not say its name", 0..60, &["silent error"]),
    ("a checkpoint that fails keeps its latch", 0..60, &["liveness"]),
];

#[test]
fn these_judges_find_what_no_other_does() {
    for (name, seeds, judges) in FOUND {
        select(Some(MUTANTS.iter().position(|mutant| mutant.name == name).unwrap()));
        let findings: Vec<_> = seeds.filter_map(|seed| run_seed(seed, None).finding).collect();
        assert!(!findings.is_empty(), "nobody finds: {name}");
        for finding in findings {
            assert!(judges.contains(&finding.judge), "{name}: {finding}");
        }
    }
    select(None);
}
