//! What several clients did at the same time, as it was recorded: who asked what and when, and what came back.
//!
//! 1. Each moment has a number of its own. A call lasts from the moment before it to the moment behind it.
//! 2. What happened in a call happened at some moment of it, and nobody says at which. A call that never returned may
//!    have happened whenever it liked since.
//! 3. Transactions lie in the record in the order in which their ends were told, which need not be that of the commits.

use numstore::ErrorCode;

use super::edit::Answer;
use super::history::Streams;
use super::step::Step;

/// The time of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The moment before it.
    pub from: u64,
    /// The moment behind it; [`Span::NEVER`] if it never returned.
    pub to: u64,
}

impl Span {
    /// The end of what never returned.
    pub const NEVER: u64 = u64::MAX;

    /// Whether this was over before `other` began.
    pub fn is_before(self, other: Span) -> bool {
        self.to < other.from
    }

    /// Whether there is a moment of both.
    pub fn meets(self, other: Span) -> bool {
        !self.is_before(other) && !other.is_before(self)
    }
}

/// What a client got for something that it asked.
pub type Got = Result<Answer, ErrorCode>;

/// Something that was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// What.
    pub step: Step,
    /// What came back; nothing if nobody knows whether it was done.
    pub got: Option<Got>,
    /// When.
    pub span: Span,
}

/// Errors that say nothing about content: somebody else was first, or a fault struck.
const BESIDE_THE_POINT: [ErrorCode; 5] =
    [ErrorCode::Busy, ErrorCode::Deadlock, ErrorCode::Io, ErrorCode::InDoubt, ErrorCode::Poisoned];

impl Asked {
    /// Whether it was refused because of a fault.
    pub fn failed(&self) -> bool {
        matches!(&self.got, Some(Err(code)) if BESIDE_THE_POINT[2..].contains(code))
    }

    /// Whether it was refused because of somebody else.
    pub fn was_busy(&self) -> bool {
        matches!(&self.got, Some(Err(code)) if BESIDE_THE_POINT[..2].contains(code))
    }

    /// Whether it was done, or refused for a reason that lies in the content.
    pub fn counts(&self) -> bool {
        !matches!(&self.got, Some(Err(code)) if BESIDE_THE_POINT.contains(code))
    }

    /// Whether it keeps lists of all streams away.
    pub fn announces(&self) -> bool {
        self.changes() || matches!(&self.step, Step::Edit { edit, .. } if edit.announces())
    }

    /// Whether it can change anything.
    pub fn changes(&self) -> bool {
        match &self.step {
            Step::Create { .. } | Step::Drop { .. } | Step::Rename { .. } => true,
            Step::Edit { edit, .. } => edit.writes(),
            Step::Exists { .. } | Step::List | Step::Savepoint | Step::RollbackTo { .. } => false,
        }
    }

    /// Whether it was done and is sure to have written something.
    pub fn has_written(&self) -> bool {
        let writes = match &self.step {
            Step::Create { .. } | Step::Drop { .. } | Step::Rename { .. } => true,
            Step::Edit { edit, .. } => edit.surely_writes(),
            Step::Exists { .. } | Step::List | Step::Savepoint | Step::RollbackTo { .. } => false,
        };
        writes && matches!(self.got, Some(Ok(_)))
    }

    /// The names that it is about.
    pub fn names(&self) -> Vec<&str> {
        match &self.step {
            Step::Create { name } | Step::Drop { name } | Step::Exists { name } | Step::Edit { name, .. } => {
                vec![name]
            }
            Step::Rename { from, to } => vec![from, to],
            Step::List | Step::Savepoint | Step::RollbackTo { .. } => Vec::new(),
        }
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The commit was acknowledged.
    Committed {
        /// As durable, with everything before it.
        durable: bool,
    },
    /// The commit failed, and may have happened.
    InDoubt,
    /// It was rolled back, or was open when the process died.
    Undone,
}

/// A transaction of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Txn {
    /// Whose.
    pub client: u64,
    /// When it began.
    pub begun: Span,
    /// What it asked, in order.
    pub asked: Vec<Asked>,
    /// The call that ended it.
    pub end: Span,
    /// How.
    pub ending: Ending,
    /// Its place in the commit order, if the engine tells.
    pub order: Option<u64>,
}

impl Txn {
    /// From its first moment to its last.
    pub fn life(&self) -> Span {
        Span { from: self.begun.from, to: self.end.to }
    }

    /// Whether it was told nothing but what is there, and changed nothing.
    pub fn only_looked(&self) -> bool {
        let mut told = self.asked.iter().filter(|asked| asked.counts());
        told.all(|asked| {
            matches!(&asked.got, Some(Ok(answer)) if *answer != Answer::Done) && !asked.changes()
        })
    }
}

/// A look at one durable version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whose.
    pub client: u64,
    /// When the version was taken.
    pub taken: Span,
    /// What was read there.
    pub asked: Vec<Asked>,
}

/// Everything that some clients did between two moments at which nothing was open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Concurrent {
    /// The states in which the database may have been durable when they began, oldest first; the last one is what they
    /// found.
    pub base: Vec<Streams>,
    /// What they did.
    pub txns: Vec<Txn>,
    /// What they looked at.
    pub looks: Vec<Look>,
    /// Whether a fault struck, so that calls may have failed.
    pub faulty: bool,
}

impl Concurrent {
    /// Whether `txn` only looked, and all that it was shown had to be durable: nobody has changed anything of it and left
    /// the commit for later.
    pub fn lasts_for(&self, txn: &Txn) -> bool {
        let deferred = self.txns.iter().filter(|txn| txn.ending == Ending::Committed { durable: false });
        let mut changes = deferred.flat_map(|txn| &txn.asked).filter(|asked| asked.changes());
        let shows = |change: &Asked| {
            let names = change.names();
            txn.asked.iter().any(|asked| {
                asked.step == Step::List || asked.names().iter().any(|name| names.contains(name))
            })
        };
        self.base.len() == 1 && txn.only_looked() && !changes.any(shows)
    }
}
