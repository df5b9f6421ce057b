//! The tour: a big stream, edited in 64 places by a process that is killed again and again, and judged byte for byte.
//!
//! - `traces`: the two recorded editing histories; `plan`: which of their edits go where, in which commit
//! - `writer`: makes the commits, in a child process or here; `crash`: starts it, kills it, judges what is left; `finish`: the
//!   rest, in this process
//! - `model`: what the stream must hold, in plain vectors; `baseline`: the same edits in a plain file
//! - `report`: the table at the end; `progress`: what is shown meanwhile; `place`: where all this happens

mod baseline;
mod crash;
mod finish;
mod model;
mod place;
mod plan;
mod progress;
mod report;
mod traces;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use numstore::Options;

use crate::args;
use crate::failure::{Failure, Result};
use crate::input::PIECE_BYTES;
use crate::output::Output;
use crate::size::show_size;
use model::{Model, Source};
use plan::{PLACES, Plan, Settings};
use progress::Progress;
use report::Report;

pub use writer::run as run_writer;

/// The database's file name.
const DATABASE: &str = "tour.ns";
/// The stream that is edited.
const STREAM: &str = "tour";
/// The stream of the transaction that never commits.
const BYSTANDER: &str = "bystander";
/// What all syncs of grouped commits together should take at most.
const SYNC_BUDGET: Duration = Duration::from_secs(8);
/// The shortest and the longest group that is chosen.
const GROUP_RANGE: (u32, u32) = (64, 4096);

/// The command.
pub fn run(args: &args::Tour, output: &Output) -> Result {
    if args.size < PLACES as u64 {
        return Err(Failure::Usage(format!("--size is at least {PLACES} bytes, one for each place")));
    }
    let mut work = place::Workplace::new(args.dir.as_deref(), args.size, args.keep)?;
    let report = Stage::new(args, work.path()).and_then(|stage| stage.play(args.kills));
    if matches!(report, Err(Failure::TourMismatch(_))) {
        work.keep();
        eprintln!("what was found is left in {}", work.path().display());
    } else if args.keep {
        eprintln!("the database is {}", work.path().join(DATABASE).display());
    }
    let report = report?;
    output.result(report.text(), &report.json())
}

/// What does not change during the tour.
struct Stage {
    dir: PathBuf,
    source: Source,
    source_name: String,
    settings: Settings,
    sync_latency: Duration,
    plan: Plan,
}

impl Stage {
    /// Reads the source, times a sync, and lays the plan.
    fn new(args: &args::Tour, dir: &Path) -> Result<Stage> {
        let (source, source_name) = source(args.file.as_deref())?;
        let traces = traces::load()?;
        let sync_latency = baseline::sync_latency(dir)?;
        let recorded: usize = (0..PLACES).map(|place| traces[place % traces.len()].txns.len()).sum();
        let wanted = recorded as f64 * sync_latency.as_secs_f64() / SYNC_BUDGET.as_secs_f64();
        let chosen = (wanted as u32).clamp(GROUP_RANGE.0, GROUP_RANGE.1).next_power_of_two();
        let settings = Settings {
            size: args.size,
            seed: args.seed.unwrap_or_else(seed_from_clock),
            group: args.group.unwrap_or(chosen),
            edits: args.edits,
        };
        let plan = Plan::new(traces, &settings);
        Ok(Stage { dir: dir.to_owned(), source, source_name, settings, sync_latency, plan })
    }

    /// Loads, edits under fire, finishes in peace, and measures the plain file.
    fn play(&self, kills: u32) -> Result<Report> {
        let started = Instant::now();
        let mut report = Report::new(self);
        let mut model = Model::new(&self.plan, &self.source, self.settings.size);
        report.load = self.load()?;
        crash::under_fire(self, &mut model, &mut report, kills)?;
        finish::in_peace(self, &mut model, &mut report)?;
        let progress = Progress::start("editing a plain file of the same size by hand", None);
        report.plain_insert =
            baseline::time_of_an_insert(&self.dir, &self.source, &self.plan, self.settings.size)?;
        progress.done();
        report.elapsed = started.elapsed();
        Ok(report)
    }

    /// The database file.
    fn db(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    /// Fills the stream, in one transaction; returns how long it took until it was durable.
    fn load(&self) -> Result<Duration> {
        let size = self.settings.size;
        let progress = Progress::start(&format!("loading {}", show_size(size)), Some(size));
        let db = Options::new().open(self.db())?;
        let started = Instant::now();
        let tx = db.begin()?;
        tx.create(BYSTANDER)?;
        let stream = tx.create(STREAM)?;
        let mut at = 0;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        while at < size {
            piece.clear();
            let end = size.min(at + PIECE_BYTES as u64);
            self.source.pieces(at..end).for_each(|bytes| piece.extend_from_slice(bytes));
            stream.append(&piece)?;
            at = end;
            progress.at(at);
        }
        tx.commit()?;
        let took = started.elapsed();
        db.close()?;
        progress.done();
        Ok(took)
    }
}

/// The bytes to fill the stream with, and what they are.
fn source(file: Option<&Path>) -> Result<(Source, String)> {
    let path = match file {
        Some(path) => path.to_owned(),
        None => {
            std::env::current_exe().map_err(|e| Failure::file("find", Path::new("the running program"), e))?
        }
    };
    let bytes = fs::read(&path).map_err(|e| Failure::file("read", &path, e))?;
    if bytes.is_empty() {
        return Err(Failure::Tour(format!("{} has no bytes to fill a stream with", path.display())));
    }
    let name = if file.is_some() { path.display().to_string() } else { "this program".into() };
    Ok((Source::new(bytes), name))
}

/// Another seed each time.
fn seed_from_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ (since.as_secs() << 30)
}
