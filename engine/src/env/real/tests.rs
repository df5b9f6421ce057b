//! The contracts of the traits, on whichever back end is compiled in.

use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tempfile::TempDir;

use super::{RealEnv, RealFile, RealPlatform};
use crate::env::delegated::delegated;
use crate::env::{
    Clock, Disk, DiskFile, Env, OpenMode, Platform, Scheduler, TaskHandle, read_exact_at, read_new_at,
    write_all_at,
};

const NEW: OpenMode = OpenMode { write: true, create_new: true };
const WRITE: OpenMode = OpenMode { write: true, create_new: false };
const READ: OpenMode = OpenMode { write: false, create_new: false };

/// A fresh directory, and the path of a file in it that is not there yet.
fn place() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("file");
    (dir, path)
}

fn open(path: &Path, mode: OpenMode) -> io::Result<RealFile> {
    RealEnv::new().disk().open(path, mode)
}

fn contents(file: &RealFile) -> Vec<u8> {
    let mut bytes = vec![0; file.len().unwrap() as usize];
    read_exact_at(file, &mut bytes, 0).unwrap();
    bytes
}

#[test]
fn open_says_what_is_missing_or_in_the_way() {
    let (dir, path) = place();
    assert_eq!(open(&path, WRITE).unwrap_err().kind(), io::ErrorKind::NotFound);
    open(&path, NEW).unwrap();
    assert_eq!(open(&path, NEW).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(open(dir.path(), READ).is_err());
    let file = open(&path, READ).unwrap();
    assert!(file.write_at(b"no", 0).is_err(), "opened for reading only");
    assert!(file.is_empty().unwrap());
}

#[test]
fn bytes_come_back_from_any_handle() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    let other = open(&path, READ).unwrap();
    write_all_at(&file, b"hello", 3).unwrap();
    assert_eq!(contents(&other), b"\0\0\0hello");
    assert_eq!(other.read_at(&mut [0; 4], 8).unwrap(), 0, "the end of the file");
    assert_eq!(other.read_at(&mut [0; 4], 100).unwrap(), 0);
    let mut long = [0; 9];
    assert_eq!(read_exact_at(&other, &mut long, 0).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    file.set_len(4).unwrap();
    assert_eq!(contents(&other), b"\0\0\0h");
    file.set_len(6).unwrap();
    assert_eq!(contents(&other), b"\0\0\0h\0\0");
    file.sync().unwrap();
}

#[test]
fn vectored_transfers_stop_early_but_never_at_nothing() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    let parts: [&[u8]; 4] = [b"", b"ab", b"", b"cde"];
    let mut bytes = 0;
    while bytes < 5 {
        let mut skip = bytes;
        let rest: Vec<&[u8]> = parts
            .iter()
            .map(|part| {
                let from = skip.min(part.len());
                skip -= from;
                &part[from..]
            })
            .collect();
        let bufs: Vec<IoSlice<'_>> = rest.into_iter().map(IoSlice::new).collect();
        let n = file.write_vectored_at(&bufs, 10 + bytes as u64).unwrap();
        assert!(n > 0);
        bytes += n;
    }
    assert_eq!(&contents(&file)[10..], b"abcde");

    let (mut none, mut left, mut right) = ([], [0; 3], [0; 9]);
    let mut bufs = [IoSliceMut::new(&mut none), IoSliceMut::new(&mut left), IoSliceMut::new(&mut right)];
    let n = file.read_vectored_at(&mut bufs, 10).unwrap();
    assert!((1..=5).contains(&n));
    let read = [&left[..], &right[..]].concat();
    assert_eq!(read[..n], b"abcde"[..n]);
    assert_eq!(file.read_vectored_at(&mut [IoSliceMut::new(&mut [0; 2])], 15).unwrap(), 0);
    assert_eq!(file.read_vectored_at(&mut [], 0).unwrap(), 0);
    assert_eq!(file.write_vectored_at(&[], 0).unwrap(), 0);
}

#[test]
fn a_call_may_take_more_buffers_than_the_system_does() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    let bytes = vec![7; 5000];
    let mut bufs: Vec<IoSlice<'_>> = (0..3000).map(|_| IoSlice::new(&[])).collect();
    bufs.extend(bytes.chunks(1).map(IoSlice::new));
    let n = file.write_vectored_at(&bufs, 0).unwrap();
    assert!(n > 0);
    assert_eq!(contents(&file), bytes[..n]);
}

#[test]
fn the_lock_keeps_a_second_handle_out() {
    let (_dir, path) = place();
    let first = open(&path, NEW).unwrap();
    let second = open(&path, WRITE).unwrap();
    assert!(first.try_lock().unwrap());
    assert!(!second.try_lock().unwrap(), "of this process too");
    assert!(!open(&path, READ).unwrap().try_lock().unwrap(), "and closing that one changes nothing");
    assert!(!second.try_lock().unwrap());
    drop(first);
    assert!(second.try_lock().unwrap());
}

#[test]
fn allocate_grows_and_keeps_what_is_there() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    write_all_at(&file, b"kept", 0).unwrap();
    file.allocate(4096, 8192).unwrap();
    assert_eq!(file.len().unwrap(), 12288);
    file.allocate(0, 4096).unwrap();
    assert_eq!(file.len().unwrap(), 12288, "never shrinks");
    file.allocate(1 << 40, 0).unwrap();
    assert_eq!(file.len().unwrap(), 12288, "nothing is nothing");
    assert!(file.allocate(u64::MAX, 2).is_err());
    let bytes = contents(&file);
    assert_eq!(&bytes[..4], b"kept");
    assert!(bytes[4..].iter().all(|&byte| byte == 0));
}

#[test]
fn punch_keeps_the_rest_and_the_length() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    write_all_at(&file, &[7; 16384], 0).unwrap();
    file.punch(4096, 8192).unwrap();
    file.punch(0, 0).unwrap();
    let bytes = contents(&file);
    assert_eq!(bytes.len(), 16384);
    assert!(bytes[..4096].iter().chain(&bytes[12288..]).all(|&byte| byte == 7));
    let hole = &bytes[4096..12288];
    assert!(hole.iter().all(|&byte| byte == 0) || hole.iter().all(|&byte| byte == 7));
}

/// `len` bytes of a vector that start at an address that suits direct transfers.
fn aligned(bytes: &mut Vec<u8>, alignment: usize, len: usize) -> &mut [u8] {
    bytes.resize(len + alignment, 0);
    let start = bytes.as_ptr().addr().next_multiple_of(alignment) - bytes.as_ptr().addr();
    &mut bytes[start..start + len]
}

#[test]
fn what_goes_around_the_cache_is_seen_through_it() {
    // Beside the sources: temporary directories are often on file systems without direct transfers.
    let dir = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let path = dir.path().join("file");
    let buffered = open(&path, NEW).unwrap();
    assert_eq!(buffered.alignment(), 1);
    // What the name leads to now is another file.
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    let other = open(&path, NEW).unwrap();
    let Ok(file) = buffered.open_direct() else { return };
    assert!(file.alignment().is_power_of_two());
    // Pages of an earlier life, changed and not written back, are in the cache.
    write_all_at(&buffered, &[0xee; 16384], 0).unwrap();
    let (mut out, mut back) = (Vec::new(), Vec::new());
    let out = aligned(&mut out, file.alignment(), 8192);
    for (byte, n) in out.iter_mut().zip(0u32..) {
        *byte = (n % 251) as u8;
    }
    write_all_at(&file, out, 4096).unwrap();
    let back = aligned(&mut back, file.alignment(), 8192);
    read_exact_at(&file, back, 4096).unwrap();
    assert_eq!(out, back);
    let bytes = contents(&buffered);
    assert_eq!(bytes[4096..12288], *out);
    assert!(bytes.len() == 16384 && bytes[..4096].iter().chain(&bytes[12288..]).all(|&byte| byte == 0xee));
    file.sync().unwrap();
    assert!(buffered.try_lock().unwrap(), "the other handle has no lock");
    drop(file);
    assert!(!open(&dir.path().join("moved"), WRITE).unwrap().try_lock().unwrap(), "nor gives one back");
    assert_eq!(other.len().unwrap(), 0);
}

#[test]
fn names_appear_move_and_vanish() {
    let (dir, path) = place();
    let env = RealEnv::new();
    let disk = env.disk();
    let list = || {
        let mut names = disk.list(dir.path()).unwrap();
        names.sort();
        names
    };
    assert!(list().is_empty());
    let other = dir.path().join("other");
    write_all_at(&open(&path, NEW).unwrap(), b"moved", 0).unwrap();
    open(&other, NEW).unwrap();
    std::fs::create_dir(dir.path().join("directory")).unwrap();
    assert_eq!(list(), ["file", "other"], "files only");
    disk.rename(&path, &other).unwrap();
    assert_eq!(list(), ["other"]);
    assert_eq!(contents(&open(&other, READ).unwrap()), b"moved");
    disk.remove(&other).unwrap();
    assert!(list().is_empty());
    assert_eq!(disk.remove(&other).unwrap_err().kind(), io::ErrorKind::NotFound);
    disk.sync_dir(dir.path()).unwrap();
    assert!(disk.sync_dir(&dir.path().join("missing")).is_err());
    assert!(disk.list(&dir.path().join("missing")).is_err());
}

#[test]
fn the_parent_of_a_bare_name_is_the_working_directory() {
    let env = RealEnv::new();
    let parent = Path::new("x.ns").parent().unwrap();
    env.disk().sync_dir(parent).unwrap();
    assert!(env.disk().list(parent).unwrap().contains(&"Cargo.toml".to_owned()));
}

#[test]
fn a_wait_ends_at_once_when_the_word_differs() {
    RealPlatform::wait(&AtomicU32::new(1), 0, None);
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let env = RealEnv::new();
    let deadline = env.clock().monotonic() + Duration::from_millis(20);
    let word = AtomicU32::new(0);
    while env.clock().monotonic() < deadline {
        RealPlatform::wait(&word, 0, Some(deadline));
    }
    RealPlatform::wait(&word, 0, Some(deadline));
    RealPlatform::wait(&word, 0, Some(Duration::ZERO));
}

#[test]
fn wake_ups_reach_sleepers() {
    let env = RealEnv::new();
    let word = Arc::new(AtomicU32::new(0));
    let (done, all_done) = mpsc::channel();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (word, done) = (Arc::clone(&word), done.clone());
            let body = move || {
                // A deadline that does not come must not disturb.
                let deadline = Some(Duration::MAX);
                while word.load(Ordering::Acquire) == 0 {
                    RealPlatform::wait(&word, 0, deadline);
                }
                // One sleeper after the other: each is woken by the one before.
                RealPlatform::wake_one(&word);
                done.send(()).unwrap();
            };
            env.scheduler().spawn("sleeper", Box::new(body)).unwrap()
        })
        .collect();
    env.clock().sleep_until(env.clock().monotonic() + Duration::from_millis(20));
    assert!(all_done.try_recv().is_err(), "nobody goes on before the word changes");
    word.store(1, Ordering::Release);
    RealPlatform::wake_one(&word);
    for _ in 0..3 {
        all_done.recv_timeout(Duration::from_secs(60)).expect("a wake-up is passed on");
    }
    RealPlatform::wake_all(&word);
    for task in tasks {
        task.join().unwrap();
    }
}

#[test]
fn tasks_run_under_their_names_and_say_how_they_ended() {
    let env = RealEnv::new();
    let (name, named) = mpsc::channel();
    let body = move || name.send(std::thread::current().name().map(str::to_owned)).unwrap();
    let task = env.scheduler().spawn("writer", Box::new(body)).unwrap();
    assert_eq!(task.join(), Ok(()));
    assert_eq!(named.recv().unwrap().as_deref(), Some("writer"));

    let panics = env.scheduler().spawn("panics", Box::new(|| panic!("said {}", 1))).unwrap();
    assert_eq!(panics.join(), Err("said 1".to_owned()));
    let panics = env.scheduler().spawn("panics", Box::new(|| panic!("said"))).unwrap();
    assert_eq!(panics.join(), Err("said".to_owned()));
    assert!(env.scheduler().spawn("a\0b", Box::new(|| {})).is_err());
    env.scheduler().yield_now();
    assert!(env.scheduler().parallelism() >= 1);
}

#[test]
fn clocks_go_on_and_numbers_differ() {
    let env = RealEnv::new();
    let start = env.clock().monotonic();
    env.clock().sleep_until(start + Duration::from_millis(5));
    assert!(RealEnv::default().clock().monotonic() >= start + Duration::from_millis(5), "one start for all");
    env.clock().sleep_until(start);
    assert!(env.clock().wall() > Duration::from_secs(1_700_000_000));
    let numbers: std::collections::BTreeSet<u64> = (0..1000).map(|_| env.random_u64()).collect();
    assert_eq!(numbers.len(), 1000);
}

/// A file that transfers at most two bytes a call, and is interrupted before each.
struct Stingy {
    file: RealFile,
    calls: AtomicU32,
}

impl Stingy {
    fn interrupt(&self) -> io::Result<()> {
        match self.calls.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }
}

impl DiskFile for Stingy {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.interrupt()?;
        let len = buf.len().min(2);
        self.file.read_at(&mut buf[..len], offset)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.interrupt()?;
        self.file.write_at(&buf[..buf.len().min(2)], offset)
    }
    delegated!(file);
    fn alignment(&self) -> usize {
        self.file.alignment()
    }
}

#[test]
fn helpers_go_on_after_short_and_interrupted_transfers() {
    let (_dir, path) = place();
    let file = Stingy { file: open(&path, NEW).unwrap(), calls: AtomicU32::new(0) };
    write_all_at(&file, b"seven b", 5).unwrap();
    let mut bytes = [0; 7];
    read_exact_at(&file, &mut bytes, 5).unwrap();
    assert_eq!(&bytes, b"seven b");
    assert_eq!(read_exact_at(&file, &mut bytes, 6).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(read_new_at(&file, 7, 5).unwrap(), b"seven b");
    assert_eq!(read_new_at(&file, 7, 6).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_is_read_into_new_memory_goes_behind_what_is_there_and_is_not_more_than_asked_for() {
    let (_dir, path) = place();
    let file = open(&path, NEW).unwrap();
    write_all_at(&file, b"0123456789", 0).unwrap();
    let mut bytes = Vec::with_capacity(100);
    bytes.extend_from_slice(b"ab");
    assert_eq!(file.read_more_at(&mut bytes, 3, 4).unwrap(), 3);
    assert_eq!(bytes, b"ab456");
    assert_eq!(file.read_more_at(&mut bytes, 0, 4).unwrap(), 0);
    assert_eq!(file.read_more_at(&mut bytes, 8, 8).unwrap(), 2, "the file ends");
    assert_eq!(bytes, b"ab45689");
    assert_eq!(read_new_at(&file, 10, 0).unwrap(), b"0123456789");
}
