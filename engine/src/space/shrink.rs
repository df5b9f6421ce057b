//! Where the file could end if what lies behind were moved to free blocks in front, and moving it there.

use std::ops::ControlFlow;

use crate::base::{BlockId, Result};
use crate::cache::Vacating;
use crate::env::{DiskFile, Platform};

use super::{FreeSource, RunLength, Space};

/// Blocks in front that are left for what else changes: the nodes of the maps, mostly.
const LEAST_SPARE_BLOCKS: u64 = 32;

/// How far the file may be shortened at once.
#[derive(Clone, Copy, Debug)]
pub struct Shrink {
    /// Most blocks in use behind the new end.
    pub moved_blocks: u64,
    /// Fewest blocks that the file becomes shorter by.
    pub gained_blocks: u64,
    /// Most blocks of a node.
    pub largest: u64,
    /// For so many blocks that move another one is left in front, for the nodes that lead to them.
    pub spare_part: u64,
    /// Most free runs that are looked at.
    pub runs: u64,
}

/// A free run.
#[derive(Clone, Copy, Debug)]
struct FreeRun {
    start: u64,
    blocks: u64,
    /// So many blocks nodes find there for certain, whatever their order: what is not held, but for the last few blocks of
    /// each gap, which may be too few for a node of the largest size.
    usable: u64,
}

impl FreeRun {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.blocks)
    }

    /// Whether some of it is held, so that what can be used is not known to lie at its start.
    fn is_held_in_part(&self, largest: u64) -> bool {
        self.usable != self.blocks.saturating_sub(largest - 1)
    }
}

/// The end of a file that it could do without. It grows towards the front, over what is in use, which is to move, and over
/// free runs, which are then nowhere to move to.
struct Tail<'a> {
    shrink: &'a Shrink,
    /// The first block of it.
    start: u64,
    /// Its blocks in use.
    moved: u64,
    /// What nodes find for certain in the free runs in front of it.
    room: u64,
}

impl Tail<'_> {
    /// The longest one that is worth its moves, of a file of `total` blocks with these free runs.
    fn longest<'a>(runs: &[FreeRun], total: u64, shrink: &'a Shrink) -> Tail<'a> {
        let room = runs.iter().map(|run| run.usable).sum();
        let mut tail = Tail { shrink, start: total, moved: 0, room };
        for run in runs.iter().rev() {
            if !tail.takes_all_behind(run) || !tail.takes_all_of(run) {
                break;
            }
        }
        tail
    }

    /// Grows over what is in use between it and `run`, as far as that finds room in this run and those in front. Whether that
    /// is all of it.
    fn takes_all_behind(&mut self, run: &FreeRun) -> bool {
        let in_use = self.start.saturating_sub(run.end());
        let taken = in_use.min(self.most_moved().saturating_sub(self.moved));
        self.start -= taken;
        self.moved += taken;
        taken == in_use
    }

    /// Grows over `run`, as far as what moves does not need it. Whether that is all of it.
    fn takes_all_of(&mut self, run: &FreeRun) -> bool {
        self.room -= run.usable;
        let missing = if self.moved == 0 { 0 } else { self.with_spare().saturating_sub(self.room) };
        if missing == 0 {
            self.start = run.start;
        } else if !run.is_held_in_part(self.shrink.largest) {
            self.start = self.start.min(run.start + missing + self.shrink.largest - 1);
        }
        missing == 0
    }

    /// The blocks that what moves takes in front, and what else changes with it.
    fn with_spare(&self) -> u64 {
        self.moved + self.moved / self.shrink.spare_part + LEAST_SPARE_BLOCKS
    }

    /// So many blocks may move that the room in front is enough for them with what else changes.
    fn most_moved(&self) -> u64 {
        let room = self.room.saturating_sub(LEAST_SPARE_BLOCKS);
        let spare = room.div_ceil(self.shrink.spare_part + 1);
        (room - spare).min(self.shrink.moved_blocks)
    }
}

impl Space {
    /// The first block that the file could do without, if it is worth while.
    ///
    /// # Errors
    /// If the free map cannot be read.
    pub fn shorter_end<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        shrink: &Shrink,
    ) -> Result<Option<BlockId>> {
        self.settle(source)?;
        if self.map.len() > shrink.runs || self.free_blocks < shrink.gained_blocks {
            return Ok(None);
        }
        let runs = self.free_runs(source, shrink.largest)?;
        let end = Tail::longest(&runs, self.total_blocks, shrink).start;
        let gained = self.total_blocks - end;
        Ok((gained >= shrink.gained_blocks).then_some(BlockId(end)))
    }

    /// All free runs, by where they start, with what nodes of up to `largest` blocks find there.
    fn free_runs<F: DiskFile, P: Platform>(
        &self,
        source: FreeSource<'_, F, P>,
        largest: u64,
    ) -> Result<Vec<FreeRun>> {
        let mut runs = Vec::new();
        self.map.scan(source, None, |&start, &RunLength(blocks)| {
            let mut usable = 0;
            self.held.each_gap(start, start.saturating_add(blocks), |gap| {
                usable += gap.saturating_sub(largest - 1);
            });
            runs.push(FreeRun { start, blocks, usable });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(runs)
    }

    /// From now on the lowest blocks are taken first, or no longer.
    pub fn pack(&mut self, lowest_first: bool) {
        self.packs = lowest_first;
    }

    /// Whether the lowest blocks are taken first.
    pub fn is_packing(&self) -> bool {
        self.packs
    }

    /// A run of each node of the free map that reaches behind the end.
    ///
    /// # Errors
    /// If the free map cannot be read.
    pub fn map_behind<F: DiskFile, P: Platform>(
        &self,
        source: FreeSource<'_, F, P>,
        vacating: &mut Vacating,
    ) -> Result<Vec<u64>> {
        self.map.behind(source, vacating)
    }

    /// Lets the next checkpoint move the nodes of the free map that have these `runs`.
    ///
    /// # Errors
    /// If the free map cannot be read.
    pub fn vacate_map<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        runs: &[u64],
    ) -> Result<()> {
        self.touched += runs.len() as u64;
        self.map.touch(source, runs, &mut self.map_deaths)
    }
}
