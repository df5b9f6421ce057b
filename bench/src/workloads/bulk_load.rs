//! A new stream of the whole length, 1 MiB at a time, in one durable transaction; opening the empty store is not counted.
//!
//! Raw: the same bytes appended to a new file with `O_DIRECT`, or through the page cache, and one `fdatasync`.

use std::fs;

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, fresh_folder, verify_store};
use crate::engines::{raw, stores};
use crate::harness::{Metric, Round};
use crate::model::Model;

const SPEED: Metric = Metric::more("throughput", "MB/s");
const WRITTEN: Metric = Metric::less("written per byte", "B/B");

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    let model = Model::new(content.clone());
    let kinds = stores();
    let (size, disk, dir) = (context.size as f64, context.disk, context.dir);
    let mut verified = Vec::new();
    context.measure(|number| {
        let mut round = Round::default();
        let mut note = |engine, seconds: f64, bytes: u64| {
            round.add(engine, SPEED, size / 1e6 / seconds);
            round.add(engine, WRITTEN, bytes as f64 / size);
        };
        let path = dir.join("raw");
        let (((), baseline), bytes) = disk.count(|| seconds(|| raw::append_direct(&path, &content)))?;
        note("raw-direct", baseline, bytes);
        fs::remove_file(&path)?;
        let ((_, took), bytes) = disk.count(|| seconds(|| raw::append(&path, &content)))?;
        note("raw-buffered", took, bytes);
        fs::remove_file(&path)?;
        for at in 0..kinds.len() {
            let kind = kinds[(at + number) % kinds.len()];
            let folder = fresh_folder(dir, kind.name)?;
            let mut store = (kind.open)(&folder)?;
            let (((), took), bytes) = disk.count(|| seconds(|| store.load(&content)))?;
            note(kind.name, took, bytes);
            if number == 0 {
                verified.push((kind.name, verify_store(&*store, &model)));
            }
            store.close()?;
            fs::remove_dir_all(&folder)?;
        }
        round.baseline = Some(baseline);
        Ok(round)
    })?;
    verified.into_iter().try_for_each(|(name, result)| context.note_verified(name, result))
}
