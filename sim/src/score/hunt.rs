//! Many hunts, each in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use numstore::hooks::{MUTANTS, Mutant};

use crate::world::FaultKind;

/// A bug to look for.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The number of the bug in [`MUTANTS`].
    pub mutant: usize,
    /// How many seeds at most.
    pub seeds: u64,
    /// A kind of fault that is switched off.
    pub without: Option<FaultKind>,
}

/// What a hunt came to.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The hunt.
    pub hunt: Hunt,
    /// The seed that found the bug, the judge that objected, and what it said.
    pub killed: Option<(u64, String, String)>,
}

impl Hunt {
    /// All faults, all seeds.
    pub fn new(mutant: usize, seeds: u64) -> Hunt {
        Hunt { mutant, seeds, without: None }
    }

    /// The bug.
    pub fn bug(&self) -> &'static Mutant {
        &MUTANTS[self.mutant]
    }

    fn run(&self) -> std::io::Result<Catch> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["hunt", self.bug().name, "--seeds", &format!("0..{}", self.seeds)]);
        if let Some(kind) = self.without {
            command.args(["--without", kind.name()]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let output = child.stdout.take().expect("invariant: the output is a pipe");
        let mut last = 0;
        let mut ended = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            let mut fields = line.splitn(4, '\t');
            match (fields.next(), fields.next(), fields.next(), fields.next()) {
                (Some("killed"), Some(seed), Some(judge), Some(what)) => {
                    ended = Some(Some((seed.parse().unwrap_or(last), judge.to_owned(), what.to_owned())));
                }
                (Some("survived"), ..) => ended = Some(None),
                (Some(seed), ..) => last = seed.trim_start_matches("seed ").parse().unwrap_or(last),
                _ => {}
            }
        }
        let code = child.wait()?;
        // A second panic while one unwinds, or a broken stack, ends the process without a word.
        let aborted = || Some((last, "abort".to_owned(), format!("the process ended with {code}")));
        Ok(Catch { hunt: self.clone(), killed: ended.unwrap_or_else(aborted) })
    }
}

impl Catch {
    /// How many seeds it took.
    pub fn seeds_needed(&self) -> Option<u64> {
        self.killed.as_ref().map(|(seed, _, _)| seed + 1)
    }
}

/// Runs all of them, `jobs` at a time; in the order of `hunts`.
pub(super) fn run_all(hunts: &[Hunt], jobs: usize, progress: &mut dyn FnMut(&str)) -> Vec<Catch> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (sender, ended) = channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (next, done, sender) = (&next, &done, sender.clone());
            scope.spawn(move || {
                while let Some(hunt) = hunts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let caught = hunt.run().unwrap_or_else(|e| {
                        let what = format!("the hunt could not be started: {e}");
                        Catch { hunt: hunt.clone(), killed: Some((0, "nobody".to_owned(), what)) }
                    });
                    let line = match (&caught.killed, hunt.without) {
                        (Some((seed, judge, _)), _) => format!("{}: seed {seed}, {judge}", hunt.bug().name),
                        (None, _) => format!("{}: survives {} seeds", hunt.bug().name, hunt.seeds),
                    };
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(caught);
                    let _ = sender.send(line);
                }
            });
        }
        drop(sender);
        ended.iter().for_each(|line| progress(&line));
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|caught| (caught.hunt.mutant, caught.hunt.without.map(|kind| kind as u8)));
    done
}
