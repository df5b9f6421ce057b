//! Insertions of 100 B at random places, each of them durable when it returns; the engines in turn, some calls each, since
//! whoever has just run has the processor's caches to itself and nobody uses five stores at a time.
//!
//! Raw: 128 B, which is what such an insertion takes in a log, written to prepared space and synced, in the same loop.
//! The bytes that reach the device are counted engine by engine, once each has written as much before and has had a checkpoint:
//! NumStore fills new segments of its log with zeros, as raw's file was filled before, and uses them again after a checkpoint.
//! What that filling takes, and the checkpoints, is seen in a long series of its own from a new database on, with a log that
//! is not full before the checkpoints that are asked for.

use super::micros;
use crate::Result;
use crate::content::{Content, Draw};
use crate::context::{Context, Fleet};
use crate::engines::{OURS, open_with_long_log, over, raw};
use crate::harness::{Metric, Round};
use crate::model::Model;
use crate::results::Series;
use crate::statistics::{median, percentile};

const MEDIAN: Metric = Metric::less("p50", "us");
const TAIL: Metric = Metric::less("p99", "us");
const COMMIT_BYTES: Metric = Metric::less("device bytes of a commit", "B");
const NEW_LOG_BYTES: Metric = Metric::less("device bytes while the log is new", "B");
const WITH_CHECKPOINT: Metric = Metric::less("device bytes with a share of the checkpoint", "B");

const INSERTED: usize = 100;
/// So many calls in a row are one engine's.
const TURN: usize = 20;
const RAW_BYTES: [u8; 128] = [7; 128];
/// A raw commit that takes longer than this has met the slow mode of the disk.
const SLOW_MICROS: f64 = 2_000.0;
/// A raw commit that writes more than this is not alone on the device.
const FOREIGN_BYTES: f64 = 6_144.0;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    // Also brings everything into memory that a cache keeps.
    fleet.verify(context)?;
    let mut log = raw::PreparedLog::new(&context.dir.join("raw"))?;
    let commits = context.scale.commits;
    context.measure(|number| timed(&mut fleet, &mut log, commits, number))?;
    let (counted, disk) = (context.scale.counted, context.disk);
    for edit in fleet.insertions(counted * context.scale.count_rounds, INSERTED) {
        fleet.ships.iter_mut().try_for_each(|ship| ship.store.edit(std::slice::from_ref(&edit)))?;
    }
    fleet.ships.iter_mut().try_for_each(|ship| ship.store.checkpoint())?;
    context.measure_rounds(context.scale.count_rounds, |number| {
        let mut round = Round::default();
        let bytes = disk.count_durable(|| (0..counted).try_for_each(|_| log.commit(&RAW_BYTES)))?;
        round.add("raw", COMMIT_BYTES, bytes as f64 / counted as f64);
        let edits = fleet.insertions(counted, INSERTED);
        for ship in fleet.in_turn(number) {
            let store = &mut ship.store;
            let bytes = disk
                .count_durable(|| edits.iter().try_for_each(|edit| store.edit(std::slice::from_ref(edit))))?;
            round.add(ship.name, COMMIT_BYTES, bytes as f64 / counted as f64);
        }
        Ok(round)
    })?;
    fleet.verify(context)?;
    tell_of_disturbances(context);
    drop(fleet);
    long_series(context)
}

/// At times this kind of disk takes several milliseconds for every sync, whoever asks for it; and others may use it.
fn tell_of_disturbances(context: &mut Context<'_>) {
    let is_raw = |series: &&Series| {
        (series.workload, series.engine, series.metric) == (context.workload, "raw", MEDIAN)
    };
    let raw_micros = context.results.series.iter().rfind(is_raw).map_or(0.0, |series| median(&series.values));
    if raw_micros > SLOW_MICROS {
        let note = format!(
            "a raw commit takes {raw_micros:.0} us now: the disk is in its slow mode, and all durable calls look alike"
        );
        context.results.notes.push(note);
    }
    let is_count = |s: &&Series| (s.workload, s.engine, s.metric) == (context.workload, "raw", COMMIT_BYTES);
    let raw_bytes =
        context.results.series.iter().rfind(is_count).map_or(0.0, |series| median(&series.values));
    if raw_bytes > FOREIGN_BYTES {
        let note = format!(
            "a raw commit writes {raw_bytes:.0} B, not one block: other programs write to the device, and what is said \
             of bytes written is too much"
        );
        context.results.notes.push(note);
    }
}

/// Some insertions of each engine after the other.
fn timed(fleet: &mut Fleet, log: &mut raw::PreparedLog, commits: usize, number: usize) -> Result<Round> {
    let mut latencies: Vec<(&'static str, Vec<f64>)> = vec![("raw", Vec::new())];
    latencies.extend(fleet.ships.iter().map(|ship| (ship.name, Vec::new())));
    for edits in fleet.insertions(commits, INSERTED).chunks(TURN) {
        for _ in edits {
            latencies[0].1.push(micros(|| log.commit(&RAW_BYTES))?);
        }
        for ship in fleet.in_turn(number) {
            let own = latencies.iter_mut().find(|(name, _)| *name == ship.name);
            let own = &mut own.expect("every ship has a list").1;
            for edit in edits {
                own.push(micros(|| ship.store.edit(std::slice::from_ref(edit)))?);
            }
        }
    }
    let mut round = Round { baseline: Some(median(&latencies[0].1)), ..Round::default() };
    for (engine, values) in &latencies {
        round.add(engine, MEDIAN, median(values));
        round.add(engine, TAIL, percentile(values, 99.0));
    }
    round.latencies = latencies;
    Ok(round)
}

/// What NumStore writes in a long series of commits, from a new database on, and in the checkpoints between them.
fn long_series(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    let mut store = over(open_with_long_log(&context.folder("series")?)?)?;
    store.load(&content)?;
    store.checkpoint()?;
    let (mut model, mut draw) = (Model::new(content), Draw::new(context.size));
    let (parts, each, disk) = (context.scale.checkpoints, context.scale.per_checkpoint, context.disk);
    context.measure_rounds(1, |_| {
        let (mut first, mut all) = (None, 0);
        for _ in 0..parts {
            let edits: Vec<_> = (0..each).map(|_| model.insert_anywhere(&mut draw, INSERTED)).collect();
            let commit_all = || edits.iter().try_for_each(|edit| store.edit(std::slice::from_ref(edit)));
            let bytes = disk.count_durable(commit_all)?;
            first.get_or_insert(bytes as f64 / each as f64);
            all += bytes + disk.count(|| store.checkpoint())?.1;
        }
        let mut round = Round::default();
        first.into_iter().for_each(|bytes| round.add(OURS, NEW_LOG_BYTES, bytes));
        round.add(OURS, WITH_CHECKPOINT, all as f64 / (parts * each) as f64);
        Ok(round)
    })?;
    context.verify(OURS, &*store, &model)?;
    store.close()
}
