//! One run: acts, from a seed or from a record, done one after the other until the end or a finding.

use std::borrow::Cow;

use crate::judge::Finding;
use crate::script::{Act, Entry, Log};
use crate::world::{Draws, World};

use super::director::Director;
use super::outcome::{Counters, Outcome};
use super::panics;
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
    /// All that was decided, if it was recorded.
    pub log: Option<Log>,
    /// For each act, whether it was skipped.
    pub skipped: Vec<bool>,
}

/// Runs a seed from beginning to end. A panic inside is a finding.
pub fn run_seed(seed: u64, watch: Option<Watch>) -> Outcome {
    let ended = conduct_seed(seed, Conduct { watch, ..Conduct::default() });
    Outcome { seed, finding: ended.finding, trace_hash: ended.trace_hash, counters: ended.counters }
}

/// Runs a seed as told.
pub fn conduct_seed(seed: u64, conduct: Conduct) -> Ended {
    let director = Director::new(seed);
    let swarm = director.swarm();
    let mut head = Log::of_acts(swarm.geometry.clone(), []);
    (head.seed, head.short_transfers) = (Some(seed), swarm.short_transfers);
    Run::new(head, conduct).play(Acts::Drawn(Box::new(director)))
}

/// Runs what a log says.
pub fn conduct_log(log: &Log, fidelity: Fidelity, conduct: Conduct) -> Ended {
    let head = Log { entries: Vec::new(), geometry: log.geometry.clone(), ..*log };
    Run::new(head, conduct).play(Acts::Recorded { entries: log.entries.iter(), fidelity })
}

/// Where acts come from.
enum Acts<'a> {
    Drawn(Box<Director>),
    Recorded { entries: std::slice::Iter<'a, Entry>, fidelity: Fidelity },
}

impl<'a> Acts<'a> {
    fn next(&mut self, stage: &Stage) -> Option<(Cow<'a, Act>, Draws<'a>)> {
        match self {
            Acts::Drawn(director) => director.next(stage).map(|act| (Cow::Owned(act), Draws::Seed)),
            Acts::Recorded { entries, fidelity } => {
                let Entry { act, choices } = entries.next()?;
                let draws = match fidelity {
                    Fidelity::Strict => Draws::Strict(choices),
                    Fidelity::Lenient => Draws::Lenient(choices),
                };
                Some((Cow::Borrowed(act), draws))
            }
        }
    }
}

struct Run {
    world: World,
    stage: Stage,
    /// What was decided so far; without entries if it is not recorded.
    log: Log,
    records: bool,
    canary: Option<Canary>,
    performed: Vec<Act>,
    skipped: Vec<bool>,
    diverged: Option<String>,
}

impl Run {
    fn new(head: Log, conduct: Conduct) -> Run {
        let world = World::new(head.seed.unwrap_or(0));
        world.limit_ios(IOS_MAX);
        if let Some(watch) = conduct.watch {
            world.narrate_to(watch.ios, watch.tell);
        }
        world.note(&head.head());
        world.short_transfers(head.short_transfers);
        Run {
            stage: Stage::new(&world, head.geometry.clone()),
            world,
            log: head,
            records: conduct.records,
            canary: conduct.canary,
            performed: Vec::new(),
            skipped: Vec::new(),
            diverged: None,
        }
    }

    fn play(mut self, mut acts: Acts<'_>) -> Ended {
        let seed = self.log.seed.unwrap_or(0);
        let finding = match panics::catch(seed, || self.history(&mut acts)) {
            Ok(ended) => ended.err(),
            Err(panic) => Some(Finding::new("panic", panic)),
        };
        if let Some(finding) = &finding {
            self.world.note(&format!("  {finding}"));
        }
        let mut counters = self.stage.counters;
        counters.world = self.world.counters();
        counters.crashes = counters.world.kills + counters.world.power_losses;
        let trace_hash = self.world.trace_hash();
        let (log, stage) = (self.records.then_some(self.log), self.stage);
        self.world.stop();
        // What a panic left behind may panic again. That is nothing new.
        let _ = panics::catch(seed, || drop(stage));
        Ended { finding, diverged: self.diverged, trace_hash, counters, log, skipped: self.skipped }
    }

    fn history(&mut self, acts: &mut Acts<'_>) -> Result<(), Finding> {
        while let Some((act, draws)) = acts.next(&self.stage) {
            self.world.begin_act(self.skipped.len() as u64, draws, self.records);
            self.world.note(&act.to_string());
            self.skipped.push(false);
            let done = {
                // Even if it panics: what was drawn until then belongs to the record.
                let recorded = self.records.then(|| act.clone());
                let ending = EndAct { run: self, act: recorded };
                ending.run.stage.perform(&act).inspect(|done| ending.run.note_done(*done))
            };
            if self.diverged.is_some() {
                return Ok(());
            }
            if done? == Done::Performed {
                self.ask_canary(act)?;
            }
        }
        Ok(())
    }

    fn note_done(&mut self, done: Done) {
        if done == Done::Skipped {
            self.world.note("  does not fit");
            self.skipped.pop();
            self.skipped.push(true);
        }
    }

    fn ask_canary(&mut self, act: Cow<'_, Act>) -> Result<(), Finding> {
        let Some(canary) = self.canary else { return Ok(()) };
        self.performed.push(act.into_owned());
        if canary(&self.performed) {
            return Err(Finding::new("canary", "the condition that was planted is met"));
        }
        Ok(())
    }
}

/// Ends an act when it is dropped.
struct EndAct<'r, 'a> {
    run: &'r mut Run,
    act: Option<Cow<'a, Act>>,
}

impl Drop for EndAct<'_, '_> {
    fn drop(&mut self) {
        let run = &mut *self.run;
        let (choices, misfit) = run.world.end_act();
        run.diverged = misfit.map(|what| format!("diverged at step {}: {what}", run.skipped.len()));
        if let Some(act) = self.act.take() {
            run.log.entries.push(Entry { act: act.into_owned(), choices });
        }
    }
}
