//! The edits that no writer lived to make, in this process; then everything is compared and audited once more.

use std::ops::Range;
use std::time::Instant;

use numstore::{Database, Options};

use super::model::Model;
use super::plan::Offsets;
use super::progress::Progress;
use super::report::{Rate, Report};
use super::{STREAM, Stage, writer};
use crate::failure::{Failure, Result};
use crate::size::show_size;

/// Makes the remaining commits, compares every byte, audits, and opens once more after a clean close.
pub fn in_peace(stage: &Stage, model: &mut Model<'_>, report: &mut Report) -> Result {
    let plan = &stage.plan;
    let progress = Progress::start("finishing the edits", Some(plan.commits.len() as u64));
    let db = Options::new().create(false).open(stage.db())?;
    let mut offsets = Offsets::after(plan, model.commits());
    report.grouped_log = commit(stage, &db, &mut offsets, model.commits()..plan.grouped, &progress)?;
    report.grouped.add(report.grouped_log.edits, report.grouped_log.elapsed);
    report.singles = commit(stage, &db, &mut offsets, plan.grouped..plan.commits.len(), &progress)?;
    progress.done();
    let progress = Progress::start(&format!("comparing {} and auditing", show_size(model.len())), None);
    model.advance_to(plan.commits.len());
    compare(&db, model)?;
    report.compared_bytes += model.len();
    let found = db.verify()?;
    if !found.is_clean() {
        return Err(Failure::TourMismatch(format!("the audit says: {}", found.problems.join("; "))));
    }
    report.height = found.height;
    db.close()?;
    progress.done();
    let started = Instant::now();
    let db = Options::new().create(false).open(stage.db())?;
    report.clean_open = started.elapsed();
    if db.len(STREAM)? != model.len() {
        return Err(Failure::TourMismatch("the length changed by closing and opening".into()));
    }
    Ok(db.close()?)
}

/// Makes a range of commits, and measures them.
fn commit(
    stage: &Stage,
    db: &Database,
    offsets: &mut Offsets,
    commits: Range<usize>,
    progress: &Progress,
) -> Result<Rate> {
    let before = db.stats();
    let started = Instant::now();
    for commit in commits.clone() {
        writer::apply(db, &stage.plan, offsets, commit, false)?;
        progress.at(commit as u64);
    }
    let elapsed = started.elapsed();
    let after = db.stats();
    Ok(Rate {
        edits: stage.plan.edits(commits),
        elapsed,
        log_bytes: after.log_bytes - before.log_bytes,
        log_bytes_written: after.log_bytes_written - before.log_bytes_written,
    })
}

/// The stream equals the model, and the model's documents what was recorded as their end.
fn compare(db: &Database, model: &Model<'_>) -> Result {
    if let Some(difference) = model.difference(db, STREAM)? {
        return Err(Failure::TourMismatch(format!("after all edits, at {difference}")));
    }
    if let Some(name) = model.not_as_recorded() {
        return Err(Failure::TourMismatch(format!("a document does not end as {name} was recorded")));
    }
    Ok(())
}
