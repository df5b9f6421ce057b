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

/// Makes the file shorter while others go on, portion by portion. By how many bytes. One call at a time: the caller sees to
/// that.
///
/// [`Rounds`] says when it ends, whatever others do meanwhile.
///
/// # Errors
/// As of a checkpoint; if what lies at the end cannot be read, or the disk is full. What was moved before stays so.
pub fn compact<E: Env>(core: &Latched<Core<E>, E::Platform>) -> Result<u64> {
    core.lock().guarded(Core::make_writable)?;
    // What died is free behind it.
    checkpoint_beside(core)?;
    let before = core.lock().space.total_blocks();
    let compacted = shorten_beside(core, before);
    let mut core = core.lock();
    core.space.pack(false);
    compacted.map(|()| before.saturating_sub(core.space.total_blocks()) * BLOCK)
}

fn shorten_beside<E: Env>(core: &Latched<Core<E>, E::Platform>, before: u64) -> Result<()> {
    let mut rounds = Rounds { shortest: before };
    loop {
        let (gained_blocks, moved_bytes) = core.lock().guarded(|core| {
            core.check_health()?;
            wait_for_other(core)?;
            let least_bytes = core.store.geometry.largest_bytes(0) * LEAST_GAIN_LEAVES;
            let most_bytes =
                (core.settings.dirty_bytes / 4).clamp(least_bytes, PORTION_BYTES.max(least_bytes));
            let shrink = shrink(core, most_bytes);
            let moved_bytes = vacate(core, &shrink, u64::MAX)?;
            core.space.pack(true);
            Ok((shrink.gained_blocks, moved_bytes))
        })?;
        let Some(moved_bytes) = moved_bytes else { return Ok(()) };
        if moved_bytes > 0 {
            checkpoint_beside(core)?;
        }
        checkpoint_beside(core)?;
        let total_blocks = core.lock().space.total_blocks();
        reached!("a compaction ended with the file as long as before", total_blocks >= rounds.shortest);
        let goes_on = rounds.goes_on(total_blocks, gained_blocks);
        reached!("a compaction beside other work made the file shorter", goes_on);
        if !goes_on {
            return Ok(());
        }
    }
}

/// The rounds of a compaction. Each but the last leaves the file shorter than it was after any before, by as much as a round
/// has to gain. So there are no more of them than that fits into the file, and one: others may make it as long as they like.
struct Rounds {
    /// The fewest blocks that the file has had.
    shortest: u64,
}

impl Rounds {
    /// Whether there is another round after one that has left the file with `total_blocks`.
    fn goes_on(&mut self, total_blocks: u64, gained_blocks: u64) -> bool {
        let is_shorter = total_blocks.saturating_add(gained_blocks) <= self.shortest;
        if is_shorter {
            self.shortest = total_blocks;
        }
        is_shorter
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody makes the file longer after each round, and each round takes that back and `gained` more than the last.
    fn rounds_beside_a_writer(before: u64, gained: u64, gained_blocks: u64) -> u64 {
        let mut rounds = Rounds { shortest: before };
        let shorter = (1..=before).take_while(|round| {
            let total_blocks = before.saturating_sub(round * gained);
            rounds.goes_on(total_blocks, gained_blocks)
        });
        shorter.count() as u64 + 1
    }

    #[test]
    fn a_compaction_has_no_more_rounds_than_there_is_to_gain() {
        assert_eq!(
            rounds_beside_a_writer(1_000, 0, 16),
            1,
            "the file is as long after each round as before it"
        );
        assert_eq!(rounds_beside_a_writer(1_000, 15, 16), 1);
        assert_eq!(rounds_beside_a_writer(1_000, 16, 16), 1_000 / 16 + 1);
        assert_eq!(rounds_beside_a_writer(1_000, 400, 16), 4);
    }
}
