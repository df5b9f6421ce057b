//! Runs workloads up to every crash, and opens what that leaves.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The longest workload, in operations.
    pub operations: u32,
    /// Distinct images after which it ends.
    pub images_max: u64,
    /// Threads.
    pub jobs: usize,
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
    scope: Scope,
    start: Platter,
    state: Streams,
    next: AtomicU64,
    distinct: AtomicU64,
    ended: AtomicBool,
    seen: Vec<Mutex<HashSet<u64>>>,
}

/// Searches all workloads within `scope`; `tell` hears how many are done.
pub fn search(scope: Scope, tell: &(dyn Fn(u64) + Sync)) -> Report {
    let began = Instant::now();
    let (start, state) = prepared();
    let common = Common {
        scope,
        start,
        state,
        next: AtomicU64::new(0),
        distinct: AtomicU64::new(0),
        ended: AtomicBool::new(false),
        seen: (0..64).map(|_| Mutex::default()).collect(),
    };
    let mut report = Report::new(scope.operations);
    let worker = || common.work(tell);
    let done: Vec<Report> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..scope.jobs.max(1)).map(|_| threads.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("panics in runs are caught")).collect()
    });
    done.iter().for_each(|done| report.add(done));
    report.findings.sort();
    report.complete = report.workloads == report.workloads_all;
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
    fn work(&self, tell: &(dyn Fn(u64) + Sync)) -> Report {
        let mut report = Report::default();
        let all = super::workloads::count(self.scope.operations);
        while !self.ended.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= all {
                break;
            }
            if !self.workload(number, &mut report) {
                break;
            }
            report.workloads += 1;
            tell(number + 1);
            if report.findings.len() >= FINDINGS_MAX {
                self.ended.store(true, Ordering::Relaxed);
            }
        }
        report
    }

    /// Whether a power loss has left this, under this promise, for the first time.
    fn is_new(&self, key: u64) -> bool {
        let seen = &self.seen[(key % self.seen.len() as u64) as usize];
        let new = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if new && self.distinct.fetch_add(1, Ordering::Relaxed) + 1 >= self.scope.images_max {
            self.ended.store(true, Ordering::Relaxed);
        }
        new
    }

    /// Every crash in the last operation of a workload, and one behind it. Whether it came to its end.
    fn workload(&self, number: u64, report: &mut Report) -> bool {
        let letters = alphabet();
        let names = sequence(number);
        for after in 0.. {
            if self.ended.load(Ordering::Relaxed) {
                return false;
            }
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
                        return true;
                    }
                    if at_end {
                        return true;
                    }
                }
                Err(finding) => {
                    report.findings.push(format!("{}: {finding}", way()));
                    return true;
                }
            }
        }
        true
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
            if self.is_new(mix(platter.sum()) ^ promise) {
                report.distinct += 1;
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
            if self.ended.load(Ordering::Relaxed) {
                return Ok(());
            }
            let world = quiet(World::on(SEED, platter));
            let mut stage = Stage::found(&world, Geometry::default(), history.clone());
            world.crash_after(after);
            stage
                .perform(&Act::Open)
                .map_err(|e| format!("a crash in I/O call {after} of the recovery: {e}"))?;
            for fate in fates::simple(&world.undecided()) {
                let left = world.settled(&fate);
                report.images += 1;
                if self.is_new(mix(left.sum()) ^ promise) {
                    report.distinct += 1;
                    report.distinct_in_recovery += 1;
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
