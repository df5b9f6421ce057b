//! The ledger of faults: each I/O call that was made to fail, and each error that the engine reported, in order.
//!
//! A crash is none of them: afterwards nobody is left who could report it.

use std::path::{Path, PathBuf};

use numstore::{Error, ErrorCode};

use super::World;
use super::faults::FaultKind;
use super::state::{Call, State};
use super::tasks;

/// How a call was made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strike {
    /// It moved less than it was to.
    Short,
    /// It failed, perhaps after a part of it was done.
    Failed,
    /// The disk was full.
    Full,
    /// It did not come back: the task panicked.
    Panicked,
}

/// A fault that struck.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Struck {
    /// How.
    pub strike: Strike,
    /// The call.
    pub call: Call,
    /// The file.
    pub file: PathBuf,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// How many bytes the call was about.
    pub len: u64,
    /// Whether it was made by a task of the engine's own, beside all calls.
    pub beside: bool,
    /// Whether the call was to make names durable that a power loss would take now: those of files that were made or moved.
    pub names_at_stake: bool,
}

/// An error that the engine reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reported {
    /// Its kind.
    pub code: ErrorCode,
    /// The file and the byte that it names in fields of its own.
    pub place: Option<(PathBuf, u64)>,
    /// What it says.
    pub text: String,
}

impl Reported {
    /// What `error` reports.
    pub fn of(error: &Error) -> Reported {
        let place = match error {
            Error::Io { file, offset, .. } | Error::Corruption { file, offset, .. } => {
                Some((file.clone(), *offset))
            }
            _ => None,
        };
        Reported { code: error.code(), place, text: error.to_string() }
    }
}

/// A line of the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line {
    /// A fault struck.
    Struck(Struck),
    /// A call of the engine reported an error.
    Reported(Reported),
    /// A call of the engine that can report errors has returned, or several side by side have: what struck in them and
    /// was not reported never will be.
    Returned,
    /// The database was closed, and its own tasks have ended.
    Closed,
}

impl State {
    /// Notes that the call that was entered last is made to fail.
    pub(crate) fn strike(&mut self, strike: Strike, path: &Path) {
        let (call, offset, len) = self.entered;
        let beside = tasks::is_beside();
        // Where no power is lost, or no name with it, none is at stake.
        let loses = ![FaultKind::PowerLoss, FaultKind::NameLoss].iter().any(|kind| self.without.has(*kind));
        let names_at_stake = call == Call::SyncDir && loses && self.names.are_at_stake(path);
        let struck = Struck { strike, call, file: path.to_owned(), offset, len, beside, names_at_stake };
        self.ledger.push(Line::Struck(struck));
    }
}

impl World {
    /// The engine reported an error. What a dead process says is not heard.
    pub fn hear(&self, error: &Error) {
        let mut state = self.shared.lock();
        if !state.dead {
            state.ledger.push(Line::Reported(Reported::of(error)));
        }
    }

    /// A call of the engine has returned. Whether there is anything in the ledger.
    pub fn returned(&self) -> bool {
        let mut state = self.shared.lock();
        if !state.ledger.is_empty() {
            state.ledger.push(Line::Returned);
        }
        !state.ledger.is_empty()
    }

    /// The database was closed, or closing it has failed.
    pub fn closed(&self, outcome: &numstore::Result<()>) {
        if let Err(e) = outcome {
            self.hear(e);
        }
        self.shared.lock().ledger.push(Line::Closed);
    }

    /// Whether a task of the engine's own was made to panic: the database is poisoned, or will be when that task has unwound.
    pub fn has_lost_a_task(&self) -> bool {
        let is_lost = |struck: &Struck| struck.strike == Strike::Panicked && struck.beside;
        self.shared.lock().ledger.iter().any(|line| matches!(line, Line::Struck(struck) if is_lost(struck)))
    }

    /// Whether a call failed that a task of the engine's own has made: the database may be poisoned a little later.
    pub fn has_failed_beside(&self) -> bool {
        let fails = |struck: &Struck| struck.strike == Strike::Failed && struck.beside;
        self.shared.lock().ledger.iter().any(|line| matches!(line, Line::Struck(struck) if fails(struck)))
    }

    /// What struck is judged by other means.
    pub fn forget(&self) {
        self.shared.lock().ledger.clear();
    }

    /// What struck the living process, and what it said.
    pub fn ledger(&self) -> Vec<Line> {
        self.shared.lock().ledger.clone()
    }
}
