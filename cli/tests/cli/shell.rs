//! The program, run in a directory of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A directory, and the program to run there.
pub struct Shell {
    dir: TempDir,
}

impl Shell {
    /// An empty directory.
    pub fn new() -> Shell {
        Shell { dir: tempfile::tempdir().unwrap() }
    }

    /// With a database `x.ns` that has the stream `s` of these bytes.
    pub fn with_stream(bytes: &[u8]) -> Shell {
        let shell = Shell::new();
        shell.ok(&["create", "x.ns"]);
        shell.ok_with(&["put", "x.ns", "s", "-"], bytes);
        shell
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the program, with pipes for everything.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.start(Command::new(env!("CARGO_BIN_EXE_numstore")).args(args))
    }

    /// Starts a command in the directory.
    fn start(&self, command: &mut Command) -> Child {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.current_dir(self.dir.path()).spawn().unwrap()
    }

    /// Runs the program where no file may pass a length, in the shell's blocks of 512 or 1024 bytes.
    #[cfg(unix)]
    pub fn run_limited(&self, blocks: u64, args: &[&str], input: &[u8]) -> Output {
        let script = format!("ulimit -f {blocks}; exec \"$@\"");
        let program = ["-c", &script, "sh", env!("CARGO_BIN_EXE_numstore")];
        feed(self.start(Command::new("sh").args(program).args(args)), input)
    }

    /// Runs the program with `input` on its standard input.
    pub fn run(&self, args: &[&str], input: &[u8]) -> Output {
        feed(self.spawn(args), input)
    }

    /// Runs it with input, expects success, returns what it printed.
    pub fn ok_with(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.run(args, input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {} {stderr}", output.status);
        output.stdout
    }

    /// Runs it, expects success, returns what it printed.
    pub fn ok(&self, args: &[&str]) -> Vec<u8> {
        self.ok_with(args, b"")
    }

    /// The same as text.
    pub fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.ok(args)).unwrap()
    }

    /// The same with `--json`, parsed.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_slice(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }

    /// Runs it, expects an exit code and nothing printed, returns what it said on standard error.
    pub fn fails(&self, args: &[&str], code: i32) -> String {
        let output = self.run(args, b"input");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        stderr
    }

    /// The same with `--json`; returns the error object.
    pub fn json_error(&self, args: &[&str], code: i32) -> Value {
        let stderr = self.fails(&[args, &["--json"]].concat(), code);
        let value: Value = serde_json::from_str(stderr.trim()).unwrap_or_else(|e| panic!("{e}: {stderr}"));
        value["error"].clone()
    }

    /// What the stream `s` holds.
    pub fn cat(&self) -> Vec<u8> {
        self.ok(&["cat", "x.ns", "s"])
    }

    /// Every file of the directory with its bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.map(|path| (path.clone(), read_deep(&path))).collect();
        files.sort();
        files
    }
}

/// A file's bytes; nothing for a directory.
fn read_deep(path: &Path) -> Vec<u8> {
    if path.is_dir() { Vec::new() } else { std::fs::read(path).unwrap() }
}

/// Bytes without a short period.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}

/// Gives a program its input and waits for its end.
fn feed(mut child: Child, input: &[u8]) -> Output {
    // A program that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}
