//! Many seeds on many threads.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::judge::Finding;
use crate::world::Without;

use super::outcome::Outcome;
use super::run::run_seed_without;
use super::tally::Tally;

/// A seed that takes longer than this hangs.
const SEED_MAX: Duration = Duration::from_secs(120);
/// Findings after which a campaign gives up.
pub(crate) const FINDINGS_MAX: usize = 20;

/// What to run.
#[derive(Clone, Default, Debug)]
pub struct Campaign {
    /// The seeds.
    pub seeds: Range<u64>,
    /// Threads.
    pub jobs: usize,
    /// Whether each seed runs twice, to compare the trace hashes.
    pub twice: bool,
    /// Kinds of faults that do not occur.
    pub without: Without,
    /// Whoever sets this ends the campaign: what has begun is still done, and there is no gap in it.
    pub stop: Arc<AtomicBool>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the seeds did.
    pub tally: Tally,
    /// The outcomes with a finding.
    pub failed: Vec<Outcome>,
    /// The seed at which to go on.
    pub next: u64,
    /// How long it took.
    pub duration: Duration,
}

enum Event {
    Started { worker: usize, seed: u64 },
    Idle { worker: usize },
    Ended(Box<Outcome>),
}

impl Campaign {
    /// Runs the seeds; `progress` hears of each that has ended: how many have, how many there are, how many failed.
    pub fn run(&self, progress: impl FnMut(u64, u64, usize)) -> Report {
        self.run_each(|seed, without| run_seed_without(seed, without, None), progress)
    }

    /// As [`Campaign::run`], with another way to run a seed.
    fn run_each(
        &self,
        run: fn(u64, Without) -> Outcome,
        mut progress: impl FnMut(u64, u64, usize),
    ) -> Report {
        let start = Instant::now();
        let next = Arc::new(AtomicU64::new(self.seeds.start));
        let (sender, events) = channel();
        let jobs = self.jobs.max(1);
        for worker in 0..jobs {
            let (next, sender) = (Arc::clone(&next), sender.clone());
            let campaign = self.clone();
            std::thread::spawn(move || campaign.work(run, worker, &next, &sender));
        }
        drop(sender);
        let mut running: Vec<Option<(u64, Instant)>> = vec![None; jobs];
        let mut tally = Tally::default();
        let mut failed: Vec<Outcome> = Vec::new();
        let total = self.seeds.end.saturating_sub(self.seeds.start);
        loop {
            match events.recv_timeout(Duration::from_secs(1)) {
                Ok(Event::Started { worker, seed }) => running[worker] = Some((seed, Instant::now())),
                Ok(Event::Idle { worker }) => running[worker] = None,
                Ok(Event::Ended(outcome)) => {
                    tally.count(&outcome);
                    if outcome.finding.is_some() {
                        failed.push(*outcome);
                    }
                    progress(tally.seeds, total, failed.len());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some((seed, _)) = running.iter().flatten().find(|(_, since)| since.elapsed() > SEED_MAX) {
                failed.push(hang(*seed));
                next.store(seed + 1, Ordering::Relaxed);
                break;
            }
            if failed.len() >= FINDINGS_MAX {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
        failed.sort_by_key(|outcome| outcome.seed);
        let next = next.load(Ordering::Relaxed).min(self.seeds.end);
        Report { tally, failed, next, duration: start.elapsed() }
    }

    fn work(
        &self,
        run: fn(u64, Without) -> Outcome,
        worker: usize,
        next: &AtomicU64,
        sender: &Sender<Event>,
    ) {
        // Asked in this order, a seed that is taken is also run.
        while !self.stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.seeds.end {
                break;
            }
            let _ = sender.send(Event::Started { worker, seed });
            let mut outcome = run(seed, self.without);
            if self.twice {
                let again = run(seed, self.without);
                if again != outcome && outcome.finding.is_none() {
                    let what = format!(
                        "the trace hash is {:016x} the first time and {:016x} the second",
                        outcome.trace_hash, again.trace_hash
                    );
                    outcome.finding = Some(Finding::new("determinism", what));
                }
            }
            let _ = sender.send(Event::Ended(Box::new(outcome)));
        }
        let _ = sender.send(Event::Idle { worker });
    }
}

fn hang(seed: u64) -> Outcome {
    let what = format!("the seed has not ended after {} seconds", SEED_MAX.as_secs());
    Outcome::broken_off(seed, Finding::new("hang", what))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::outcome::Counters;
    use super::*;
    use crate::panics::{self, Bomb};

    /// Every third seed panics, and again on the way out.
    fn run(seed: u64, _: Without) -> Outcome {
        let ended = panics::contain(move || {
            let _bomb = seed.is_multiple_of(3).then(|| Bomb);
            assert!(!seed.is_multiple_of(3), "the run goes wrong");
            Outcome {
                seed,
                finding: None,
                trace_hash: seed,
                counters: Counters::default(),
                reached: crate::markers::Reached::default(),
            }
        });
        ended.unwrap_or_else(|panic| Outcome::broken_off(seed, Finding::new("panic", panic)))
    }

    /// Tells this test's own process, started again, to panic twice and to say what came of it.
    const CHILD: &str = "NUMSTORE_SIM_PANICS_TWICE";
    const NAME: &str = "a_panic_within_a_panic_is_a_finding_and_the_campaign_goes_on";

    #[test]
    fn a_panic_within_a_panic_is_a_finding_and_the_campaign_goes_on() {
        if std::env::var_os(CHILD).is_some() {
            let report = Campaign { seeds: 0..10, jobs: 2, twice: true, ..Campaign::default() }
                .run_each(run, |_, _, _| {});
            let verdicts: Vec<String> = report.failed.iter().map(Outcome::verdict).collect();
            eprintln!("{} seeds\n{}", report.tally.seeds, verdicts.join("\n"));
            // The harness would wait for the threads that are left behind.
            std::process::exit(0);
        }
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        child.args([NAME, "--nocapture"]).env(CHILD, "1").env_remove("RUST_BACKTRACE");
        let output = child.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("10 seeds"), "{}: {said}", output.status);
        let failed: Vec<&str> = said.lines().filter(|line| line.contains(" failed: panic: ")).collect();
        assert_eq!(failed.len(), 4, "{said}");
        assert!(failed[1].starts_with("seed 3 failed: panic: the run goes wrong at "), "{said}");
        assert!(failed[1].contains("; and while that unwound: the drop goes wrong at "), "{said}");
    }
}
