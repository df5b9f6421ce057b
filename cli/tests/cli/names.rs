//! Commands on names, and the help: `create`, `ls`, `mv`, `drop`, `stat`, `verify`, `compact`.

use serde_json::{Value, json};

use crate::shell::{Shell, noise};

#[test]
fn create_ls_mv_drop() {
    let shell = Shell::new();
    assert_eq!(shell.json(&["create", "x.ns"])["created"], true);
    assert_eq!(shell.json(&["create", "x.ns", "b", "a"])["created"], false);
    assert_eq!(shell.text(&["ls", "x.ns"]), "              0  a\n              0  b\n");
    shell.ok(&["mv", "x.ns", "b", "line\nbreak"]);
    assert!(shell.text(&["ls", "x.ns"]).ends_with("  line\\nbreak\n"));
    shell.ok(&["drop", "x.ns", "a"]);
    assert_eq!(shell.json(&["ls", "x.ns"]), json!({ "streams": [{ "name": "line\nbreak", "len": 0 }] }));
}

#[test]
fn several_names_are_all_or_none() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns", "a"]);
    assert_eq!(shell.json_error(&["create", "x.ns", "b", "a"], 1)["kind"], "StreamExists");
    assert_eq!(shell.json_error(&["drop", "x.ns", "a", "b"], 1)["kind"], "NoSuchStream");
    assert_eq!(shell.json(&["ls", "x.ns"])["streams"], json!([{ "name": "a", "len": 0 }]));
}

#[test]
fn create_with_small_leaves() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns", "s", "--leaf", "256", "--fanout", "4"]);
    let bytes = noise(20_000);
    shell.ok_with(&["put", "x.ns", "s"], &bytes);
    assert_eq!(shell.cat(), bytes);
    let found = shell.json(&["verify", "x.ns"]);
    assert!(found["height"].as_u64().unwrap() >= 3, "{found}");
    assert_eq!(shell.json_error(&["create", "y.ns", "--leaf", "1"], 1)["kind"], "InvalidArgument");
    assert!(!shell.path("y.ns").exists());
}

#[test]
fn names_of_every_kind() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns", "ünï 数", "with space"]);
    assert_eq!(shell.json(&["stat", "x.ns", "ünï 数"])["len"], 0);
    let long = "n".repeat(1025);
    assert_eq!(shell.json_error(&["create", "x.ns", &long], 1)["kind"], "BadName");
    assert_eq!(shell.json_error(&["create", "x.ns", ""], 1)["kind"], "BadName");
}

#[test]
fn stat_and_verify() {
    let shell = Shell::with_stream(&[7; 5000]);
    assert_eq!(shell.text(&["stat", "x.ns", "s"]), "5,000 bytes (4.9 KiB)\n");
    assert_eq!(shell.json(&["stat", "x.ns", "s"]), json!({ "stream": "s", "len": 5000 }));
    let stat = shell.json(&["stat", "x.ns"]);
    assert_eq!((&stat["streams"], &stat["bytes"]), (&json!(1), &json!(5000)));
    assert_eq!(stat["recovered"], Value::Null);
    assert!(stat["file_bytes"].as_u64().unwrap() >= 5000);
    assert!(shell.text(&["stat", "x.ns"]).starts_with("streams    1\n"));
    assert!(shell.text(&["verify", "x.ns"]).starts_with("clean: 1 streams, 5,000 bytes"));
    assert_eq!(shell.json(&["verify", "x.ns"])["problems"], json!([]));
}

/// A close leaves a file as it is of which no more than a tenth is free.
#[test]
fn compact_makes_the_file_shorter() {
    let (shell, kept) = (Shell::new(), noise(32 << 20));
    shell.ok(&["create", "x.ns"]);
    shell.ok_with(&["put", "x.ns", "gone"], &noise(3 << 20));
    shell.ok_with(&["put", "x.ns", "s"], &kept);
    shell.ok(&["drop", "x.ns", "gone"]);
    let before = shell.path("x.ns").metadata().unwrap().len();
    let told = shell.json(&["compact", "x.ns"]);
    let after = shell.path("x.ns").metadata().unwrap().len();
    assert_eq!(told, json!({ "database": "x.ns", "file_bytes_before": before, "file_bytes": after }));
    assert!(before > 35 << 20 && after < 33 << 20, "{told}");
    assert!(shell.cat() == kept);
    assert_eq!(shell.json(&["verify", "x.ns"])["clean"], true);
    let again = shell.text(&["compact", "x.ns"]);
    let (from, to) = again.split_once(" bytes (").unwrap().0.split_once(" -> ").unwrap();
    assert_eq!(from, to, "{again}");
}

#[test]
fn help_has_examples_and_succeeds() {
    let shell = Shell::new();
    assert!(shell.text(&["--help"]).contains("Exit codes: 0 done, 1 error, 2 wrong usage, 3 corruption"));
    assert!(shell.text(&["help", "insert"]).contains("Examples:"));
    assert!(shell.text(&["help", "compact"]).contains("the file is cut"));
    assert!(shell.text(&["help", "session"]).contains("A read-for-update STREAM [RANGE]"));
    assert!(!shell.text(&["--help"]).contains("tour-writer"));
    assert!(shell.text(&["--version"]).starts_with("numstore "));
}
