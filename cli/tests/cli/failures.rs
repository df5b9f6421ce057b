//! What goes wrong: exit codes, error objects, and that nothing was changed.

use serde_json::{Value, json};

use crate::shell::{Shell, noise};

#[test]
fn a_missing_database_stays_missing() {
    let shell = Shell::new();
    for args in [
        &["ls", "no.ns"][..],
        &["put", "no.ns", "s", "-"],
        &["cat", "no.ns", "s"],
        &["insert", "no.ns", "s", "--at", "0"],
        &["write", "no.ns", "s", "--at", "0"],
        &["rm", "no.ns", "s", ".."],
        &["cut", "no.ns", "s", ".."],
        &["truncate", "no.ns", "s", "0"],
        &["mv", "no.ns", "a", "b"],
        &["drop", "no.ns", "s"],
        &["stat", "no.ns"],
        &["verify", "no.ns"],
        &["compact", "no.ns"],
        &["session", "no.ns"],
        &["log", "no.ns"],
    ] {
        let error = shell.json_error(args, 1);
        assert_eq!((&error["kind"], &error["code"]), (&json!("NoDatabase"), &json!(7)), "{args:?}");
    }
    assert_eq!(shell.files(), []);
}

#[test]
fn a_missing_stream_has_a_code_and_a_name() {
    let shell = Shell::new();
    shell.ok(&["create", "x.ns"]);
    let error = shell.json_error(&["cat", "x.ns", "nobody"], 1);
    assert_eq!((&error["kind"], &error["code"]), (&json!("NoSuchStream"), &json!(9)));
    assert!(error["message"].as_str().unwrap().contains("nobody"));
    assert_eq!(shell.fails(&["cat", "x.ns", "nobody"], 1), "numstore: no stream is named \"nobody\"\n");
}

#[test]
fn wrong_usage_is_2() {
    let shell = Shell::with_stream(b"bytes");
    for args in [
        &["frobnicate"][..],
        &[],
        &["cat"],
        &["cat", "x.ns", "s", "5..2"],
        &["cat", "x.ns", "s", "five"],
        &["insert", "x.ns", "s"],
        &["insert", "x.ns", "s", "--at", "4K"],
        &["insert", "x.ns", "s", "--at", "0", "file", "--text", "both"],
        &["truncate", "x.ns", "s", "-1"],
        &["drop", "x.ns"],
        &["session", "x.ns", "--lock-timeout", "-1"],
        &["tour", "--size", "1"],
    ] {
        shell.fails(args, 2);
    }
    let error = shell.json_error(&["cat", "x.ns", "s", "5..2"], 2);
    assert_eq!(error["kind"], "Usage");
    assert!(error["message"].as_str().unwrap().contains("ends before it starts"));
}

#[test]
fn what_is_no_database_is_3() {
    let shell = Shell::new();
    std::fs::write(shell.path("x.ns"), noise(64 << 10)).unwrap();
    let before = shell.files();
    let error = shell.json_error(&["ls", "x.ns"], 3);
    assert!(["NotADatabase", "Corruption"].contains(&error["kind"].as_str().unwrap()), "{error}");
    assert_eq!(shell.files(), before);
}

#[test]
fn damage_is_3() {
    let shell = Shell::with_stream(&noise(1 << 20));
    let mut file = std::fs::read(shell.path("x.ns")).unwrap();
    // Everything but the superblocks.
    file[8192..].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(shell.path("x.ns"), file).unwrap();
    assert_eq!(shell.json_error(&["cat", "x.ns", "s"], 3)["kind"], "Corruption");
    assert_eq!(shell.run(&["verify", "x.ns"], b"").status.code(), Some(3));
}

/// A limit on the length of files is met by the database, its log or both; whichever it is, the command ends with an
/// error, nothing of it is kept and nothing else is lost.
#[cfg(unix)]
#[test]
fn a_limit_on_the_length_of_files_is_an_error() {
    let kept = noise(300 << 10);
    let mut refused = 0;
    for limit in (0..2_800).step_by(140) {
        let shell = Shell::with_stream(&kept);
        let args = ["put", "x.ns", "t", "-", "--json"];
        let output = shell.run_limited(limit, &args, &noise(3 << 20));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let error: Value =
            serde_json::from_str(stderr.trim()).unwrap_or_else(|e| panic!("{limit}: {e}: {stderr}"));
        let error = &error["error"];
        assert_eq!(output.status.code(), Some(1), "{limit}: {error}");
        assert!(["Io", "InDoubt", "Poisoned"].contains(&error["kind"].as_str().unwrap()), "{limit}: {error}");
        assert!(error["message"].as_str().unwrap().contains("x.ns"), "{limit}: {error}");
        refused += u64::from(error["code"] == 1);
        assert_eq!(shell.cat(), kept, "{limit}");
        assert_eq!(shell.json(&["verify", "x.ns"])["problems"], json!([]), "{limit}");
    }
    assert!(refused > 0, "some limits were met where the operation can be refused");
}
