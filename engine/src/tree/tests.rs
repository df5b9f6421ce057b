//! The tree against `Vec<u8>`: every operation, tiny nodes so that trees get tall, flushed at random moments.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::{BLOCK_BYTES, BlockId, Result};
use crate::cache::{Capture, DataFile, Deaths, NodeCache, NodeWriter, Shelf};
use crate::env::{Disk, DiskFile, OpenMode, RealDisk, RealFile, RealPlatform};
use crate::format::extent::Extent;
use crate::format::stride::Stride;

const SMALL: Geometry = Geometry { leaf_bytes: 256, fanout: 5 };

/// Hands out blocks one after the other and never again, and knows which are owned.
struct Appender<'a> {
    file: &'a DataFile<RealFile, RealPlatform>,
    next: u64,
    owned: BTreeMap<u64, u64>,
    captured: Vec<CapturedNode>,
}

impl Appender<'_> {
    fn bury(&mut self, deaths: &mut Deaths) {
        for extent in deaths.drain() {
            assert_eq!(
                self.owned.remove(&extent.start.0),
                Some(extent.blocks),
                "a death of a block that was owned"
            );
        }
    }
}

impl Capture<CapturedNode> for Appender<'_> {
    fn place(&mut self, bytes: usize) -> Result<BlockId> {
        let (block, blocks) = (self.next, bytes.div_ceil(BLOCK_BYTES) as u64);
        self.next += blocks;
        self.owned.insert(block, blocks);
        Ok(BlockId(block))
    }
    fn push(&mut self, node: CapturedNode) {
        self.captured.push(node);
    }
}

impl NodeWriter for Appender<'_> {
    fn write_node(&mut self, block: BlockId, bytes: &[u8]) -> Result<()> {
        self.file.write_blocks(block, bytes)
    }
}

impl Appender<'_> {
    fn write_captured(&mut self, source: &Source<'_>) {
        for node in std::mem::take(&mut self.captured) {
            source.write(&node, self).unwrap();
        }
    }

    fn flush(&mut self, source: &Source<'_>, tree: &mut Tree) {
        self.write_captured(source);
        tree.capture(self).unwrap();
        self.write_captured(source);
        tree.forget_written();
        assert!(tree.disk_form().is_some());
    }
}

impl BulkWriter for Appender<'_> {
    fn allocate(&mut self, least: u64, most: u64) -> Result<Extent> {
        let extent = Extent { start: BlockId(self.next), blocks: least.max(most / 2) };
        self.next += extent.blocks + 1;
        Ok(extent)
    }
    fn give_back(&mut self, _: Extent) -> Result<()> {
        Ok(())
    }
    fn leaf(&mut self, at: BlockId, bytes: &[u8]) -> Result<()> {
        self.file.write_blocks(at, bytes)
    }
    fn inner(&mut self, node: &InnerNode<'_>, bytes: &[u8]) -> Result<()> {
        self.file.write_blocks(node.reference.block, bytes)
    }
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

fn with_file(run: impl FnOnce(&DataFile<RealFile, RealPlatform>)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blocks");
    let file = RealDisk.open(&path, OpenMode { write: true, create_new: true }).unwrap();
    file.set_len(4 * BLOCK_BYTES as u64).unwrap();
    run(&DataFile::new(file, &path));
}

#[derive(Clone, Debug)]
enum Step {
    Splice {
        at: u64,
        delete: u64,
        insert: usize,
    },
    StrideWrite {
        at: u64,
        size: u64,
        stride: u64,
        count: u64,
    },
    StrideRemove {
        at: u64,
        size: u64,
        stride: u64,
        count: u64,
    },
    Bulk {
        at: u64,
        len: usize,
    },
    Flush,
    /// As a flush, but what follows happens before it is written.
    Capture,
    CutAndPutBack {
        at: u64,
        len: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let strided = (any::<u64>(), 1u64..20, 1u64..60, 0u64..40);
    prop_oneof![
        6 => (any::<u64>(), prop_oneof![Just(0), 0u64..40, 0u64..3000], prop_oneof![Just(0), 0usize..40, 0usize..2000])
            .prop_map(|(at, delete, insert)| Step::Splice { at, delete, insert }),
        1 => strided.clone().prop_map(|(at, size, stride, count)| Step::StrideWrite { at, size, stride, count }),
        1 => strided.prop_map(|(at, size, stride, count)| Step::StrideRemove { at, size, stride, count }),
        1 => (any::<u64>(), 1usize..9000).prop_map(|(at, len)| Step::Bulk { at, len }),
        1 => Just(Step::Flush),
        1 => Just(Step::Capture),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(at, len)| Step::CutAndPutBack { at, len }),
    ]
}

/// Shortens a stride until its hull fits.
fn fitted(at: u64, size: u64, stride: u64, count: u64, len: u64) -> Stride {
    let mut stride = Stride { start: at % (len + 1), size, stride, count };
    while stride.hull().unwrap().end > len {
        stride.count -= 1;
    }
    stride
}

fn positions(stride: &Stride) -> Vec<usize> {
    (0..stride.count)
        .flat_map(|i| {
            (0..stride.size).map(move |b| (stride.start + i * stride.stride * stride.size + b) as usize)
        })
        .collect()
}

fn noise(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(31) ^ seed.wrapping_mul(17) ^ (i >> 8)) as u8).collect()
}

type Source<'a> = TreeSource<'a, RealFile, RealPlatform>;

fn run_step(
    source: &Source<'_>,
    tree: &mut Tree,
    model: &mut Vec<u8>,
    disk: &mut Appender<'_>,
    n: usize,
    step: &Step,
) {
    let mut deaths = Deaths::default();
    let len = model.len() as u64;
    match *step {
        Step::Splice { at, delete, insert } => {
            let at = at % (len + 1);
            let delete = delete.min(len - at);
            let bytes = noise(insert, n);
            let removed = source.splice(tree, at, delete, Rope::Bytes(bytes.clone()), &mut deaths).unwrap();
            let expected: Vec<u8> = model.splice(at as usize..(at + delete) as usize, bytes).collect();
            assert_eq!(bytes_of(source, &removed), expected);
        }
        Step::StrideWrite { at, size, stride, count } => {
            let stride = fitted(at, size, stride, count, len);
            let bytes = noise((stride.size * stride.count) as usize, n);
            let removed = source.write_strided(tree, &stride, &bytes, &mut deaths).unwrap();
            let places = positions(&stride);
            assert_eq!(removed, places.iter().map(|&p| model[p]).collect::<Vec<_>>());
            places.iter().zip(bytes).for_each(|(&p, byte)| model[p] = byte);
        }
        Step::StrideRemove { at, size, stride, count } => {
            let stride = fitted(at, size, stride, count, len);
            let removed = source.remove_strided(tree, &stride, &mut deaths).unwrap();
            if n.is_multiple_of(2) {
                source.insert_strided(tree, &stride, &removed, &mut deaths).unwrap();
            } else {
                let places = positions(&stride);
                assert_eq!(removed, places.iter().map(|&p| model[p]).collect::<Vec<_>>());
                places.iter().rev().for_each(|&p| {
                    model.remove(p);
                });
            }
        }
        Step::Bulk { at, len: bulk } => {
            let at = at % (len + 1);
            let bytes = noise(bulk, n);
            let mut extents = Vec::new();
            let rope = write_bulk(source.geometry, &bytes, disk, &mut extents).unwrap();
            let mut findings = Findings::default();
            source.check(&rope, &mut findings).unwrap();
            assert_eq!(findings.problems, Vec::<String>::new());
            findings.blocks.iter().for_each(|e| {
                disk.owned.insert(e.start.0, e.blocks);
            });
            let total: u64 = findings.blocks.iter().map(|e| e.blocks).sum();
            assert_eq!(total, extents.iter().map(|e| e.blocks).sum::<u64>());
            source.insert(tree, at, Rope::Tree(rope), &mut deaths).unwrap();
            model.splice(at as usize..at as usize, bytes);
        }
        Step::Flush => disk.flush(source, tree),
        Step::Capture => {
            disk.write_captured(source);
            tree.forget_written();
            tree.capture(disk).unwrap();
        }
        Step::CutAndPutBack { at, len: cut } => {
            let at = at % (len + 1);
            let cut = cut % (len - at + 1);
            let mut rope = source.splice(tree, at, cut, Rope::Bytes(vec![]), &mut deaths).unwrap();
            if let Rope::Tree(tree) = &mut rope {
                disk.flush(source, tree);
            }
            source.insert(tree, at, rope, &mut deaths).unwrap();
        }
    }
    disk.bury(&mut deaths);
}

fn bytes_of(source: &Source<'_>, rope: &Rope) -> Vec<u8> {
    match rope {
        Rope::Bytes(bytes) => bytes.clone(),
        Rope::Tree(tree) => source.read_all(tree).unwrap(),
    }
}

fn check(source: &Source<'_>, tree: &Tree, model: &[u8], disk: &Appender<'_>, leaked: &mut u64) {
    let mut findings = Findings::default();
    source.check(tree, &mut findings).unwrap();
    assert_eq!(findings.problems, Vec::<String>::new());
    assert_eq!(findings.bytes, model.len() as u64);
    assert!(source.read_all(tree).unwrap() == model, "the tree's bytes differ from the model's");
    // Removed trees own blocks that nobody frees in this test; everything else is in the tree.
    let in_tree: u64 = findings.blocks.iter().map(|e| e.blocks).sum();
    let owned: u64 = disk.owned.values().sum();
    assert!(owned >= in_tree);
    *leaked = owned - in_tree;
    findings.blocks.iter().for_each(|e| assert_eq!(disk.owned.get(&e.start.0), Some(&e.blocks)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn tree_equals_vec(steps in prop::collection::vec(step(), 1..60)) {
        with_file(|file| {
            let cache = NodeCache::on(&Shelf::new(20_000));
            let source: Source<'_> = TreeSource { file, cache: &cache, geometry: SMALL };
            let mut disk = Appender { file, next: 2, owned: BTreeMap::new(), captured: Vec::new() };
            let (mut tree, mut model, mut leaked) = (Tree::new(), Vec::new(), 0);
            for (n, step) in steps.iter().enumerate() {
                let (before, old) = (tree.clone(), model.clone());
                run_step(&source, &mut tree, &mut model, &mut disk, n, step);
                check(&source, &tree, &model, &disk, &mut leaked);
                assert!(source.read_all(&before).unwrap() == old, "an older version changed");
            }
        });
    }
}

#[test]
fn appends_leave_full_leaves() {
    with_file(|file| {
        let cache = NodeCache::on(&Shelf::new(1 << 20));
        let source: Source<'_> = TreeSource { file, cache: &cache, geometry: SMALL };
        let (mut tree, mut deaths) = (Tree::new(), Deaths::default());
        for i in 0..20_000u64 {
            let bytes = Rope::Bytes(i.to_le_bytes().to_vec());
            let end = tree.len();
            source.insert(&mut tree, end, bytes, &mut deaths).unwrap();
        }
        let mut findings = Findings::default();
        source.check(&tree, &mut findings).unwrap();
        assert!(findings.problems.is_empty());
        let full = findings.leaves * SMALL.leaf_bytes as u64;
        assert!(findings.bytes * 100 >= full * 98, "{} bytes in {full}", findings.bytes);
    });
}

#[test]
fn reclaim_frees_every_block_once() {
    with_file(|file| {
        let cache = NodeCache::on(&Shelf::new(1 << 20));
        let source: Source<'_> = TreeSource { file, cache: &cache, geometry: SMALL };
        let mut disk = Appender { file, next: 2, owned: BTreeMap::new(), captured: Vec::new() };
        let mut tree = source.build(noise(100_000, 3));
        disk.flush(&source, &mut tree);
        let (mut reclaim, mut deaths) = (Reclaim::new(tree), Deaths::default());
        while !reclaim.is_done() {
            reclaim.step(&source, &mut deaths).unwrap();
            assert!(reclaim.subtrees() <= 10 * SMALL.fanout, "the frontier stays small");
        }
        disk.bury(&mut deaths);
        assert!(disk.owned.is_empty());
    });
}
