//! Which blocks of the data file may be written.
//!
//! Terms: a block is *owned* if the persistent state needs it; it *dies* when it leaves that state. A *run*
//! is a stretch of free blocks. A checkpoint *captures* the state, writes it, and is then *published*. A
//! *pin* is a version in use that may still read blocks that have died.
//!
//! The life of a block; all transitions are methods of [`Space`]:
//!
//! ```text
//!            allocate                    bury                   begin_capture
//!   usable ───────────► allocated/owned ──────► dying ─────────────────────────────► held
//!     ▲ ▲                     │   │                            bury_in_capture         │
//!     │ └─────────────────────┘   └──────────────────────────────────────────────────►─┤
//!     │        give_back                                                               │
//!     └────────────────────────────────────────────────────────────────────────────────┘
//!                 published, release: once its capture is published and no pin is as old as its death
//! ```
//!
//! Invariants:
//! 1. Every block below `total_blocks` is in exactly one of: the two superblocks; allocated or owned; dying;
//!    the nodes of the free map that a change replaced (`map_deaths`); free. Blocks at or behind
//!    `total_blocks` are free too.
//! 2. The free blocks below `total_blocks` are the map's runs and `returning`, without overlap. Runs in the
//!    map never touch one another.
//! 3. Held blocks are free, and are not handed out. A block of a state that is still the newest published
//!    one, or that a pin may reach, is owned, dying, in `map_deaths` or held.
//! 4. The map that [`Space::capture_map`] captures has exactly the blocks as free that its checkpoint does not
//!    reach: what was allocated and buried before is settled, and the nodes of the map itself are accounted
//!    for.
//! 5. A call that fails changes nothing but where free blocks are noted (map or `returning`).
//!
//! What the caller guarantees: from [`Space::begin_capture`] to [`Space::capture_map`], whatever is allocated
//! belongs to the state that the checkpoint writes.
//!
//! Not here: which blocks a log record names (`recovery`), when a checkpoint runs.

mod allocate;
mod capture;
mod check;
mod held;
mod pool;
mod run;
mod shrink;

#[cfg(test)]
mod tests;

pub use crate::format::space_root::{FIRST_USABLE_BLOCK, SpaceRoot};
pub use capture::CapturedSpace;
pub use check::SpaceWalk;
pub use run::RunLength;
pub use shrink::Shrink;

use crate::base::{BLOCK_BYTES, BlockId, Era};
use crate::cache::Deaths;
use crate::format::extent::Extent;
use crate::map::{CapturedMapNode, MapSource, OrderedMap};

use held::Held;

/// An entry of the free map on disk: a first block, a length, their summary.
const RUN_ENTRY_BYTES: u64 = 24;
/// Nodes of the free map that a checkpoint may write whatever else it does.
const LEAST_MAP_NODES: u64 = 8;

/// Free runs by their first blocks.
type FreeMap = OrderedMap<u64, RunLength>;

/// A node of the free map that a checkpoint has captured.
pub type CapturedFreeNode = CapturedMapNode<u64, RunLength>;

/// Where the nodes of the free map come from.
pub type FreeSource<'a, F, P> = MapSource<'a, u64, RunLength, F, P>;

/// Blocks that left the persistent state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Dead {
    extent: Extent,
    death: Era,
    pinnable: bool,
}

/// How far the running checkpoint is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// None runs.
    Idle,
    /// The trees of the state are being captured.
    Capturing,
    /// The free map is captured too, and it is all being written.
    Captured,
}

/// What reserving an extent came to.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reservation {
    /// The blocks were free and no longer are.
    Taken,
    /// Some of the blocks were not free; nothing is changed.
    NotFree,
}

/// The allocator of the data file.
pub struct Space {
    map: FreeMap,
    /// Free blocks that the map does not have yet.
    returning: Vec<Extent>,
    /// Nodes of the map that a change replaced.
    map_deaths: Deaths,
    total_blocks: u64,
    /// Those in the map and in `returning`.
    free_blocks: u64,
    dying: Vec<Dead>,
    held: Held,
    phase: Phase,
    /// Where the search for the next run begins.
    rover: u64,
    /// No usable run has so many blocks, or more.
    hopeless_blocks: u64,
    /// By so much [`Space::usable_blocks`] may have become less since the space was made.
    worn_blocks: u64,
    /// Whether the lowest blocks are taken first.
    packs: bool,
    /// How many nodes of the map were made dirty to be moved since the last capture.
    touched: u64,
}

impl Space {
    /// The space of a new file: nothing but the superblocks. Nodes of the free map are split at `node_bytes`.
    #[cfg(test)]
    pub fn new(node_bytes: u32) -> Space {
        Space::with(OrderedMap::new(node_bytes), FIRST_USABLE_BLOCK, 0)
    }

    /// The space as a checkpoint left it. Everything that it did not reach is usable.
    pub fn from_root(root: &SpaceRoot, node_bytes: u32) -> Space {
        Space::with(OrderedMap::from_root(&root.map, node_bytes), root.total_blocks, root.free_blocks)
    }

    fn with(map: FreeMap, total_blocks: u64, free_blocks: u64) -> Space {
        Space {
            map,
            returning: Vec::new(),
            map_deaths: Deaths::default(),
            total_blocks,
            free_blocks,
            dying: Vec::new(),
            held: Held::default(),
            phase: Phase::Idle,
            rover: FIRST_USABLE_BLOCK,
            hopeless_blocks: u64::MAX,
            worn_blocks: 0,
            packs: false,
            touched: 0,
        }
    }

    /// One past the last block that was ever allocated and not cut off since.
    pub fn total_blocks(&self) -> u64 {
        self.total_blocks
    }

    /// Free blocks below [`Space::total_blocks`], held ones included.
    pub fn free_blocks(&self) -> u64 {
        self.free_blocks
    }

    /// The most bytes that [`Space::capture_map`] can take after `changes` more runs are taken or returned.
    pub fn map_bytes_bound(&self, changes: u64) -> u64 {
        let changes = changes + self.touched + (self.returning.len() + self.dying.len()) as u64;
        let by_changes = 2 * changes.saturating_mul(u64::from(self.map.height()) + 1);
        // Runs never touch one another.
        let runs = (self.map.len() + changes).min(self.total_blocks / 2 + changes / 2);
        let by_runs = self.map.most_nodes(runs, RUN_ENTRY_BYTES);
        (by_changes.min(by_runs) + LEAST_MAP_NODES) * BLOCK_BYTES as u64
    }

    /// A number that grows by at least as much as [`Space::usable_blocks`] becomes less, whatever is taken.
    pub fn worn_blocks(&self) -> u64 {
        self.worn_blocks
    }

    /// Free blocks that nothing but a version in use keeps from being used again.
    pub fn pinned_blocks(&self) -> u64 {
        self.held.pinned_blocks()
    }

    /// Free blocks that may not be handed out yet.
    #[cfg(test)]
    pub fn held_blocks(&self) -> u64 {
        self.held.blocks()
    }

    /// Blocks that are dead, and not free before the next capture.
    pub fn dying(&self) -> impl Iterator<Item = Extent> {
        self.dying.iter().map(|dead| dead.extent)
    }

    /// Returns blocks that were allocated and then neither owned by the persistent state nor named by a log
    /// record; usable at once.
    pub fn give_back(&mut self, extent: Extent) {
        self.free_again(extent);
    }

    /// Notes that `extents` left the persistent state at `death`. With `pinnable == false` no version can
    /// reach them, and they are usable as soon as the next checkpoint is published.
    pub fn bury(&mut self, extents: impl IntoIterator<Item = Extent>, death: Era, pinnable: bool) {
        let dead = extents.into_iter().map(|extent| Dead { extent, death, pinnable });
        self.dying.extend(dead);
    }

    /// A checkpoint captures the state: whatever died before is not part of it.
    pub fn begin_capture(&mut self) {
        assert_eq!(self.phase, Phase::Idle, "a checkpoint runs already");
        self.phase = Phase::Capturing;
        for dead in std::mem::take(&mut self.dying) {
            self.hold(dead);
        }
        if mutant!("what a capture leaves out is free at once") {
            self.held.publish();
            self.release(Era(u64::MAX));
        }
    }

    /// As [`Space::bury`], for what the writing of the checkpoint itself replaced, so that it is not part of
    /// it either.
    pub fn bury_in_capture(&mut self, extents: impl IntoIterator<Item = Extent>, death: Era, pinnable: bool) {
        assert_eq!(self.phase, Phase::Capturing, "no checkpoint captures its trees");
        for extent in extents {
            self.hold(Dead { extent, death, pinnable });
        }
    }

    /// The checkpoint is published, in both superblocks: only pins still keep what was held for it.
    ///
    /// `oldest_pin` is the era of the oldest version in use, the greatest era if there is none.
    pub fn published(&mut self, oldest_pin: Era) {
        assert_eq!(self.phase, Phase::Captured, "a checkpoint is published before it is captured");
        self.phase = Phase::Idle;
        self.held.publish();
        self.release(oldest_pin);
    }

    /// Pins have gone: makes usable what died before `oldest_pin`.
    pub fn release(&mut self, oldest_pin: Era) {
        if self.held.release(oldest_pin) {
            self.hopeless_blocks = u64::MAX;
        }
    }

    /// The checkpoint failed. What was held for it stays held until the next one is published. What was
    /// allocated for it and is part of the state in memory stays allocated, and dies like anything else.
    pub fn abandon_capture(&mut self) {
        self.phase = Phase::Idle;
    }

    fn hold(&mut self, dead: Dead) {
        self.held.insert(dead);
        self.free_again(dead.extent);
    }

    fn free_again(&mut self, extent: Extent) {
        if extent.blocks == 0 {
            return;
        }
        assert!(
            extent.start.0 >= FIRST_USABLE_BLOCK && extent.end().0 <= self.total_blocks,
            "{extent:?} is not here"
        );
        self.free_blocks += extent.blocks;
        self.hopeless_blocks = u64::MAX;
        self.returning.push(extent);
    }
}

fn extent(start: u64, blocks: u64) -> Extent {
    Extent { start: BlockId(start), blocks }
}
