//! Transactions side by side: who waits, who goes on, who gives way, and what the table of locks says of it.

use serde_json::{Value, json};

use crate::shell::{Shell, noise};

/// The page that shows a session.
const PAGE: &str = include_str!("../../../docs/CONCURRENCY.md");

/// What a session prints on `x.ns`, with what it repeats of the script left out.
fn told(shell: &Shell, args: &[&str], script: &str) -> Vec<String> {
    let all = shell.ok_with(&[&["session", "x.ns"], args].concat(), script.as_bytes());
    let all = String::from_utf8(all).unwrap();
    all.lines().filter(|line| !line.starts_with("> ")).map(str::to_owned).collect()
}

/// The objects that a session prints with `--json`, and its exit code.
fn objects(shell: &Shell, script: &str) -> (Vec<Value>, Option<i32>) {
    let output = shell.run(&["session", "x.ns", "-", "--json"], script.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

#[test]
fn the_page_shows_what_is_shown() {
    let transcript = PAGE.split("```").find(|part| part.contains("$ numstore session")).unwrap();
    let (_, expected) = transcript.split_once("script.txt\n").unwrap();
    let script: String =
        expected.lines().filter_map(|line| line.strip_prefix("> ")).flat_map(|line| [line, "\n"]).collect();
    assert!(transcript.contains("--text 'Call me Ishmael'") && script.lines().count() > 10, "{script}");
    for _ in 0..5 {
        let shell = Shell::new();
        shell.ok(&["create", "notes.ns"]);
        shell.ok(&["put", "notes.ns", "book", "--text", "Call me Ishmael"]);
        std::fs::write(shell.path("script.txt"), &script).unwrap();
        assert_eq!(shell.text(&["session", "notes.ns", "script.txt"]), expected);
        assert_eq!(shell.text(&["cat", "notes.ns", "book"]), "aall me not-ISHmael");
        assert_eq!(shell.json(&["verify", "notes.ns"])["clean"], true);
    }
}

#[test]
fn a_wait_and_a_deadlock_for_programs() {
    let shell = Shell::with_stream(b"0123456789");
    let script =
        "A write s 0 a\nB write s 9 b\nA read s 9..\nlocks\nB read s 0..1\nB rollback\nA commit\nstats\n";
    let (objects, code) = objects(&shell, script);
    assert_eq!(code, Some(0));
    let [a, b] = [0, 2].map(|at: usize| objects[at]["begins"].as_u64().unwrap());
    assert_eq!(objects[0], json!({ "name": "A", "begins": a }));
    let done = json!({ "line": 1, "name": "A", "txn": a, "call": "A write s 0 a", "result": "done" });
    assert_eq!(objects[1], done);
    let waits = json!({ "line": 3, "name": "A", "txn": a, "call": "A read s 9..", "waits_for": [b] });
    assert_eq!(objects[4], waits);
    let locks = objects[5]["locks"].as_array().unwrap();
    let waiting: Vec<&Value> = locks.iter().filter(|lock| !lock["waits_for"].is_null()).collect();
    let target = "stream 1 [9..end]";
    let row = json!({ "target": target, "mode": "S", "txn": a, "name": "A", "waits_for": [b] });
    assert_eq!(waiting, [&row]);
    let held = json!({ "target": "stream 1 [9..10]", "mode": "X", "txn": b, "name": "B", "waits_for": null });
    assert!(locks.contains(&held), "{locks:?}");

    let error = &objects[6]["error"];
    assert_eq!((&error["kind"], &error["code"]), (&json!("Deadlock"), &json!(18)));
    let message = error["message"].as_str().unwrap();
    for part in [
        format!("{b} wants S on stream 1 [0..1], which {a} holds"),
        format!("{a} wants S on {target}, which {b} holds"),
        format!("{b} gives way"),
    ] {
        assert!(message.contains(&part), "{message}");
    }
    assert_eq!(objects[7]["result"], "rolled back");
    let read = json!({ "bytes": 1, "hex": "39" });
    assert_eq!((&objects[8]["line"], &objects[8]["result"]), (&json!(3), &read));
    assert_eq!(objects[9]["result"], "committed");
    let stats = &objects[10]["stats"];
    assert_eq!((&stats["deadlocks"], &stats["transactions_open"]), (&json!(1), &json!(0)));
    assert_eq!((&stats["commits"], &stats["rollbacks"]), (&json!(1), &json!(1)));
    assert!((1..4096).contains(&stats["log_bytes_since_capture"].as_u64().unwrap()), "{stats}");
    assert_eq!(objects.len(), 11);
    assert_eq!(shell.cat(), b"a123456789");
}

#[test]
fn counters_are_shown() {
    let shell = Shell::with_stream(b"0123456789");
    let script = "stats\nA write s 0 a\nA commit\nB write s 0 b\nB rollback\nC read s\nC commit\nstats\n";
    let told = told(&shell, &[], script);
    let counters: Vec<&String> = told.iter().filter(|line| line.starts_with("commits")).collect();
    assert_eq!(counters, ["commits            0", "commits            1"], "who only reads commits nothing");
    let counters: Vec<&String> = told.iter().filter(|line| line.starts_with("rollbacks")).collect();
    assert_eq!(counters, ["rollbacks          0", "rollbacks          1"]);
    let logged: Vec<&String> = told.iter().filter(|line| line.starts_with("log since capture")).collect();
    assert!(logged.len() == 2 && logged[0] != logged[1], "{logged:?}");
}

#[test]
fn of_two_that_read_for_update_one_waits() {
    let script = |read: &str| {
        format!("A {read} s 0..1\nB {read} s 0..1\nA write s 0 a\nB write s 0 b\nB commit\nA commit\n")
    };
    let shell = Shell::with_stream(b"0123456789");
    let told = told(&shell, &[], &script("read-for-update"));
    let expected = [
        "A \"0\"",
        "B waits for A",
        "A done",
        "B still waits; this comes next",
        "B still waits; this comes next",
        "A committed",
        "B waited: \"a\"",
        "B waited: done",
        "B waited: committed",
    ];
    let begins = |line: &&String| !line.contains(" is transaction ");
    assert_eq!(told.iter().filter(begins).collect::<Vec<_>>(), expected);
    assert_eq!(shell.cat(), b"b123456789");
    // Plain reads let both in, and then each is in the way of the other.
    let (objects, _) = objects(&shell, &script("read"));
    assert!(objects.iter().any(|object| object["error"]["kind"] == "Deadlock"), "{objects:?}");
}

#[test]
fn every_call_does_what_it_says() {
    let shell = Shell::with_stream(b"0123456789");
    let script = "A insert s 5  mid dle \nA write s 0 X\nA append s !\nA insert s end ?\nA remove s 1..3\nA len s\n\
        A read s\nA create t\nA rename t u\nA drop s\nA create s\nA write s end new\nA commit\n";
    let done = "A done".to_owned();
    let mut expected = vec![done.clone(); 5];
    expected.extend(["A 19 bytes".to_owned(), "A \"X34 mid dle 56789!?\"".to_owned()]);
    expected.extend(vec![done; 5]);
    expected.push("A committed".to_owned());
    assert_eq!(told(&shell, &[], script)[1..], expected);
    assert_eq!(shell.cat(), b"new");
    assert_eq!(shell.text(&["ls", "x.ns"]).lines().count(), 2);
}

#[test]
fn lines_for_who_waits_are_kept_and_the_rest_is_rolled_back() {
    let shell = Shell::with_stream(b"0123456789");
    let script =
        "A write s 0 a\nB write s 0 b\nB commit\nB write s 1 B\nC read s 0..1\nA commit\nA write s 5 x\n";
    let expected = [
        "A is transaction",
        "A done",
        "B is transaction",
        "B waits for A",
        "B still waits; this comes next",
        "B still waits; this comes next",
        "C is transaction",
        "C waits for A, B",
        "A committed",
        "B waited: done",
        "B waited: committed",
        "C waited: \"b\"",
        "B is transaction",
        "B waited: done",
        "A is transaction",
        "A done",
        "A rolled back, as the session ends",
        "B rolled back, as the session ends",
        "C rolled back, as the session ends",
    ];
    let told = told(&shell, &[], script);
    let told: Vec<&str> =
        told.iter().map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end()).collect();
    assert_eq!(told, expected);
    assert_eq!(shell.cat(), b"b123456789");
}

#[test]
fn waits_end_where_they_may_not_last() {
    let shell = Shell::with_stream(b"0123456789");
    let script = "A write s 0 a\nB read s 0..1\nB read s 1..2\n";
    let told = told(&shell, &["--lock-timeout", "0"], script);
    assert_eq!(told[3], "B error: stream 1 [0..1] is locked by another open transaction (B is still open)");
    assert_eq!(told[4], "B \"1\"");
}

#[test]
fn errors_of_transactions_are_shown_and_leave_them_open() {
    let shell = Shell::with_stream(b"0123456789");
    let script = "A read s 5..11\nA read nobody\nA create s\nA write s 0 a\nA commit\n";
    let (objects, code) = objects(&shell, script);
    let kinds: Vec<&Value> = objects[1..4].iter().map(|object| &object["error"]["kind"]).collect();
    assert_eq!(kinds, ["OutOfBounds", "NoSuchStream", "StreamExists"]);
    assert_eq!((&objects[5]["result"], code), (&json!("committed"), Some(0)));
    assert_eq!(shell.cat(), b"a123456789");
}

#[test]
fn a_line_that_makes_no_sense_ends_the_session() {
    let shell = Shell::with_stream(b"0123456789");
    let output = shell.run(&["session", "x.ns"], b"A write s 0 a\nA frob s\nA commit\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.ends_with(b"> A frob s\nA rolled back, as the session ends\n"));
    assert!(output.stderr.starts_with(b"numstore: line 2: \"frob\" is no command"));
    assert_eq!(shell.cat(), b"0123456789");
}

#[test]
fn damage_that_a_transaction_meets_is_3() {
    let shell = Shell::with_stream(&noise(1 << 20));
    let mut file = std::fs::read(shell.path("x.ns")).unwrap();
    // Everything but the superblocks.
    file[8192..].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(shell.path("x.ns"), file).unwrap();
    let (objects, code) = objects(&shell, "A read s 0..1\nA len s\n");
    assert_eq!((&objects[1]["error"]["kind"], code), (&json!("Corruption"), Some(3)));
    assert_eq!(objects.last().unwrap()["result"], "rolled back");
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    let shell = Shell::with_stream(b"0123456789");
    std::fs::write(shell.path("script"), "A write s 0 a\nB read s 0..1\nA commit\n").unwrap();
    let mut child = shell.spawn(&["session", "x.ns", "script"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
    assert_eq!(shell.json(&["verify", "x.ns"])["clean"], true);
}
