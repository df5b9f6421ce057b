//! The audit of the space.

use crate::base::{Error, Result};
use crate::env::{DiskFile, Platform};
use crate::format::extent::Extent;
use crate::map::MapWalk;

use super::{FIRST_USABLE_BLOCK, FreeSource, RunLength, Space, extent};

/// What wants to hear of every part of the space.
pub trait SpaceWalk {
    /// The blocks of a node of the free map.
    fn map_node(&mut self, extent: Extent);
    /// A run of free blocks, in order; held blocks are part of it.
    fn free(&mut self, extent: Extent);
}

struct Walk<'w, W> {
    walk: &'w mut W,
    total_blocks: u64,
    free_blocks: u64,
    last_end: u64,
    held: std::iter::Peekable<std::vec::IntoIter<Extent>>,
    findings: Vec<String>,
}

impl Space {
    /// Visits the nodes and runs of the free map, and returns what breaks an invariant. Blocks that were free
    /// and not entered into the map yet are entered first.
    ///
    /// # Errors
    /// If a read fails for another reason than corruption.
    pub fn check<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        walk: &mut impl SpaceWalk,
    ) -> Result<Vec<String>> {
        match self.settle(source) {
            Err(e @ Error::Corruption { .. }) => return Ok(vec![e.to_string()]),
            settled => settled?,
        }
        let mut walk = Walk {
            walk,
            total_blocks: self.total_blocks,
            free_blocks: 0,
            last_end: 0,
            held: self.held.extents().collect::<Vec<_>>().into_iter().peekable(),
            findings: Vec::new(),
        };
        let mut findings = self.map.walk(source, &mut walk)?;
        findings.append(&mut walk.findings);
        for held in walk.held {
            findings.push(format!("held blocks are not free: {held:?}"));
        }
        if walk.free_blocks != self.free_blocks {
            findings.push(format!("{} blocks should be free, {} are", self.free_blocks, walk.free_blocks));
        }
        Ok(findings)
    }

    /// Nodes of the free map that were replaced since it was last written: neither free nor part of the map.
    pub fn map_deaths(&self) -> impl Iterator<Item = Extent> {
        self.map_deaths.extents().iter().copied()
    }
}

impl<W: SpaceWalk> MapWalk<u64, RunLength> for Walk<'_, W> {
    fn node(&mut self, extent: Extent) {
        self.walk.map_node(extent);
    }

    fn entry(&mut self, &start: &u64, &RunLength(blocks): &RunLength) -> Result<()> {
        let inside = start.checked_add(blocks).is_some_and(|end| end <= self.total_blocks);
        if start < FIRST_USABLE_BLOCK || !inside {
            self.findings.push(format!("the run {start} of {blocks} blocks is outside of the file"));
            return Ok(());
        }
        if start <= self.last_end {
            self.findings.push(format!("the run {start} of {blocks} blocks touches the one before"));
        }
        let run = extent(start, blocks);
        self.last_end = run.end().0;
        self.free_blocks += blocks;
        while let Some(held) = self.held.next_if(|held| held.end() <= run.end() && held.start >= run.start) {
            debug_assert!(held.blocks > 0);
        }
        self.walk.free(run);
        Ok(())
    }
}
