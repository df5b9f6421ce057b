//! The session: transactions side by side in one process, as a script says, to see who waits for whom.
//!
//! - `script`: what a line says
//! - `task`: a transaction in its thread
//! - `report`: what is shown
//!
//! Invariant: the next line is read when every transaction has answered or waits for a lock, which the table of locks
//! tells. So what is shown depends on the script and not on the speed of the machine, as long as no wait times out.

mod report;
mod script;
mod task;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread::{self, Scope};
use std::time::Duration;

use numstore::{Database, Error, ErrorCode, Options, TxnId};

use crate::args;
use crate::failure::{Failure, Result};
use crate::output::Output;
use report::{Names, Report, Who};
use script::{Call, Line, parse_line};
use task::{Answer, Asked, Task};

/// Between two looks at transactions that are neither done nor waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Runs a script.
pub fn run(args: &args::Session, output: &Output) -> Result {
    let from_terminal = args.script().is_none() && io::stdin().is_terminal();
    let (lines, name): (Box<dyn BufRead>, PathBuf) = match args.script() {
        None => (Box::new(io::stdin().lock()), "standard input".into()),
        Some(path) => {
            let file = File::open(path).map_err(|e| Failure::file("open", path, e))?;
            (Box::new(BufReader::new(file)), path.to_owned())
        }
    };
    let options = Options::new().create(false).lock_timeout(args.lock_timeout.unwrap_or(Duration::MAX));
    let db = options.open(&args.db)?;
    let result = thread::scope(|scope| {
        let report = Report::new(output, !from_terminal);
        let mut session = Session { scope, db: &db, report, tasks: BTreeMap::new(), broken: None };
        let played = session.play(lines, &name, from_terminal);
        // A reader that has gone is told nothing more: what is open is rolled back without a word.
        if !matches!(played, Err(Failure::Stdout(_))) {
            session.end()?;
        }
        session.broken.map_or(Ok(()), Err).and(played)
    });
    let closed = db.close();
    result?;
    Ok(closed?)
}

/// The transactions that are open, and what came of them so far.
struct Session<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    db: &'env Database,
    report: Report<'env>,
    /// By their names in the script.
    tasks: BTreeMap<String, Task>,
    /// The first error that was none of the script's making.
    broken: Option<Failure>,
}

impl Session<'_, '_> {
    /// Does what the lines say. A line that makes no sense is the end, unless a person can type a better one.
    fn play(&mut self, lines: Box<dyn BufRead>, name: &Path, from_terminal: bool) -> Result {
        for (at, line) in lines.lines().enumerate() {
            let line = line.map_err(|e| Failure::file("read", name, e))?;
            self.report.line(&line)?;
            match parse_line(&line) {
                Ok(Line::Nothing) => {}
                Ok(Line::Locks) => self.report.locks(&self.db.locks(), &self.names())?,
                Ok(Line::Stats) => self.report.stats(&self.db.stats())?,
                Ok(Line::Call { name, call }) => {
                    self.ask(&name, Asked { line: Some(at + 1), text: line, call, told: false })?;
                    self.settle(&name)?;
                }
                Err(text) => {
                    let failure = Failure::Usage(format!("line {}: {text}", at + 1));
                    if !from_terminal {
                        return Err(failure);
                    }
                    self.report.bad_line(&failure)?;
                }
            }
        }
        Ok(())
    }

    /// Rolls back what is open, once those that wait have gone on.
    fn end(&mut self) -> Result {
        let names: Vec<String> = self.tasks.keys().cloned().collect();
        for name in names {
            if self.tasks[&name].later.back().is_none_or(|last| !last.call.ends()) {
                let asked = Asked { line: None, text: "rollback".into(), call: Call::Rollback, told: false };
                self.give(&name, asked)?;
            }
        }
        while let Some(name) = self.tasks.keys().next().cloned() {
            self.settle(&name)?;
        }
        Ok(())
    }

    /// Has a transaction make a call now, or after the one that it waits in.
    fn ask(&mut self, name: &str, mut asked: Asked) -> Result {
        if let Some(task) = self.tasks.get(name).filter(|task| task.is_running()) {
            asked.told = true;
            self.report.is_kept(Who { name, txn: task.id() }, &asked)?;
        }
        self.give(name, asked)
    }

    /// The same, saying nothing of it. The first call begins the transaction.
    fn give(&mut self, name: &str, asked: Asked) -> Result {
        if !self.tasks.contains_key(name) {
            let task = Task::start(self.scope, self.db.begin()?);
            self.report.begins(Who { name, txn: task.id() })?;
            self.tasks.insert(name.to_owned(), task);
        }
        let task = self.tasks.get_mut(name).expect("invariant: it was there, or is now");
        if task.is_running() {
            task.later.push_back(asked);
        } else {
            task.begin(asked);
        }
        Ok(())
    }

    /// Lets all go on until each is done or waits for a lock, and says so: of the transaction `first` before others, and
    /// of these by name.
    fn settle(&mut self, first: &str) -> Result {
        loop {
            let mut answers = self.answers();
            if answers.is_empty() {
                return self.say_who_waits();
            }
            answers.sort_by(|(a, ..), (b, ..)| (a != first, a).cmp(&(b != first, b)));
            let names: Vec<String> = answers.iter().map(|(name, ..)| name.clone()).collect();
            for (name, asked, answer) in answers {
                self.take(&name, &asked, answer)?;
            }
            for name in names {
                self.go_on(&name)?;
            }
        }
    }

    /// Waits until each transaction is done or waits for a lock; returns what the former have come to.
    fn answers(&mut self) -> Vec<(String, Asked, Result<Answer, Error>)> {
        let mut answers = Vec::new();
        loop {
            // The table comes first. If all who have no answer afterwards wait in it, and nobody has got one since, then
            // all were waiting at that moment, and nobody was left to end a wait.
            let waiting = self.waiting();
            let before = answers.len();
            for (name, task) in &mut self.tasks {
                answers.extend(task.try_answer().map(|(asked, answer)| (name.clone(), asked, answer)));
            }
            let mut running = self.tasks.values().filter(|task| task.is_running());
            if answers.len() == before && running.all(|task| waiting.contains_key(&task.id())) {
                return answers;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Says what a call has come to. With its transaction, its name is free again.
    fn take(&mut self, name: &str, asked: &Asked, answer: Result<Answer, Error>) -> Result {
        let who = Who { name, txn: self.tasks[name].id() };
        match answer {
            Ok(answer) => self.report.answer(who, asked, Ok(&answer)),
            Err(error) => {
                let is_broken = is_broken(&error);
                let failure = Failure::Engine(error);
                self.report.answer(who, asked, Err(&failure))?;
                if is_broken && self.broken.is_none() {
                    self.broken = Some(failure);
                }
                Ok(())
            }
        }
    }

    /// Begins what was kept for later; after the end of the transaction, in another one.
    fn go_on(&mut self, name: &str) -> Result {
        let task = self.tasks.get_mut(name).expect("invariant: it has just answered");
        let mut later = std::mem::take(&mut task.later);
        if task.has_ended() {
            self.tasks.remove(name);
        }
        let Some(next) = later.pop_front() else { return Ok(()) };
        self.give(name, next)?;
        self.tasks.get_mut(name).expect("invariant: it was given something").later = later;
        Ok(())
    }

    /// Says of each call that waits, once, for whom.
    fn say_who_waits(&mut self) -> Result {
        let (waiting, names) = (self.waiting(), self.names());
        for (name, task) in &mut self.tasks {
            let who = Who { name, txn: task.id() };
            let (Some(asked), Some(others)) = (task.running(), waiting.get(&who.txn)) else { continue };
            if !asked.told {
                asked.told = true;
                self.report.waits(who, asked, others, &names)?;
            }
        }
        Ok(())
    }

    /// Who waits for a lock, and for whom.
    fn waiting(&self) -> BTreeMap<TxnId, Vec<TxnId>> {
        let locks = self.db.locks().locks.into_iter();
        locks.filter_map(|lock| Some((lock.txn, lock.waits_for?))).collect()
    }

    fn names(&self) -> Names {
        self.tasks.iter().map(|(name, task)| (task.id(), name.clone())).collect()
    }
}

/// Whether something is wrong with the database or what it is on, and not with what was asked for.
fn is_broken(error: &Error) -> bool {
    use ErrorCode::{Corruption, InDoubt, Io, Poisoned};
    matches!(error.code(), Io | Corruption | InDoubt | Poisoned)
}
