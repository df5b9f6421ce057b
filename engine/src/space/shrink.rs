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
        let mut runs = Vec::new();
        self.map.scan(source, None, |&start, &RunLength(blocks)| {
            let mut usable = 0;
            self.held.each_gap(start, start.saturating_add(blocks), |gap| {
                usable += gap.saturating_sub(shrink.largest - 1);
            });
            runs.push((start, blocks, usable));
            Ok(ControlFlow::Continue(()))
        })?;
        let mut in_front: u64 = runs.iter().map(|(_, _, usable)| usable).sum();
        let (mut end, mut used) = (self.total_blocks, 0);
        let with_spare = |used: u64| used + used / shrink.spare_part + LEAST_SPARE_BLOCKS;
        for &(start, blocks, usable) in runs.iter().rev() {
            let room = in_front.saturating_sub(LEAST_SPARE_BLOCKS);
            let room = room - room.div_ceil(shrink.spare_part + 1);
            let stretch = end.saturating_sub(start.saturating_add(blocks));
            let moved = stretch.min(room.min(shrink.moved_blocks).saturating_sub(used));
            (end, used) = (end - moved, used + moved);
            if moved < stretch {
                break;
            }
            // As much of the run itself as what lies behind it does not need.
            in_front -= usable;
            let missing = if used == 0 { 0 } else { with_spare(used).saturating_sub(in_front) };
            if missing > 0 {
                let is_whole = usable == blocks.saturating_sub(shrink.largest - 1);
                end = if is_whole { end.min(start + missing + shrink.largest - 1) } else { end };
                break;
            }
            end = start;
        }
        let gained = self.total_blocks - end;
        Ok((gained >= shrink.gained_blocks).then_some(BlockId(end)))
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
