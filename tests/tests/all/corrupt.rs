//! Damaged, foreign and missing files.
//!
//! Why: bad bytes from disk must be an error that says where, never a panic and never wrong data. How: a small
//! database with a log is taken from a simulated machine as bytes, one thing is changed, and the result is opened on a
//! fresh machine; every stream then reads as some committed state, or not at all.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::{fs, io};

use numstore::{Database, Error, ErrorCode, Options};
use tests::{Call, Crash, DelegatingEnv, Hook, Image, Lab, noise, small};

/// The committed states of the one stream of [`crashed_image`], oldest first.
fn states() -> Vec<Vec<u8>> {
    let mut states = vec![noise(0, 9_000)];
    for i in 1..6u64 {
        let mut next = states[states.len() - 1].clone();
        let at = (i * 1_111) as usize;
        next.splice(at..at + 300, noise(i, 500));
        states.push(next);
    }
    states
}

fn options() -> Options {
    small().log_segment_bytes(16 << 10)
}

/// A database that died with a checkpoint behind it, commits in its log and a transaction open.
fn crashed_image() -> Image {
    let lab = Lab::new(21, options());
    let db = lab.open();
    db.create("s").unwrap();
    for (i, state) in states().iter().enumerate() {
        let transaction = db.begin().unwrap();
        let stream = transaction.stream("s").unwrap();
        if i == 0 {
            stream.append(state).unwrap();
        } else {
            stream.splice(i as u64 * 1_111, 300, &noise(i as u64, 500)).unwrap();
        }
        transaction.commit().unwrap();
        if i == 2 {
            db.checkpoint().unwrap();
        }
    }
    let open = db.begin().unwrap();
    open.stream("s").unwrap().truncate(10).unwrap();
    lab.crash(Crash::Kill);
    drop((open, db));
    lab.image()
}

fn closed_image() -> Image {
    let lab = Lab::with_image(options(), &crashed_image());
    lab.open().close().unwrap();
    lab.image()
}

fn data_file(image: &Image) -> String {
    image.keys().find(|name| name.as_str() == "x.ns").unwrap().clone()
}

fn log_file(image: &Image) -> String {
    image.keys().find(|name| name.starts_with("x.ns-log")).expect("a log beside the database").clone()
}

/// What a damaged database answers: the place in `states` of what it reads as, or an error's code.
fn open_and_read(image: &Image, states: &[Vec<u8>]) -> Result<usize, ErrorCode> {
    let lab = Lab::with_image(options(), image);
    let db = lab.try_open().map_err(|error| error.code())?;
    let read = db.read("s", ..).map_err(|error| error.code());
    // An audit of a damaged file has findings or an error, not a panic.
    let audit = db.verify();
    let found = read?;
    let state = states.iter().rposition(|state| *state == found);
    assert!(audit.is_err() || state.is_some(), "an audit passed over wrong data");
    Ok(state.unwrap_or_else(|| panic!("{} bytes that were never committed", found.len())))
}

/// That the database does not open because of the start of its log, and stays as it is.
fn assert_log_refused(image: &Image, log: &str) {
    let lab = Lab::with_image(options(), image);
    match lab.try_open() {
        Err(Error::Corruption { file, offset: 0, expected, found }) => {
            assert!(file.ends_with(log), "{} is not the log", file.display());
            assert_ne!(expected, found);
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened with a log that is not its own"),
    }
    assert!(lab.image() == *image, "and nothing was changed");
}

/// Damages one byte at each of the given places, one at a time, and tallies the answers.
fn flip_each(image: &Image, file: &str, places: impl Iterator<Item = usize>, oldest: usize) -> usize {
    let states = states();
    let mut noticed = 0;
    for (at, place) in places.enumerate() {
        let mut damaged = image.clone();
        damaged.get_mut(file).unwrap()[place] ^= 1 << (at % 8);
        match open_and_read(&damaged, &states) {
            Ok(state) => assert!(state >= oldest, "byte {place} of {file}: an older state, {state}"),
            Err(
                ErrorCode::Corruption
                | ErrorCode::NotADatabase
                | ErrorCode::UnsupportedVersion
                | ErrorCode::LogMissing,
            ) => noticed += 1,
            Err(other) => panic!("byte {place} of {file}: {other:?}"),
        }
    }
    noticed
}

#[test]
fn every_part_of_a_closed_database_is_guarded() {
    let image = closed_image();
    let file = data_file(&image);
    let len = image[&file].len();
    let newest = states().len() - 1;
    let superblocks = (0..8_192).step_by(3);
    flip_each(&image, &file, superblocks, newest);
    let noticed = flip_each(&image, &file, (8_192..len).step_by(97), newest);
    assert!(noticed > 0, "damage to blocks in use is noticed");
}

#[test]
fn every_part_of_a_crashed_database_is_guarded() {
    let image = crashed_image();
    let file = data_file(&image);
    let len = image[&file].len();
    flip_each(&image, &file, (0..len).step_by(211), states().len() - 1);
}

#[test]
fn every_part_of_the_log_is_guarded() {
    let image = crashed_image();
    let file = log_file(&image);
    let used = image[&file].iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let header = (0..4_096).step_by(13);
    let noticed = flip_each(&image, &file, header.clone(), 0);
    assert_eq!(noticed, header.len(), "all damage to the header is noticed");
    // Damage to the last batch cannot be told from a write that was torn, so the last commit may go, and no other.
    let noticed = flip_each(&image, &file, (4_096..used).step_by(13), states().len() - 2);
    assert!(noticed > 0, "damage before the last batch is noticed");
}

#[test]
fn a_truncated_file_is_noticed() {
    let states = states();
    for image in [closed_image(), crashed_image()] {
        let file = data_file(&image);
        for len in [0, 1, 23, 24, 25, 511, 512, 4_095, 4_096, 4_097, 8_191, 8_192, 12_288, 20_480] {
            let mut damaged = image.clone();
            damaged.get_mut(&file).unwrap().truncate(len);
            match open_and_read(&damaged, &states) {
                Err(ErrorCode::Corruption | ErrorCode::NotADatabase) => {}
                Ok(state) if len > 8_192 => assert_eq!(state, states.len() - 1),
                other => panic!("cut to {len} bytes: {other:?}"),
            }
        }
    }
}

#[test]
fn a_truncated_log_loses_at_most_its_tail() {
    let image = crashed_image();
    let file = log_file(&image);
    let states = states();
    for len in (0..image[&file].len()).step_by(512) {
        let mut damaged = image.clone();
        damaged.get_mut(&file).unwrap().truncate(len);
        match open_and_read(&damaged, &states) {
            Ok(state) => assert!(state >= 2, "the checkpoint holds, cut to {len} bytes"),
            Err(ErrorCode::Corruption | ErrorCode::LogMissing) => {}
            Err(other) => panic!("cut to {len} bytes: {other:?}"),
        }
    }
}

#[test]
fn a_foreign_file_is_left_alone() {
    let foreign: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("text", b"#!/bin/sh\necho this is somebody's script\n".to_vec()),
        ("24 bytes", vec![7; 24]),
        ("24 zeros", vec![0; 24]),
        ("noise", noise(1, 100_000)),
        ("zeros", vec![0; 100_000]),
    ];
    for (what, bytes) in foreign {
        let image = Image::from([("x.ns".to_owned(), bytes)]);
        let lab = Lab::with_image(options(), &image);
        match lab.try_open() {
            Err(Error::NotADatabase { file, reason }) => {
                assert!(file.ends_with("x.ns") && !reason.is_empty());
            }
            Err(other) => panic!("{what}: {other}"),
            Ok(_) => panic!("{what}: opened"),
        }
        assert!(lab.image() == image, "{what}: changed");
    }
}

#[test]
fn an_empty_or_zero_file_is_no_interrupted_creation() {
    for len in [0, 24, 4_096, 8_192] {
        let image = Image::from([("x.ns".to_owned(), vec![0; len])]);
        let lab = Lab::with_image(options(), &image);
        let code = lab.try_open().err().expect("not a database").code();
        assert_eq!(code, ErrorCode::NotADatabase, "{len} zeros");
        assert!(lab.image() == image, "{len} zeros: changed");
    }
}

/// What an interrupted creation leaves is replaced; what only has its name, and could be somebody's, is not.
#[test]
fn only_what_an_interrupted_creation_left_is_replaced() {
    let whole = closed_image();
    let whole = whole[&data_file(&whole)].clone();
    let fresh = Lab::new(23, options());
    fresh.open().close().unwrap();
    let fresh = fresh.image()["x.ns"].clone();
    let mut torn = fresh.clone();
    torn[512..4_096].fill(0xa5);
    torn[4_096..].fill(0);
    let leftovers = [
        ("empty", Vec::new(), true),
        ("zeros", vec![0; 8_192], true),
        ("a first slot", fresh[..4_096].to_vec(), true),
        ("torn", torn, true),
        ("an empty database", fresh, true),
        ("noise", noise(2, 20_000), false),
        ("a database", whole, false),
    ];
    for (what, bytes, replaced) in leftovers {
        let image = Image::from([("x.ns-new".to_owned(), bytes)]);
        let lab = Lab::with_image(options(), &image);
        if !replaced {
            assert_eq!(lab.try_open().err().expect(what).code(), ErrorCode::InvalidArgument, "{what}");
            assert!(lab.image() == image, "{what}: changed");
            continue;
        }
        let db = lab.open();
        assert!(db.list().unwrap().is_empty(), "{what}: streams in a new database");
        db.create("new").unwrap();
        db.close().unwrap();
        assert!(lab.open_and_verify().exists("new").unwrap(), "{what}");
        assert!(!lab.image().contains_key("x.ns-new"), "{what}: still there");
    }
}

#[test]
fn a_log_of_another_database_is_not_replayed() {
    let image = crashed_image();
    let file = log_file(&image);
    let other = Lab::new(22, options());
    let db = other.open();
    db.create("other").unwrap();
    other.crash(Crash::Kill);
    drop(db);
    let foreign = other.image();
    let mut mixed = image.clone();
    mixed.insert(file.clone(), foreign[&log_file(&foreign)].clone());
    assert_log_refused(&mixed, &file);
}

#[test]
fn a_log_of_an_earlier_generation_is_not_replayed() {
    let earlier = crashed_image();
    let lab = Lab::with_image(options(), &closed_image());
    let db = lab.open();
    db.append("s", b"committed").unwrap();
    lab.crash(Crash::Kill);
    drop(db);
    let mut mixed = lab.image();
    let file = log_file(&mixed);
    assert_ne!(file, log_file(&earlier), "each log has a generation of its own");
    mixed.insert(file.clone(), earlier[&log_file(&earlier)].clone());
    assert_log_refused(&mixed, &file);
}

#[test]
fn a_missing_log_is_a_hard_error() {
    let mut image = crashed_image();
    let file = log_file(&image);
    image.remove(&file);
    let lab = Lab::with_image(options(), &image);
    match lab.try_open() {
        Err(Error::LogMissing { file, log }) => {
            assert!(file.ends_with("x.ns"));
            assert!(log.to_string_lossy().contains("x.ns-log"));
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened without its log"),
    }
    assert!(lab.image() == image, "and nothing was changed");
}

#[test]
fn one_superblock_is_enough_and_none_is_not() {
    let image = closed_image();
    let file = data_file(&image);
    let states = states();
    let spoil = |slots: &[usize]| {
        let mut damaged = image.clone();
        for slot in slots {
            damaged.get_mut(&file).unwrap()[slot * 4_096..(slot + 1) * 4_096].fill(0xa5);
        }
        damaged
    };
    for slot in [0, 1] {
        assert_eq!(open_and_read(&spoil(&[slot]), &states), Ok(states.len() - 1), "without slot {slot}");
    }
    let lost = spoil(&[0, 1]);
    let lab = Lab::with_image(options(), &lost);
    let code = lab.try_open().err().expect("no superblock is left").code();
    assert!(matches!(code, ErrorCode::Corruption | ErrorCode::NotADatabase), "{code:?}");
    assert!(lab.image() == lost, "and nothing was changed");
}

#[test]
fn a_missing_database_is_not_made_unasked() {
    let lab = Lab::new(1, options().create(false));
    assert_eq!(lab.try_open().err().expect("there is nothing").code(), ErrorCode::NoDatabase);
    assert!(lab.image().is_empty());
}

/// Does not let anybody look at logs.
#[derive(Default)]
struct HidesLogs(AtomicBool);

impl Hook for HidesLogs {
    fn enter_file(&self, call: Call, path: &Path) -> io::Result<()> {
        let is_log = path.to_string_lossy().contains("-log-");
        let refused = call == Call::Look && is_log && self.0.load(Ordering::Acquire);
        if refused { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }
}

/// One slot is no good, and the other one says that the database was closed: that is true if no log goes on from there, and a
/// log that cannot be looked at may be one.
#[test]
fn a_closed_state_is_not_believed_while_nobody_can_look_for_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let (path, kept) = (dir.path().join("s.ns"), dir.path().join("kept"));
    let db = Database::open(&path).unwrap();
    db.create("s").unwrap();
    db.close().unwrap();
    let mut closed = fs::read(&path).unwrap();
    let db = Database::open(&path).unwrap();
    db.append("s", b"committed").unwrap();
    let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let log = names.into_iter().find(|path| path.to_string_lossy().contains("-log-")).unwrap();
    fs::copy(&log, &kept).unwrap();
    drop(db);
    closed[..512].fill(0xff);
    fs::write(&path, &closed).unwrap();
    fs::copy(&kept, &log).unwrap();

    let env = DelegatingEnv::<HidesLogs>::default();
    let open = || Options::new().open_in(env.clone(), &path).map(drop).unwrap_err().code();
    env.hook().0.store(true, Ordering::Release);
    assert_eq!(open(), ErrorCode::Io);
    env.hook().0.store(false, Ordering::Release);
    assert_eq!(open(), ErrorCode::Corruption);
    assert!(fs::read(&path).unwrap() == closed, "nothing was written");
}

/// A disk of which one read fails, once so many others went well.
#[derive(Default)]
struct FailsOnce(AtomicI64);

impl Hook for FailsOnce {
    fn enter(&self, call: Call) -> io::Result<()> {
        if call == Call::Read && self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            return Err(io::Error::other("on purpose"));
        }
        Ok(())
    }
}

/// What a change needs of the disk is reckoned by how tall its tree is. Who cannot know refuses the call, though the next read
/// would go well.
#[test]
fn a_read_that_fails_once_refuses_the_call_that_it_was_for() {
    let dir = tempfile::tempdir().unwrap();
    let env = DelegatingEnv::<FailsOnce>::default();
    let db = small().cache_bytes(0).background(false).open_in(env.clone(), dir.path().join("x.ns")).unwrap();
    for i in 0..200 {
        db.create(&format!("s {i}")).unwrap();
        db.append(&format!("s {i}"), &noise(i as u64, 100)).unwrap();
    }
    db.checkpoint().unwrap();
    let mut refused = 0;
    for i in 0..200 {
        let name = format!("s {i}");
        env.hook().0.store(i + 1, Ordering::Relaxed);
        let written = db.write(&name, 0, b"x");
        let has_failed = env.hook().0.swap(0, Ordering::Relaxed) <= 0;
        assert_eq!(matches!(written, Err(Error::Io { op: "read", .. })), has_failed, "read {i}: {written:?}");
        db.write(&name, 0, b"x").unwrap();
        // So that the next one has to read again what leads to its stream.
        db.checkpoint().unwrap();
        refused += u64::from(has_failed);
    }
    assert!((10..100).contains(&refused), "{refused} reads failed");
}
