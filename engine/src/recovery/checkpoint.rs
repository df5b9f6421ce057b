//! Checkpoints: write what is only in memory, then point the superblock at it.
//!
//! The checkpoint captures the state between two operations, at the end of the log. What it writes goes to blocks that
//! the last checkpoint does not reach, so until the superblock is published nothing has happened.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::NodeWriter;
use crate::catalog::Store;
use crate::env::Env;
use crate::format::superblock::Superblock;
use crate::format::tree_root::TreeRoot;
use crate::log::Log;
use crate::tree::Tree;
use crate::txn::{Core, UndoStack, encode_table};

use super::block_writer::BlockWriter;

/// Nodes freed from the graveyard at each checkpoint.
const RECLAIM_AT_CHECKPOINT: usize = 10_000;
/// Nodes freed from the graveyard when a database is closed.
const RECLAIM_AT_CLOSE: usize = 1_000_000;

/// Takes a checkpoint if so much was logged or changed that one is due.
pub fn checkpoint_if_due<E: Env>(core: &mut Core<E>) -> Result<()> {
    let due = core.log_bytes_since_checkpoint() >= core.settings.checkpoint_log_bytes
        || core.dirty_bytes >= core.settings.dirty_bytes;
    if due && core.log.is_some() { checkpoint(core) } else { Ok(()) }
}

/// Takes a checkpoint, unless nothing was written since the database was opened: for that none was set aside.
///
/// # Errors
/// If the disk is full nothing has happened. A failure to write poisons the database: what is durable is untouched.
pub fn checkpoint<E: Env>(core: &mut Core<E>) -> Result<()> {
    core.check_health()?;
    let Some(log) = &core.log else { return Ok(()) };
    if log.is_untouched() && core.dirty_bytes == 0 && core.graveyard.is_empty() {
        return Ok(());
    }
    core.reclaim(RECLAIM_AT_CHECKPOINT);
    take(core, false)
}

/// Leaves nothing to recover: a last checkpoint, published as clean, then no log. No transaction is open.
pub fn close<E: Env>(core: &mut Core<E>) -> Result<()> {
    core.check_health()?;
    if core.log.is_none() {
        return Ok(());
    }
    core.reclaim(RECLAIM_AT_CLOSE);
    take(core, true)?;
    core.log = None;
    core.remove_other_logs();
    Ok(())
}

/// Captures, writes, publishes. The log may be of a new generation that no superblock names yet. On a full disk nothing
/// happens.
pub(super) fn take<E: Env>(core: &mut Core<E>, clean: bool) -> Result<()> {
    prepare(core)?;
    core.make_room(0, 0)?;
    core.flush()?;
    let position = core.log.as_ref().map(Log::position).expect("invariant: a checkpoint has a log");
    note_state(core, clean);
    core.space.begin_capture();
    let next = match write_state(core) {
        Ok(next) => Superblock { clean, log: position, ..next },
        Err(e) => {
            core.space.abandon_capture();
            return Err(core.poison(e));
        }
    };
    let store = Arc::clone(&core.store);
    let published = if mutant!("a superblock goes before its data") {
        core.superblocks.publish(&store.file, next).and_then(|()| store.file.sync())
    } else {
        store.file.sync().and_then(|()| core.superblocks.publish(&store.file, next))
    };
    published.map_err(|e| core.poison(e))?;

    core.log().truncate(&position);
    core.dirty_bytes = 0;
    core.counters.checkpoints += 1;
    if core.overlay.is_empty() {
        core.make_version();
    }
    core.space.published(core.oldest_pin());
    core.give_room_back(clean);
    Ok(())
}

/// Brings everything into the form that can be written, while failing is still harmless.
fn prepare<E: Env>(core: &mut Core<E>) -> Result<()> {
    let store = Arc::clone(&core.store);
    core.graveyard.settle(&store, &mut core.deaths)?;
    core.catalog.settle_all(&store, &mut core.deaths)?;
    core.bury_deaths();
    Ok(())
}

/// Writes every dirty node, the undo stacks, the transaction table and the free map. Nothing is durable yet.
fn write_state<E: Env>(core: &mut Core<E>) -> Result<Superblock> {
    let store = Arc::clone(&core.store);
    let mut writer = BlockWriter::new(&store, &mut core.space);
    let private = &mut core.private_deaths;
    for stack in core.table.active_stacks() {
        stack.spill(&store, &mut writer, private)?;
    }
    core.graveyard.spill(&store, &mut writer, private)?;
    let (names, streams) = core.catalog.flush(&store, &mut writer)?;
    let old = Tree::from_disk_form(&core.superblocks.current.table);
    store.trees().kill_all(old, private)?;
    let table = write_table(&store, &encode_table(&core.table, &core.graveyard), &mut writer)?;
    writer.finish()?;
    let era = core.era();
    core.space.bury_in_capture(core.deaths.drain(), era, true);
    core.space.bury_in_capture(core.private_deaths.drain(), era, false);
    let space = core.space.write_map(store.free())?;
    let segment_bytes =
        u32::try_from(core.settings.segment_bytes).expect("invariant: checked when the log was made");
    Ok(Superblock {
        names,
        streams,
        space,
        table,
        segment_bytes,
        next_txn: core.next_txn,
        next_stream: core.next_stream,
        ..core.superblocks.current.clone()
    })
}

fn write_table<E: Env>(store: &Store<E>, encoded: &[u8], writer: &mut impl NodeWriter) -> Result<TreeRoot> {
    let mut table = store.trees().build(encoded.to_vec());
    store.trees().flush(&mut table, writer)?;
    Ok(table.disk_form().expect("invariant: just flushed"))
}

/// Notes the rarer states in which a checkpoint finds the database.
fn note_state<E: Env>(core: &Core<E>, clean: bool) {
    reached!("a checkpoint with many open transactions", core.table.active().count() > 3);
    reached!("a database is closed and its graveyard is not empty", clean && !core.graveyard.is_empty());
    let mut stacks = core.table.active().map(|(_, state)| &state.undo);
    reached!("a checkpoint with a transaction that is all undone", stacks.any(UndoStack::is_empty));
    reached!("a checkpoint while there are no streams", core.catalog.len() == 0);
}
