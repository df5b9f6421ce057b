//! The space against a model that knows the state of every single block.

mod model;

use std::path::Path;

use super::*;
use crate::base::Result;
use crate::cache::{DataFile, NodeCache, NodeWriter, Shelf};
use crate::env::RealPlatform;
use crate::format::wire::Reader;
use crate::map::CleanNode;
use crate::map::tests::mem_file::MemFile;

type Cache = NodeCache<CleanNode<u64, RunLength>, RealPlatform>;
type Source<'a> = FreeSource<'a, MemFile, RealPlatform>;

fn file() -> DataFile<MemFile, RealPlatform> {
    DataFile::new(MemFile::new(), Path::new("mem"))
}

/// Collects what an audit visits.
#[derive(Default)]
struct Seen {
    map_nodes: Vec<Extent>,
    free: Vec<Extent>,
}

impl SpaceWalk for Seen {
    fn map_node(&mut self, extent: Extent) {
        self.map_nodes.push(extent);
    }
    fn free(&mut self, extent: Extent) {
        self.free.push(extent);
    }
}

/// What an audit without findings visits.
fn audit(space: &mut Space, source: Source<'_>) -> Seen {
    let mut seen = Seen::default();
    assert_eq!(space.check(source, &mut seen).unwrap(), Vec::<String>::new());
    seen
}

struct Writer<'a>(&'a DataFile<MemFile, RealPlatform>);

impl NodeWriter for Writer<'_> {
    fn write_node(&mut self, block: BlockId, bytes: &[u8]) -> Result<()> {
        let mut whole = bytes.to_vec();
        whole.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        self.0.write_blocks(block, &whole)
    }
}

fn write(source: Source<'_>, captured: &CapturedSpace) {
    captured.nodes.iter().for_each(|node| source.write(node, &mut Writer(source.file)).unwrap());
}

/// Captures and writes the map.
fn write_map(space: &mut Space, source: Source<'_>) -> Result<SpaceRoot> {
    let captured = space.capture_map(source)?;
    write(source, &captured);
    space.forget_written();
    Ok(captured.root())
}

#[test]
fn what_was_given_back_is_handed_out_again_at_once() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let a = space.allocate(source, 10).unwrap();
    assert_eq!(a, extent(2, 10));
    let b = space.allocate(source, 5).unwrap();
    space.give_back(a);
    assert_eq!((space.free_blocks(), space.total_blocks()), (10, 17));
    assert_eq!(space.allocate(source, 4).unwrap(), extent(2, 4));
    assert_eq!(space.allocate(source, 4).unwrap(), extent(6, 4));
    assert_eq!(space.allocate(source, 4).unwrap(), extent(17, 4));
    assert_eq!(space.allocate(source, 2).unwrap(), extent(10, 2));
    assert_eq!(space.free_blocks(), 0);
    space.give_back(b);
    assert_eq!(audit(&mut space, source).free, vec![b]);
}

#[test]
fn a_dead_block_waits_for_the_checkpoint_and_for_the_pins() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let old = space.allocate(source, 8).unwrap();
    let unreachable = space.allocate(source, 8).unwrap();
    let _rest = space.allocate(source, 8).unwrap();
    space.bury([old], Era(100), true);
    space.bury([unreachable], Era(100), false);
    let usable = |space: &Space| space.free_blocks() - space.held_blocks();
    assert_eq!(space.free_blocks(), 0);
    space.begin_capture();
    assert_eq!((space.free_blocks(), usable(&space)), (16, 0));
    write_map(&mut space, source).unwrap();
    assert_eq!(usable(&space), 0);
    space.published(Era(100));
    assert_eq!(usable(&space), 8);
    assert_eq!(space.allocate(source, 8).unwrap(), unreachable);
    space.release(Era(100));
    assert_eq!(usable(&space), 0);
    space.release(Era(101));
    assert_eq!(space.allocate(source, 8).unwrap(), old);
}

#[test]
fn an_abandoned_checkpoint_releases_nothing() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let old = space.allocate(source, 8).unwrap();
    let _rest = space.allocate(source, 8).unwrap();
    space.bury([old], Era(1), false);
    space.begin_capture();
    write_map(&mut space, source).unwrap();
    space.abandon_capture();
    space.release(Era(9));
    assert_ne!(space.allocate(source, 8).unwrap(), old);
    space.begin_capture();
    write_map(&mut space, source).unwrap();
    space.published(Era(9));
    assert_eq!(space.allocate(source, 8).unwrap(), old);
}

#[test]
fn bulk_prefers_long_runs() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let short = space.allocate(source, 200).unwrap();
    space.allocate(source, 1).unwrap();
    let long = space.allocate(source, 900).unwrap();
    space.allocate(source, 1).unwrap();
    let total = space.total_blocks();
    space.give_back(short);
    space.give_back(long);
    assert_eq!(space.allocate_up_to(source, 3000).unwrap(), long);
    assert_eq!(space.allocate_up_to(source, 3000).unwrap(), extent(total, 3000));
    assert_eq!(space.allocate_up_to(source, 150).unwrap(), extent(2, 150));
}

#[test]
fn a_reservation_takes_free_blocks_once() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let first = space.allocate(source, 10).unwrap();
    space.give_back(first);
    assert_eq!(space.reserve(source, extent(4, 2)).unwrap(), Reservation::Taken);
    assert_eq!(space.reserve(source, extent(5, 3)).unwrap(), Reservation::NotFree);
    assert_eq!(space.reserve(source, extent(10, 4)).unwrap(), Reservation::Taken);
    assert_eq!(space.reserve(source, extent(20, 5)).unwrap(), Reservation::Taken);
    assert_eq!(space.reserve(source, extent(20, 5)).unwrap(), Reservation::NotFree);
    assert_eq!(space.reserve(source, extent(1, 2)).unwrap(), Reservation::NotFree);
    assert_eq!(space.reserve(source, extent(30, 0)).unwrap(), Reservation::NotFree);
    assert_eq!(space.reserve(source, extent(30, u64::MAX)).unwrap(), Reservation::NotFree);
    assert_eq!(space.total_blocks(), 25);
    assert_eq!(audit(&mut space, source).free, vec![extent(2, 2), extent(6, 4), extent(14, 6)]);
}

#[test]
fn the_end_is_trimmed_when_nothing_holds_it() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    space.allocate(source, 10).unwrap();
    let tail = space.allocate(source, 10).unwrap();
    space.bury([tail], Era(1), false);
    space.begin_capture();
    space.trim(source).unwrap();
    assert_eq!(space.total_blocks(), 22);
    write_map(&mut space, source).unwrap();
    space.published(Era(2));
    space.trim(source).unwrap();
    // The node of the free map stands behind it.
    assert_eq!(space.total_blocks(), 23);
    assert_eq!(space.allocate(source, 1).unwrap(), extent(12, 1));
    space.begin_capture();
    write_map(&mut space, source).unwrap();
    space.published(Era(2));
    space.trim(source).unwrap();
    assert_eq!(space.total_blocks(), 14);
}

#[test]
fn a_root_that_contradicts_itself_is_refused() {
    let root = SpaceRoot { total_blocks: 20, free_blocks: 0, map: crate::map::MapRoot::default() };
    let mut bytes = Vec::new();
    root.encode_into(&mut bytes);
    assert_eq!(bytes.len(), 56);
    assert_eq!(SpaceRoot::decode(&mut Reader::new(&bytes)), Ok(root));
    bytes[8] = 19;
    assert!(SpaceRoot::decode(&mut Reader::new(&bytes)).is_err());
    bytes[..9].fill(0);
    assert!(SpaceRoot::decode(&mut Reader::new(&bytes)).is_err());
}

#[test]
fn a_gap_starts_behind_what_is_held() {
    let mut held = Held::default();
    for (start, blocks) in [(10, 5), (20, 5)] {
        held.insert(Dead { extent: extent(start, blocks), death: Era(0), pinnable: false });
    }
    assert_eq!(held.gap(2, 30, 4, 9), Some(extent(2, 8)));
    assert_eq!(held.gap(12, 30, 4, 9), Some(extent(15, 5)));
    assert_eq!(held.gap(12, 30, 6, 9), None);
    assert_eq!(held.gap(12, 31, 6, 9), Some(extent(25, 6)));
    assert_eq!(held.gap(12, 15, 1, 1), None);
    assert_eq!(held.gap(12, 14, 1, 1), None);
    assert!(held.is_clear(extent(15, 5)) && !held.is_clear(extent(14, 1)) && !held.is_clear(extent(2, 40)));
    assert_eq!((held.last_end(2, 30), held.last_end(26, 30), held.last_end(2, 19)), (25, 26, 15));
}

#[test]
fn a_file_could_end_where_what_is_behind_fits_in_front() {
    let (file, cache) = (file(), Cache::on(&Shelf::new(1 << 20)));
    let source = MapSource { file: &file, cache: &cache };
    let mut space = Space::new(512);
    let front = space.allocate(source, 200).unwrap();
    assert_eq!(space.allocate(source, 40).unwrap(), extent(202, 40));
    let shrink = Shrink { moved_blocks: 100, gained_blocks: 1, largest: 1, spare_part: 8, runs: 9 };
    assert_eq!(space.shorter_end(source, &shrink).unwrap(), None, "nothing is free");
    space.give_back(front);
    // What moves, an eighth of it, and 32 blocks.
    assert_eq!(space.shorter_end(source, &shrink).unwrap(), Some(BlockId(2 + 40 + 5 + 32)));
    let end = |shrink: Shrink, space: &mut Space| space.shorter_end(source, &shrink).unwrap();
    assert_eq!(end(Shrink { moved_blocks: 10, ..shrink }, &mut space), Some(BlockId(232)));
    assert_eq!(end(Shrink { gained_blocks: 164, ..shrink }, &mut space), None);
    assert_eq!(end(Shrink { runs: 0, ..shrink }, &mut space), None);
    space.pack(true);
    space.give_back(extent(202, 40));
    assert_eq!(space.allocate(source, 3).unwrap(), extent(2, 3));
    assert_eq!(end(shrink, &mut space), Some(BlockId(5)), "nothing is in use behind");
}
