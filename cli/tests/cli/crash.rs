//! What is there after a kill: `log`, `stat`, `tour`.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use crate::shell::{Shell, noise};

#[test]
fn the_log_of_a_closed_database_is_empty() {
    let shell = Shell::with_stream(b"bytes");
    let before = shell.files();
    assert_eq!(shell.text(&["log", "x.ns"]), "");
    assert_eq!(shell.json(&["log", "x.ns"]), json!({ "records": [] }));
    assert!(shell.files() == before);
}

#[test]
fn the_log_of_a_crashed_database_is_printed_and_left_alone() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns", "bystander"]);
    shell.ok_with(&["put", "x.ns", "tour"], &noise(1 << 20));
    kill_a_writer(&shell);
    let before = shell.files();
    let text = shell.text(&["log", "x.ns"]);
    let records = shell.json(&["log", "x.ns"])["records"].as_array().unwrap().len();
    assert!(records > 0);
    assert_eq!(text.lines().count(), records, "{text}");
    assert!(shell.files() == before, "the log is read without recovering");
    let stat = shell.json(&["stat", "x.ns"]);
    assert!(stat["recovered"]["losers"].as_u64().unwrap() >= 1, "{stat}");
    assert_eq!(shell.json(&["stat", "x.ns"])["recovered"], Value::Null);
    assert_eq!(shell.json(&["stat", "x.ns", "bystander"])["len"], 0);
    assert_eq!(shell.json(&["verify", "x.ns"])["clean"], true);
}

/// Runs the tour's writer on the database until it has made two commits, and kills it.
fn kill_a_writer(shell: &Shell) {
    let settings = ["--from", "0", "--size", "1048576", "--seed", "1", "--group", "16"];
    let mut child = shell.spawn(&[&["tour-writer", "x.ns"], &settings[..]].concat());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged: Vec<_> = lines.take(3).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged, ["ready", "0", "1"]);
}

#[test]
fn a_second_process_is_kept_out() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns", "bystander"]);
    shell.ok_with(&["put", "x.ns", "tour"], &noise(1000));
    let settings = ["--from", "0", "--size", "1000", "--seed", "1", "--group", "1", "--edits", "1"];
    let mut child = shell.spawn(&[&["tour-writer", "x.ns"], &settings[..]].concat());
    let ready = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(ready, "ready");
    let error = shell.json_error(&["ls", "x.ns"], 1);
    assert_eq!((&error["kind"], &error["code"]), (&json!("Locked"), &json!(5)));
    // Without its standard input the writer has nothing to wait for: its transaction is rolled back.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(shell.json(&["stat", "x.ns", "bystander"])["len"], 0);
}

#[test]
fn a_small_tour() {
    let shell = Shell::new();
    let report = small_tour(&shell, &["--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let kills = report["kills"].as_array().unwrap();
    assert_eq!(kills.len(), 3);
    assert!(kills.iter().all(|kill| kill["losers"].as_u64().unwrap() >= 1), "{report}");
    assert!(report["height"].as_u64().unwrap() >= 1);
    let records = report["log_bytes_per_edit_one_by_one"].as_f64().unwrap();
    let written = report["log_bytes_written_per_edit_one_by_one"].as_f64().unwrap();
    assert!(0.0 < records && records < written, "{report}");
    assert_eq!(shell.files(), [], "the tour cleans up");
}

#[test]
fn a_small_tour_of_a_file_that_is_kept() {
    let shell = Shell::new();
    std::fs::write(shell.path("f"), noise(10_000)).unwrap();
    let text = small_tour(&shell, &["f", "--kills", "1", "--keep"]);
    for part in [
        "4.0 MiB from f, ",
        "durable edits a second",
        "record bytes, or",
        "log bytes with",
        "losers undone",
        "recovery",
        "tree height",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(shell.files().len(), 2, "the file and the directory of the tour");
    std::fs::write(shell.path("empty"), b"").unwrap();
    assert_eq!(shell.json_error(&["tour", "empty", "--size", "4MiB", "--dir", "."], 1)["kind"], "Tour");
}

/// A tour that is over in a moment.
fn small_tour(shell: &Shell, args: &[&str]) -> String {
    let small = ["tour", "--size", "4MiB", "--edits", "20000", "--group", "16", "--dir", ".", "--seed", "5"];
    shell.text(&[&small, args].concat())
}
