//! Fresh blocks on their way around the cache, to a file that transfers little at a time, refuses, or fails.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::DataFile;
use crate::base::{BLOCK_BYTES, BlockId, Error};
use crate::env::delegated::delegated;
use crate::env::{Disk, DiskFile, OpenMode, RealDisk, RealFile, RealPlatform, read_exact_at};

const ALIGNMENT: usize = 512;

/// What a handle around the cache does after so many writes.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Goes on, and moves no more than these bytes at a time.
    Moves(usize),
    Fails(ErrorKind),
}

struct Picky {
    file: Arc<RealFile>,
    is_direct: bool,
    /// `None`: there is no way around the cache.
    plan: Option<(usize, Then)>,
    writes: Arc<AtomicUsize>,
}

impl DiskFile for Picky {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let Some((after, then)) = self.plan.filter(|_| self.is_direct) else {
            return self.file.write_at(buf, offset);
        };
        assert!(offset.is_multiple_of(ALIGNMENT as u64) && buf.len().is_multiple_of(ALIGNMENT));
        assert!(buf.as_ptr().addr().is_multiple_of(ALIGNMENT));
        let most = match then {
            Then::Fails(kind) if self.writes.load(Ordering::Relaxed) >= after => return Err(kind.into()),
            Then::Fails(_) => buf.len(),
            Then::Moves(most) => most.min(buf.len()),
        };
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.file.write_at(&buf[..most], offset)
    }
    delegated!(file);
    fn alignment(&self) -> usize {
        if self.is_direct { ALIGNMENT } else { 1 }
    }
    fn open_direct(&self) -> io::Result<Picky> {
        if self.plan.is_none() {
            return Err(ErrorKind::Unsupported.into());
        }
        Ok(Picky { file: Arc::clone(&self.file), writes: Arc::clone(&self.writes), is_direct: true, ..*self })
    }
}

/// Runs `run` on a file of blocks full of ones; it also gets the number of writes around the cache.
fn with_file(
    plan: Option<(usize, Then)>,
    run: impl FnOnce(&DataFile<Picky, RealPlatform>, &dyn Fn() -> usize),
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blocks");
    let file = Arc::new(RealDisk.open(&path, OpenMode { write: true, create_new: true }).unwrap());
    let writes = Arc::new(AtomicUsize::new(0));
    let picky = Picky { file, is_direct: false, plan, writes: Arc::clone(&writes) };
    run(&DataFile::new(picky, Path::new("blocks")), &|| writes.load(Ordering::Relaxed));
}

/// Nodes of all lengths: a hundred in a row, a gap, one longer than any buffer, and one that is alone.
fn nodes() -> Vec<(BlockId, Vec<u8>)> {
    let mut at = 3;
    let lens = (0..100).map(|n| 1 + n * 397).chain([5 << 20, 100, BLOCK_BYTES]);
    let node = |(n, len): (usize, usize)| {
        at += [0, 7][usize::from(n >= 100)];
        let node = (BlockId(at), (0..len).map(|byte| (byte * 31 + n * 7) as u8).collect());
        at += len.div_ceil(BLOCK_BYTES) as u64;
        node
    };
    lens.enumerate().map(node).collect()
}

fn put_and_read(file: &DataFile<Picky, RealPlatform>) {
    let mut fresh = file.around_cache().expect("there is a way");
    for (at, node) in nodes() {
        fresh.put(at, &node).unwrap();
    }
    fresh.flush().unwrap();
    drop(fresh);
    for (at, node) in nodes() {
        // To the end of its last block, which has nothing of what was in the buffer before.
        let mut found = vec![0xee; node.len().next_multiple_of(BLOCK_BYTES)];
        let read = read_exact_at(file.file(), &mut found, at.0 * BLOCK_BYTES as u64);
        read.unwrap_or_else(|e| panic!("{at:?}: {e}"));
        assert!(found[..node.len()] == node[..], "the node at {at:?}");
        assert!(found[node.len()..].iter().all(|&byte| byte == 0), "behind the node at {at:?}");
    }
}

#[test]
fn nodes_arrive_wherever_they_go_and_however_little_is_moved_at_a_time() {
    for most in [ALIGNMENT, 40 * ALIGNMENT, 3 << 20] {
        with_file(Some((0, Then::Moves(most))), |file, writes| {
            put_and_read(file);
            assert!(writes() >= 4, "{} writes", writes());
        });
    }
}

#[test]
fn what_is_refused_around_the_cache_goes_through_it() {
    for after in 0..4 {
        with_file(Some((after, Then::Fails(ErrorKind::InvalidInput))), |file, writes| {
            put_and_read(file);
            assert_eq!(writes(), after, "and nobody tries again");
            assert!(file.around_cache().is_none());
        });
    }
    with_file(None, |file, _| assert!(file.around_cache().is_none()));
}

#[test]
fn what_fails_around_the_cache_is_told_and_does_not_close_the_way() {
    with_file(Some((0, Then::Fails(ErrorKind::StorageFull))), |file, _| {
        let mut fresh = file.around_cache().unwrap();
        fresh.put(BlockId(5), &[1; 1 << 20]).unwrap();
        match fresh.flush().unwrap_err() {
            Error::Io { source, .. } => assert_eq!(source.kind(), ErrorKind::StorageFull),
            other => panic!("{other}"),
        }
        fresh.flush().unwrap();
        drop(fresh);
        assert!(file.around_cache().is_some());
    });
}
