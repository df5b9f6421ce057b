//! Commands on bytes: `put`, `cat`, `insert`, `write`, `rm`, `cut`, `truncate`.

use serde_json::json;

use crate::shell::{Shell, noise};

#[test]
fn put_replaces_appends_and_makes_the_stream() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns"]);
    std::fs::write(shell.path("f"), b"from a file").unwrap();
    let put = shell.json(&["put", "x.ns", "s", "f"]);
    assert_eq!(put, json!({ "stream": "s", "created": true, "bytes": 11, "len": 11 }));
    shell.ok_with(&["put", "x.ns", "s", "-"], b"short");
    assert_eq!(shell.cat(), b"short");
    shell.ok_with(&["put", "x.ns", "s", "--append"], b" and more");
    assert_eq!(shell.cat(), b"short and more");
    shell.ok(&["put", "x.ns", "s", "--text", "typed"]);
    assert_eq!(shell.cat(), b"typed");
    shell.ok(&["put", "x.ns", "s", "-"]);
    assert_eq!(shell.cat(), b"");
}

#[test]
fn put_of_a_missing_file_makes_nothing() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns"]);
    assert_eq!(shell.json_error(&["put", "x.ns", "s", "no-such-file"], 1)["kind"], "Io");
    assert_eq!(shell.text(&["ls", "x.ns"]), "");
}

#[test]
fn large_input_goes_through_in_pieces() {
    let bytes = noise(20 << 20);
    let shell = Shell::with_stream(&bytes);
    assert!(shell.cat() == bytes);
    let inserted = noise(9 << 20);
    shell.ok_with(&["insert", "x.ns", "s", "--at", "5MiB", "-"], &inserted);
    assert!(shell.ok(&["cat", "x.ns", "s", "5MiB..14MiB"]) == inserted);
    assert!(shell.ok(&["cat", "x.ns", "s", "14MiB.."]) == bytes[5 << 20..]);
    assert!(shell.ok(&["cut", "x.ns", "s", "5MiB..14MiB"]) == inserted);
    assert!(shell.cat() == bytes);
    assert_eq!(shell.json(&["verify", "x.ns"])["clean"], true);
}

#[test]
fn cat_ranges() {
    let shell = Shell::with_stream(b"0123456789");
    let ranges =
        [("..", "0123456789"), ("3..5", "34"), ("8..", "89"), ("..2", "01"), ("10..", ""), ("4..4", "")];
    for (range, bytes) in ranges {
        assert_eq!(shell.text(&["cat", "x.ns", "s", range]), bytes, "{range}");
    }
    let cat = shell.json(&["cat", "x.ns", "s", "3..5"]);
    assert_eq!(cat, json!({ "stream": "s", "start": 3, "bytes": 2, "hex": "3334" }));
    assert_eq!(shell.json_error(&["cat", "x.ns", "s", "3..11"], 1)["kind"], "OutOfBounds");
    assert_eq!(shell.json_error(&["cat", "x.ns", "s", "11.."], 1)["kind"], "OutOfBounds");
}

#[test]
fn cat_strides() {
    let shell = Shell::with_stream(b"aa11bb22cc33d");
    let cat = |args: &[&str]| shell.text(&[&["cat", "x.ns", "s"], args].concat());
    assert_eq!(cat(&["--size", "2", "--stride", "2"]), "aabbcc");
    assert_eq!(cat(&["2..", "--size", "2", "--stride", "2"]), "112233");
    assert_eq!(cat(&["2..", "--size", "2", "--stride", "2", "--count", "1"]), "11");
    assert_eq!(cat(&["..7", "--size", "3"]), "aa11bb");
    assert_eq!(cat(&["..2", "--size", "3"]), "");
    let error = shell.json_error(&["cat", "x.ns", "s", "--size", "2", "--count", "7"], 1);
    assert_eq!(error["kind"], "OutOfBounds");
    shell.fails(&["cat", "x.ns", "s", "--size", "0"], 2);
    shell.fails(&["cat", "x.ns", "s", "--size", "1", "--stride", "0"], 2);
}

#[test]
fn insert_write_rm_truncate() {
    let shell = Shell::with_stream(b"hello world");
    shell.ok(&["insert", "x.ns", "s", "--at", "5", "--text", ","]);
    assert_eq!(shell.cat(), b"hello, world");
    let inserted = shell.json(&["insert", "x.ns", "s", "--at", "end", "--text", "!"]);
    assert_eq!(inserted, json!({ "stream": "s", "offset": 12, "bytes": 1, "len": 13 }));
    shell.ok_with(&["write", "x.ns", "s", "--at", "7", "-"], b"there, you");
    assert_eq!(shell.cat(), b"hello, there, you");
    let removed = shell.json(&["rm", "x.ns", "s", "5..12"]);
    assert_eq!(removed, json!({ "stream": "s", "start": 5, "bytes": 7, "len": 10 }));
    assert_eq!(shell.cat(), b"hello, you");
    shell.ok(&["truncate", "x.ns", "s", "5"]);
    assert_eq!(shell.cat(), b"hello");
    for args in [
        &["insert", "x.ns", "s", "--at", "6", "--text", "x"][..],
        &["insert", "x.ns", "s", "--at", "6", "--text", ""],
        &["write", "x.ns", "s", "--at", "6", "--text", "x"],
        &["rm", "x.ns", "s", "2..6"],
        &["truncate", "x.ns", "s", "6"],
    ] {
        assert_eq!(shell.json_error(args, 1)["kind"], "OutOfBounds", "{args:?}");
    }
    assert_eq!(shell.cat(), b"hello");
}

#[test]
fn cut_prints_and_removes() {
    let shell = Shell::with_stream(b"0123456789");
    assert_eq!(shell.text(&["cut", "x.ns", "s", "2..5"]), "234");
    assert_eq!(shell.cat(), b"0156789");
    assert_eq!(shell.json(&["cut", "x.ns", "s", "5.."])["hex"], "3839");
    assert_eq!(shell.cat(), b"01567");
}

#[test]
fn cut_keeps_what_nobody_read() {
    let bytes = noise(9 << 20);
    let shell = Shell::with_stream(&bytes);
    let stderr = with_closed_stdout(&shell, &["cut", "x.ns", "s", ".."], 1);
    assert!(stderr.contains("nothing was removed"), "{stderr}");
    assert!(shell.cat() == bytes);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let shell = Shell::with_stream(&noise(9 << 20));
    assert_eq!(with_closed_stdout(&shell, &["cat", "x.ns", "s"], 0), "");
    assert_eq!(with_closed_stdout(&shell, &["ls", "x.ns"], 0), "");
}

/// Runs the program with a pipe that nobody reads as its output.
fn with_closed_stdout(shell: &Shell, args: &[&str], code: i32) -> String {
    let mut child = shell.spawn(args);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code));
    String::from_utf8(output.stderr).unwrap()
}
