//! Checkpoints: write what is only in memory, then point the superblock at it.
//!
//! A checkpoint *captures* the state between two operations, at the end of the log, under the core's latch: it gives every
//! dirty node its blocks and takes down what is to be written. That is then written beside other work, which changes
//! copies of what was captured. What it writes goes to blocks that the last checkpoint does not reach, so until the
//! superblock is published nothing has happened.
//!
//! ```text
//!  [prepare] ─► ([Job::run] ─► [finish] ─► [prepare] ─► …) ─► [capture] ─► [Job::run] ─► [finish]
//!  under the latch; removed subtrees first, without it,      under it      without it    under it
//!  as long as there is much of them
//! ```
//!
//! One checkpoint runs at a time. Whoever needs one at once and has the latch waits for the one that runs, takes note of its
//! end, and then does all steps of its own: [`take`]. Others let go of the latch in between: [`checkpoint_beside`].

mod block_writer;
mod capture;
mod job;

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::env::{Clock, Env};
use crate::format::log_position::LogPosition;
use crate::format::superblock::Superblock;
use crate::log::Log;
use crate::sync::Latched;
use crate::tree::Tree;
use crate::txn::{CapturedTable, Core, EndOnPanic, Outcome, Underway, UndoStack};

use super::compact::shorten_closed;
use capture::{Piece, Pieces};
use job::{Job, Publication};

/// Nodes freed from the graveyard at each checkpoint.
const RECLAIM_AT_CHECKPOINT: usize = 10_000;
/// Nodes freed from the graveyard when a database is closed.
const RECLAIM_AT_CLOSE: usize = 1_000_000;
/// Removed subtrees are written before the capture, beside other work, while there is more of them than this, or than this
/// part of what makes a checkpoint due.
const LITTLE_BYTES: u64 = 1 << 20;
const LITTLE_PART: u64 = 16;
/// So often at most.
const MAX_ROUNDS_AHEAD: u32 = 3;
/// Whoever changes so many times as much as makes a checkpoint due does not go on before there was one.
const TIMES_BEHIND: u64 = 2;

/// Whether so much was logged or changed that a checkpoint is due, and none is being written. Of one that has ended
/// nobody may have taken note: its writer has panicked.
pub fn is_checkpoint_due<E: Env>(core: &Core<E>) -> bool {
    let is_written = |underway: &Arc<Underway<E::Platform>>| !underway.has_ended();
    core.log.is_some() && has_changed(core, 1) && !core.underway.as_ref().is_some_and(is_written)
}

/// Whether a checkpoint is due, and a full disk has not refused one a moment ago.
pub fn is_checkpoint_wanted<E: Env>(core: &Core<E>) -> bool {
    let now = || core.store.env.clock().monotonic();
    is_checkpoint_due(core) && !core.backoff.is_on(now)
}

/// Remembers whether a full disk has refused the beginning of a checkpoint, which this returns.
fn note_begun<E: Env, R>(core: &mut Core<E>, begun: Result<R>) -> Result<R> {
    match &begun {
        Ok(_) => core.backoff.end(),
        Err(e) if e.is_full() => {
            let (pin, now) = (core.oldest_pin(), core.store.env.clock().monotonic());
            core.backoff.refuse(core.next_lsn(), pin, now);
        }
        Err(_) => {}
    }
    begun
}

fn has_changed<E: Env>(core: &Core<E>, times: u64) -> bool {
    if mutant!("no checkpoint is ever due") {
        return false;
    }
    core.log_bytes_since_capture() / times >= core.settings.checkpoint_log_bytes
        || core.dirty_bytes / times >= core.settings.dirty_bytes
}

/// Whether so much has changed that whoever wants to change more waits for a checkpoint first.
pub fn is_far_behind<E: Env>(core: &Core<E>) -> bool {
    core.log.is_some() && has_changed(core, TIMES_BEHIND)
}

/// Takes the checkpoint that is due, or leaves it to the background task unless that is far behind. For calls that have
/// changed something: they keep the latch while they wait, since nobody may see the half of it.
pub fn checkpoint_if_due<E: Env>(core: &mut Core<E>) -> Result<()> {
    let Some(bell) = &core.bell else {
        return if is_checkpoint_due(core) { checkpoint(core) } else { Ok(()) };
    };
    if is_checkpoint_wanted(core) {
        bell.ring();
    }
    if is_far_behind(core) { checkpoint(core) } else { Ok(()) }
}

/// Takes a checkpoint, unless nothing was written since the database was opened: for that none was set aside.
///
/// # Errors
/// If the disk is full nothing has happened. A failure to write poisons the database: what is durable is untouched.
pub fn checkpoint<E: Env>(core: &mut Core<E>) -> Result<()> {
    core.check_health()?;
    if is_needless(core) {
        return Ok(());
    }
    core.reclaim(RECLAIM_AT_CHECKPOINT);
    let taken = take(core, false);
    note_begun(core, taken)
}

/// As [`checkpoint`], and lets go of the latch while it writes.
pub fn checkpoint_beside<E: Env>(core: &Latched<Core<E>, E::Platform>) -> Result<()> {
    write_beside(core, |core| core.underway.is_none() && is_needless(core))
}

/// Waits until the state is not far behind its checkpoints, for the one under way or with one of its own. Does not hold the
/// latch meanwhile: who has changed nothing yet starts over afterwards.
pub fn catch_up<E: Env>(core: &Latched<Core<E>, E::Platform>) -> Result<()> {
    write_beside(core, |core| !is_far_behind(core))
}

/// Takes checkpoints without the latch, or waits for those of others, until one of its own is published or it `is_enough`.
fn write_beside<E: Env>(
    core: &Latched<Core<E>, E::Platform>,
    is_enough: impl Fn(&Core<E>) -> bool,
) -> Result<()> {
    let mut rounds = 0;
    loop {
        let mut latched = core.lock();
        latched.guarded(|core| core.check_health())?;
        if is_enough(&latched) {
            return Ok(());
        }
        if let Some(other) = latched.underway.clone() {
            drop(latched);
            reached!("a checkpoint waits for another one");
            other.wait();
            core.lock().guarded(|core| finish(core, &other))?;
            continue;
        }
        let mut noted = None;
        if mutant!("a capture lets others in") {
            noted = Some(latched.guarded(log_end)?);
            drop(latched);
            latched = core.lock();
            if latched.underway.is_some() {
                continue;
            }
        }
        let mut job = latched.guarded(|core| {
            let job = next_job(core, rounds);
            let is_ahead = job.as_ref().is_ok_and(|job| job.publication.is_none());
            if is_ahead { job } else { note_begun(core, job) }
        })?;
        drop(latched);
        job.publication.iter_mut().zip(noted).for_each(|(publication, end)| publication.next.log = end);
        let (underway, is_last) = (job.underway(), job.publication.is_some());
        job.run();
        core.lock().guarded(|core| finish(core, &underway))?;
        if is_last {
            return Ok(());
        }
        rounds += 1;
    }
}

/// The next thing to write of a checkpoint that does not hold the latch, after so many rounds.
fn next_job<E: Env>(core: &mut Core<E>, rounds: u32) -> Result<Job<E>> {
    if rounds == 0 {
        core.reclaim(RECLAIM_AT_CHECKPOINT);
    }
    let ahead = prepare(core)?;
    let little = LITTLE_BYTES.min(core.settings.dirty_bytes / LITTLE_PART);
    if ahead.bytes > little && rounds < MAX_ROUNDS_AHEAD {
        reached!("removed subtrees are written before a capture");
        return Ok(announce(core, ahead, None));
    }
    write_now(core, ahead)?;
    capture(core, false)
}

/// Where the log ends.
fn log_end<E: Env>(core: &mut Core<E>) -> Result<LogPosition> {
    core.flush()?;
    Ok(core.log().position())
}

fn is_needless<E: Env>(core: &Core<E>) -> bool {
    let Some(log) = &core.log else { return true };
    log.is_untouched() && core.dirty_bytes == 0 && core.graveyard.is_empty() && !core.space.is_packing()
}

/// Leaves nothing to recover: a last checkpoint, published as clean, then no log. No transaction is open.
pub fn close<E: Env>(core: &mut Core<E>) -> Result<()> {
    core.check_health()?;
    if core.log.is_none() {
        return Ok(());
    }
    wait_for_other(core)?;
    core.reclaim(RECLAIM_AT_CLOSE);
    take(core, true)?;
    shorten_closed(core)?;
    core.log = None;
    core.remove_other_logs();
    Ok(())
}

/// Captures, writes, publishes. The log may be of a new generation that no superblock names yet. On a full disk nothing
/// happens.
pub(super) fn take<E: Env>(core: &mut Core<E>, clean: bool) -> Result<()> {
    wait_for_other(core)?;
    let ahead = prepare(core)?;
    write_now(core, ahead)?;
    let job = capture(core, clean)?;
    run_now(core, job)
}

/// Does a job with the latch held, and takes note of its end.
fn run_now<E: Env>(core: &mut Core<E>, job: Job<E>) -> Result<()> {
    let underway = job.underway();
    job.run();
    finish(core, &underway)
}

/// Waits for the checkpoint that is being written, and takes note of its end. Whoever writes it does not need the latch.
pub(super) fn wait_for_other<E: Env>(core: &mut Core<E>) -> Result<()> {
    let Some(other) = core.underway.clone() else { return Ok(()) };
    reached!("who holds the latch waits for a checkpoint");
    other.wait();
    finish(core, &other)
}

/// Captured nodes and what they take.
struct Ahead {
    pieces: Vec<Piece>,
    bytes: u64,
}

/// Brings everything into the form that can be captured and makes sure of the room for it, while failing is still
/// harmless; then captures what has to be written before the rest.
fn prepare<E: Env>(core: &mut Core<E>) -> Result<Ahead> {
    let store = Arc::clone(&core.store);
    core.graveyard.settle(&store, &mut core.deaths)?;
    core.catalog.settle_all(&store, &mut core.deaths)?;
    core.bury_deaths();
    core.make_room(0, 0)?;
    capture_removed(core)
}

/// Captures the removed subtrees that transactions may have to put back. An undo entry that holds one can only be spilled
/// when what leads to it on disk is known.
fn capture_removed<E: Env>(core: &mut Core<E>) -> Result<Ahead> {
    let store = Arc::clone(&core.store);
    let mut pieces = Pieces::new(&store, &mut core.space);
    let captured = core.table.active().try_for_each(|(_, state)| state.undo.capture_removed(&mut pieces));
    let Pieces { list, bytes, .. } = pieces;
    // What was captured before the failure is never written.
    captured.map_err(|e| core.poison(e))?;
    Ok(Ahead { pieces: list, bytes })
}

/// Makes a job of what was captured, and says that it is under way.
fn announce<E: Env>(core: &mut Core<E>, ahead: Ahead, publication: Option<Publication>) -> Job<E> {
    let underway = Arc::new(Underway::new(ahead.bytes));
    core.underway = Some(Arc::clone(&underway));
    Job { store: Arc::clone(&core.store), pieces: ahead.pieces, publication, end: EndOnPanic(underway) }
}

fn write_now<E: Env>(core: &mut Core<E>, ahead: Ahead) -> Result<()> {
    if ahead.pieces.is_empty() {
        return Ok(());
    }
    let job = announce(core, ahead, None);
    run_now(core, job)
}

/// Takes down the state. From here on whatever changes it changes copies.
fn capture<E: Env>(core: &mut Core<E>, clean: bool) -> Result<Job<E>> {
    core.flush()?;
    let position = core.log.as_ref().map(Log::position).expect("invariant: a checkpoint has a log");
    note_state(core, clean);
    core.space.begin_capture();
    let captured = capture_state(core);
    let (ahead, mut publication) = captured.map_err(|e| {
        core.space.abandon_capture();
        core.poison(e)
    })?;
    publication.next = Superblock { clean, log: position, ..publication.next };
    core.captured_lsn = position.lsn;
    core.dirty_bytes = 0;
    core.forget_owed();
    Ok(announce(core, ahead, Some(publication)))
}

/// Captures every dirty node, the undo stacks, the transaction table and the free map.
fn capture_state<E: Env>(core: &mut Core<E>) -> Result<(Ahead, Publication)> {
    let store = Arc::clone(&core.store);
    let private = &mut core.private_deaths;
    for stack in core.table.active_stacks() {
        stack.spill(&store, private)?;
    }
    let old = Tree::from_disk_form(&core.superblocks.current.table);
    store.trees().kill_all(old, private)?;
    let table = CapturedTable::of(&core.table, &core.graveyard);
    let mut pieces = Pieces::new(&store, &mut core.space);
    let open = core.table.active().map(|(_, state)| &state.undo);
    open.chain(core.graveyard.stacks()).try_for_each(|stack| stack.spilled().capture(&mut pieces))?;
    core.catalog.capture(&mut pieces)?;
    let table_homes = pieces.take_for_tree(table.encoded_bytes())?;
    let Pieces { list, bytes, .. } = pieces;
    let era = core.era();
    core.space.bury_in_capture(core.deaths.drain(), era, true);
    core.space.bury_in_capture(core.private_deaths.drain(), era, false);
    let space = core.space.capture_map(store.free())?;
    let segment_bytes =
        u32::try_from(core.settings.segment_bytes).expect("invariant: checked when the log was made");
    let slots = core.superblocks.clone();
    let next = Superblock {
        segment_bytes,
        next_txn: core.next_txn,
        next_stream: core.next_stream,
        ..slots.current.clone()
    };
    let maps = core.catalog.maps().clone();
    Ok((Ahead { pieces: list, bytes }, Publication { maps, table, table_homes, space, slots, next }))
}

/// Takes note of the end of a checkpoint, unless somebody has.
fn finish<E: Env>(core: &mut Core<E>, underway: &Arc<Underway<E::Platform>>) -> Result<()> {
    let Some(outcome) = underway.take_outcome() else { return core.check_health() };
    core.underway = None;
    apply(core, outcome)
}

/// Brings into the core's state what came of a job. One that only wrote ahead publishes nothing.
fn apply<E: Env>(core: &mut Core<E>, outcome: Outcome) -> Result<()> {
    let slots = outcome.map_err(|e| fail(core, e))?;
    core.table.active_stacks().for_each(UndoStack::forget_written);
    let Some(slots) = slots else { return Ok(()) };
    let (position, clean) = (slots.current.log, slots.current.clean);
    core.superblocks = *slots;
    core.log().truncate(&position);
    core.counters.checkpoints += 1;
    core.catalog.forget_written();
    core.graveyard.forget_written();
    core.space.forget_written();
    core.overlay.forget_written();
    // The one before has all the nodes that were written in memory, and pins what has died since.
    core.make_version();
    core.space.published(core.oldest_pin());
    core.give_room_back(clean);
    Ok(())
}

fn fail<E: Env>(core: &mut Core<E>, error: Error) -> Error {
    core.space.abandon_capture();
    core.poison(error)
}

/// Notes the rarer states in which a checkpoint finds the database.
fn note_state<E: Env>(core: &Core<E>, clean: bool) {
    reached!("a checkpoint with many open transactions", core.table.active().count() > 3);
    reached!("a database is closed and its graveyard is not empty", clean && !core.graveyard.is_empty());
    let mut stacks = core.table.active().map(|(_, state)| &state.undo);
    reached!("a checkpoint with a transaction that is all undone", stacks.any(UndoStack::is_empty));
    reached!("a checkpoint while there are no streams", core.catalog.len() == 0);
}
