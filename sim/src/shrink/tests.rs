//! Planted failures are shrunk to what it takes, and not one act more.

use crate::runner::{Canary, Conduct, Fidelity, conduct_log, conduct_seed};
use crate::script::{Act, Log, Script};
use crate::world::Persist;

use super::*;

/// Two commits and a rename, and then the power fails.
fn commits_and_rename(acts: &[Act]) -> bool {
    let lines: Vec<String> = acts.iter().map(Act::to_string).collect();
    let count = |word: &str| lines.iter().filter(|line| line.split(' ').any(|w| w == word)).count();
    let last = lines.last().is_some_and(|line| line.starts_with("power-loss"));
    last && count("commit") >= 2 && count("rename") >= 1
}

/// A crash strikes, at least so many bytes were appended before it, and a recovery comes after it.
fn crash_after_bytes(acts: &[Act]) -> bool {
    let of = |word: &str| acts.iter().position(|act| act.to_string().starts_with(word));
    let appended = |before: usize| {
        let sizes = acts[..before].iter().map(|act| match act {
            Act::Do(crate::workload::Operation::Direct(crate::model::Step::Edit {
                edit: crate::model::Edit::Append { data },
                ..
            })) => data.0.len(),
            _ => 0,
        });
        sizes.sum::<usize>() >= 300
    };
    let crash = of("arm crash ").filter(|at| appended(*at));
    let deaths = crash.is_some_and(|at| acts[at..].iter().any(|act| act.to_string() == "kill"));
    deaths && acts.last() == Some(&Act::Open)
}

fn failing(canary: Canary) -> Log {
    let logs = (0..50).filter_map(|seed| {
        let ended = conduct_seed(seed, Conduct { canary: Some(canary), records: true, ..Conduct::default() });
        ended.finding.and(ended.log)
    });
    logs.max_by_key(|log| log.entries.len()).expect("some seed meets the condition")
}

/// What is left when one act is gone does not fail.
fn assert_minimal(shrunk: &Shrunk, canary: Canary) {
    for at in 0..shrunk.minimal.entries.len() {
        let mut less = shrunk.minimal.clone();
        less.entries.remove(at);
        let ended =
            conduct_log(&less, Fidelity::Lenient, Conduct { canary: Some(canary), ..Conduct::default() });
        assert_eq!(ended.finding, None, "without act {at} of\n{}", shrunk.minimal);
    }
}

#[test]
fn a_planted_failure_shrinks_to_what_it_takes() {
    let canary: Canary = commits_and_rename;
    let log = failing(canary);
    assert!(log.entries.len() > 30);
    let mut told = Vec::new();
    let shrunk = shrink(&log, Some(canary), &mut |line| told.push(line.to_owned())).unwrap();
    assert_minimal(&shrunk, canary);
    assert_eq!(shrunk.finding.judge, "canary");
    assert!(shrunk.minimal.entries.len() <= 9, "{}", shrunk.minimal);
    assert!(shrunk.minimal.entries.iter().all(|entry| entry.choices.is_empty()), "{}", shrunk.minimal);
    assert!(shrunk.minimal.to_string().contains("power-loss none"));
    assert!(told.len() >= 4);
    // The decision file has the same run, to the last choice.
    let strict =
        conduct_log(&shrunk.log, Fidelity::Strict, Conduct { canary: Some(canary), ..Conduct::default() });
    assert_eq!((strict.diverged, strict.finding), (None, Some(shrunk.finding)));
}

#[test]
fn arguments_become_as_plain_as_they_can_be() {
    let canary: Canary = crash_after_bytes;
    let shrunk = shrink(&failing(canary), Some(canary), &mut |_| {}).unwrap();
    assert_minimal(&shrunk, canary);
    let acts: Vec<String> = shrunk.minimal.acts().map(Act::to_string).collect();
    // Even an append that is refused, since there is no such stream, is one that was asked for.
    assert_eq!(acts, ["open", "direct append \"a\" 61*300", "arm crash 0", "kill", "open"]);
}

/// Two commits of clients that run side by side, and a crash behind them.
fn clients_and_crash(acts: &[Act]) -> bool {
    let lines: Vec<String> = acts.iter().map(Act::to_string).collect();
    let commits = |line: &&String| line.starts_with("plan ") && line.contains(" commit");
    let ran = lines.iter().position(|line| line.starts_with("clients "));
    let last = lines.last().is_some_and(|line| line == "kill");
    last && ran.is_some_and(|at| lines[..at].iter().filter(commits).count() >= 2)
}

#[test]
fn what_clients_do_is_shrunk_like_the_rest() {
    let canary: Canary = clients_and_crash;
    let shrunk = shrink(&failing(canary), Some(canary), &mut |_| {}).unwrap();
    assert_minimal(&shrunk, canary);
    let acts: Vec<String> = shrunk.minimal.acts().map(Act::to_string).collect();
    assert_eq!(acts.len(), 5, "{acts:?}");
    assert_eq!(acts[0], "open");
    assert!(acts[3].starts_with("clients ") && acts[4] == "kill", "{acts:?}");
    assert!(shrunk.minimal.entries.iter().all(|entry| entry.choices.is_empty()), "{}", shrunk.minimal);
}

#[test]
fn huge_streams_are_told_step_by_step_in_a_test() {
    let act = Act::Huge { seed: 3, leaves_log2: 14, operations: 60 };
    let test = emit_test(&Log::of_acts(Default::default(), [act]), "a_name", "a reason");
    assert!(test.contains("huge_steps(") && !test.contains(".huge("), "{test}");
    for step in ["\"begin\"", "\"crash ", "\"splice ", "\"power-loss | disk "] {
        assert!(test.contains(step), "{step} in {test}");
    }
}

#[test]
fn a_clean_run_is_not_shrunk() {
    let log = conduct_seed(1, Conduct { records: true, ..Conduct::default() }).log.unwrap();
    assert!(shrink(&log, None, &mut |_| {}).is_none());
}

#[test]
fn a_script_is_judged() {
    let script = Script::new(Default::default()).open().create("a").begin(1).commit(1).kill().open();
    script.check();
    let ended = script.power_loss(Persist::All).open().run(Conduct::default());
    assert_eq!((ended.finding, ended.counters.recoveries), (None, 3));
}
