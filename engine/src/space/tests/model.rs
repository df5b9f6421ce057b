//! Random histories with checkpoints, pins, failures and crashes. The model is one set of block numbers for each reason
//! why a block must not be handed out.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

type Blocks = BTreeSet<u64>;

#[derive(Clone, Debug)]
enum Op {
    Allocate(u64),
    AllocateUpTo(u64),
    GiveBack(usize),
    /// What is allocated and loose becomes part of the state, through a log record or not.
    Own {
        pinnable: bool,
        named: bool,
    },
    Bury(usize),
    Pin,
    Unpin(usize),
    Release,
    Checkpoint(Checkpoint),
    Trim,
    Audit,
    Crash,
    FailReads(u64),
}

#[derive(Clone, Debug)]
struct Checkpoint {
    trees: Vec<u64>,
    buried: Vec<usize>,
    fail_reads_after: u64,
    /// Allocated between writing and publishing.
    meanwhile: Vec<u64>,
    publish: bool,
}

fn blocks() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1..8u64, 2 => 1..40u64, 1 => 200..900u64]
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let never = || prop_oneof![5 => Just(u64::MAX), 1 => 0..6u64];
    let sizes = || prop::collection::vec(1..9u64, 0..6);
    let picks = prop::collection::vec(any::<usize>(), 0..4);
    (sizes(), picks, never(), sizes(), prop::bool::weighted(0.85)).prop_map(
        |(trees, buried, fail_reads_after, meanwhile, publish)| Checkpoint {
            trees,
            buried,
            fail_reads_after,
            meanwhile,
            publish,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => blocks().prop_map(Op::Allocate),
        2 => blocks().prop_map(Op::AllocateUpTo),
        5 => any::<usize>().prop_map(Op::GiveBack),
        5 => any::<(bool, bool)>().prop_map(|(pinnable, named)| Op::Own { pinnable, named }),
        10 => any::<usize>().prop_map(Op::Bury),
        2 => Just(Op::Pin),
        2 => any::<usize>().prop_map(Op::Unpin),
        1 => Just(Op::Release),
        4 => checkpoint().prop_map(Op::Checkpoint),
        1 => Just(Op::Trim),
        2 => Just(Op::Audit),
        1 => Just(Op::Crash),
        2 => (0..4u64).prop_map(Op::FailReads),
    ]
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Owned {
    extent: Extent,
    pinnable: bool,
    /// Whether a log record since the last capture names it.
    named: bool,
}

struct Run<'a> {
    file: &'a DataFile<MemFile, RealPlatform>,
    cache: Cache,
    space: Space,
    lsn: u64,
    loose: Vec<Extent>,
    owned: Vec<Owned>,
    /// Named since the published capture, also if dead by now.
    named: Vec<Owned>,
    dying: Blocks,
    pins: Vec<(u64, Blocks)>,
    /// What the newest published checkpoint reaches, without the map; and its root.
    published: Vec<Owned>,
    published_map: Blocks,
    root: SpaceRoot,
    /// What a checkpoint that is written and not published reaches.
    written: Blocks,
}

fn expand(extents: impl IntoIterator<Item = Extent>) -> Blocks {
    let mut blocks = Blocks::new();
    for extent in extents {
        for block in extent.start.0..extent.end().0 {
            assert!(blocks.insert(block), "block {block} is there twice");
        }
    }
    blocks
}

fn extents(owned: &[Owned]) -> impl Iterator<Item = Extent> {
    owned.iter().map(|owned| owned.extent)
}

impl Run<'_> {
    fn oldest_pin(&self) -> Era {
        Era(self.pins.iter().map(|pin| pin.0).min().unwrap_or(self.lsn))
    }

    /// Blocks of the map as it is now.
    fn map_blocks(&self) -> Blocks {
        struct Nodes(Vec<Extent>);
        impl crate::map::MapWalk<u64, RunLength> for Nodes {
            fn node(&mut self, extent: Extent) {
                self.0.push(extent);
            }
            fn entry(&mut self, _: &u64, _: &RunLength) -> crate::base::Result<()> {
                Ok(())
            }
        }
        let mut nodes = Nodes(Vec::new());
        let source = MapSource { file: self.file, cache: &self.cache };
        assert_eq!(self.space.map.walk(source, &mut nodes).unwrap(), Vec::<String>::new());
        expand(nodes.0)
    }

    /// That `extent` may be handed out.
    fn assert_usable(&self, extent: Extent) {
        let map = self.map_blocks();
        let published = expand(extents(&self.published));
        let (loose, owned) = (expand(self.loose.iter().copied()), expand(extents(&self.owned)));
        for block in extent.start.0..extent.end().0 {
            assert!(block >= FIRST_USABLE_BLOCK && block < self.space.total_blocks());
            let reasons = [
                ("loose", loose.contains(&block)),
                ("owned", owned.contains(&block)),
                ("dying", self.dying.contains(&block)),
                ("map", map.contains(&block)),
                ("published", published.contains(&block)),
                ("published map", self.published_map.contains(&block)),
                ("written", self.written.contains(&block)),
                ("pinned", self.pins.iter().any(|pin| pin.1.contains(&block))),
            ];
            for (reason, applies) in reasons {
                assert!(!applies, "block {block} is handed out and is {reason}");
            }
        }
    }

    fn allocate(&mut self, blocks: u64, up_to: bool) -> crate::base::Result<Extent> {
        let source = MapSource { file: self.file, cache: &self.cache };
        let taken = match up_to {
            true => self.space.allocate_up_to(source, blocks)?,
            false => self.space.allocate(source, blocks)?,
        };
        assert!(taken.blocks > 0 && taken.blocks <= blocks && (up_to || taken.blocks == blocks));
        self.file.file().heal();
        self.assert_usable(taken);
        self.loose.push(taken);
        Ok(taken)
    }

    fn own_loose(&mut self, pinnable: bool, named: bool) {
        for extent in std::mem::take(&mut self.loose) {
            let owned = Owned { extent, pinnable, named };
            self.owned.push(owned);
            if named {
                self.named.push(owned);
            }
        }
        self.lsn += 1;
    }

    fn take_owned(&mut self, pick: usize) -> Option<Owned> {
        let count = self.owned.len().max(1);
        (pick % count < self.owned.len()).then(|| self.owned.swap_remove(pick % count))
    }

    fn bury(&mut self, dead: Owned) {
        self.dying.extend(expand([dead.extent]));
        self.space.bury([dead.extent], Era(self.lsn), dead.pinnable);
        self.lsn += 1;
    }

    /// That exactly what nothing needs is free.
    fn audit(&mut self) {
        let source = MapSource { file: self.file, cache: &self.cache };
        let seen = audit(&mut self.space, source);
        assert!(expand(self.space.dying()) == self.dying);
        let mut all = seen.free;
        let free = all.iter().map(|run| run.blocks).sum::<u64>();
        assert_eq!(free, self.space.free_blocks());
        assert!(self.space.held_blocks() <= free);
        all.extend(seen.map_nodes);
        all.extend(self.space.map_deaths());
        all.extend(self.space.dying());
        all.extend(self.loose.iter().copied());
        all.extend(extents(&self.owned));
        assert!(expand(all).into_iter().eq(FIRST_USABLE_BLOCK..self.space.total_blocks()));
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.own_loose(true, true);
        self.space.begin_capture();
        self.dying.clear();
        let captured_at = self.named.len();
        for &blocks in &checkpoint.trees {
            self.allocate(blocks, false).unwrap();
        }
        self.own_loose(true, false);
        for &pick in &checkpoint.buried {
            let Some(dead) = self.take_owned(pick) else { continue };
            self.space.bury_in_capture([dead.extent], Era(self.lsn), dead.pinnable);
            self.lsn += 1;
        }
        let source = MapSource { file: self.file, cache: &self.cache };
        self.file.file().fail_reads_after(checkpoint.fail_reads_after);
        let result = self.space.capture_map(source);
        self.file.file().heal();
        let Ok(captured_space) = result else {
            self.space.abandon_capture();
            return self.audit();
        };
        let map = self.map_blocks();
        let captured = self.owned.clone();
        self.written = expand(extents(&captured)).union(&map).copied().collect();
        for &blocks in &checkpoint.meanwhile {
            self.allocate(blocks, false).unwrap();
        }
        self.own_loose(true, true);
        // The map may have changed meanwhile.
        let source = MapSource { file: self.file, cache: &self.cache };
        write(source, &captured_space);
        self.space.forget_written();
        let root = captured_space.root();
        self.assert_root(&root, &captured, &map);
        if checkpoint.publish {
            self.published = captured;
            self.published_map = map;
            self.root = root;
            self.named.drain(..captured_at);
            self.space.published(self.oldest_pin());
        } else {
            self.space.abandon_capture();
        }
        self.written.clear();
    }

    /// That the map on disk has as free what the state and the map itself do not reach.
    fn assert_root(&self, root: &SpaceRoot, captured: &[Owned], map: &Blocks) {
        let cold = Cache::on(&Shelf::new(1 << 20));
        let source = MapSource { file: self.file, cache: &cold };
        let mut bytes = Vec::new();
        root.encode_into(&mut bytes);
        let root = SpaceRoot::decode(&mut Reader::new(&bytes)).unwrap();
        let mut space = Space::from_root(&root, 160);
        let seen = audit(&mut space, source);
        assert_eq!(expand(seen.map_nodes), *map);
        let reached = expand(extents(captured).chain(expand_back(map)));
        let free = (FIRST_USABLE_BLOCK..root.total_blocks).filter(|block| !reached.contains(block));
        assert!(expand(seen.free).into_iter().eq(free));
        assert!(reached.last().is_none_or(|&last| last < root.total_blocks));
    }

    /// Forgets what is in memory, and reserves what the records since the checkpoint name.
    fn crash(&mut self) {
        self.cache = Cache::on(&Shelf::new(1));
        self.space = Space::from_root(&self.root, 160);
        self.pins.clear();
        self.loose.clear();
        self.dying.clear();
        let source = MapSource { file: self.file, cache: &self.cache };
        for named in &self.named {
            assert_eq!(self.space.reserve(source, named.extent).unwrap(), Reservation::Taken);
            assert_eq!(self.space.reserve(source, named.extent).unwrap(), Reservation::NotFree);
        }
        for reached in &self.published {
            assert_eq!(self.space.reserve(source, reached.extent).unwrap(), Reservation::NotFree);
        }
        let before = std::mem::take(&mut self.owned);
        let survivors: Vec<Owned> = self.published.iter().chain(&self.named).copied().collect();
        for survivor in survivors {
            match before.iter().any(|owned| owned.extent == survivor.extent) {
                true => self.owned.push(survivor),
                false => self.bury(survivor),
            }
        }
        self.audit();
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Allocate(blocks) => drop(self.allocate(blocks, false)),
            Op::AllocateUpTo(blocks) => drop(self.allocate(blocks, true)),
            Op::GiveBack(pick) if !self.loose.is_empty() => {
                let given = self.loose.swap_remove(pick % self.loose.len());
                self.space.give_back(given);
            }
            Op::GiveBack(_) => {}
            Op::Own { pinnable, named } => self.own_loose(pinnable, named),
            Op::Bury(pick) => {
                if let Some(dead) = self.take_owned(pick) {
                    self.bury(dead);
                }
            }
            Op::Pin => {
                let reached = extents_of(&self.owned, |owned| owned.pinnable);
                self.pins.push((self.lsn, reached));
            }
            Op::Unpin(pick) if !self.pins.is_empty() => drop(self.pins.swap_remove(pick % self.pins.len())),
            Op::Unpin(_) => {}
            Op::Release => self.space.release(self.oldest_pin()),
            Op::Checkpoint(ref checkpoint) => self.checkpoint(checkpoint),
            Op::Trim => {
                let source = MapSource { file: self.file, cache: &self.cache };
                drop(self.space.trim(source));
            }
            Op::Audit => {
                self.file.file().heal();
                self.audit();
            }
            Op::Crash => {
                self.file.file().heal();
                self.crash();
            }
            Op::FailReads(_) => {}
        }
        self.file.file().heal();
        if let Op::FailReads(reads) = *op {
            self.cache = Cache::on(&Shelf::new(1));
            self.file.file().fail_reads_after(reads);
        }
    }
}

fn extents_of(owned: &[Owned], which: impl Fn(&Owned) -> bool) -> Blocks {
    expand(owned.iter().filter(|owned| which(owned)).map(|owned| owned.extent))
}

fn expand_back(blocks: &Blocks) -> impl Iterator<Item = Extent> {
    blocks.iter().map(|&block| extent(block, 1))
}

fn run(ops: &[Op]) {
    let file = file();
    let mut run = Run {
        file: &file,
        cache: Cache::on(&Shelf::new(2000)),
        space: Space::new(160),
        lsn: 10,
        loose: Vec::new(),
        owned: Vec::new(),
        named: Vec::new(),
        dying: Blocks::new(),
        pins: Vec::new(),
        published: Vec::new(),
        published_map: Blocks::new(),
        root: SpaceRoot { total_blocks: FIRST_USABLE_BLOCK, free_blocks: 0, map: Default::default() },
        written: Blocks::new(),
    };
    for op in ops {
        // A checkpoint reads and allocates without failures before its own begin.
        if matches!(op, Op::Checkpoint(_)) {
            run.file.file().heal();
        }
        run.step(op);
    }
    run.file.file().heal();
    run.audit();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_block_is_handed_out_while_anything_needs_it(ops in prop::collection::vec(op(), 0..250)) {
        run(&ops);
    }
}
