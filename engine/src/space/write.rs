//! Writing the free map, which accounts for its own nodes.
//!
//! Setting blocks aside for the dirty nodes changes the map, which makes more nodes dirty, and kills others,
//! whose blocks are then free: the loop goes on until the blocks set aside are just what the dirty nodes
//! take. It ends. A node on disk dies once. After a few rounds blocks are taken only behind the end of the
//! file, which changes nothing in the map, and there is exactly enough then; slots of a size that is no
//! longer needed only become fewer.

use crate::base::{BLOCK_BYTES, Era, Result};
use crate::env::{DiskFile, Platform};

use super::pool::{NodeCounts, Pool, PoolWriter};
use super::{Dead, FreeSource, Phase, Space, SpaceRoot};

/// After so many rounds the file grows rather than have the map change again.
const MAX_ROUNDS_IN_PLACE: u32 = 4;

impl Space {
    /// Cuts off what is free at the end, writes the map, and returns what the superblock has to say.
    /// Everything else of the checkpoint is allocated and buried by now. Not durable before the file is
    /// synced.
    ///
    /// # Errors
    /// If the map cannot be read or written. The checkpoint is to be abandoned then.
    pub fn write_map<F: DiskFile, P: Platform>(&mut self, source: FreeSource<'_, F, P>) -> Result<SpaceRoot> {
        assert_eq!(self.phase, Phase::Capturing, "no checkpoint is writing its trees");
        let mut pool = Pool::default();
        let result = self.trim(source).and_then(|()| self.fill_pool(source, &mut pool)).and_then(|()| {
            let mut writer = PoolWriter { file: source.file, pool: &mut pool };
            self.map.flush(source, &mut writer, &mut |_, _| Ok(()))
        });
        let left = pool.drain().collect::<Vec<_>>();
        assert!(result.is_err() || left.is_empty(), "blocks of the free map are left over");
        for slot in left {
            self.free_again(slot);
        }
        result?;
        assert!(self.returning.is_empty() && self.map_deaths.is_empty(), "the free map is written too early");
        self.phase = Phase::Written;
        let map = self.map.root().expect("invariant: the map was just flushed");
        Ok(SpaceRoot { total_blocks: self.total_blocks, free_blocks: self.free_blocks, map })
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
