//! Capturing the free map, which accounts for its own nodes.
//!
//! Setting blocks aside for the dirty nodes changes the map, which makes more nodes dirty, and kills others,
//! whose blocks are then free: the loop goes on until the blocks set aside are just what the dirty nodes
//! take. It ends. A node on disk dies once. After a few rounds blocks are taken only behind the end of the
//! file, which changes nothing in the map, and there is exactly enough then; slots of a size that is no
//! longer needed only become fewer.

use crate::base::{BLOCK_BYTES, Era, Result};
use crate::env::{DiskFile, Platform};

use super::pool::{NodeCounts, Pool, PoolCapture};
use super::{CapturedFreeNode, Dead, FreeMap, FreeSource, Phase, Space, SpaceRoot};

/// After so many rounds the file grows rather than have the map change again.
const MAX_ROUNDS_IN_PLACE: u32 = 4;

/// The space as a checkpoint captured it.
pub struct CapturedSpace {
    map: FreeMap,
    total_blocks: u64,
    free_blocks: u64,
    /// What is to be written of the map, in that order.
    pub nodes: Vec<CapturedFreeNode>,
}

impl CapturedSpace {
    /// What the superblock has to say, once all nodes are written.
    pub fn root(&self) -> SpaceRoot {
        let map = self.map.root().expect("invariant: all nodes are written");
        SpaceRoot { total_blocks: self.total_blocks, free_blocks: self.free_blocks, map }
    }
}

impl Space {
    /// Cuts off what is free at the end and captures the map, to be written beside other work. Everything else of the
    /// checkpoint is allocated and buried by now.
    ///
    /// # Errors
    /// If the map cannot be read. The checkpoint is to be abandoned then.
    pub fn capture_map<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
    ) -> Result<CapturedSpace> {
        assert_eq!(self.phase, Phase::Capturing, "no checkpoint captures its trees");
        let mut pool = Pool::default();
        let mut capture = PoolCapture { pool: &mut pool, nodes: Vec::new() };
        let result = self
            .trim(source)
            .and_then(|()| self.fill_pool(source, capture.pool))
            .and_then(|()| self.map.capture(&mut capture, &mut |_, _| Ok(())));
        let nodes = capture.nodes;
        let left = pool.drain().collect::<Vec<_>>();
        assert!(result.is_err() || left.is_empty(), "blocks of the free map are left over");
        for slot in left {
            self.free_again(slot);
        }
        result?;
        assert!(
            self.returning.is_empty() && self.map_deaths.is_empty(),
            "the free map is captured too early"
        );
        self.phase = Phase::Captured;
        self.touched = 0;
        let map = self.map.clone();
        Ok(CapturedSpace { map, total_blocks: self.total_blocks, free_blocks: self.free_blocks, nodes })
    }

    /// Lets go of the nodes in memory that are written.
    pub fn forget_written(&mut self) {
        self.map.forget_written(&mut |_| {});
    }

    fn fill_pool<F: DiskFile, P: Platform>(
        &mut self,
        source: FreeSource<'_, F, P>,
        pool: &mut Pool,
    ) -> Result<()> {
        let mut rounds = 0;
        loop {
            self.settle_all(source)?;
            let counts = self.dirty_nodes();
            let mut excess = false;
            while let Some(slot) = pool.take_excess(&counts) {
                self.free_again(slot);
                excess = true;
                reached!("the free map needs fewer nodes than it set blocks aside for");
            }
            if excess {
                continue;
            }
            let missing = pool.missing_blocks(&counts);
            if missing == 0 {
                return Ok(());
            }
            rounds += 1;
            let found = match rounds {
                ..=MAX_ROUNDS_IN_PLACE => self.take_usable(source, missing, missing)?,
                _ => None,
            };
            let run = found.unwrap_or_else(|| self.take_at_end(missing));
            pool.fill(&counts, run);
        }
    }

    /// Enters all free blocks into the map, those of its own dead nodes too.
    fn settle_all<F: DiskFile, P: Platform>(&mut self, source: FreeSource<'_, F, P>) -> Result<()> {
        loop {
            self.settle(source)?;
            if self.map_deaths.is_empty() {
                return Ok(());
            }
            for extent in self.map_deaths.drain().collect::<Vec<_>>() {
                if mutant!("nodes of the free map are free at once") {
                    self.free_again(extent);
                    continue;
                }
                self.hold(Dead { extent, death: Era(0), pinnable: false });
            }
        }
    }

    fn dirty_nodes(&self) -> NodeCounts {
        let mut counts = NodeCounts::default();
        self.map.each_dirty(&mut |bytes| counts[bytes.div_ceil(BLOCK_BYTES)] += 1);
        counts
    }
}
