//! Two recorded editing histories, from the empty document to its end: all of it in one durable transaction, and the first
//! recorded transactions each made durable by itself, the engines in turn. Characters that are not ASCII are replaced.
//!
//! Beside the first, ropes and a vector in memory make the same edits. Raw, beside the second: as many bytes as a log of
//! them has, written to prepared space and synced.

use tests::Trace;

use super::{micros, seconds};
use crate::Result;
use crate::content::{Content, Edit};
use crate::context::{Context, fresh_folder, verify_store};
use crate::engines::{Store, raw, stores, texts};
use crate::harness::{Metric, Round};
use crate::model::Model;
use crate::statistics::median;

struct Measured {
    name: &'static str,
    whole: Metric,
    commit: Metric,
}

const TRACES: [Measured; 2] = [
    Measured {
        name: "rustcode",
        whole: Metric::less("rustcode in one transaction", "ms"),
        commit: Metric::less("rustcode, durable, p50 of a transaction", "us"),
    },
    Measured {
        name: "sveltecomponent",
        whole: Metric::less("sveltecomponent in one transaction", "ms"),
        commit: Metric::less("sveltecomponent, durable, p50 of a transaction", "us"),
    },
];

/// What a record takes beside the bytes that it inserts, for the raw log.
const RECORD_BYTES: usize = 24;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    for measured in &TRACES {
        let trace = Trace::load(measured.name);
        let transactions: Vec<Vec<Edit>> = trace.transactions.iter().map(|patches| edits(patches)).collect();
        context.size = trace.end.len() as u64;
        whole(context, measured.whole, &transactions.concat(), trace.end)?;
        let first = &transactions[..context.scale.trace_commits.min(transactions.len())];
        one_by_one(context, measured, first)?;
    }
    Ok(())
}

fn edits(patches: &[tests::Patch]) -> Vec<Edit> {
    let edit = |patch: &tests::Patch| {
        let inserted = ascii(patch.inserted.clone());
        Edit { at: patch.position, deleted: patch.deleted, inserted }
    };
    patches.iter().map(edit).collect()
}

fn ascii(mut bytes: Vec<u8>) -> String {
    bytes.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
    String::from_utf8(bytes).expect("everything is ASCII")
}

fn model_of<'e>(edits: impl Iterator<Item = &'e Edit>) -> Model {
    let mut model = Model::new(Content::new(0));
    edits.for_each(|edit| model.edit(edit));
    model
}

fn whole(context: &mut Context<'_>, metric: Metric, edits: &[Edit], end: Vec<u8>) -> Result<()> {
    let model = model_of(edits.iter());
    let mut at_end = Vec::new();
    model.visit(|part| at_end.extend_from_slice(part));
    if at_end != ascii(end).into_bytes() {
        return Err("the model does not end as recorded".into());
    }
    let (dir, kinds) = (context.dir, stores());
    let (mut verified, mut last_texts) = (Vec::new(), Vec::new());
    context.measure(|number| {
        let mut round = Round::default();
        for at in 0..kinds.len() {
            let kind = kinds[(at + number) % kinds.len()];
            let mut store = (kind.open)(&fresh_folder(dir, kind.name)?)?;
            let ((), took) = seconds(|| store.edit(edits))?;
            round.add(kind.name, metric, took * 1e3);
            if number == 0 {
                verified.push((kind.name, verify_store(&*store, &model)));
            }
            store.close()?;
        }
        last_texts.clear();
        for kind in texts() {
            let mut text = (kind.make)("");
            let edit_all = || {
                edits.iter().for_each(|edit| text.edit(edit));
                Ok(())
            };
            round.add(kind.name, metric, seconds(edit_all)?.1 * 1e3);
            last_texts.push((kind.name, text));
        }
        Ok(round)
    })?;
    verified.into_iter().try_for_each(|(name, result)| context.note_verified(name, result))?;
    last_texts.iter().try_for_each(|(name, text)| context.verify_text(name, &**text, &model))
}

fn one_by_one(context: &mut Context<'_>, measured: &Measured, transactions: &[Vec<Edit>]) -> Result<()> {
    let model = model_of(transactions.iter().flatten());
    let dir = context.dir;
    let mut log = raw::PreparedLog::new(&dir.join(format!("raw-{}", measured.name)))?;
    let mut verified = Vec::new();
    context.measure(|number| {
        let mut ships: Vec<(&'static str, Box<dyn Store>, Vec<f64>)> = Vec::new();
        for kind in stores() {
            ships.push((kind.name, (kind.open)(&fresh_folder(dir, kind.name)?)?, Vec::new()));
        }
        let mut baseline = Vec::new();
        for edits in transactions {
            let bytes: usize = edits.iter().map(|edit| RECORD_BYTES + edit.inserted.len()).sum();
            let record = vec![7; bytes];
            baseline.push(micros(|| log.commit(&record))?);
            for (_, store, took) in &mut ships {
                took.push(micros(|| store.edit(edits))?);
            }
        }
        let mut round = Round { baseline: Some(median(&baseline)), ..Round::default() };
        round.add("raw", measured.commit, median(&baseline));
        for (name, store, took) in ships {
            round.add(name, measured.commit, median(&took));
            if number == 0 {
                verified.push((name, verify_store(&*store, &model)));
            }
            store.close()?;
        }
        Ok(round)
    })?;
    verified.into_iter().try_for_each(|(name, result)| context.note_verified(name, result))
}
