//! What must be refused: arguments that make no sense, files that are no database, a system that says no, a full disk.
//!
//! Why: a refusal is an answer like any other. It has a number that callers rely on, it says what and where, and it
//! changes nothing. How: arguments and files on a simulated machine, whose bytes are compared before and after; the
//! system's refusals on real files, by a disk that refuses calls from the n-th on, by permissions, and by a limit on the
//! length of files in a process of its own.
//!
//! Not here: damaged files (`corrupt`), a disk that fails and loses power (`sim`).

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use numstore::{Database, Env, Error, ErrorCode, Options, Result, Stride};
use tests::{Call, Crash, FailingEnv, Forge, Image, Lab, SPACE, noise, small};

#[test]
fn codes_never_change() {
    let codes = [
        (ErrorCode::Io, 1),
        (ErrorCode::Corruption, 2),
        (ErrorCode::NotADatabase, 3),
        (ErrorCode::UnsupportedVersion, 4),
        (ErrorCode::Locked, 5),
        (ErrorCode::LogMissing, 6),
        (ErrorCode::NoDatabase, 7),
        (ErrorCode::OutOfBounds, 8),
        (ErrorCode::NoSuchStream, 9),
        (ErrorCode::StreamExists, 10),
        (ErrorCode::BadName, 11),
        (ErrorCode::InvalidArgument, 12),
        (ErrorCode::Busy, 13),
        (ErrorCode::NoSuchSavepoint, 14),
        (ErrorCode::InDoubt, 15),
        (ErrorCode::Poisoned, 16),
        (ErrorCode::TooLong, 17),
    ];
    for (code, number) in codes {
        assert_eq!(code as u32, number, "{code:?}");
    }
}

/// That `error` has the code and a message with all of `parts`.
fn assert_says(what: &str, error: &Error, code: ErrorCode, parts: &[&str]) {
    let message = error.to_string();
    assert_eq!(error.code(), code, "{what}: {message}");
    for part in parts {
        assert!(message.contains(part), "{what}: {part:?} is missing: {message}");
    }
}

/// A machine whose database holds the stream "s" of 1,000 bytes, all of it in the data file.
fn thousand() -> (Lab, Database<impl Env>) {
    let lab = Lab::new(31, small());
    let db = lab.open();
    db.create("s").unwrap();
    db.append("s", &noise(1, 1_000)).unwrap();
    db.checkpoint().unwrap();
    (lab, db)
}

fn assert_untouched(what: &str, lab: &Lab, before: &Image, db: &Database<impl Env>) {
    db.sync().unwrap();
    assert!(lab.image() == *before, "{what}: a file was changed");
    assert!(db.read("s", ..).unwrap() == noise(1, 1_000), "{what}: the stream was changed");
    assert_eq!(db.list().unwrap().len(), 1, "{what}");
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "they are to be refused")]
fn places_that_are_not_there_are_refused() {
    let (lab, db) = thousand();
    let before = lab.image();
    let refused: [(&str, Result<()>, &str); 13] = [
        ("read past the end", db.read("s", 990..1_001).map(drop), "990..1001"),
        ("read from behind the end", db.read("s", 1_001..).map(drop), "1001..1000"),
        ("read reversed", db.read("s", 7..3).map(drop), "7..3"),
        ("read at the end of the numbers", db.read("s", ..=u64::MAX).map(drop), "0..18446744073709551615"),
        ("insert", db.insert("s", 1_001, b"x"), "1001..1001"),
        ("write", db.write("s", 1_001, b"x"), "1001..1001"),
        ("remove past the end", db.remove("s", 0..1_001), "0..1001"),
        ("remove reversed", db.remove("s", 9..8), "9..8"),
        ("cut past the end", db.cut("s", 999..1_002).map(drop), "999..1002"),
        ("cut reversed", db.cut("s", 2..1).map(drop), "2..1"),
        ("truncate", db.truncate("s", 1_001), "1001..1000"),
        ("snapshot", db.snapshot().stream("s").unwrap().read(5..2_000).map(drop), "5..2000"),
        ("splice", db.begin().and_then(|txn| txn.stream("s")?.splice(900, 101, b"x")), "900..1001"),
    ];
    for (what, result, range) in refused {
        let error = result.expect_err(what);
        assert_says(what, &error, ErrorCode::OutOfBounds, &[range, "1000 bytes"]);
    }
    assert_untouched("places", &lab, &before, &db);
}

#[test]
fn strides_that_mean_nothing_are_refused() {
    let (lab, db) = thousand();
    let before = lab.image();
    let one = Stride { start: 0, size: 4, stride: 2, count: 3 };
    let cases = [
        (Stride { stride: 0, ..one }, ErrorCode::InvalidArgument, "stride of zero"),
        (Stride { size: 0, ..one }, ErrorCode::InvalidArgument, "at least one byte"),
        (Stride { start: u64::MAX, ..one }, ErrorCode::InvalidArgument, "beyond 64 bits"),
        (Stride { start: 990, ..one }, ErrorCode::OutOfBounds, "990..1010"),
    ];
    for (stride, code, part) in cases {
        let txn = db.begin().unwrap();
        let stream = txn.stream("s").unwrap();
        let results = [
            ("read", stream.read_strided(stride).map(drop)),
            ("write", stream.write_strided(stride, &[0; 12])),
            ("remove", stream.remove_strided(stride)),
            ("snapshot", db.snapshot().stream("s").unwrap().read_strided(stride).map(drop)),
        ];
        for (what, result) in results {
            assert_says(what, &result.expect_err(what), code, &[part]);
        }
        txn.rollback().unwrap();
    }
    assert_untouched("strides", &lab, &before, &db);
}

#[test]
fn names_that_cannot_be_are_refused() {
    let (lab, db) = thousand();
    let before = lab.image();
    let long = "n".repeat(1_025);
    for (name, len) in [("", "has 0"), (long.as_str(), "has 1025")] {
        let results = [
            ("create", db.create(name)),
            ("rename", db.rename("s", name)),
            ("exists", db.exists(name).map(drop)),
            ("read", db.read(name, ..).map(drop)),
        ];
        for (what, result) in results {
            assert_says(what, &result.expect_err(what), ErrorCode::BadName, &["1 to 1024 bytes", len]);
        }
    }
    let results = [
        ("read", db.read("nobody", ..).map(drop)),
        ("len", db.len("nobody").map(drop)),
        ("append", db.append("nobody", b"x")),
        ("remove", db.remove("nobody", ..)),
        ("drop", db.drop_stream("nobody")),
        ("rename", db.rename("nobody", "t")),
    ];
    for (what, result) in results {
        assert_says(what, &result.expect_err(what), ErrorCode::NoSuchStream, &["\"nobody\""]);
    }
    let taken = db.create("s").expect_err("it exists");
    assert_says("create", &taken, ErrorCode::StreamExists, &["\"s\""]);
    assert_untouched("names", &lab, &before, &db);
}

/// Opens a machine with these files, expects a refusal, and that the files stay as they are.
fn refusal(image: &Image) -> Error {
    let lab = Lab::with_image(small(), image);
    let error = lab.try_open().err().expect("the file is to be refused");
    assert!(lab.image() == *image, "a refused file was changed: {error}");
    error
}

fn closed() -> Image {
    let (lab, db) = thousand();
    db.close().unwrap();
    lab.image()
}

/// What is left when the process dies: a checkpoint, and a log behind it.
fn killed() -> Image {
    let (lab, db) = thousand();
    db.append("s", b"more").unwrap();
    lab.crash(Crash::Kill);
    drop(db);
    lab.image()
}

#[test]
fn files_that_are_no_database_are_refused() {
    for bytes in [b"#!/bin/sh\n".to_vec(), Vec::new(), vec![0; 8_192], noise(3, 20_000)] {
        let error = refusal(&Image::from([("x.ns".to_owned(), bytes)]));
        assert_says("foreign", &error, ErrorCode::NotADatabase, &["/db/x.ns", "not a NumStore database"]);
    }
}

/// Both slots say that the file is of another version, and their checksums agree.
#[test]
fn a_file_of_another_version_is_refused() {
    for version in [0u32, 2, 7, u32::MAX] {
        let mut image = closed();
        for slot in image.get_mut("x.ns").unwrap().chunks_mut(4_096).take(2) {
            slot[8..12].copy_from_slice(&version.to_le_bytes());
            let mut sum = flate2::Crc::new();
            sum.update(&slot[..508]);
            slot[508..512].copy_from_slice(&sum.sum().to_le_bytes());
        }
        let error = refusal(&image);
        let parts = ["/db/x.ns", &format!("version {version};"), "reads version 1"];
        assert_says("version", &error, ErrorCode::UnsupportedVersion, &parts);
    }
}

/// Whether a superblock is left or not, closed or not: what was cut by a block or more is refused, and nothing is changed.
#[test]
fn a_truncated_file_is_refused() {
    for whole in [closed(), killed()] {
        // Behind what is in use there may be space that was set aside; nothing is missing without that.
        let blocks = Forge::new(whole["x.ns"].clone()).total_blocks() as usize;
        for len in [1, 511, 512, 4_095, 4_096, 4_608, 8_191, 8_192, 8_193, (blocks - 1) * 4_096] {
            let mut image = whole.clone();
            image.get_mut("x.ns").unwrap().truncate(len);
            let lab = Lab::with_image(small(), &image);
            let error = lab.try_open().err().expect("a part is missing");
            let place = format!("/db/x.ns at byte {}", if len < 512 { 0 } else { len });
            match len {
                1 => assert_says("no magic bytes", &error, ErrorCode::NotADatabase, &["/db/x.ns"]),
                511 => assert_says("no superblock", &error, ErrorCode::Corruption, &[&place]),
                _ => {
                    let parts = [&place, "blocks of 4096 bytes", "the end of the file"];
                    assert_says("no nodes", &error, ErrorCode::Corruption, &parts);
                }
            }
            assert!(lab.image() == image, "{len}: changed");
        }
    }
}

/// Settings under which a short workload does everything: grows the log, takes checkpoints, writes extents.
fn busy() -> Options {
    small().checkpoint_log_bytes(24 << 10).bulk_bytes(6 << 10)
}

/// What a workload was promised.
struct Promise {
    /// The stream "s" as of the last commit that was acknowledged; `None` before the stream was.
    acknowledged: Option<Vec<u8>>,
    /// The stream as of the commit that failed, if there was one.
    attempted: Option<Vec<u8>>,
    /// What the first failure said.
    failure: Option<Error>,
}

/// Edits a stream until something fails. If `mend`, the disk is mended then, and one more edit is tried.
fn work(env: &FailingEnv, path: &Path, mend: bool) -> Promise {
    let mut promise = Promise { acknowledged: None, attempted: None, failure: None };
    let db = match busy().open_in(env.clone(), path) {
        Ok(db) => db,
        Err(error) => {
            promise.failure = Some(error);
            return promise;
        }
    };
    promise.failure = edits(&db, &mut promise).err();
    if let (true, Some(failure)) = (mend, &promise.failure) {
        env.mend();
        // If the failure was a refusal and no more, the database goes on; the refused edit has not happened.
        if let (ErrorCode::Io, Some(acknowledged)) = (failure.code(), &promise.acknowledged) {
            let mut next = acknowledged.clone();
            next.extend_from_slice(b"after the failure");
            match db.append("s", b"after the failure") {
                Ok(()) => (promise.acknowledged, promise.attempted) = (Some(next), None),
                Err(error) => assert_says("after", &error, ErrorCode::Poisoned, &["refuses writes"]),
            }
        }
    }
    if let (Err(error), None) = (db.close(), &promise.failure) {
        promise.failure = Some(error);
    }
    promise
}

fn edits(db: &Database<FailingEnv>, promise: &mut Promise) -> Result<()> {
    promise.attempted = Some(Vec::new());
    db.create("s")?;
    promise.acknowledged = promise.attempted.take();
    for i in 0..10u64 {
        let mut next = promise.acknowledged.clone().unwrap_or_default();
        let at = next.len() / 2;
        // The last but one of every three is so long that it goes straight to its place.
        let piece = noise(i, if i % 3 == 1 { 9_000 } else { 3_000 });
        next.splice(at..at, piece.iter().copied());
        promise.attempted = Some(next);
        let txn = db.begin()?;
        txn.stream("s")?.insert(at as u64, &piece)?;
        txn.commit()?;
        promise.acknowledged = promise.attempted.take();
    }
    db.checkpoint()
}

/// Opens the database on a disk that is well again: nothing that was acknowledged is missing.
fn assert_kept(what: &str, path: &Path, promise: &Promise) {
    let db = busy().open(path).unwrap_or_else(|e| panic!("{what}: does not open again: {e}"));
    let found = db.exists("s").unwrap().then(|| db.read("s", ..).unwrap());
    let is_acknowledged = found == promise.acknowledged;
    let is_attempted = found.is_some() && found == promise.attempted;
    match &promise.failure {
        // Refused, and so it has not happened.
        Some(Error::Io { .. }) | None => assert!(is_acknowledged, "{what}: not the last commit"),
        Some(_) => {
            assert!(is_acknowledged || is_attempted, "{what}: neither the last commit nor the one in doubt")
        }
    }
    let audit = db.verify().unwrap();
    assert!(audit.is_clean(), "{what}: {:#?}", audit.problems);
    db.close().unwrap();
}

/// Lets one more call go through each time, until the workload is not disturbed; returns how often it was.
fn refuse_each(calls: &'static [Call], kind: ErrorKind) -> u64 {
    for good in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ns");
        let env = FailingEnv::new(calls, good, kind);
        let what = format!("{kind:?} after {good} of {calls:?}");
        let promise = work(&env, &path, good % 2 == 1);
        if env.refused() == 0 {
            assert!(promise.failure.is_none(), "{what}: failed of itself: {:?}", promise.failure);
            assert_kept(&what, &path, &promise);
            return good;
        }
        let cause = std::io::Error::from(kind).to_string();
        if let Some(error) = &promise.failure {
            assert!(
                matches!(error.code(), ErrorCode::Io | ErrorCode::InDoubt | ErrorCode::Poisoned),
                "{what}: {error}"
            );
            let message = error.to_string();
            assert!(message.contains("x.ns") && message.contains(&cause), "{what}: {message}");
        }
        assert_kept(&what, &path, &promise);
    }
    unreachable!("the workload ends")
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    let disturbed = refuse_each(SPACE, ErrorKind::StorageFull);
    assert!(disturbed > 40, "only {disturbed} calls");
    assert!(refuse_each(&[Call::Allocate], ErrorKind::StorageFull) > 0);
}

#[test]
fn a_disk_that_refuses_access_loses_nothing_acknowledged() {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        assert!(refuse_each(&[Call::Open], kind) >= 2, "the database and its log");
        assert!(refuse_each(&[Call::Write], kind) > 20);
    }
}

/// Opening a database that may not be written says so, names it, and leaves every byte.
#[test]
fn a_database_that_may_not_be_written_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    let promise = work(&FailingEnv::new(&[], 0, ErrorKind::Other), &path, false);
    let before = std::fs::read(&path).unwrap();
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        for calls in [&[Call::Open][..], &[Call::Write, Call::Allocate, Call::SetLen]] {
            let env = FailingEnv::new(calls, 0, kind);
            let cause = std::io::Error::from(kind).to_string();
            let error = match busy().open_in(env, &path) {
                Err(error) => error,
                Ok(db) => db.append("s", b"x").expect_err("nothing can be written"),
            };
            assert_says("open", &error, ErrorCode::Io, &["x.ns", &cause]);
            assert!(std::fs::read(&path).unwrap() == before, "{kind:?}: changed");
        }
    }
    assert_kept("afterwards", &path, &promise);
}

/// The same by the system itself. Some users, such as root, may do everything: there is nothing to see then.
#[cfg(unix)]
#[test]
fn permissions_of_the_system_are_errors() {
    use std::fs::{OpenOptions, Permissions, read_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ns");
    let promise = work(&FailingEnv::new(&[], 0, ErrorKind::Other), &path, false);
    set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    if OpenOptions::new().write(true).open(&path).is_ok() {
        return;
    }
    let error = busy().open(&path).err().expect("it may not be written");
    assert_says("read-only file", &error, ErrorCode::Io, &["x.ns", "ermission denied"]);
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    set_permissions(dir.path(), Permissions::from_mode(0o555)).unwrap();
    let new = Database::open(dir.path().join("new.ns")).err().expect("nothing can be made there");
    let files = read_dir(dir.path()).unwrap().count();
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    assert_says("read-only directory", &new, ErrorCode::Io, &["new.ns", "ermission denied"]);
    assert_eq!(files, 1, "and nothing was made");
    assert_kept("permissions", &path, &promise);
}

/// Runs the appender where no file may pass `blocks` of 512 or 1024 bytes, until it fails.
fn limited_appender(path: &Path, blocks: u64) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    Command::new("sh").args(["-c", &script, "sh", env!("CARGO_BIN_EXE_appender")]).arg(path).output().unwrap()
}

/// A limit on the length of files, met at creation, at the first growth of the log, and later.
#[cfg(unix)]
#[test]
fn a_limit_on_the_length_of_files_loses_nothing_acknowledged() {
    let mut acknowledged = 0;
    for blocks in [0, 8, 40, 1_000, 2_500, 4_200] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ns");
        let output = limited_appender(&path, blocks);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{blocks}: {told}");
        assert!(
            told.contains("x.ns") && told.contains("FileTooLarge") || told.contains("too large"),
            "{told}"
        );
        let numbers = String::from_utf8(output.stdout).unwrap().lines().count() as u64;
        acknowledged += numbers;
        let db = Database::open(&path).unwrap();
        let kept = if db.exists("acknowledged").unwrap() { db.len("acknowledged").unwrap() / 8 } else { 0 };
        assert!(kept == numbers || kept == numbers + 1, "{blocks}: {numbers} acknowledged, {kept} there");
        assert!(db.verify().unwrap().is_clean());
    }
    assert!(acknowledged > 0, "some limits leave room to begin");
}
