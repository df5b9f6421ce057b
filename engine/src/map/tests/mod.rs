//! The map against `BTreeMap`: every operation, tiny nodes so that maps get tall, flushed and reopened at random
//! moments, with reads and writes that fail.

mod clean;
pub(crate) mod mem_file;
mod model;

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::base::{BLOCK_BYTES, BlockId, Error, Result, SharedBytes};
use crate::cache::{Capture, DataFile, Deaths, NodeCache, NodeWriter, Shelf};
use crate::env::RealPlatform;
use crate::format::block_ref::BlockRef;
use crate::format::extent::Extent;
use crate::format::wire::{Reader, WireError};
use mem_file::MemFile;

type Cache<K, V> = NodeCache<CleanNode<K, V>, RealPlatform>;
type Source<'a, K, V> = MapSource<'a, K, V, MemFile, RealPlatform>;

/// Hands out blocks one after the other and never again.
struct Appender<'a, K, V: MapValue> {
    next: &'a mut u64,
    captured: Vec<CapturedMapNode<K, V>>,
}

impl<K, V: MapValue> Capture<CapturedMapNode<K, V>> for Appender<'_, K, V> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        let block = BlockId(*self.next);
        *self.next += bytes.div_ceil(BLOCK_BYTES) as u64;
        Ok(block)
    }
    fn push(&mut self, node: CapturedMapNode<K, V>) {
        self.captured.push(node);
    }
}

/// Writes whole blocks.
struct Writer<'a>(&'a DataFile<MemFile, RealPlatform>);

impl NodeWriter for Writer<'_> {
    fn write_node(&mut self, block: BlockId, bytes: &[u8]) -> Result<()> {
        let mut whole = bytes.to_vec();
        whole.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        self.0.write_blocks(block, &whole)
    }
}

fn capture<K: MapKey, V: MapValue>(map: &OrderedMap<K, V>, next: &mut u64) -> Vec<CapturedMapNode<K, V>> {
    let mut appender = Appender { next, captured: Vec::new() };
    map.capture(&mut appender, &mut |_, _| Ok(())).unwrap();
    appender.captured
}

fn write<K: MapKey, V: MapValue>(
    source: Source<'_, K, V>,
    captured: Vec<CapturedMapNode<K, V>>,
) -> Result<()> {
    captured.into_iter().try_for_each(|node| source.write(&node, &mut Writer(source.file)))
}

/// Collects what a walk meets.
struct Collect<K, V> {
    blocks: BTreeSet<Extent>,
    entries: Vec<(K, V)>,
}

impl<K: Clone, V: Clone> MapWalk<K, V> for Collect<K, V> {
    fn node(&mut self, extent: Extent) {
        assert!(self.blocks.insert(extent));
    }
    fn entry(&mut self, key: &K, value: &V) -> Result<()> {
        self.entries.push((key.clone(), value.clone()));
        Ok(())
    }
}

/// The entries and the blocks on disk, after an audit without findings.
fn audit<K: MapKey, V: MapValue>(map: &OrderedMap<K, V>, source: Source<'_, K, V>) -> Collect<K, V> {
    let mut collect = Collect { blocks: BTreeSet::new(), entries: Vec::new() };
    let findings = map.walk(source, &mut collect).unwrap();
    assert_eq!(findings, Vec::<String>::new());
    collect
}

fn file() -> DataFile<MemFile, RealPlatform> {
    DataFile::new(MemFile::new(), Path::new("mem"))
}

fn flush<K: MapKey, V: MapValue>(map: &mut OrderedMap<K, V>, source: Source<'_, K, V>, next: &mut u64) {
    write(source, capture(map, next)).unwrap();
    map.forget_written(&mut |_| {});
    assert!(map.root().is_some());
}

/// The system tells of a failure once, and says then that all is well.
#[test]
fn a_sync_behind_one_that_failed_is_not_tried() {
    let file = file();
    file.sync().unwrap();
    file.file().fail_one_sync();
    assert!(file.sync().unwrap_err().is_failed_sync());
    assert!(matches!(file.sync(), Err(Error::Poisoned { .. })));
    assert_eq!(file.syncs(), 2);
}

#[test]
fn sequential_insertion_fills_nodes() {
    let (file, cache) = (file(), Cache::<u64, u64>::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut map = OrderedMap::new(512);
    let (mut next, mut deaths) = (2, Deaths::default());
    for key in 0..10_000u64 {
        assert_eq!(map.insert(source, &key, key * 2, &mut deaths).unwrap(), None);
    }
    assert!(deaths.is_empty());
    let mut sizes = Vec::new();
    map.each_dirty(&mut |bytes| sizes.push(bytes));
    let fill = sizes.iter().sum::<usize>() as f64 / (sizes.len() * 512) as f64;
    assert!(fill > 0.9, "{fill}");
    flush(&mut map, source, &mut next);
    assert_eq!(audit(&map, source).entries.len(), 10_000);
    for key in 0..10_000u64 {
        assert_eq!(map.remove(source, &key, &mut deaths).unwrap(), Some(key * 2));
    }
    assert_eq!(map.root(), Some(MapRoot::default()));
    assert_eq!(deaths.extents().iter().map(|dead| dead.blocks).sum::<u64>(), next - 2);
}

#[test]
fn a_damaged_node_is_corruption_and_changes_nothing() {
    let (file, cache) = (file(), Cache::<u64, u64>::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut map = OrderedMap::new(128);
    let (mut next, mut deaths) = (2, Deaths::default());
    for key in 0..100u64 {
        map.insert(source, &key, key, &mut deaths).unwrap();
    }
    flush(&mut map, source, &mut next);
    file.write_blocks(BlockId(2), &[7; BLOCK_BYTES]).unwrap();
    let cold = Cache::on(&Shelf::new(1 << 20));
    let source = MapSource { file: &file, cache: &cold };
    assert!(matches!(map.get(source, &0), Err(Error::Corruption { .. })));
    assert!(matches!(map.insert(source, &0, 9, &mut deaths), Err(Error::Corruption { .. })));
    assert!(deaths.is_empty() && !map.is_dirty());
    assert_eq!(map.get(source, &50).unwrap(), Some(50));
    let mut collect = Collect { blocks: BTreeSet::new(), entries: Vec::new() };
    assert!(!map.walk(source, &mut collect).unwrap().is_empty());
}

#[test]
fn a_pruned_search_finds_the_first_that_fits() {
    let (file, cache) = (file(), Cache::<u64, RunLength>::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut map = OrderedMap::new(128);
    let mut deaths = Deaths::default();
    for key in 0..1000u64 {
        let length = if key % 100 == 99 { key } else { 1 + key % 7 };
        map.insert(source, &(key * 10), RunLength(length), &mut deaths).unwrap();
    }
    let mut looked_at = 0;
    let found = map.find_first(
        source,
        Some(&2000),
        |summary| summary.0 >= 500,
        |_, run| {
            looked_at += 1;
            run.0 >= 500
        },
    );
    assert_eq!(found.unwrap(), Some((5990, RunLength(599))));
    assert!(looked_at < 30, "{looked_at}");
    assert_eq!(map.find_first(source, None, |s| s.0 >= 1000, |_, _| true).unwrap().map(|e| e.0), None);
}

#[test]
fn roots_and_nodes_that_contradict_themselves_are_refused() {
    let reference = BlockRef::to(BlockId(9), &[1; 5000]);
    let root = MapRoot { root: Some(reference), height: 2, count: 77 };
    let mut bytes = Vec::new();
    root.encode_into(&mut bytes);
    assert_eq!(bytes.len(), 40);
    assert_eq!(MapRoot::decode(&mut Reader::new(&bytes)), Ok(root));
    for damaged in [0, 36, 37, 39, 24, 35] {
        let mut bytes = bytes.clone();
        bytes[damaged] = if damaged == 0 || damaged == 36 { 0 } else { 1 };
        assert!(MapRoot::decode(&mut Reader::new(&bytes)).is_err(), "byte {damaged}");
    }
    let leaf = node::MapNode::<u64, u64>::Leaf(vec![(1, 2), (3, 4)]);
    let bytes = leaf.encode(1);
    assert!(CleanNode::<u64, u64>::read(bytes.as_slice().into(), 1).is_ok());
    assert!(CleanNode::<u64, u64>::read(bytes.as_slice().into(), 2).is_err());
    for (damaged, value) in [(1, 1), (4, 0), (4, 3), (24, 1), (4, 1)] {
        let mut bytes = bytes.clone();
        bytes[damaged] = value;
        assert!(CleanNode::<u64, u64>::read(bytes.as_slice().into(), 1).is_err(), "byte {damaged}");
    }
}

/// A value that is summarised by the greatest.
#[derive(Clone, Copy, PartialEq, Debug)]
struct RunLength(u64);

#[derive(Clone, Copy, PartialEq, Debug)]
struct Longest(u64);

impl MapValue for RunLength {
    type Summary = Longest;
    const MAX_BYTES: usize = 8;
    fn encoded_bytes(&self) -> usize {
        8
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        MapValue::encode_into(&self.0, out);
    }
    fn decode(from: &mut Reader<'_>) -> Result<RunLength, WireError> {
        from.u64().map(RunLength)
    }
    fn check(from: &mut Reader<'_>) -> Result<usize, WireError> {
        RunLength::decode(from).map(|run| run.encoded_bytes())
    }
    fn summary(&self) -> Longest {
        Longest(self.0)
    }
}

impl MapSummary for Longest {
    const BYTES: usize = 8;
    fn combine(self, other: Longest) -> Longest {
        Longest(self.0.max(other.0))
    }
    fn encode_into(&self, out: &mut Vec<u8>) {
        MapValue::encode_into(&self.0, out);
    }
    fn decode(from: &mut Reader<'_>) -> Result<Longest, WireError> {
        from.u64().map(Longest)
    }
}

/// A key that belongs to number `n`, in the same order.
trait TestKey: MapKey {
    fn of(n: u16) -> Self;
}

impl TestKey for u64 {
    fn of(n: u16) -> u64 {
        u64::from(n) * 3
    }
}

/// Mostly short, some as long as can be.
impl TestKey for SharedBytes {
    fn of(n: u16) -> SharedBytes {
        let bytes = if n.is_multiple_of(5) { 1024 } else { 2 + usize::from(n % 90) };
        let mut name = n.to_be_bytes().to_vec();
        name.resize(bytes, 7);
        SharedBytes::from(&name[..])
    }
}

/// A value that belongs to a number.
trait TestValue: MapValue + PartialEq + std::fmt::Debug {
    fn of(n: u64) -> Self;
}

impl TestValue for u64 {
    fn of(n: u64) -> u64 {
        n
    }
}

impl TestValue for RunLength {
    fn of(n: u64) -> RunLength {
        RunLength(n + 1)
    }
}
