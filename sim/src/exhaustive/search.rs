//! Runs workloads up to every crash, and opens what that leaves.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::judge::Finding;
use crate::model::{History, Streams};
use crate::panics;
use crate::runner::Stage;
use crate::script::{Act, Death, step};
use crate::workload::{Geometry, Operation};
use crate::world::{Choices, Draws, Fate, Platter, World, mix};

use super::fates;
use super::report::Report;
use super::workloads::{STREAMS, alphabet, sequence};

/// A run with more I/O calls than this hangs.
const IOS_MAX: u64 = 100_000;
/// Findings after which a search ends.
const FINDINGS_MAX: usize = 8;
const SEED: u64 = 1;
/// So many workloads are begun together; a search ends behind all of them, whatever threads there are.
const TOGETHER: u64 = 4;

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The longest workload, in operations.
    pub operations: u32,
    /// Distinct images after which no workload begins.
    pub images_max: u64,
    /// How long workloads begin.
    pub time_max: Duration,
    /// Threads.
    pub jobs: usize,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Workloads that have come to their end.
    pub workloads: u64,
    /// Of so many.
    pub workloads_all: u64,
    /// Distinct images.
    pub distinct: u64,
    /// Since it began.
    pub time: Duration,
}

/// A machine whose process has died.
struct Struck {
    world: World,
    /// What its database may be found as.
    history: History,
    /// Whether the workload had come to its end.
    at_end: bool,
}

/// What all threads share.
struct Common {
    start: Platter,
    state: Streams,
    next: AtomicU64,
    /// What a crash in a workload has left, and was opened with a crash at each I/O call of that.
    searched: Seen,
    /// What was opened, by that or behind a crash in a recovery.
    opened: Seen,
}

/// What was looked at, of which the order in which threads come to it says nothing.
struct Seen(Vec<Mutex<HashSet<u64>>>);

impl Seen {
    fn new() -> Seen {
        Seen((0..64).map(|_| Mutex::default()).collect())
    }

    fn insert(&self, key: u64) -> bool {
        let part = &self.0[(key % self.0.len() as u64) as usize];
        part.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    fn len(&self) -> u64 {
        let parts = self.0.iter();
        parts.map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).len() as u64).sum()
    }
}

/// Searches all workloads within `scope`, a few at a time; `tell` hears how far it has come.
pub fn search(scope: Scope, tell: &mut dyn FnMut(Progress)) -> Report {
    let began = Instant::now();
    let (start, state) = prepared();
    let (searched, opened) = (Seen::new(), Seen::new());
    let common = Common { start, state, next: AtomicU64::new(0), searched, opened };
    let mut report = Report::new(scope.operations);
    let all = report.workloads_all;
    while report.workloads < all {
        let end = (report.workloads + TOGETHER).min(all);
        common.work_up_to(end, scope.jobs, &mut report);
        report.workloads = end;
        report.distinct = common.opened.len();
        report.distinct_in_recovery = report.distinct - common.searched.len();
        let time = began.elapsed();
        tell(Progress { workloads: end, workloads_all: all, distinct: report.distinct, time });
        let spent = report.distinct >= scope.images_max || time >= scope.time_max;
        if spent || report.findings.len() >= FINDINGS_MAX {
            break;
        }
    }
    report.findings.sort();
    report.complete = report.workloads == all;
    report.seconds = began.elapsed().as_secs_f64();
    report
}

/// A closed database with some streams, and its state.
fn prepared() -> (Platter, Streams) {
    let world = quiet(World::new(SEED));
    let mut stage = Stage::new(&world, Geometry::default());
    let mut acts = vec![Act::Open];
    for (at, (name, len)) in STREAMS.into_iter().enumerate() {
        let bytes = step::pattern(100 + at as u32, len);
        acts.push(Act::Do(Operation::Direct(step::create(name))));
        acts.push(Act::Do(Operation::Direct(step::append(name, &bytes))));
    }
    acts.push(Act::Do(Operation::Close));
    for act in acts {
        stage.perform(&act).expect("invariant: nothing is in the way");
    }
    let history = stage.history().expect("invariant: it was closed");
    (world.settled(&Fate::default()), history.newest().clone())
}

/// A world in which nothing happens by chance.
fn quiet(world: World) -> World {
    world.begin_act(0, Draws::Lenient(&Choices::new()), false);
    world.limit_ios(IOS_MAX);
    world
}

/// What is promised of the files after a crash.
fn promise(history: &History) -> u64 {
    history.candidates().fold(0, |sum, at| {
        let streams = history.state(at).iter();
        let state = streams.fold(1, |sum: u64, (name, bytes)| {
            mix(sum ^ crate::world::checksum(name.as_bytes()) ^ mix(crate::world::checksum(bytes)))
        });
        mix(sum ^ state)
    })
}

impl Common {
    /// Does the workloads before `end` that nobody has begun.
    fn work_up_to(&self, end: u64, jobs: usize, report: &mut Report) {
        let worker = || {
            let mut report = Report::default();
            loop {
                let begun = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                    (next < end).then_some(next + 1)
                });
                let Ok(number) = begun else { return report };
                self.workload(number, &mut report);
            }
        };
        std::thread::scope(|threads| {
            let workers: Vec<_> = (0..jobs.max(1)).map(|_| threads.spawn(worker)).collect();
            for worker in workers {
                report.add(&worker.join().expect("panics in runs are caught"));
            }
        });
    }

    /// Every crash in the last operation of a workload, and one behind it; up to the first finding.
    fn workload(&self, number: u64, report: &mut Report) {
        let letters = alphabet();
        let names = sequence(number);
        for after in 0.. {
            let way = || {
                let words: Vec<&str> = names.iter().map(|&at| letters[at].words).collect();
                format!("workload {number} ({}), crash in I/O call {after}", words.join("; "))
            };
            let struck =
                panics::catch(|| self.strike(&names, after)).unwrap_or_else(|said| Err(panicked(&said)));
            match struck {
                Ok(Struck { world, history, at_end }) => {
                    report.crashes += 1;
                    if let Err(finding) = self.aftermath(&world, &history, report) {
                        report.findings.push(format!("{}, {finding}", way()));
                        return;
                    }
                    if at_end {
                        return;
                    }
                }
                Err(finding) => return report.findings.push(format!("{}: {finding}", way())),
            }
        }
    }

    /// Runs a workload up to a crash in its last operation, or right behind it.
    fn strike(&self, names: &[usize], after: u64) -> Result<Struck, Finding> {
        let world = quiet(World::on(SEED, &self.start));
        let mut stage = Stage::found(&world, Geometry::default(), History::new(self.state.clone()));
        stage.perform(&Act::Open)?;
        let letters = alphabet();
        for (place, &name) in names.iter().enumerate() {
            if place + 1 == names.len() {
                world.crash_after(after);
            }
            for operation in &letters[name].operations {
                stage.perform(&Act::Do(operation.clone()))?;
            }
            // Closed in between: the next one goes on.
            if stage.history().is_some() && !world.crashed() {
                stage.perform(&Act::Open)?;
            }
        }
        let at_end = !world.crashed();
        if at_end {
            stage.perform(&Act::Die(Death::Kill))?;
        }
        let history = stage.history().expect("invariant: the process is dead").clone();
        Ok(Struck { world, history, at_end })
    }

    /// Opens everything that a power loss may leave now.
    fn aftermath(&self, world: &World, history: &History, report: &mut Report) -> Result<(), String> {
        let promise = promise(history);
        for fate in fates::all(&world.undecided()) {
            let platter = world.settled(&fate);
            report.images += 1;
            let key = mix(platter.sum()) ^ promise;
            if self.searched.insert(key) {
                self.opened.insert(key);
                self.recover(&platter, history, promise, report)
                    .map_err(|said| format!("{fate:?}: {said}"))?;
            }
        }
        Ok(())
    }

    /// Opens a database after a crash, and again after a crash at each I/O call of that.
    fn recover(
        &self,
        platter: &Platter,
        history: &History,
        promise: u64,
        report: &mut Report,
    ) -> Result<(), String> {
        let ios = opened(platter, history)?;
        report.recoveries += 1;
        for after in 0..ios {
            let world = quiet(World::on(SEED, platter));
            let mut stage = Stage::found(&world, Geometry::default(), history.clone());
            world.crash_after(after);
            stage
                .perform(&Act::Open)
                .map_err(|e| format!("a crash in I/O call {after} of the recovery: {e}"))?;
            for fate in fates::simple(&world.undecided()) {
                let left = world.settled(&fate);
                report.images += 1;
                if self.opened.insert(mix(left.sum()) ^ promise) {
                    report.recoveries += 1;
                    opened(&left, history)
                        .map_err(|e| format!("a crash in I/O call {after} of the recovery, {fate:?}: {e}"))?;
                }
            }
        }
        Ok(())
    }
}

/// Opens and judges; how many I/O calls the opening took.
fn opened(platter: &Platter, history: &History) -> Result<u64, String> {
    let run = || {
        let world = quiet(World::on(SEED, platter));
        let mut stage = Stage::found(&world, Geometry::default(), history.clone());
        stage.perform(&Act::Open)?;
        let ios = stage.opening_ios();
        world.stop();
        Ok::<u64, Finding>(ios)
    };
    panics::catch(run).unwrap_or_else(|said| Err(panicked(&said))).map_err(|finding| finding.to_string())
}

fn panicked(said: &str) -> Finding {
    Finding::new("panic", said)
}
