//! A durable insertion of 100 B by the length of the stream: what a plain file makes linear.
//!
//! Where the disk has no room for both files, which are as long as the stream, NumStore is measured first, by itself.
//!
//! Raw: everything behind the middle read and written again, and an `fdatasync`; beside it the kernel's own insertion
//! (`FALLOC_FL_INSERT_RANGE`), which is quick, and takes only whole blocks at the borders of blocks.

use super::micros;
use crate::Result;
use crate::content::{Content, Draw};
use crate::context::{Context, verify_reader};
use crate::engines::{OURS, Store, raw, stores};
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
    let (size, free) = (context.size, context.disk.free_bytes()?);
    if free < size * 3 / 2 {
        let note = format!("{}, {}: left out, the disk has no room", context.workload, bytes(size));
        context.results.notes.push(note);
        return Ok(());
    }
    let apart = free < size * 5 / 2;
    if apart {
        let note =
            format!("{}, {}: not in turn, the disk has no room for both", context.workload, bytes(size));
        context.results.notes.push(note);
    }
    run_with(context, apart)
}

fn run_with(context: &mut Context<'_>, apart: bool) -> Result<()> {
    let mut ours = Ours::load(context)?;
    if apart {
        context.measure(|_| {
            let mut round = Round::default();
            ours.measure(&mut round)?;
            Ok(round)
        })?;
        ours.end(context)?;
        let mut plain = Plain::load(context)?;
        context.measure(|_| {
            let mut round = Round::default();
            plain.measure(&mut round)?;
            Ok(round)
        })?;
        return plain.end(context);
    }
    let mut plain = Plain::load(context)?;
    context.measure(|_| {
        let mut round = Round::default();
        plain.measure(&mut round)?;
        ours.measure(&mut round)?;
        Ok(round)
    })?;
    ours.end(context)?;
    plain.end(context)
}

struct Ours {
    store: Box<dyn Store>,
    model: Model,
    draw: Draw,
}

impl Ours {
    fn load(context: &Context<'_>) -> Result<Ours> {
        let content = Content::new(context.size);
        let mut store = (stores()[0].open)(&context.folder(OURS)?)?;
        store.load(&content)?;
        Ok(Ours { store, model: Model::new(content), draw: Draw::new(9) })
    }

    fn measure(&mut self, round: &mut Round) -> Result<()> {
        let mut took = Vec::new();
        for _ in 0..INSERTIONS {
            let edit = self.draw.insertion(self.model.len(), 100);
            self.model.edit(&edit);
            took.push(micros(|| self.store.edit(std::slice::from_ref(&edit)))?);
        }
        round.add(OURS, LATENCY, median(&took));
        Ok(())
    }

    /// Leaves nothing behind.
    fn end(self, context: &mut Context<'_>) -> Result<()> {
        context.verify(OURS, &*self.store, &self.model)?;
        self.store.close()?;
        Ok(std::fs::remove_dir_all(context.dir.join(OURS))?)
    }
}

struct Plain {
    file: raw::PlainFile,
    model: Model,
    draw: Draw,
    /// In a round.
    rewrites: u64,
}

impl Plain {
    fn load(context: &Context<'_>) -> Result<Plain> {
        let content = Content::new(context.size);
        let file = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
        let rewrites = (REWRITTEN_BYTES / (context.size / 2)).clamp(1, INSERTIONS as u64);
        Ok(Plain { file, model: Model::new(content), draw: Draw::new(10), rewrites })
    }

    fn measure(&mut self, round: &mut Round) -> Result<()> {
        let mut took = Vec::new();
        for _ in 0..self.rewrites {
            let mut edit = self.draw.insertion(self.model.len(), 100);
            edit.at = self.model.len() / 2;
            self.model.edit(&edit);
            took.push(micros(|| self.file.rewrite(&edit))?);
        }
        round.add("raw-rewrite", LATENCY, median(&took));
        Ok(())
    }

    /// Lets the kernel insert into the file, after all else, since that is not what the others do.
    fn end(mut self, context: &mut Context<'_>) -> Result<()> {
        context.note_verified("raw", verify_reader(&mut self.file, &self.model))?;
        let (file, middle) = (&self.file.file, context.size / 2 / BLOCK_BYTES * BLOCK_BYTES);
        if !raw::insert_range(file, middle)? {
            context.results.notes.push("the file system has no INSERT_RANGE".to_owned());
            return Ok(());
        }
        context.measure(|_| {
            let mut took = Vec::new();
            for _ in 0..INSERTIONS {
                took.push(micros(|| raw::insert_range(file, middle).map(drop))?);
            }
            let mut round = Round::default();
            round.add("raw-insert-range", LATENCY, median(&took));
            Ok(round)
        })
    }
}

/// As [`run`] on a disk without room for both.
#[cfg(test)]
pub fn run_apart(context: &mut Context<'_>) -> Result<()> {
    run_with(context, true)
}
