//! The logs of the corpus fit, are clean, and come by what they are kept for.

use sim::campaign::{default_dir, logs_in, play};
use sim::markers::names;

#[test]
fn the_corpus_is_clean_and_fits() {
    let logs = logs_in(&default_dir()).expect("the corpus is there");
    assert!(logs.len() >= 2);
    for path in logs {
        let fate = play(&path).expect("a log");
        let name = path.display();
        assert_eq!(fate.finding, None, "{name}");
        let again = "if it is still worth it, record it anew: cargo run --release -p sim -- corpus --refresh";
        assert_eq!(fate.stale, None, "{name} is stale; {again}");
    }
}

/// What a log is kept for; without the feature nobody notes it.
#[cfg(feature = "markers")]
#[test]
fn a_log_comes_by_the_rare_state_that_it_is_kept_for() {
    let kept = [("fixed-a-name-that-an-opening-relied-on", "a crash struck a sync of a directory")];
    for (log, marker) in kept {
        let fate = play(&default_dir().join(log).with_extension("log")).expect("a log");
        let number = names().position(|name| name == marker).expect("a marker");
        assert!(fate.reached.contains(number), "{log}: {marker}");
    }
}
