//! Insertions of 100 B in transactions of a thousand, until the log is nearly as long as it may get by default, and then a
//! crash: the files are copied as they are, and the copy is opened. How fast it repeats the operations beside how fast
//! they ran, and how long it takes. What a peer does then is another thing each, so NumStore is alone here.

use std::fs;
use std::path::{Path, PathBuf};

use super::seconds;
use crate::Result;
use crate::content::{Content, Draw, Edit};
use crate::context::{Context, fresh_folder, verify_store};
use crate::engines::{OURS, open_database, over};
use crate::harness::{Metric, Round};
use crate::model::Model;

const RATE: Metric = Metric::more("redone / run", "");
const REDONE: Metric = Metric::more("operations redone a second", "1/s");
const LOG: Metric = Metric::more("log", "MiB");
const TIME: Metric = Metric::less("time", "s");

const INSERTED: usize = 100;
const MIB: f64 = (1 << 20) as f64;
/// A checkpoint is due at 64 MiB.
const LOG_MOST: u64 = 62 << 20;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let (size, most, batch, dir) =
        (context.size, context.scale.crash_after, context.scale.batch, context.dir);
    let mut compared = Ok(());
    context.measure(|number| {
        let content = Content::new(size);
        let mut model = Model::new(content.clone());
        let folder = fresh_folder(dir, "running")?;
        let db = open_database(&folder)?;
        let mut store = over(db.clone())?;
        store.load(&content)?;
        store.checkpoint()?;
        // Also brings everything into memory.
        verify_store(&*store, &model)?;
        let (mut draw, mut ran, mut running, before) = (Draw::new(number as u64), 0, 0.0, db.stats());
        let log_bytes = || db.stats().log_bytes - before.log_bytes;
        while ran < most && log_bytes() < LOG_MOST {
            let edits: Vec<Edit> = (0..batch).map(|_| model.insert_anywhere(&mut draw, INSERTED)).collect();
            running += seconds(|| store.edit(&edits))?.1;
            ran += batch;
        }
        let log = log_bytes();
        let crashed = copy(&folder, &fresh_folder(dir, "crashed")?)?;
        if db.stats().checkpoints != before.checkpoints {
            return Err("a checkpoint has left less to repeat".into());
        }
        drop(db);
        store.close()?;
        let recovered = open_database(&crashed)?;
        let report = recovered.stats().recovery.ok_or("nothing was recovered")?;
        compared = verify_store(&*over(recovered)?, &model);
        let took = report.duration.as_secs_f64();
        let redone = report.records_redone as f64 / took;
        let mut round = Round::default();
        round.add(OURS, RATE, redone / (ran as f64 / running));
        round.add(OURS, REDONE, redone);
        round.add(OURS, LOG, log as f64 / MIB);
        round.add(OURS, TIME, took);
        Ok(round)
    })?;
    context.note_verified(OURS, compared)
}

/// Copies the files of a folder, as a process that is killed leaves them.
fn copy(from: &Path, to: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(to.to_owned())
}
