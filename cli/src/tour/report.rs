//! What the tour has measured: a short table for people, an object for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use super::plan::{PLACES, Settings};
use crate::output::thousands;
use crate::size::show_size;

/// Edits, and what they took.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rate {
    /// How many.
    pub edits: u64,
    /// How long, until the last was durable.
    pub elapsed: Duration,
    /// Record bytes logged for them; zero where nobody counted.
    pub log_bytes: u64,
    /// All bytes written to the log for them: records, headers and padding; zero where nobody counted.
    pub log_bytes_written: u64,
}

impl Rate {
    /// Some more.
    pub fn add(&mut self, edits: u64, elapsed: Duration) {
        self.edits += edits;
        self.elapsed += elapsed;
    }

    /// Edits in a second.
    fn per_second(&self) -> f64 {
        self.edits as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Record bytes of an edit.
    fn log_bytes_per_edit(&self) -> f64 {
        self.log_bytes as f64 / (self.edits as f64).max(1.0)
    }

    /// Bytes written to the log for an edit.
    fn log_bytes_written_per_edit(&self) -> f64 {
        self.log_bytes_written as f64 / (self.edits as f64).max(1.0)
    }
}

/// One death, and what came after.
#[derive(Clone, Debug)]
pub struct Kill {
    /// Commits acknowledged so far, by all writers.
    pub acknowledged: usize,
    /// Whether a commit was there that the writer had no time to acknowledge.
    pub in_doubt: bool,
    /// Transactions undone.
    pub losers: u64,
    /// Log records done again.
    pub redone: u64,
    /// How long opening took, recovery included.
    pub open: Duration,
}

/// Everything measured.
pub struct Report {
    source: String,
    settings: Settings,
    sync_latency: Duration,
    edits: u64,
    commits: u64,
    /// Loading the stream.
    pub load: Duration,
    /// Grouped commits, by killed writers and in peace.
    pub grouped: Rate,
    /// The grouped commits whose log bytes were counted.
    pub grouped_log: Rate,
    /// Commits of one recorded transaction each.
    pub singles: Rate,
    /// One insert into the plain file.
    pub plain_insert: Duration,
    /// The deaths.
    pub kills: Vec<Kill>,
    /// Commits that killed writers acknowledged.
    pub acknowledged: u64,
    /// Bytes that were compared with the model.
    pub compared_bytes: u64,
    /// Levels of the tree above the leaves.
    pub height: u32,
    /// Opening after a clean close.
    pub clean_open: Duration,
    /// The whole tour.
    pub elapsed: Duration,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(stage: &Stage) -> Report {
        Report {
            source: stage.source_name.clone(),
            settings: stage.settings,
            sync_latency: stage.sync_latency,
            edits: stage.plan.edits(0..stage.plan.commits.len()),
            commits: stage.plan.commits.len() as u64,
            load: Duration::ZERO,
            grouped: Rate::default(),
            grouped_log: Rate::default(),
            singles: Rate::default(),
            plain_insert: Duration::ZERO,
            kills: Vec::new(),
            acknowledged: 0,
            compared_bytes: 0,
            height: 0,
            clean_open: Duration::ZERO,
            elapsed: Duration::ZERO,
        }
    }

    /// The table.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} from {}, {} edits at {PLACES} places, seed {}\n\n",
            show_size(self.settings.size),
            self.source,
            thousands(self.edits),
            self.settings.seed,
        );
        let group = self.settings.group.to_string();
        let plain = 1.0 / self.plain_insert.as_secs_f64().max(1e-9);
        let mut row = |name: &str, cells: [&str; 3]| {
            let [a, b, c] = cells;
            writeln!(text, "{name:44} {a:>10} {b:>10} {c:>13}").expect("invariant: a String takes all text");
        };
        row("", ["numstore", "numstore", "plain file"]);
        row("recorded transactions per commit", [&group, "1", "1"]);
        row(
            "durable edits a second",
            [&rate(self.grouped.per_second()), &rate(self.singles.per_second()), &rate(plain)],
        );
        row(
            "record bytes, or bytes rewritten, an edit",
            [
                &format!("{:.1}", self.grouped_log.log_bytes_per_edit()),
                &format!("{:.1}", self.singles.log_bytes_per_edit()),
                &thousands(self.settings.size / 2),
            ],
        );
        row(
            "log bytes with headers and padding, an edit",
            [
                &format!("{:.1}", self.grouped_log.log_bytes_written_per_edit()),
                &format!("{:.1}", self.singles.log_bytes_written_per_edit()),
                "-",
            ],
        );
        text.push('\n');
        for (name, value) in self.facts() {
            writeln!(text, "{name:22} {value}").expect("invariant: a String takes all text");
        }
        text
    }

    /// The lines under the table.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let join =
            |cell: &dyn Fn(&Kill) -> String| self.kills.iter().map(cell).collect::<Vec<_>>().join(", ");
        let mut facts = vec![(
            "bulk load",
            format!(
                "{:.0} MiB/s, one transaction, durable",
                self.settings.size as f64 / (1 << 20) as f64 / self.load.as_secs_f64().max(1e-9)
            ),
        )];
        if !self.kills.is_empty() {
            let in_doubt = self.kills.iter().filter(|kill| kill.in_doubt).count();
            facts.extend([
                ("SIGKILL", format!("{} times, with transactions open", self.kills.len())),
                ("losers undone", join(&|kill| kill.losers.to_string())),
                ("records redone", join(&|kill| thousands(kill.redone))),
                ("recovery", join(&|kill| seconds(kill.open))),
                (
                    "after the kills",
                    format!(
                        "{} acknowledged commits, none lost; {in_doubt} unacknowledged found whole",
                        thousands(self.acknowledged)
                    ),
                ),
            ]);
        }
        facts.extend([
            ("compared, all equal", format!("{} bytes with a plain model", thousands(self.compared_bytes))),
            ("tree height", self.height.to_string()),
            ("open after a close", seconds(self.clean_open)),
            ("one sync of this disk", format!("{} us", thousands(self.sync_latency.as_micros() as u64))),
            ("the whole tour", seconds(self.elapsed)),
        ]);
        facts
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let kills: Vec<_> = self
            .kills
            .iter()
            .map(|kill| {
                json!({
                    "acknowledged": kill.acknowledged,
                    "in_doubt_found": kill.in_doubt,
                    "losers": kill.losers,
                    "records_redone": kill.redone,
                    "open_seconds": kill.open.as_secs_f64(),
                })
            })
            .collect();
        json!({
            "size": self.settings.size,
            "source": self.source,
            "seed": self.settings.seed,
            "group": self.settings.group,
            "edits": self.edits,
            "commits": self.commits,
            "edits_per_second": self.grouped.per_second(),
            "edits_per_second_one_by_one": self.singles.per_second(),
            "edits_per_second_plain_file": 1.0 / self.plain_insert.as_secs_f64().max(1e-9),
            "log_bytes_per_edit": self.grouped_log.log_bytes_per_edit(),
            "log_bytes_per_edit_one_by_one": self.singles.log_bytes_per_edit(),
            "log_bytes_written_per_edit": self.grouped_log.log_bytes_written_per_edit(),
            "log_bytes_written_per_edit_one_by_one": self.singles.log_bytes_written_per_edit(),
            "load_seconds": self.load.as_secs_f64(),
            "kills": kills,
            "compared_bytes": self.compared_bytes,
            "height": self.height,
            "clean_open_seconds": self.clean_open.as_secs_f64(),
            "sync_seconds": self.sync_latency.as_secs_f64(),
            "seconds": self.elapsed.as_secs_f64(),
        })
    }
}

/// A rate with as many digits as it deserves.
fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.1}") } else { thousands(per_second as u64) }
}

/// A duration with as many digits as it deserves.
fn seconds(duration: Duration) -> String {
    if duration < Duration::from_millis(100) {
        format!("{:.1} ms", duration.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", duration.as_secs_f64())
    }
}
