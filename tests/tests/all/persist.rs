//! Real files and real processes: what is there after closing, after SIGKILL, and while somebody else has it.
//!
//! Why: the simulated disk is only a model of this. How: temporary directories, and a second process
//! (`src/bin/appender.rs`) that reports each commit that has returned and is killed at an arbitrary moment.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use numstore::env::{Disk, DiskFile, OpenMode, RealDisk, RealFile};
use numstore::{Database, ErrorCode, Options};
use tests::{DelegatingEnv, Hook, noise};

/// Starts the appender on `path` and reads what it acknowledges until there are `count` commits.
fn start_appender(path: &Path, count: usize) -> (Child, BufReader<std::process::ChildStdout>, u64) {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_appender")).arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..count {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the appender ended early");
    }
    (child, lines, line.trim().parse().unwrap())
}

/// Kills the child (SIGKILL) and returns the last number that it acknowledged.
fn kill(mut child: Child, lines: BufReader<std::process::ChildStdout>, mut last: u64) -> u64 {
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.lines() {
        // The last line may be cut.
        if let Ok(number) = line.unwrap().parse() {
            last = last.max(number);
        }
    }
    last
}

#[test]
fn a_closed_database_is_one_file_that_reopens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    let bytes = noise(1, 2 << 20);
    let db = Database::open(&path).unwrap();
    db.create("s").unwrap();
    db.append("s", &bytes).unwrap();
    db.insert("s", 1 << 20, b"in the middle").unwrap();
    db.close().unwrap();
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["x.ns"], "a clean close leaves no log");
    let db = Options::new().create(false).open(&path).unwrap();
    assert_eq!(db.read("s", 1 << 20..(1 << 20) + 13).unwrap(), b"in the middle");
    assert!(db.read("s", ..1 << 20).unwrap() == bytes[..1 << 20]);
    assert!(db.stats().recovery.is_none(), "nothing had to be recovered");
    assert!(db.verify().unwrap().is_clean());
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    for round in 0..5 {
        let (child, lines, last) = start_appender(&path, 20 + round * 31);
        let last = kill(child, lines, last);
        let db = Database::open(&path).unwrap();
        let report = db.stats().recovery.expect("a killed process leaves work to recovery");
        assert!(report.losers >= 1, "a transaction was open: {report:?}");
        assert_eq!(db.len("abandoned").unwrap(), 0, "what never committed is gone");
        let numbers = db.read("acknowledged", ..).unwrap();
        let kept = numbers.len() as u64 / 8;
        assert!(kept == last + 1 || kept == last + 2, "{last} was the last acknowledged, {kept} are there");
        for (i, number) in numbers.chunks(8).enumerate() {
            assert_eq!(number, (i as u64).to_le_bytes());
        }
        assert!(db.verify().unwrap().is_clean());
        db.close().unwrap();
    }
}

#[test]
fn a_second_opener_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    let (child, lines, last) = start_appender(&path, 5);
    assert_eq!(Database::open(&path).err().expect("another process has it").code(), ErrorCode::Locked);
    kill(child, lines, last);
    let db = Database::open(&path).unwrap();
    assert_eq!(Database::open(&path).err().expect("another handle has it").code(), ErrorCode::Locked);
    let clone = db.clone();
    drop(db);
    assert_eq!(Database::open(&path).err().expect("a clone has it").code(), ErrorCode::Locked);
    drop(clone);
    Database::open(&path).unwrap();
}

/// A process that is just being started has a copy of every open file of this one, until it runs its program.
#[test]
fn a_process_being_started_holds_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let done = AtomicBool::new(false);
    let open = || RealDisk.open(&path, OpenMode { write: true, ..OpenMode::default() }).unwrap();
    drop(RealDisk.open(&path, OpenMode { create_new: true, ..OpenMode::default() }).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let appender = env!("CARGO_BIN_EXE_appender");
                assert!(!Command::new(appender).stderr(Stdio::null()).status().unwrap().success());
            }
        });
        let refused = (0..20_000).filter(|_| !open().try_lock().unwrap()).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(refused, 0, "locks that were given back and still held");
    });
}

#[test]
fn the_systems_refusals_are_typed() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no such directory").join("x.ns");
    let error = Database::open(&missing).err().expect("the directory is missing");
    assert!(matches!(error.code(), ErrorCode::Io | ErrorCode::NoDatabase), "{error}");
    let error = Database::open(dir.path()).err().expect("a directory is no database");
    assert!(matches!(error.code(), ErrorCode::Io | ErrorCode::NotADatabase), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "and nothing was made");
}

/// What the sync that fails takes away.
const DROPPED: u8 = 0xd7;

/// A disk whose sync of the data file fails, once that is armed. The system gives up then what it cannot write: it reads as
/// before. The call returns a while after somebody has met that.
#[derive(Default)]
struct Dropping {
    armed: AtomicBool,
    dropped: AtomicBool,
    reads: AtomicU64,
}

impl Hook for Dropping {
    fn has_read(&self, _: &io::Result<usize>) {
        self.reads.fetch_add(1, Ordering::AcqRel);
    }

    fn sync(&self, file: &RealFile, path: &Path) -> io::Result<()> {
        if path.extension().is_some_and(|is| is != "ns") || !self.armed.swap(false, Ordering::AcqRel) {
            return file.sync();
        }
        let mut block = [0; 4096];
        for offset in (0..file.len()?).step_by(block.len()) {
            if file.read_at(&mut block, offset)? == block.len() && block[64..].iter().all(|&b| b == DROPPED) {
                file.write_at(&[0; 4096], offset)?;
            }
        }
        let before = self.reads.load(Ordering::Acquire);
        self.dropped.store(true, Ordering::Release);
        wait_until("nobody reads", || self.reads.load(Ordering::Acquire) > before);
        thread::sleep(Duration::from_millis(100));
        Err(io::Error::other("on purpose"))
    }
}

fn wait_until(otherwise: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{otherwise}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The sync fails in a task that does not have the core's latch, so others go on for a moment.
#[test]
fn what_a_failed_sync_has_dropped_is_never_told_as_damage() {
    for cuts in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let env = DelegatingEnv::<Dropping>::default();
        let options = Options::new().bulk_bytes(64 << 10).cache_bytes(0);
        let db = options.open_in(env.clone(), dir.path().join("x.ns")).unwrap();
        db.create("a").unwrap();
        db.create("b").unwrap();
        let tx = db.begin().unwrap();
        let stream = tx.stream("a").unwrap();
        stream.append(&[DROPPED; 1 << 20]).unwrap();
        env.hook().armed.store(true, Ordering::Release);
        thread::scope(|scope| {
            let commit = scope.spawn(|| db.append("b", b"x"));
            wait_until("nobody syncs", || env.hook().dropped.load(Ordering::Acquire));
            let met = if cuts { stream.cut(..) } else { stream.read(..) };
            assert_eq!(met.unwrap_err().code(), ErrorCode::Poisoned);
            assert_eq!(commit.join().unwrap().unwrap_err().code(), ErrorCode::InDoubt);
        });
        assert_eq!(stream.read(..).unwrap_err().code(), ErrorCode::Poisoned);
        assert_eq!(tx.commit().unwrap_err().code(), ErrorCode::Poisoned);
    }
}
