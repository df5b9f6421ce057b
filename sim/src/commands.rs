//! The commands that work on single runs: each takes a seed, a file with the log of a run, or `fuzz:` and a fuzzer's
//! input.

use std::convert::Infallible;
use std::fmt::{self, Display};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sim::runner::{Canary, Conduct, Ended, Fidelity, Watch, conduct_log, conduct_seed};
use sim::script::{Act, Log};
use sim::shrink::{emit_test, shrink};

use sim::world::{FaultKind, Odds};

use crate::describe;

/// A run to be had again.
#[derive(Clone, Debug)]
pub enum Subject {
    /// That of a seed.
    Seed(u64),
    /// That of a log.
    File(PathBuf),
    /// That which a fuzzer's input stands for.
    Input(PathBuf),
}

impl FromStr for Subject {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Subject, Infallible> {
        Ok(match (text.parse(), text.strip_prefix("fuzz:")) {
            (Ok(seed), _) => Subject::Seed(seed),
            (_, Some(path)) => Subject::Input(path.into()),
            _ => Subject::File(text.into()),
        })
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Seed(seed) => write!(f, "seed {seed}"),
            Subject::File(path) | Subject::Input(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Subject {
    /// The log of the run; that of a seed is recorded now.
    pub fn log(&self, canary: Option<Canary>) -> Result<Log, String> {
        match self {
            Subject::Seed(seed) => {
                let ended = conduct_seed(*seed, Conduct { records: true, canary, ..Conduct::default() });
                Ok(ended.log.expect("invariant: the run was recorded"))
            }
            Subject::File(path) => {
                let content = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
                Log::read(&content).map_err(|e| format!("{}: {e}", path.display()))
            }
            Subject::Input(path) => {
                let content = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
                Ok(Log::from_any_bytes(&content))
            }
        }
    }
}

/// Writes a log: as bytes if the file's name ends in `.bin`, else as text.
pub fn write_log(log: &Log, path: &Path) -> Result<(), String> {
    let binary = path.extension().is_some_and(|extension| extension == "bin");
    let content = if binary { log.to_bytes() } else { log.to_string().into_bytes() };
    std::fs::write(path, content).map_err(|e| format!("{}: {e}", path.display()))
}

/// Prints a line; whoever has heard enough and closes the pipe is right to do so.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// How a run is to be told and kept.
#[derive(clap::Args)]
pub struct Telling {
    /// Tell every I/O call too.
    #[arg(long)]
    verbose: bool,
    /// Tell only the verdict.
    #[arg(long, conflicts_with = "verbose")]
    quiet: bool,
    /// Write the log of the run to this file: everything that was decided in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Take what is benign where a log does not fit, instead of stopping there.
    #[arg(long)]
    lenient: bool,
    /// Find something on purpose, to see what becomes of findings.
    #[arg(long, hide = true)]
    canary: bool,
    /// Kinds of faults that do not occur, beside those of which a log says so.
    #[arg(long, value_parser = FaultKind::parse)]
    without: Vec<FaultKind>,
}

/// Runs a seed or a log again.
pub fn replay(subject: &Subject, telling: &Telling) -> Result<bool, String> {
    let watch = Watch { ios: telling.verbose, tell: Box::new(|line| say(line)) };
    let conduct = Conduct {
        watch: (!telling.quiet).then_some(watch),
        records: telling.log.is_some(),
        canary: canary(telling.canary),
        without: telling.without.iter().copied().collect(),
    };
    if let (Subject::Seed(seed), false) = (subject, telling.quiet) {
        say(format!("odds: {}", Odds::draw(*seed)));
    }
    let ended = match subject {
        Subject::Seed(seed) => conduct_seed(*seed, conduct),
        Subject::File(_) | Subject::Input(_) => {
            let lenient = telling.lenient || matches!(subject, Subject::Input(_));
            let fidelity = if lenient { Fidelity::Lenient } else { Fidelity::Strict };
            conduct_log(&subject.log(None)?, fidelity, conduct)
        }
    };
    if let (Some(path), Some(log)) = (&telling.log, &ended.log) {
        write_log(log, path)?;
    }
    say(describe(&ended.counters));
    say(format!("trace hash {:016x}", ended.trace_hash));
    Ok(judge(subject, &ended))
}

/// Tells the verdict; whether it is a good one.
fn judge(subject: &Subject, ended: &Ended) -> bool {
    match (&ended.diverged, &ended.finding) {
        (Some(diverged), _) => say(diverged),
        (None, Some(finding)) => say(format!("{subject} failed: {finding}")),
        (None, None) => say(format!("{subject} is clean")),
    }
    ended.diverged.is_none() && ended.finding.is_none()
}

/// The planted condition: two commits and a rename, and then the power fails.
pub fn canary(wanted: bool) -> Option<Canary> {
    wanted.then_some(|acts: &[Act]| {
        let lines: Vec<String> = acts.iter().map(Act::to_string).collect();
        let count = |word: &str| lines.iter().filter(|line| line.split(' ').any(|w| w == word)).count();
        let last = lines.last().is_some_and(|line| line.starts_with("power-loss"));
        last && count("commit") >= 2 && count("rename") >= 1
    })
}

/// Prints a log as text.
pub fn show(subject: &Subject) -> Result<bool, String> {
    say(subject.log(None)?.to_string().trim_end());
    Ok(true)
}

/// Shrinks a run that fails, and writes what is left of it.
pub fn shrink_run(
    subject: &Subject,
    output: Option<&Path>,
    test: Option<&Path>,
    with_canary: bool,
) -> Result<bool, String> {
    let canary = canary(with_canary);
    let log = subject.log(canary)?;
    let Some(shrunk) = shrink(&log, canary, &mut |line| eprintln!("{line}")) else {
        return Err(format!("{subject} is clean: there is nothing to shrink"));
    };
    match output {
        Some(path) => write_log(&shrunk.log, path)?,
        None => say(shrunk.log.to_string().trim_end()),
    }
    if let Some(path) = test {
        let text = emit_test(&shrunk.minimal, &title(path), &shrunk.finding.to_string());
        std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    eprintln!("{} acts, after {} runs: {}", shrunk.log.entries.len(), shrunk.runs, shrunk.finding);
    Ok(true)
}

/// A name for the test in a file.
fn title(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let title: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if title.starts_with(|c: char| c.is_ascii_alphabetic()) { title } else { format!("run_{title}") }
}
