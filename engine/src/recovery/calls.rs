//! Calls that take several operations: cut into pieces of bounded size, undone as a whole if one of them fails, with
//! checkpoints in between, so that no call takes memory or log space without bound.

use std::ops::Range;

use crate::base::{Error, Lsn, Result, StreamId, TxnId};
use crate::env::{Clock, Env};
use crate::format::record::Operation;
use crate::format::stride::Stride;
use crate::txn::{Core, Durability, Savepoint, Stop};

use super::checkpoint::{checkpoint, checkpoint_if_due, is_far_behind};

/// The hull of one operation on elements that lie close together is at most this long.
const MAX_HULL_BYTES: u64 = 4 << 20;
/// One operation on elements that lie far apart has at most so many.
const MAX_SPARSE_ELEMENTS: u64 = 1024;
/// So many operations a rollback undoes before it lets others go on.
const UNDOS_AT_A_TIME: usize = 2;

/// Runs a change, after a checkpoint if one is due. If the disk is full, a checkpoint frees what it can, and the change is
/// tried once more; not if one of the same state was refused a moment ago.
///
/// # Errors
/// [`Stop::Behind`] before anything was changed if the checkpoint in the background is far behind; see [`catch_up`].
///
/// [`catch_up`]: super::catch_up
pub fn with_room<E: Env, R>(core: &mut Core<E>, run: impl Fn(&mut Core<E>) -> Result<R>) -> Result<R, Stop> {
    check_not_behind(core)?;
    if !is_vain(core) {
        checkpoint_if_due(core)?;
    }
    let first = run(core);
    if first.as_ref().is_err_and(Error::is_full) && is_vain(core) {
        return Ok(first?);
    }
    Ok(again_if_full(core, first, run)?)
}

/// That a call which has changed nothing may go on, and need not wait for a checkpoint without the latch first. What takes
/// long, or takes something, comes behind this.
///
/// # Errors
/// [`Stop::Behind`].
pub fn check_not_behind<E: Env>(core: &Core<E>) -> Result<(), Stop> {
    if core.bell.is_some() && core.may_start_over && is_far_behind(core) && !is_vain(core) {
        reached!("a checkpoint in the background is far behind");
        return Err(Stop::Behind);
    }
    Ok(())
}

/// Whether a full disk has refused a checkpoint of the same state a moment ago. What goes on without one is bounded by the
/// room that there is.
fn is_vain<E: Env>(core: &Core<E>) -> bool {
    core.backoff.is_vain(core.next_lsn(), || core.oldest_pin(), || core.store.env.clock().monotonic())
}

/// Runs what changes nothing where it fails. If the disk is full, a checkpoint frees what it can, and it is tried once more.
fn twice_if_full<E: Env, R>(core: &mut Core<E>, run: impl Fn(&mut Core<E>) -> Result<R>) -> Result<R> {
    let first = run(core);
    again_if_full(core, first, run)
}

fn again_if_full<E: Env, R>(
    core: &mut Core<E>,
    first: Result<R>,
    run: impl Fn(&mut Core<E>) -> Result<R>,
) -> Result<R> {
    match first {
        Err(full) if full.is_full() && core.check_health().is_ok() && core.log.is_some() => {
            checkpoint(core).map_err(|e| if e.is_full() { full } else { e })?;
            run(core)
        }
        other => other,
    }
}

/// Commits `txn`: durable when the log is up to the LSN that this returns. After an error it is open as before.
pub fn commit<E: Env>(core: &mut Core<E>, txn: TxnId, durability: Durability) -> Result<Lsn> {
    with_room_to_end(core, |core| core.commit(txn, durability))
}

/// Runs what ends a transaction. The log may be as full as can be when there is something to roll back or to commit.
fn with_room_to_end<E: Env, R>(core: &mut Core<E>, run: impl Fn(&mut Core<E>) -> Result<R>) -> Result<R> {
    let checkpoints = core.counters.checkpoints;
    let done = twice_if_full(core, run);
    reached!("the log was full when a transaction ended", core.counters.checkpoints > checkpoints);
    done
}

/// Replaces `range` of `stream` by `bytes`.
pub fn splice<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    stream: StreamId,
    range: Range<u64>,
    bytes: &[u8],
) -> Result<()> {
    core.make_writable()?;
    if core.extend(txn, stream, &range, bytes)? {
        return Ok(());
    }
    let portion = core.max_payload_bytes();
    all_or_nothing(core, txn, |core| {
        let (first, rest) = bytes.split_at(bytes.len().min(portion));
        let insert = core.payload(first)?;
        let (mut offset, delete_len) = (range.start, range.end - range.start);
        core.execute(txn, Operation::Splice { stream, offset, delete_len, insert })?;
        offset += first.len() as u64;
        for piece in rest.chunks(portion) {
            reached!("a splice takes several operations");
            let checkpoints = core.counters.checkpoints;
            checkpoint_if_due(core)?;
            reached!("a checkpoint inside a call", core.counters.checkpoints > checkpoints);
            let insert = core.payload(piece)?;
            core.execute(txn, Operation::Splice { stream, offset, delete_len: 0, insert })?;
            offset += piece.len() as u64;
        }
        Ok(())
    })
}

/// Overwrites the elements of `stride`, which was checked, with `bytes`.
pub fn write_strided<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    stream: StreamId,
    stride: &Stride,
    bytes: &[u8],
) -> Result<()> {
    core.make_writable()?;
    let pieces = stride_pieces(core, stride);
    all_or_nothing(core, txn, |core| {
        let mut rest = bytes;
        for piece in pieces {
            checkpoint_if_due(core)?;
            let len =
                usize::try_from(piece.size * piece.count).expect("invariant: as long as the bytes in hand");
            let (head, tail) = rest.split_at(len);
            rest = tail;
            if piece.count == 1 {
                splice(core, txn, stream, piece.start..piece.start + piece.size, head)?;
            } else {
                core.execute(txn, Operation::StridedWrite { stream, stride: piece, bytes: head.into() })?;
            }
        }
        Ok(())
    })
}

/// Removes the elements of `stride`, which was checked.
pub fn remove_strided<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    stream: StreamId,
    stride: &Stride,
) -> Result<()> {
    core.make_writable()?;
    let pieces = stride_pieces(core, stride);
    all_or_nothing(core, txn, |core| {
        reached!("a strided removal takes several operations", pieces.size_hint().0 > 1);
        // From the end, so that the places of the others stay as they are.
        for piece in pieces.rev() {
            checkpoint_if_due(core)?;
            if piece.count == 1 {
                splice(core, txn, stream, piece.start..piece.start + piece.size, &[])?;
            } else {
                core.execute(txn, Operation::StridedRemove { stream, stride: piece })?;
            }
        }
        Ok(())
    })
}

/// Runs one operation as all that the transaction `txn` does, and commits it. After an error nothing has happened.
pub fn run_committed<E: Env>(core: &mut Core<E>, txn: TxnId, operation: Operation<'_>) -> Result<()> {
    if !core.overlay.covers_stream(operation.stream()) {
        return core.execute_committed(txn, operation);
    }
    reached!("a change of a stream that others change is committed");
    // Its record alone would not say what of the stream is committed.
    core.table.open(txn);
    let done = core.execute(txn, operation).and_then(|()| commit(core, txn, Durability::Sync));
    done.map(drop).inspect_err(|_| give_up(core, txn))
}

/// Replaces `range` of `stream` by `bytes`, as all that the transaction `txn` does, and commits it. After an error nothing
/// has happened.
pub fn splice_committed<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    stream: StreamId,
    range: Range<u64>,
    bytes: &[u8],
) -> Result<()> {
    core.make_writable()?;
    if bytes.len() <= core.max_payload_bytes() {
        let insert = core.payload(bytes)?;
        let (offset, delete_len) = (range.start, range.end - range.start);
        return run_committed(core, txn, Operation::Splice { stream, offset, delete_len, insert });
    }
    core.table.open(txn);
    let done = splice(core, txn, stream, range, bytes).and_then(|()| commit(core, txn, Durability::Sync));
    done.map(drop).inspect_err(|_| give_up(core, txn))
}

/// Undoes everything that `txn` did and ends it, after an error that its caller wants to know of.
fn give_up<E: Env>(core: &mut Core<E>, txn: TxnId) {
    let _ = roll_back(core, txn).map_err(|e| core.poison(e));
}

/// Undoes everything that `txn` did and ends it.
pub fn roll_back<E: Env>(core: &mut Core<E>, txn: TxnId) -> Result<()> {
    undo_down_to(core, txn, None)?;
    with_room_to_end(core, |core| core.end_rollback(txn))
}

/// How far a rollback has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Undone {
    /// Something is left.
    Some,
    /// Everything, and the transaction has ended.
    All,
}

/// As [`roll_back`], a few operations of it: between these others may go on, since what is left keeps its locks. `writes` is
/// whether checkpoints on the way still find room, true at first.
pub fn roll_back_some<E: Env>(core: &mut Core<E>, txn: TxnId, writes: &mut bool) -> Result<Undone> {
    if undo_some(core, txn, None, UNDOS_AT_A_TIME, writes)? == Undone::Some {
        return Ok(Undone::Some);
    }
    with_room_to_end(core, |core| core.end_rollback(txn)).map(|()| Undone::All)
}

/// Undoes what `txn` did since `savepoint`, which stays; later ones are gone.
pub fn roll_back_to<E: Env>(core: &mut Core<E>, txn: TxnId, savepoint: &Savepoint) -> Result<()> {
    let top = core.savepoint_top(txn, savepoint)?;
    undo_down_to(core, txn, top).map_err(|e| core.poison(e))
}

/// Cuts a stride into strides that each make one operation of bounded size.
fn stride_pieces<E: Env>(
    core: &mut Core<E>,
    stride: &Stride,
) -> impl DoubleEndedIterator<Item = Stride> + use<E> {
    let stride = *stride;
    let inline = core.max_inline_bytes() as u64;
    let period = stride.size.saturating_mul(stride.stride);
    let sparse = period > core.store.geometry.leaf_bytes as u64;
    let by_hull = if sparse { MAX_SPARSE_ELEMENTS } else { MAX_HULL_BYTES / period };
    let each = (inline / 2 / stride.size).min(by_hull).max(1);
    (0..stride.count.div_ceil(each)).map(move |piece| {
        let first = piece * each;
        let start = if first == 0 { stride.start } else { stride.start + first * period };
        Stride { start, count: each.min(stride.count - first), ..stride }
    })
}

/// Runs several operations so that after an error none of them has happened.
fn all_or_nothing<E: Env, R>(
    core: &mut Core<E>,
    txn: TxnId,
    run: impl FnOnce(&mut Core<E>) -> Result<R>,
) -> Result<R> {
    core.seal();
    let top = core.table.state(txn).undo.top();
    let outcome = run(core);
    let careless = mutant!("half of a call stays");
    if outcome.is_err() && !careless && core.table.state(txn).undo.top() != top {
        reached!("a call failed behind its first operation");
        // The caller wants to know what went wrong first.
        let _ = undo_down_to(core, txn, top).map_err(|e| core.poison(e));
    }
    outcome
}

fn undo_down_to<E: Env>(core: &mut Core<E>, txn: TxnId, top: Option<Lsn>) -> Result<()> {
    undo_some(core, txn, top, usize::MAX, &mut true)
        .map(|all| assert_eq!(all, Undone::All, "nothing is left"))
}

/// Undoes at most `most` operations of `txn`, down to `top`. A full disk does not stop this: the log has room for it, and what
/// finds no other stays in memory.
fn undo_some<E: Env>(
    core: &mut Core<E>,
    txn: TxnId,
    top: Option<Lsn>,
    most: usize,
    writes: &mut bool,
) -> Result<Undone> {
    for _ in 0..most {
        // If more was undone than the log keeps room for, a checkpoint frees its beginning.
        if !twice_if_full(core, |core| core.undo_one(txn, top))? {
            return Ok(Undone::All);
        }
        if *writes {
            let checkpoints = core.counters.checkpoints;
            *writes = write_between_undos(core)?;
            let checkpointed = core.counters.checkpoints > checkpoints;
            reached!("a checkpoint inside a rollback to a savepoint", top.is_some() && checkpointed);
            reached!("a rollback goes on without room for a checkpoint", !*writes);
        }
    }
    Ok(Undone::Some)
}

/// Takes the checkpoint that is due, or the last one for which there is room. Whether there is room for another.
fn write_between_undos<E: Env>(core: &mut Core<E>) -> Result<bool> {
    let mut room = core.make_room_for_undo();
    let written = match room {
        Ok(()) => checkpoint_if_due(core),
        Err(_) => checkpoint(core).inspect(|()| room = core.make_room_for_undo()),
    };
    match written {
        // Refused before anything was written; the rollback does not need it.
        Err(_) if core.check_health().is_ok() => Ok(false),
        other => other.map(|()| room.is_ok()),
    }
}
