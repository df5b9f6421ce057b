//! Blocks that are free in the map and may not be handed out yet.

use std::collections::BTreeMap;

use crate::base::Era;
use crate::format::extent::Extent;

use super::{Dead, extent};

/// Held runs by first block, without overlap.
#[derive(Default)]
pub(super) struct Held {
    runs: BTreeMap<u64, HeldRun>,
    blocks: u64,
}

struct HeldRun {
    blocks: u64,
    death: Era,
    pinnable: bool,
    /// How many checkpoints that do not reach the blocks were published.
    published: u32,
}

impl Held {
    /// How many blocks are held.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// How many blocks nothing but a version in use keeps from being used again.
    pub(super) fn pinned_blocks(&self) -> u64 {
        self.runs.values().filter(|run| run.published > 0).map(|run| run.blocks).sum()
    }

    /// Holds the blocks of `dead` until a capture that comes after its death is published.
    pub(super) fn insert(&mut self, dead: Dead) {
        let Dead { extent, death, pinnable } = dead;
        if extent.blocks == 0 {
            return;
        }
        assert!(self.is_clear(extent), "{extent:?} died twice");
        let run = HeldRun { blocks: extent.blocks, death, pinnable, published: 0 };
        self.runs.insert(extent.start.0, run);
        self.blocks += extent.blocks;
    }

    /// Every run so far waited for the checkpoint that is now published.
    pub(super) fn publish(&mut self) {
        for run in self.runs.values_mut() {
            run.published = run.published.saturating_add(1);
        }
    }

    /// Lets go of what is published and out of reach of `oldest_pin`; says whether there was any.
    pub(super) fn release(&mut self, oldest_pin: Era) -> bool {
        let before = self.blocks;
        let mut released = 0;
        self.runs.retain(|_, run| {
            let stays = run.published == 0 || run.pinnable && run.death >= oldest_pin;
            reached!(
                "blocks were free again when a long-lived snapshot had gone",
                !stays && run.published > 6
            );
            released += if stays { 0 } else { run.blocks };
            stays
        });
        self.blocks -= released;
        self.blocks < before
    }

    /// Whether none of `extent` is held.
    pub(super) fn is_clear(&self, extent: Extent) -> bool {
        let (start, end) = (extent.start.0, extent.end().0);
        self.runs.range(..end).next_back().is_none_or(|(&held, run)| held + run.blocks <= start)
    }

    /// The first stretch of at least `least` blocks in `start..end` of which none is held, cut to `most`
    /// blocks.
    pub(super) fn gap(&self, start: u64, end: u64, least: u64, most: u64) -> Option<Extent> {
        let mut from = start;
        let before = self.runs.range(..start).next_back().map(|(&held, run)| (held, run.blocks));
        let inside = self.runs.range(start..end).map(|(&held, run)| (held, run.blocks));
        for (held, blocks) in before.into_iter().chain(inside) {
            if held > from && held - from >= least {
                return Some(extent(from, most.min(held - from)));
            }
            from = from.max(held + blocks);
        }
        (from < end && end - from >= least).then(|| extent(from, most.min(end - from)))
    }

    /// Calls `each` with the length of every stretch in `start..end` of which no block is held.
    pub(super) fn each_gap(&self, start: u64, end: u64, mut each: impl FnMut(u64)) {
        let mut from = start;
        let before = self.runs.range(..start).next_back();
        for (&held, run) in before.into_iter().chain(self.runs.range(start..end)) {
            each(held.saturating_sub(from));
            from = from.max(held + run.blocks);
        }
        each(end.saturating_sub(from));
    }

    /// One past the last held block in `start..end`, or `start`.
    pub(super) fn last_end(&self, start: u64, end: u64) -> u64 {
        let last = self.runs.range(..end).next_back().map(|(&held, run)| held + run.blocks);
        last.map_or(start, |last| last.max(start))
    }

    /// All held extents, in order.
    pub(super) fn extents(&self) -> impl Iterator<Item = Extent> {
        self.runs.iter().map(|(&start, run)| extent(start, run.blocks))
    }
}
