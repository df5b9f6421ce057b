//! A durable insertion of 100 B by the length of the stream: what a plain file makes linear.
//!
//! Raw: everything behind the middle read and written again, and an `fdatasync`; beside it the kernel's own insertion
//! (`FALLOC_FL_INSERT_RANGE`), which is quick, and takes only whole blocks at the borders of blocks.

use super::micros;
use crate::Result;
use crate::content::{Content, Draw};
use crate::context::{Context, verify_reader};
use crate::engines::{OURS, raw, stores};
use crate::harness::{Metric, Round};
use crate::model::Model;
use crate::results::bytes;
use crate::statistics::median;

const LATENCY: Metric = Metric::less("p50", "us");
const BLOCK_BYTES: u64 = 4096;
/// Insertions of NumStore in a round, and rewrites.
const INSERTIONS: usize = 20;
/// What rewriting may read in a round, at least one rewrite.
const REWRITTEN_BYTES: u64 = 1 << 30;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    if context.disk.free_bytes()? < context.size * 5 / 2 {
        let note = format!("{}, {}: left out, the disk has no room", context.workload, bytes(context.size));
        context.results.notes.push(note);
        return Ok(());
    }
    let ours = stores()[0];
    let mut store = (ours.open)(&context.folder(ours.name)?)?;
    store.load(&content)?;
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
    let (mut model, mut plain_model) = (Model::new(content.clone()), Model::new(content));
    let mut draw = Draw::new(9);
    let rewrites = (REWRITTEN_BYTES / (context.size / 2)).clamp(1, INSERTIONS as u64);
    let blocks = context.dir.join("raw-blocks");
    context.measure(|_| {
        let mut round = Round::default();
        let mut rewritten = Vec::new();
        for _ in 0..rewrites {
            let mut edit = draw.insertion(plain_model.len(), 100);
            edit.at = plain_model.len() / 2;
            plain_model.edit(&edit);
            rewritten.push(micros(|| plain.rewrite(&edit))?);
        }
        round.add("raw-rewrite", LATENCY, median(&rewritten));
        let mut inserted = Vec::new();
        for _ in 0..INSERTIONS {
            let edit = draw.insertion(model.len(), 100);
            model.edit(&edit);
            inserted.push(micros(|| store.edit(std::slice::from_ref(&edit)))?);
        }
        round.add(OURS, LATENCY, median(&inserted));
        Ok(round)
    })?;
    context.note_verified("raw", verify_reader(&mut plain, &plain_model))?;
    drop(plain);
    context.verify(OURS, &*store, &model)?;
    store.close()?;
    std::fs::remove_file(context.dir.join("raw"))?;
    insert_ranges(context, &blocks)
}

/// In a file of its own, after the others, since it is not what they do.
fn insert_ranges(context: &mut Context<'_>, path: &std::path::Path) -> Result<()> {
    let file = raw::append(path, &Content::new(context.size))?;
    let middle = context.size / 2 / BLOCK_BYTES * BLOCK_BYTES;
    if !raw::insert_range(&file, middle)? {
        context.results.notes.push("the file system has no INSERT_RANGE".to_owned());
        return Ok(());
    }
    context.measure(|_| {
        let mut took = Vec::new();
        for _ in 0..INSERTIONS {
            took.push(micros(|| raw::insert_range(&file, middle).map(drop))?);
        }
        let mut round = Round::default();
        round.add("raw-insert-range", LATENCY, median(&took));
        Ok(round)
    })
}
