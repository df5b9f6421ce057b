//! Starts the writer, kills it at a random instant, recovers, and judges what is there.
//!
//! 1. Every commit that the writer acknowledged is there, whole; at most one more, which it had no time to acknowledge.
//! 2. Nothing of an unfinished transaction is there: not in the stream, not in the bystander's.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use numstore::{Database, Options};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::model::Model;
use super::progress::Progress;
use super::report::{Kill, Report};
use super::{BYSTANDER, STREAM, Stage};
use crate::failure::{Failure, Result};
use crate::size::show_size;

/// Kills distributed over the first so much of the grouped commits; the rest is done in peace.
const SHARE_UNDER_FIRE: f64 = 0.85;

/// Lets writers edit until each has been killed; afterwards the model is what was found.
pub fn under_fire(stage: &Stage, model: &mut Model<'_>, report: &mut Report, kills: u32) -> Result {
    let mut rng = ChaCha8Rng::seed_from_u64(stage.settings.seed ^ 0x6b69_6c6c);
    let last = (stage.plan.grouped as f64 * SHARE_UNDER_FIRE) as usize;
    for kill in 1..=kills {
        // Somewhere in the last fifth of its share, so that there is something to lose.
        let share = last.saturating_sub(model.commits()) / (kills - kill + 1) as usize;
        let target = model.commits() + rng.random_range(share * 4 / 5..=share);
        let what = format!("a process edits, to be killed: {kill} of {kills}");
        let progress = Progress::start(&what, Some(stage.plan.grouped as u64));
        let from = model.commits();
        let run = run_writer(stage, model, target, rng.random_range(0.0..2.0), &progress)?;
        progress.done();
        report.grouped.add(stage.plan.edits(from..model.commits()), run.editing);
        report.acknowledged += (model.commits() - from) as u64;
        let started = Instant::now();
        let progress = Progress::start(&format!("recovering and comparing {}", show_size(model.len())), None);
        let db = Options::new().create(false).open(stage.db())?;
        let open = started.elapsed();
        let recovery = db.stats().recovery;
        let in_doubt = judge(&db, model)?;
        report.compared_bytes += model.len();
        report.kills.push(Kill {
            acknowledged: run.acknowledged,
            in_doubt,
            losers: recovery.as_ref().map_or(0, |r| r.losers),
            redone: recovery.as_ref().map_or(0, |r| r.records_redone),
            open,
        });
        db.close()?;
        progress.done();
    }
    Ok(())
}

/// What became of one writer.
struct Run {
    acknowledged: usize,
    editing: Duration,
}

/// Runs a writer until it has acknowledged commits up to `target`, and somewhat longer; then kills it. The model is
/// brought to the last commit that was acknowledged.
fn run_writer(
    stage: &Stage,
    model: &mut Model<'_>,
    target: usize,
    patience: f64,
    progress: &Progress,
) -> Result<Run> {
    let mut writer = Writer::start(stage, model.commits())?;
    let from = model.commits();
    if writer.acknowledgement()? != Some("ready".into()) {
        return Err(writer.ended_early());
    }
    let started = Instant::now();
    let mut editing = Duration::ZERO;
    while model.commits() < target {
        let Some(line) = writer.acknowledgement()? else { return Err(writer.ended_early()) };
        take(&line, model)?;
        editing = started.elapsed();
        progress.at(model.commits() as u64);
    }
    let one_commit = editing / u32::try_from(target - from).unwrap_or(u32::MAX).max(1);
    std::thread::sleep(one_commit.mul_f64(patience));
    writer.kill()?;
    // What was written to the pipe before the end counts: the writer had acknowledged it.
    while let Some(line) = writer.acknowledgement()? {
        take(&line, model)?;
        editing = started.elapsed();
    }
    Ok(Run { acknowledged: model.commits(), editing })
}

/// Brings the model to the commit that a line acknowledges, which is the next one.
fn take(line: &str, model: &mut Model<'_>) -> Result {
    if line.parse() != Ok(model.commits()) {
        return Err(Failure::Tour(format!(
            "the writer says {line:?} where commit {} is due",
            model.commits()
        )));
    }
    model.advance();
    Ok(())
}

/// Finds out what is there, and brings the model to it; returns whether the commit in doubt was there.
fn judge(db: &Database, model: &mut Model<'_>) -> Result<bool> {
    let strays = db.len(BYSTANDER)?;
    if strays > 0 {
        return Err(Failure::TourMismatch(format!("{strays} bytes of a transaction that never committed")));
    }
    let Some(difference) = model.difference(db, STREAM)? else { return Ok(false) };
    let acknowledged = model.commits();
    if model.advance() && model.difference(db, STREAM)?.is_none() {
        return Ok(true);
    }
    Err(Failure::TourMismatch(format!("{acknowledged} commits were acknowledged, but at {difference}")))
}

/// A writer process; killed when dropped.
struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    /// Starts one that makes commits from `from` on.
    fn start(stage: &Stage, from: usize) -> Result<Writer> {
        let spawn = || {
            let mut command = Command::new(std::env::current_exe()?);
            let settings = &stage.settings;
            command.arg("tour-writer").arg(stage.db()).args(["--from", &from.to_string()]);
            command.args(["--size", &settings.size.to_string(), "--seed", &settings.seed.to_string()]);
            command.args(["--group", &settings.group.to_string()]);
            if let Some(edits) = settings.edits {
                command.args(["--edits", &edits.to_string()]);
            }
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        };
        let failed = |e| Failure::Tour(format!("the writer does not start: {e}"));
        let mut child = spawn().map_err(failed)?;
        let out = child.stdout.take().expect("invariant: stdout is a pipe");
        Ok(Writer { child, out: BufReader::new(out) })
    }

    /// The next line; `None` if the writer is gone. Half a line is no acknowledgement.
    fn acknowledgement(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.out.read_line(&mut line);
        read.map_err(|e| Failure::Tour(format!("the writer cannot be heard: {e}")))?;
        Ok(line.strip_suffix('\n').map(str::to_owned))
    }

    /// Kills the process, which must still be at work (SIGKILL where there are signals), and waits for its end.
    fn kill(&mut self) -> Result {
        let ended = |e| Failure::Tour(format!("the writer cannot be killed: {e}"));
        self.child.kill().map_err(ended)?;
        let status = self.child.wait().map_err(ended)?;
        if was_killed(status) {
            return Ok(());
        }
        Err(Failure::Tour(format!("the writer ended before it was killed: {status}")))
    }

    /// The writer ended on its own; why, it has said on standard error.
    fn ended_early(&mut self) -> Failure {
        match self.child.wait() {
            Ok(status) => Failure::Tour(format!("the writer ended on its own: {status}")),
            Err(e) => Failure::Tour(format!("the writer is lost: {e}")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Both fail if it has ended already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process died of SIGKILL.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    status.signal() == Some(SIGKILL)
}

/// Whether a process was terminated from outside.
#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}
