//! The second pass over the log: history repeats, the losers' part too, through the code that ran it first.

use std::path::Path;
use std::time::Duration;

use crate::base::{Error, Lsn, Result, StreamId, TxnId};
use crate::catalog::FileOf;
use crate::env::{Clock, Env};
use crate::format::record::{Body, Operation, Record};
use crate::log::{LogIdentity, LogScan, read_log};
use crate::txn::{Change, Core, TxnState, UndoStack};

use super::analysis::{Analysis, analyse};
use super::calls::roll_back;
use super::checkpoint::take;

/// What a recovery did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RecoveryReport {
    /// Records repeated, all of them.
    pub records_redone: u64,
    /// Those of transactions that had not ended.
    pub loser_records_redone: u64,
    /// Compensation records repeated.
    pub clrs_redone: u64,
    /// Transactions that had not ended.
    pub losers: u64,
    /// Compensation records written while rolling them back.
    pub clrs_written: u64,
    /// Bytes of records behind the checkpoint.
    pub log_bytes: u64,
    /// How long it all took.
    pub duration: Duration,
}

/// Brings a database that was not closed back to what was committed.
pub fn recover<E: Env>(core: &mut Core<E>) -> Result<RecoveryReport> {
    let started = now(core);
    let from = core.superblocks.current.log;
    // Without its log the database stays as it is, to the byte.
    let mut log = open_log(core)?;
    // The slot that was chosen may be visible and not durable; the other one leads to blocks that it calls free.
    if !mutant!("the chosen slot is not written again") {
        core.superblocks.renew(&core.store.file)?;
    }

    let analysis = analyse(core, &mut log)?;
    drop(log);
    let mut report = RecoveryReport { losers: analysis.losers.len() as u64, ..RecoveryReport::default() };
    let tail = redo(core, &analysis, &mut report)?;
    report.log_bytes = tail.0 - from.lsn.0;
    note_losers(core, &analysis, &report);

    let generation = from.generation + u64::from(!mutant!("a recovery goes on in its generation"));
    core.log = Some(core.create_log(generation, tail)?);
    if mutant!("a recovery removes its log too early") {
        core.remove_other_logs();
    }
    take(core, false)?;
    core.remove_other_logs();
    roll_losers_back(core)?;
    report.clrs_written = core.counters.clrs;
    report.duration = now(core).saturating_sub(started);
    Ok(report)
}

/// The moment, on a clock that neither jumps nor stands still.
fn now<E: Env>(core: &Core<E>) -> Duration {
    let clock = core.store.env.clock();
    if mutant!("a recovery is timed by the wall clock") { clock.wall() } else { clock.monotonic() }
}

fn open_log<E: Env>(core: &Core<E>) -> Result<LogScan<FileOf<E>>> {
    let superblock = &core.superblocks.current;
    let identity = LogIdentity { uuid: superblock.uuid, generation: superblock.log.generation };
    let (disk, path) = (core.store.env.disk(), core.store.file.path());
    read_log(disk, path, identity, u64::from(superblock.segment_bytes), &superblock.log)
}

/// Repeats every record behind the checkpoint; returns the LSN of the tail.
fn redo<E: Env>(core: &mut Core<E>, analysis: &Analysis, report: &mut RecoveryReport) -> Result<Lsn> {
    let mut scan = open_log(core)?;
    let log = scan.path().to_owned();
    let end = scan.for_each(|lsn, record| {
        report.records_redone += 1;
        report.clrs_redone += u64::from(matches!(record.body, Body::Compensate { .. }));
        report.loser_records_redone += u64::from(analysis.losers.contains(&record.txn));
        if analysis.losers.contains(&record.txn) && mutant!("redo leaves losers out") {
            return Ok(());
        }
        redo_record(core, &log, lsn, &record).map_err(|e| as_corruption(e, &log, lsn, &record))
    })?;
    Ok(end.lsn)
}

fn redo_record<E: Env>(core: &mut Core<E>, log: &Path, lsn: Lsn, record: &Record<'_>) -> Result<()> {
    let txn = record.txn;
    let unexpected =
        |found: &str| Err(Error::corruption(log, 0, format!("record {record} at {lsn} to fit"), found));
    match &record.body {
        Body::Operation(operation) => {
            if let Operation::Create { stream, .. } = operation
                && !mutant!("redo does not count streams")
            {
                core.next_stream = core.next_stream.max(StreamId(stream.0.saturating_add(1)));
            }
            reached!("redo brings in a payload on disk", !record.extents().is_empty());
            if record.commits {
                let inverse = core.apply(None, Change::from(operation))?;
                core.graveyard.extend(inverse.into_tree());
            } else {
                core.table.open(txn);
                let inverse = core.apply(Some(txn), Change::from(operation))?;
                core.table.push_undo(txn, lsn, inverse);
            }
            core.bury_deaths();
        }
        _ if core.table.get_mut(txn).is_none() => return unexpected("a transaction that never began"),
        Body::Compensate { undone, undo_next } => {
            let crosses = *undone < core.superblocks.current.capture_lsn();
            reached!(
                "redo undoes across the checkpoint beside others",
                crosses && core.table.active().count() > 2
            );
            let (_, below) = core.compensate(txn, Some(*undone))?;
            if below != *undo_next {
                return unexpected("another entry below");
            }
            core.bury_deaths();
        }
        Body::Commit => {
            let spilled = |state: &TxnState| !state.undo.spilled().is_empty();
            reached!(
                "redo commits what began before the checkpoint",
                core.table.get(txn).is_some_and(spilled)
            );
            core.finish_commit(txn);
        }
        Body::End => {
            if !core.table.state(txn).undo.is_empty() {
                return unexpected("operations that were not undone");
            }
            core.finish_end(txn);
        }
    }
    Ok(())
}

/// A record that cannot be repeated means that log and data do not belong together.
fn as_corruption(e: Error, log: &Path, lsn: Lsn, record: &Record<'_>) -> Error {
    match e {
        Error::Io { .. } | Error::Corruption { .. } => e,
        other => {
            Error::corruption(log, 0, format!("that {record} at {lsn} can be repeated"), other.to_string())
        }
    }
}

/// Undoes what the losers did, by ordinary rollback, newest transaction first.
fn roll_losers_back<E: Env>(core: &mut Core<E>) -> Result<()> {
    let losers: Vec<_> = core.table.active().map(|(txn, _)| txn).collect();
    for txn in losers.into_iter().rev() {
        let checkpoints = core.counters.checkpoints;
        roll_back(core, txn)?;
        reached!(
            "a checkpoint was due while a loser was rolled back",
            core.counters.checkpoints > checkpoints
        );
    }
    core.flush()?;
    core.make_version();
    Ok(())
}

/// Notes the rarer kinds of losers.
fn note_losers<E: Env>(core: &Core<E>, analysis: &Analysis, report: &RecoveryReport) {
    let checkpoint = core.superblocks.current.capture_lsn();
    let shared = |txn: &TxnId| {
        let changed = core.table.get(*txn).into_iter().flat_map(|state| &state.changed_streams);
        changed.into_iter().any(|stream| !core.overlay.other_writers(*txn, *stream).is_empty())
    };
    reached!("losers have changed the same stream", analysis.losers.iter().any(shared));
    let stack = |txn| core.table.get(txn).map(|state| &state.undo);
    let mut stacks = analysis.losers.iter().filter_map(|&txn| stack(txn));
    reached!("a loser had undone everything and not ended", stacks.clone().any(|undo| undo.is_empty()));
    let silent = |undo: &&UndoStack| undo.top().is_some_and(|top| top < checkpoint);
    reached!(
        "several losers have done nothing since the checkpoint",
        stacks.clone().filter(silent).count() > 1
    );
    let both = |undo: &UndoStack| !undo.spilled().is_empty() && !undo.recent().is_empty();
    reached!("a loser has undo entries on both sides of the checkpoint", stacks.any(both));
    let again = report.loser_records_redone > 0 && report.records_redone == report.loser_records_redone;
    reached!("the log holds nothing but losers", again);
    reached!(
        "the log is empty and there are several losers",
        report.records_redone == 0 && report.losers > 2
    );
}
