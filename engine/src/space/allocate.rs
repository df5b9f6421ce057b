//! Taking blocks out of the free map and putting them back into it.
//!
//! Each change of the map here is a single step, or leaves what is between two steps in `returning`, so that
//! an error in the middle loses no block.

use crate::base::{BLOCK_BYTES, Error, Result};
use crate::env::{DiskFile, Platform};
use crate::format::extent::Extent;

use crate::format::space_root::MAX_BLOCKS;

use super::pool::MAX_NODE_BLOCKS;
use super::{FIRST_USABLE_BLOCK, FreeSource, Reservation, RunLength, Space, extent};

/// A shorter run than this many blocks (1 MiB) is not worth a piece of a bulk write that is longer.
const BULK_PIECE_BLOCKS: u64 = 256;

impl Space {
    /// Takes `blocks` blocks in one run: the next that fits behind the last one taken, or else at the end of
    /// the file.
    ///
    /// - Cost: O(log n) in the number of runs, plus the held runs passed over
    ///
    /// # Errors
    /// If the free map cannot be read; no block is lost then.
    pub fn allocate<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        blocks: u64,
    ) -> Result<Extent> {
        self.allocate_between(source, blocks, blocks)
    }

    /// Takes a run of at most `blocks` blocks, for a bulk write that goes on in another run. A shorter run is
    /// taken only if it has a quarter of what is asked for, and at least 1 MiB; otherwise the file grows by
    /// all of it.
    pub fn allocate_up_to<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        blocks: u64,
    ) -> Result<Extent> {
        let least = (blocks / 4).max(BULK_PIECE_BLOCKS).min(blocks);
        self.allocate_between(source, least, blocks)
    }

    fn allocate_between<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        least: u64,
        most: u64,
    ) -> Result<Extent> {
        assert!(least > 0, "an allocation of no blocks");
        self.settle(source)?;
        // A run that has it all is better than a piece, wherever it is.
        for least in [most, least] {
            if let Some(found) = self.take_usable(source, least, most)? {
                return Ok(found);
            }
        }
        Ok(self.take_at_end(most))
    }

    /// Blocks below `end` that nodes of at most `largest` blocks find in free runs for certain, in whatever order they come.
    /// Stops counting at `enough`.
    pub fn usable_blocks<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        end: u64,
        largest: u64,
        enough: u64,
    ) -> Result<u64> {
        self.settle(source)?;
        let mut usable = 0;
        self.map.find_first(
            source,
            None,
            |summary| summary.longest >= largest,
            |&start, &RunLength(blocks)| {
                // The last node that a run has no room for may be as long as what is left of it, and one block more.
                self.held.each_gap(start, start.saturating_add(blocks).min(end).max(start), |gap| {
                    usable += gap.saturating_sub(largest - 1);
                });
                usable >= enough
            },
        )?;
        Ok(usable)
    }

    /// Lets the file grow by `blocks`.
    pub(super) fn take_at_end(&mut self, blocks: u64) -> Extent {
        let taken = extent(self.total_blocks, blocks);
        assert!(taken.end().0 <= MAX_BLOCKS, "the file is too long");
        self.total_blocks = taken.end().0;
        taken
    }

    /// Takes the next usable run of `least` to `most` blocks, if there is one.
    pub(super) fn take_usable<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        least: u64,
        most: u64,
    ) -> Result<Option<Extent>> {
        let Some((run, found)) = self.find(source, least, most)? else { return Ok(None) };
        self.take(source, run, found)?;
        self.rover = found.end().0;
        Ok(Some(found))
    }

    /// The next usable run behind the rover, or from the start, and the run of the map that it is part of.
    fn find<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        least: u64,
        most: u64,
    ) -> Result<Option<(Extent, Extent)>> {
        if least >= self.hopeless_blocks {
            return Ok(None);
        }
        let rover = if self.packs { 0 } else { self.rover };
        if let Some((start, RunLength(blocks))) = self.map.last_at_or_before(source, &rover)? {
            let run = self.checked_run(source, start, blocks)?;
            if let Some(found) = self.held.gap(rover, run.end().0.max(rover), least, most) {
                return Ok(Some((run, found)));
            }
        }
        for from in [rover.saturating_add(1), 0] {
            let mut found = None;
            let run = self.map.find_first(
                source,
                Some(&from),
                |summary| summary.longest >= least,
                |&start, &RunLength(blocks)| {
                    found = (blocks >= least)
                        .then(|| self.held.gap(start, start.saturating_add(blocks), least, most))
                        .flatten();
                    found.is_some()
                },
            )?;
            if let Some(((start, RunLength(blocks)), found)) = run.zip(found) {
                return Ok(Some((self.checked_run(source, start, blocks)?, found)));
            }
        }
        self.hopeless_blocks = least;
        Ok(None)
    }

    /// A run that the map says is free: a damaged map must not hand out a superblock, or what is not there.
    fn checked_run<F: DiskFile, P: Platform>(
        &self,
        source: FreeSource<'_, F, P>,
        start: u64,
        blocks: u64,
    ) -> Result<Extent> {
        match start.checked_add(blocks) {
            Some(end) if start >= FIRST_USABLE_BLOCK && end <= self.total_blocks => Ok(extent(start, blocks)),
            _ => {
                let found = format!("a run of {blocks} from block {start}");
                let expected = format!("free runs below block {}", self.total_blocks);
                Err(Error::corruption(source.file.path(), 0, expected, found))
            }
        }
    }

    /// Takes `part` out of the run `run` of the map.
    fn take<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        run: Extent,
        part: Extent,
    ) -> Result<()> {
        assert!(run.start <= part.start && part.end() <= run.end(), "{part:?} is not in {run:?}");
        let before = part.start.0 - run.start.0;
        let behind = run.end().0 - part.end().0;
        let (start, deaths) = (&run.start.0, &mut self.map_deaths);
        if before > 0 {
            self.map.insert(source, start, RunLength(before), deaths)?;
            if behind > 0 {
                self.returning.push(extent(part.end().0, behind));
            }
        } else if behind > 0 {
            self.map.rekey(source, start, part.end().0, RunLength(behind), deaths)?;
        } else {
            self.map.remove(source, start, deaths)?;
        }
        self.free_blocks -= part.blocks;
        // It may have cut a run in two, each of which ends in a piece that is too short.
        self.worn_blocks += part.blocks + MAX_NODE_BLOCKS as u64;
        Ok(())
    }

    /// Takes the blocks of `wanted`, which a log record names, out of the free ones. Those behind the end of
    /// the file are taken by letting it grow.
    ///
    /// # Errors
    /// If the free map cannot be read.
    pub fn reserve<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        wanted: Extent,
    ) -> Result<Reservation> {
        let (start, total) = (wanted.start.0, self.total_blocks);
        let end = start.checked_add(wanted.blocks).filter(|&end| end <= MAX_BLOCKS);
        let Some(end) = end.filter(|&end| start >= FIRST_USABLE_BLOCK && end > start) else {
            return Ok(Reservation::NotFree);
        };
        self.settle(source)?;
        if start < total {
            let inside = extent(start, end.min(total) - start);
            let run = self.map.last_at_or_before(source, &start)?;
            let run = run.map(|(start, RunLength(blocks))| extent(start, blocks));
            match run.filter(|run| inside.end() <= run.end() && self.held.is_clear(inside)) {
                None => return Ok(Reservation::NotFree),
                Some(run) => self.take(source, run, inside)?,
            }
        }
        reached!("a record's extent crosses the end of the file", start < total && end > total);
        self.total_blocks = total.max(end);
        self.free_again(extent(total, start.saturating_sub(total)));
        Ok(Reservation::Taken)
    }

    /// Cuts off the free blocks at the end that nothing holds; the file may then be shortened to
    /// [`Space::total_blocks`], once the next checkpoint is published.
    pub fn trim<F: DiskFile, P: Platform>(&mut self, source: FreeSource<'_, F, P>) -> Result<()> {
        self.settle(source)?;
        let Some((start, RunLength(blocks))) = self.map.last(source)? else { return Ok(()) };
        let run = extent(start, blocks);
        let from = self.held.last_end(start, run.end().0);
        if run.end().0 == self.total_blocks && from < self.total_blocks {
            self.take(source, run, extent(from, self.total_blocks - from))?;
            self.total_blocks = from;
        }
        Ok(())
    }

    /// Enters everything in `returning` into the map.
    pub(super) fn settle<F: DiskFile, P: Platform>(&mut self, source: FreeSource<'_, F, P>) -> Result<()> {
        self.returning.sort_unstable();
        self.returning.dedup_by(|next, run| {
            let touch = run.end() == next.start;
            run.blocks += if touch { next.blocks } else { 0 };
            touch
        });
        while let Some(&last) = self.returning.last() {
            self.enter(source, last)?;
            self.returning.pop();
        }
        Ok(())
    }

    /// Enters `free`, which is the last of `returning`, into the map, joining the runs that it touches.
    fn enter<F: DiskFile, P: Platform>(&mut self, source: FreeSource<'_, F, P>, free: Extent) -> Result<()> {
        let (mut start, mut blocks) = (free.start.0, free.blocks);
        let left = self.map.last_at_or_before(source, &start)?;
        let right = self.map.first_at_or_after(source, &start)?;
        let overlaps = left.is_some_and(|(at, RunLength(blocks))| at + blocks > start)
            || right.is_some_and(|(at, _)| at < free.end().0);
        if overlaps {
            let found = "blocks that are free already";
            return Err(Error::corruption(
                source.file.path(),
                start * BLOCK_BYTES as u64,
                "blocks in use",
                found,
            ));
        }
        let left = left.filter(|&(at, RunLength(blocks))| at + blocks == start);
        let right = right.filter(|&(at, _)| at == free.end().0);
        let deaths = &mut self.map_deaths;
        match (left, right) {
            (None, Some((at, RunLength(more)))) => {
                self.map.rekey(source, &at, start, RunLength(blocks + more), deaths)?;
                return Ok(());
            }
            (Some(_), Some((at, RunLength(more)))) => {
                reached!("long free runs on both sides became one", blocks + more > 128);
                self.map.remove(source, &at, deaths)?;
                blocks += more;
                let last = self.returning.last_mut().expect("invariant: it is being entered");
                last.blocks = blocks;
            }
            (_, None) => {}
        }
        if let Some((at, RunLength(more))) = left {
            (start, blocks) = (at, blocks + more);
        }
        self.map.insert(source, &start, RunLength(blocks), deaths)?;
        Ok(())
    }
}
