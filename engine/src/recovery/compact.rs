//! Making the file shorter: nodes that lie behind where it could end become dirty as they are, so that the next checkpoint finds
//! them free blocks in front, the lowest first. When that is published, nothing of the end is needed any more, and the
//! checkpoint after it cuts it off.
//!
//! ```text
//!  [Space::shorter_end] ─► [Catalog::vacate] ─► room ─► checkpoint ─► checkpoint ─► the file is cut
//!  where it could end      on a clone: may fail          moved         end free
//! ```
//!
//! 1. Moving changes no content and logs nothing: a crash before the first of the two checkpoints is published finds everything
//!    in its old place, one after it everything in the new one.
//! 2. The blocks that are left die like those of any node that is replaced, so versions go on reading there.
//! 3. Nothing has happened before there is room for all of it.
//!
//! Not moved: what undo stacks and the graveyard hold.

use std::sync::Arc;

use crate::base::{BLOCK_BYTES, Error, Result};
use crate::cache::{Deaths, Vacating};
use crate::env::{DiskFile, Env};
use crate::format::extent::Extent;
use crate::space::Shrink;
use crate::sync::Latched;
use crate::txn::Core;

use super::checkpoint::{checkpoint_beside, take, wait_for_other};

const BLOCK: u64 = BLOCK_BYTES as u64;
/// The file becomes shorter by at least so many of the largest leaves, or stays as it is.
const LEAST_GAIN_LEAVES: u64 = 16;
/// So much is moved at a time beside other work, which waits while it is read, and every inner node before.
const PORTION_BYTES: u64 = 16 << 20;
/// A close leaves the file as it is unless more than one part in so many of it is free.
const LEAST_FREE_PART: u64 = 10;
/// A close looks at so many streams and inner nodes at most: those of some 100 GiB.
const CLOSE_VISITS: u64 = 4 << 10;
/// And at so many free runs.
const CLOSE_RUNS: u64 = 64 << 10;

/// Makes the file of a database shorter that was just closed, if much of it is free. Moves no more than has become free since
/// the database was opened, and no more than may be dirty at a time. The database is closed already, and a crash finds it so
/// at any time: a full disk, or a node that cannot be read, only leave the file as long as it is.
///
/// # Errors
/// If a write or a sync has failed. That is told whenever it happens, though nothing is lost.
pub(super) fn shorten_closed<E: Env>(core: &mut Core<E>) -> Result<()> {
    if core.space.free_blocks() * LEAST_FREE_PART <= core.space.total_blocks() {
        return Ok(());
    }
    let most_bytes = core.counters.freed_bytes.min(core.settings.dirty_bytes);
    let shrink = Shrink { runs: CLOSE_RUNS, ..shrink(core, most_bytes) };
    let moved = shorten(core, &shrink, CLOSE_VISITS, |core| take(core, true));
    let is_told = |e: &Error| matches!(e, Error::Io { op: "write" | "sync", .. }) && !e.is_full();
    reached!("a close could not move the end of its file", moved.is_err());
    match moved {
        Err(e) if is_told(&e) => Err(e),
        _ => Ok(()),
    }
}

/// Makes the file shorter while others go on, portion by portion. By how many bytes.
///
/// # Errors
/// As of a checkpoint; if what lies at the end cannot be read, or the disk is full. What was moved before stays so.
pub fn compact<E: Env>(core: &Latched<Core<E>, E::Platform>) -> Result<u64> {
    core.lock().guarded(Core::make_writable)?;
    // What died is free behind it.
    checkpoint_beside(core)?;
    let before = core.lock().space.total_blocks();
    let compacted = shorten_beside(core);
    let mut core = core.lock();
    core.space.pack(false);
    compacted.map(|()| before.saturating_sub(core.space.total_blocks()) * BLOCK)
}

fn shorten_beside<E: Env>(core: &Latched<Core<E>, E::Platform>) -> Result<()> {
    loop {
        let (before, moved_bytes) = core.lock().guarded(|core| {
            core.check_health()?;
            wait_for_other(core)?;
            let least_bytes = core.store.geometry.largest_bytes(0) * LEAST_GAIN_LEAVES;
            let most_bytes =
                (core.settings.dirty_bytes / 4).clamp(least_bytes, PORTION_BYTES.max(least_bytes));
            let moved_bytes = vacate(core, &shrink(core, most_bytes), u64::MAX)?;
            core.space.pack(true);
            Ok((core.space.total_blocks(), moved_bytes))
        })?;
        let Some(moved_bytes) = moved_bytes else { return Ok(()) };
        if moved_bytes > 0 {
            checkpoint_beside(core)?;
        }
        checkpoint_beside(core)?;
        let is_shorter = core.lock().space.total_blocks() < before;
        reached!("a compaction beside other work made the file shorter", is_shorter);
        reached!("a compaction ended with the file as long as before", !is_shorter);
        if !is_shorter {
            return Ok(());
        }
    }
}

fn shrink<E: Env>(core: &Core<E>, most_bytes: u64) -> Shrink {
    let geometry = core.store.geometry;
    let (leaf, inner) = (geometry.largest_bytes(0) / BLOCK, geometry.largest_bytes(1) / BLOCK);
    Shrink {
        moved_blocks: most_bytes / BLOCK,
        gained_blocks: LEAST_GAIN_LEAVES * leaf,
        largest: leaf.max(inner),
        spare_part: (geometry.fanout as u64).min(32),
        runs: u64::MAX,
    }
}

/// Moves the end of the file once.
fn shorten<E: Env>(
    core: &mut Core<E>,
    shrink: &Shrink,
    visits_max: u64,
    checkpoint: impl Fn(&mut Core<E>) -> Result<()>,
) -> Result<()> {
    let before = core.space.total_blocks();
    let Some(moved_bytes) = vacate(core, shrink, visits_max)? else { return Ok(()) };
    core.space.pack(true);
    let moved = if moved_bytes > 0 { checkpoint(core) } else { Ok(()) };
    let cut = moved.and_then(|()| checkpoint(core));
    core.space.pack(false);
    cut?;
    let is_shorter = core.space.total_blocks() < before;
    reached!("the end of a file was moved, and the file is not shorter", !is_shorter);
    Ok(())
}

/// Lets the next checkpoint move what lies behind where the file could end. How much that is in bytes; nothing if it is not
/// worth while.
fn vacate<E: Env>(core: &mut Core<E>, shrink: &Shrink, visits_max: u64) -> Result<Option<u64>> {
    let store = Arc::clone(&core.store);
    // Snapshots may have gone since the last checkpoint.
    core.space.release(core.oldest_pin());
    let Some(end) = core.space.shorter_end(store.free(), shrink)? else { return Ok(None) };
    let (mut vacating, mut deaths) = (Vacating::new(end, visits_max), Deaths::default());
    let mut catalog = core.catalog.clone();
    catalog.vacate(&store, &mut vacating, &mut deaths)?;
    let runs = core.space.map_behind(store.free(), &mut vacating)?;
    if vacating.is_over() {
        return Ok(None);
    }
    let moved_bytes = deaths.extents().iter().map(Extent::bytes).sum();
    core.make_room(moved_bytes, (deaths.extents().len() + runs.len()) as u64)?;
    core.space.vacate_map(store.free(), &runs)?;
    core.catalog = catalog;
    if mutant!("the end of a file is cut before it is moved") {
        let _ = store.file.file().set_len(end.0 * BLOCK);
    }
    if mutant!("blocks that nodes are moved from are free at once") {
        deaths.drain().for_each(|extent| core.space.give_back(extent));
    }
    core.deaths.append(deaths);
    core.bury_deaths();
    Ok(Some(moved_bytes + runs.len() as u64 * BLOCK))
}
