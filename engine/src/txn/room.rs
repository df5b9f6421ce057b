//! Space is set aside before an operation is logged: in the data file for the checkpoint that will have to write what the
//! operation changed, in the log for the records that would undo it. So a full disk is found where a call can be
//! refused, and not in the middle of a checkpoint or a rollback.
//!
//! What the next checkpoint needs is *owed*: an upper bound, to which every operation adds. It has to fit into the *headroom*,
//! the blocks of the file behind the last one in use, and what lies *inside*: free runs before that block, as far as nodes
//! fill them for certain. When it no longer fits, it is counted anew, then what lies inside is, and then the file grows.
//! Counting walks the dirty nodes, and free runs; the file grows by a quarter of what is owed at a time, so that this stays
//! rare.
//!
//! Not here: trying a checkpoint before a full disk is reported (`recovery`).

use std::ops::Range;

use crate::base::{BLOCK_BYTES, Error, Result, StreamId, TxnId};
use crate::env::{DiskFile, Env};
use crate::format::record::MAX_NAME_BYTES;
use crate::format::space_root::MAX_BLOCKS;
use crate::format::stride::Stride;
use crate::tree::{Geometry, Rope};

use super::undo_stack::{UndoStack, Unspilled};
use super::{Change, Core};

const BLOCK: u64 = BLOCK_BYTES as u64;
/// The file grows by this part of what a checkpoint needs.
const GROWTH_PART: u64 = 4;
/// And by at least so much.
const LEAST_GROWTH_BYTES: u64 = 1 << 20;
/// And by at least so small a part of itself: counting what is owed walks the dirty nodes above all that is loaded, which must
/// not happen once a payload.
const GROWTH_SHARE: u64 = 128;
/// Headroom beyond what is owed, for rollbacks, which are never refused.
const SPARE_BYTES: u64 = 256 << 10;
/// Levels of inner nodes that any tree is thought to have: three reach 1 TiB with nodes of ordinary size.
const LEAST_LEVELS: u64 = 4;
/// A change of names replaces so much of the two maps at most, with nodes that are split.
const NAMES_BYTES: u64 = 4 * LEAST_LEVELS * BLOCK;
/// An undo stack or a dead tree in the transaction table takes so much at most.
const TABLE_ENTRY_BYTES: u64 = 64;

/// The account of the data file's space.
#[derive(Debug)]
pub struct Room {
    /// An upper bound of what a checkpoint writes, less the table and the free map.
    owed_bytes: u64,
    /// The same of the one that is being written.
    captured_bytes: u64,
    /// The blocks below this one can be written without asking for space.
    backed_blocks: u64,
    /// So many blocks nodes found inside, when [`Space::worn_blocks`] was the number behind it.
    inside_blocks: (u64, u64),
}

/// What a checkpoint may write, in bytes.
#[derive(Clone, Copy, Debug)]
struct Needed {
    /// All of it.
    all: u64,
    /// Of that the free map, which is written in one run, and so perhaps at the end of the file.
    map: u64,
}

impl Needed {
    /// With so much to spare for what comes next.
    fn and(self, slack: u64) -> Needed {
        Needed { all: self.all.saturating_add(slack), map: self.map + slack.min(self.map) }
    }
}

impl Room {
    /// The account of a file of `len` bytes to which nothing was added yet.
    pub fn new(len: u64) -> Room {
        Room { owed_bytes: 0, captured_bytes: 0, backed_blocks: len / BLOCK, inside_blocks: (0, 0) }
    }

    /// A checkpoint has `bytes` more to write.
    pub fn owe(&mut self, bytes: u64) {
        self.owed_bytes = self.owed_bytes.saturating_add(bytes);
    }
}

/// How much more a checkpoint has to write because of a change, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// Before anything is known of how the change went: the nodes that it replaces and its inverse included.
    pub(super) most: u64,
    /// Of that the nodes.
    nodes: u64,
    /// If it cut no tree in two, beside the nodes that died.
    plain: u64,
}

impl<E: Env> Core<E> {
    /// Makes sure that a checkpoint finds space for everything that is owed, for `bytes` more, and for a free map in which
    /// `runs` more runs have changed.
    ///
    /// # Errors
    /// If the disk is full: see [`Error::is_full`]. Nothing was changed.
    pub fn make_room(&mut self, bytes: u64, runs: u64) -> Result<()> {
        if self.fits(self.needed(bytes, runs)) {
            return Ok(());
        }
        self.room.owed_bytes = self.count_owed();
        let needed = self.needed(bytes, runs);
        let share = self.growth_share();
        let least = (needed.all / GROWTH_PART).max(LEAST_GROWTH_BYTES);
        let slack = least.max(share);
        if self.fits(needed.and(slack / 2)) {
            return Ok(());
        }
        // What cannot be counted does not count.
        let _ = self.count_inside(needed.and(slack).all);
        if self.fits(needed.and(slack / 2)) {
            reached!("a checkpoint finds its room inside the file");
            return Ok(());
        }
        let mut backed = self.back(needed.and(slack));
        if slack > least && backed.as_ref().is_err_and(Error::is_full) {
            backed = self.back(needed.and(least));
        }
        match backed {
            Err(e) if e.is_full() => {
                self.squeeze_in(needed).map_err(|other| if other.is_full() { e } else { other })
            }
            other => other,
        }
    }

    /// Whether as much fits without the file growing.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.fits(self.needed(bytes, 0))
    }

    fn growth_share(&self) -> u64 {
        self.space.total_blocks() * BLOCK / GROWTH_SHARE
    }

    /// Makes sure that a checkpoint finds space after another step of a rollback.
    pub fn make_room_for_undo(&mut self) -> Result<()> {
        self.make_room(4 * path_bytes(self.store.geometry, 0), 0)
    }

    /// Makes sure that a checkpoint finds space after `nodes` more nodes of the graveyard were freed, as far as the one
    /// under way gets.
    pub(super) fn make_room_for_reclaim(&mut self, nodes: usize) -> Result<()> {
        let geometry = self.store.geometry;
        let frontier = nodes.min(LEAST_LEVELS as usize) * geometry.fanout;
        self.make_room(table_bytes(frontier as u64, geometry), nodes as u64)
    }

    /// A checkpoint has captured the state: nothing is owed any more.
    pub fn forget_owed(&mut self) {
        self.room.captured_bytes = std::mem::take(&mut self.room.owed_bytes);
    }

    /// A checkpoint is published. Gives space at the end of the file back if there is much more of it than that checkpoint
    /// needed, and all of it when the database is closed. Only a hint: a failure changes nothing.
    pub fn give_room_back(&mut self, closing: bool) {
        let written = std::mem::take(&mut self.room.captured_bytes);
        let needed = if self.room.owed_bytes > 0 { self.needed(0, 0) } else { Needed { all: 0, map: 0 } };
        let all = if closing { needed.all } else { needed.all.max(written) };
        let inside = self.count_inside(all).unwrap_or(0);
        let spare = if closing { 0 } else { LEAST_GROWTH_BYTES.max(self.growth_share()) };
        // What was changed while it was written needs space as well.
        let keep = spare + all.saturating_sub(inside).max(needed.map);
        let (file, used) = (self.store.file.file(), self.space.total_blocks() * BLOCK);
        if file.len().is_ok_and(|len| len > used + 2 * keep) {
            reached!(
                "much unused space at the end of a file was given back",
                !closing && keep > 2 * LEAST_GROWTH_BYTES
            );
            let too_many = if mutant!("the file is cut too short") { keep + BLOCK } else { 0 };
            let _ = file.set_len(used + keep - too_many);
            self.room.backed_blocks = self.room.backed_blocks.min((used + keep) / BLOCK);
        }
    }

    /// What `change` may add to what is owed.
    ///
    /// # Errors
    /// If the catalogue cannot be read; see [`Core::path_bytes`].
    pub(super) fn growth(&self, change: &Change) -> Result<Growth> {
        let geometry = self.store.geometry;
        let path = self.path_bytes(change.stream())?;
        let (nodes, plain, kept) = match change {
            Change::Splice { stream, delete_len, insert, .. } => {
                let inserted = if let Rope::Bytes(bytes) = insert { bytes.len() as u64 } else { 0 };
                return self.splice_growth(*stream, inserted, *delete_len);
            }
            Change::StridedWrite { stride, bytes, .. } => {
                (strided_growth(geometry, stride).saturating_add(4 * path), 0, bytes.len() as u64)
            }
            Change::StridedRemove { stride, .. } | Change::StridedInsert { stride, .. } => {
                let nodes = strided_growth(geometry, stride).saturating_add(4 * path);
                (nodes, nodes, stride.bytes().unwrap_or(u64::MAX / 8))
            }
            Change::Add { .. } | Change::Take { .. } | Change::Rename { .. } => {
                (NAMES_BYTES, NAMES_BYTES, MAX_NAME_BYTES as u64)
            }
        };
        Ok(Growth { most: nodes.saturating_add(inverse_bytes(kept, path, geometry)), nodes, plain })
    }

    /// What a splice that brings `inserted` bytes in and removes `removed` may add to what is owed.
    ///
    /// # Errors
    /// If the catalogue cannot be read; see [`Core::path_bytes`].
    pub(super) fn splice_growth(&self, stream: StreamId, inserted: u64, removed: u64) -> Result<Growth> {
        let geometry = self.store.geometry;
        let path = self.path_bytes(stream)?;
        let plain = leaves_bytes(inserted, geometry);
        let nodes = plain + 4 * path;
        let inverse = inverse_bytes(geometry.pinned_rope_bytes().min(removed), path, geometry);
        Ok(Growth { most: nodes.saturating_add(inverse), nodes, plain })
    }

    /// Adds to what is owed what a splice asks for beyond the nodes that died because it inserts and removes more now.
    pub(super) fn owe_longer(&mut self, inserted: Range<u64>, removed: Range<u64>) {
        let geometry = self.store.geometry;
        let more =
            |bytes: Range<u64>| leaves_bytes(bytes.end, geometry) - leaves_bytes(bytes.start, geometry);
        self.room.owe(more(inserted) + more(removed));
    }

    /// Adds to what is owed what a change, now that its `inverse` is known, asked for beyond the nodes that died.
    pub(super) fn owe(&mut self, growth: Growth, inverse: &Change) {
        // A tree that was cut out has edges of its own.
        let nodes = if inverse.tree().is_some() { growth.nodes } else { growth.plain };
        self.room.owe(nodes);
    }

    /// Adds to what is owed the entry of `inverse` in the undo stack of `txn`, to which it is not added yet.
    pub(super) fn owe_undo(&mut self, txn: TxnId, inverse: &Change) {
        let (geometry, held) = (self.store.geometry, inverse.bytes_held());
        let stack = self.table.get(txn).map(|state| &state.undo);
        let bytes = match stack {
            Some(stack) if !stack.recent().is_empty() => more_bytes(held, geometry),
            _ => leaves_bytes(held, geometry) + stack.map_or(0, |stack| spill_path_bytes(stack, geometry)),
        };
        self.room.owe(bytes);
    }

    /// The nodes from the root of the stream's tree to a leaf.
    ///
    /// # Errors
    /// If what says how tall the tree is cannot be read. The change that asks would meet the same, and one that got by with a
    /// guess would have too little set aside.
    fn path_bytes(&self, stream: StreamId) -> Result<u64> {
        let height = match self.catalog.changing(stream) {
            Some(tree) => tree.height(),
            None => self.catalog.stream(&self.store, stream)?.map_or(0, |record| record.tree.height()),
        };
        Ok(path_bytes(self.store.geometry, height))
    }

    /// Space of the file that nothing uses yet.
    fn headroom(&self) -> u64 {
        self.room.backed_blocks.saturating_sub(self.space.total_blocks()) * BLOCK
    }

    /// Space inside the file, as it was last counted, less what may have been taken since.
    fn inside(&self) -> u64 {
        let (blocks, worn) = self.room.inside_blocks;
        blocks.saturating_sub(self.space.worn_blocks() - worn) * BLOCK
    }

    fn fits(&self, needed: Needed) -> bool {
        let headroom = self.headroom();
        needed.map <= headroom && needed.all <= headroom + self.inside()
    }

    /// Counts the space inside the file, up to `enough` bytes. Nodes of any size find it, in whatever order they come.
    fn count_inside(&mut self, enough: u64) -> Result<u64> {
        let store = std::sync::Arc::clone(&self.store);
        let largest = store.geometry.largest_bytes(0).max(store.geometry.largest_bytes(1)) / BLOCK;
        // What lies behind was perhaps never written: a payload that found no room was to go there.
        let end = self.room.backed_blocks.min(self.space.total_blocks());
        let enough = enough.div_ceil(BLOCK);
        let blocks = self.space.usable_blocks(store.free(), end, largest, enough)?;
        self.room.inside_blocks = (blocks, self.space.worn_blocks());
        Ok(blocks * BLOCK)
    }

    /// What a checkpoint may write, the table and the free map included, if so much is owed in addition.
    fn needed(&self, bytes: u64, runs: u64) -> Needed {
        let owed = self.room.owed_bytes.saturating_add(bytes);
        let entries = (self.table.len() + self.graveyard.len()) as u64;
        let table = table_bytes(entries, self.store.geometry);
        // Every node that is written, and every one that died, may change another run of the free map.
        let map = self.space.map_bytes_bound(runs + owed / BLOCK + self.deaths.extents().len() as u64);
        Needed { all: owed.saturating_add(table + SPARE_BYTES).saturating_add(map), map }
    }

    /// Lets the file grow until so much fits.
    fn back(&mut self, needed: Needed) -> Result<()> {
        let bytes = needed.all.saturating_sub(self.inside()).max(needed.map);
        let from = self.room.backed_blocks;
        let to = self.space.total_blocks().saturating_add(bytes.div_ceil(BLOCK)).min(MAX_BLOCKS);
        if to > from {
            let (file, path) = (self.store.file.file(), self.store.file.path());
            let len = file.len().map_err(|e| Error::io("read", path, 0, e))?;
            if let Err(e) = file.allocate(from * BLOCK, (to - from) * BLOCK) {
                // A part may have been allocated, which somebody else needs more.
                let _ = file.set_len(len);
                return Err(Error::io("allocate", path, from * BLOCK, e));
            }
            self.room.backed_blocks = to;
        }
        Ok(())
    }

    /// On a full disk: makes sure that so much fits all the same, with what is free at the end of the file as headroom.
    fn squeeze_in(&mut self, needed: Needed) -> Result<()> {
        let store = std::sync::Arc::clone(&self.store);
        self.space.trim(store.free())?;
        self.count_inside(needed.all)?;
        if self.fits(needed) { Ok(()) } else { self.back(needed) }
    }

    /// Counts what is owed: every dirty node, and every byte of undo entries in memory.
    fn count_owed(&self) -> u64 {
        let geometry = self.store.geometry;
        let (streams, changing) = self.catalog.dirty_bytes();
        // A stream that changes has an entry in the map of streams, which changes with it.
        let entries = changing * NAMES_BYTES;
        let open = self.table.active().map(|(_, state)| {
            let Unspilled { entries, nodes } = state.undo.unspilled();
            let path = if entries > 0 { spill_path_bytes(&state.undo, geometry) } else { 0 };
            nodes + path + if entries > 0 { leaves_bytes(entries, geometry) } else { 0 }
        });
        // The entries of those that have ended are not written, only what hangs below them.
        let undo = open.chain(self.graveyard.stacks().map(|stack| stack.unspilled().nodes));
        let dead = self.graveyard.dirty_bytes();
        let died = self.deaths.extents().iter().map(|extent| extent.bytes()).sum::<u64>();
        streams + entries + undo.sum::<u64>() + dead + died
    }
}

/// The nodes from the root of a tree of that height to a leaf, all as large as they get, and a new root.
fn path_bytes(geometry: Geometry, height: u8) -> u64 {
    let levels = LEAST_LEVELS.max(u64::from(height) + 1);
    geometry.largest_bytes(0) + levels * geometry.largest_bytes(1)
}

/// What a transaction table of so many entries takes on disk, in leaves that are full.
fn table_bytes(entries: u64, geometry: Geometry) -> u64 {
    let bytes = entries * TABLE_ENTRY_BYTES;
    bytes + 2 * (bytes / geometry.leaf_bytes as u64 + 1) * BLOCK
}

/// What `bytes` take on disk in leaves of their own and the inner nodes above them, all of them as empty as they get.
fn leaves_bytes(bytes: u64, geometry: Geometry) -> u64 {
    let least = geometry.min_size(0) as u64;
    // A division takes longer than all the rest, and most edits are short.
    let leaves = if bytes < least { 1 } else { bytes / least + 1 };
    // Each leaf may end in a block that is hardly used; of inner nodes there are fewer than of leaves.
    bytes.saturating_add(leaves.saturating_mul(2 * BLOCK))
}

/// What `bytes` more take in leaves that have others already.
fn more_bytes(bytes: u64, geometry: Geometry) -> u64 {
    bytes.saturating_add(bytes.saturating_mul(2 * BLOCK).div_ceil(geometry.min_size(0) as u64))
}

/// What a spill to `stack` replaces.
fn spill_path_bytes(stack: &UndoStack, geometry: Geometry) -> u64 {
    let spilled = stack.spilled();
    if spilled.is_empty() { 0 } else { path_bytes(geometry, spilled.height()) }
}

/// What an undo entry that holds `kept` bytes takes at most, on a path to a leaf of `path` bytes.
fn inverse_bytes(kept: u64, path: u64, geometry: Geometry) -> u64 {
    leaves_bytes(kept.saturating_add(size_of::<Change>() as u64), geometry).saturating_add(path)
}

/// The leaves that a stride touches, with the way to each.
fn strided_growth(geometry: Geometry, stride: &Stride) -> u64 {
    let hull = stride.hull().map_or(u64::MAX, |hull| hull.end - hull.start);
    let leaves = stride.count.min(hull / geometry.min_size(0) as u64) + 2;
    let nodes = leaves.saturating_mul(2 * (geometry.largest_bytes(0) + geometry.largest_bytes(1)));
    let inserted = leaves_bytes(stride.bytes().unwrap_or(u64::MAX / 8), geometry);
    nodes.saturating_add(inserted)
}
