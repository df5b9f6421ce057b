//! One run: acts, from a seed or from a record, done one after the other until the end or a finding.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use numstore::hooks::{Collector, install};

use crate::judge::{Finding, check_readers, judge_panic};
use crate::markers::Reached;
use crate::panics;
use crate::script::{Act, Entry, Log};
use crate::world::{Choices, Draws, Odds, Without, World};

use super::director::Director;
use super::outcome::{Counters, Outcome};
use super::stage::{Done, Stage};

/// A run with more I/O calls than this hangs.
const IOS_MAX: u64 = 5_000_000;

/// Who listens to a run: gets a line for every act, crash and recovery; with `ios`, for every I/O call.
pub struct Watch {
    /// Whether I/O calls are told too.
    pub ios: bool,
    /// The listener.
    pub tell: Box<dyn FnMut(&str) + Send>,
}

/// A judge that fires on purpose, to test what is done with findings: it is shown the acts that were performed.
pub type Canary = fn(&[Act]) -> bool;

/// How a run is conducted.
#[derive(Default)]
pub struct Conduct {
    /// Who listens.
    pub watch: Option<Watch>,
    /// Whether everything that is decided is recorded.
    pub records: bool,
    /// A judge that fires on purpose.
    pub canary: Option<Canary>,
    /// Kinds of faults that do not occur, beside those of the log that is followed.
    pub without: Without,
}

/// How closely a record is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fidelity {
    /// Every choice must be as recorded.
    Strict,
    /// What is missing is benign, what is left over is ignored.
    Lenient,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Nothing, or what was found wrong.
    pub finding: Option<Finding>,
    /// Where a record was left that was to be followed strictly.
    pub diverged: Option<String>,
    /// The hash of everything that happened.
    pub trace_hash: u64,
    /// What the run did.
    pub counters: Counters,
    /// The rare states that it reached.
    pub reached: Reached,
    /// All that was decided, if it was recorded.
    pub log: Option<Log>,
    /// For each act, whether it was skipped.
    pub skipped: Vec<bool>,
}

/// Runs a seed from beginning to end. A panic inside is a finding, also one in a drop, or in a drop during a panic.
pub fn run_seed(seed: u64, watch: Option<Watch>) -> Outcome {
    run_seed_without(seed, Without::default(), watch)
}

/// As [`run_seed`], in a world where some kinds of faults do not occur.
pub fn run_seed_without(seed: u64, without: Without, watch: Option<Watch>) -> Outcome {
    let Ended { finding, trace_hash, counters, reached, .. } =
        conduct_seed(seed, Conduct { watch, without, ..Conduct::default() });
    Outcome { seed, finding, trace_hash, counters, reached }
}

/// Runs a seed as told.
pub fn conduct_seed(seed: u64, conduct: Conduct) -> Ended {
    let director = Director::new(seed, conduct.without);
    let swarm = director.swarm();
    let mut head = Log::of_acts(swarm.geometry.clone(), []);
    (head.seed, head.short_transfers) = (Some(seed), swarm.short_transfers);
    head.without = conduct.without;
    play(head, Acts::Drawn(Box::new(director)), conduct)
}

/// Runs what a log says.
pub fn conduct_log(log: &Log, fidelity: Fidelity, conduct: Conduct) -> Ended {
    let without = log.without.and(conduct.without);
    let head = Log { entries: Vec::new(), geometry: log.geometry.clone(), without, ..*log };
    play(head, Acts::Recorded { entries: log.entries.clone().into_iter(), fidelity }, conduct)
}

/// Plays the acts on a thread that a panic within a panic may take along.
fn play(head: Log, acts: Acts, conduct: Conduct) -> Ended {
    let records = conduct.records;
    let record = Arc::new(Mutex::new(Record { log: head, skipped: Vec::new() }));
    let odds = if let Acts::Drawn(director) = &acts { director.odds() } else { Odds::default() };
    let run = {
        let record = Arc::clone(&record);
        move || {
            let run = Run::new(&record, conduct);
            run.world.set_odds(odds);
            run.play(acts)
        }
    };
    let (mut ended, stage) = match panics::contain(run) {
        Ok(ended) => ended,
        Err(panic) => (Ended::broken_off(judge_panic(panic)), None),
    };
    // What a finding left behind may panic when it is dropped. That is nothing new.
    let _ = stage.map(|stage| panics::contain(move || drop(stage)));
    let record = lock(&record);
    ended.log = records.then(|| record.log.clone());
    ended.skipped.clone_from(&record.skipped);
    ended
}

impl Ended {
    /// Of a run of which nothing but a finding is left, and its record.
    fn broken_off(finding: Finding) -> Ended {
        let (counters, reached, skipped) = (Counters::default(), Reached::default(), Vec::new());
        Ended { finding: Some(finding), diverged: None, trace_hash: 0, counters, reached, log: None, skipped }
    }
}

/// Where acts come from.
enum Acts {
    Drawn(Box<Director>),
    Recorded { entries: std::vec::IntoIter<Entry>, fidelity: Fidelity },
}

impl Acts {
    /// The next act; with its choices, if they are recorded.
    fn next(&mut self, stage: &Stage) -> Option<(Act, Option<Choices>)> {
        match self {
            Acts::Drawn(director) => director.next(stage).map(|act| (act, None)),
            Acts::Recorded { entries, .. } => entries.next().map(|entry| (entry.act, Some(entry.choices))),
        }
    }

    fn draws<'c>(&self, choices: Option<&'c Choices>) -> Draws<'c> {
        match (self, choices) {
            (Acts::Recorded { fidelity: Fidelity::Strict, .. }, Some(choices)) => Draws::Strict(choices),
            (_, Some(choices)) => Draws::Lenient(choices),
            (_, None) => Draws::Seed,
        }
    }
}

/// What is left of a run even if its thread is not.
struct Record {
    /// What was decided so far; without entries if it is not recorded.
    log: Log,
    /// For each act, whether it was skipped.
    skipped: Vec<bool>,
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Run {
    world: World,
    stage: Stage,
    record: Arc<Mutex<Record>>,
    records: bool,
    canary: Option<Canary>,
    performed: Vec<Act>,
    diverged: Option<String>,
}

impl Run {
    fn new(record: &Arc<Mutex<Record>>, conduct: Conduct) -> Run {
        let head = lock(record).log.clone();
        let world = World::new(head.seed.unwrap_or(0));
        world.switch_off(head.without);
        world.limit_ios(IOS_MAX);
        if let Some(watch) = conduct.watch {
            world.narrate_to(watch.ios, watch.tell);
        }
        world.note(&head.head());
        world.short_transfers(head.short_transfers);
        Run {
            stage: Stage::new(&world, head.geometry),
            world,
            record: Arc::clone(record),
            records: conduct.records,
            canary: conduct.canary,
            performed: Vec::new(),
            diverged: None,
        }
    }

    /// Plays the acts. After a finding the stage is handed back, to be dropped with care.
    fn play(mut self, mut acts: Acts) -> (Ended, Option<Stage>) {
        let markers = Collector::new();
        let before = install(Some(Arc::clone(&markers)));
        let finding = match panics::catch(|| self.history(&mut acts)) {
            Ok(ended) => ended.err(),
            Err(panic) => Some(judge_panic(panic)),
        };
        install(before);
        if let Some(finding) = &finding {
            self.world.note(&format!("  {finding}"));
        }
        let mut counters = self.stage.counters;
        counters.world = self.world.counters();
        counters.versions = self.world.read_counters();
        counters.crashes = counters.world.kills + counters.world.power_losses;
        let trace_hash = self.world.trace_hash();
        self.world.stop();
        self.world.reap();
        let stage = finding.is_some().then_some(self.stage);
        let (reached, log, skipped) = (Reached::of(&markers), None, Vec::new());
        (Ended { finding, diverged: self.diverged, trace_hash, counters, reached, log, skipped }, stage)
    }

    fn history(&mut self, acts: &mut Acts) -> Result<(), Finding> {
        while let Some((act, choices)) = acts.next(&self.stage) {
            let step = self.begin(&act);
            self.world.begin_act(step, acts.draws(choices.as_ref()), self.records);
            self.world.note(&act.to_string());
            let done = {
                // Even if it panics: what was drawn until then belongs to the record.
                let ending = EndAct { run: self };
                ending.run.stage.perform(&act)
            };
            if self.diverged.is_some() {
                return Ok(());
            }
            match done? {
                Done::Performed => self.ask_canary(act)?,
                Done::Skipped => {
                    self.world.note("  does not fit");
                    lock(&self.record).skipped[step as usize] = true;
                }
            }
            check_readers(self.world.take_read_fault())?;
        }
        Ok(())
    }

    /// Records that an act begins; returns its place.
    fn begin(&self, act: &Act) -> u64 {
        let mut record = lock(&self.record);
        record.skipped.push(false);
        if self.records {
            record.log.entries.push(Entry { act: act.clone(), choices: Choices::new() });
        }
        record.skipped.len() as u64 - 1
    }

    fn ask_canary(&mut self, act: Act) -> Result<(), Finding> {
        let Some(canary) = self.canary else { return Ok(()) };
        self.performed.push(act);
        if canary(&self.performed) {
            return Err(Finding::new("canary", "the condition that was planted is met"));
        }
        Ok(())
    }
}

/// Ends an act when it is dropped.
struct EndAct<'r> {
    run: &'r mut Run,
}

impl Drop for EndAct<'_> {
    fn drop(&mut self) {
        let run = &mut *self.run;
        let (choices, misfit) = run.world.end_act();
        let mut record = lock(&run.record);
        run.diverged = misfit.map(|what| format!("diverged at step {}: {what}", record.skipped.len()));
        if let Some(entry) = record.log.entries.last_mut() {
            entry.choices = choices;
        }
    }
}
