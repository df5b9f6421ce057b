//! A transaction in a thread of its own, which may wait while the script goes on.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::Scope;

use numstore::{Error, Stream, Transaction, TxnId};

use super::script::Call;
use crate::range::ByteRange;
use crate::size::Position;

/// What came of a call.
pub enum Answer {
    /// It is done, and there is nothing to show.
    Done,
    /// Bytes of a stream.
    Bytes(Vec<u8>),
    /// The length of a stream.
    Len(u64),
    /// The transaction is over, and what it did is kept.
    Committed,
    /// The transaction is over, and what it did is undone.
    RolledBack,
}

/// A call that the script has asked for.
pub struct Asked {
    /// The number of its line, from one; `None` for what is done when there are no more lines.
    pub line: Option<usize>,
    /// The line.
    pub text: String,
    /// The call.
    pub call: Call,
    /// Whether people were told that it waits.
    pub told: bool,
}

/// A transaction. It is given one call at a time; those that come while it waits are kept for later.
pub struct Task {
    id: TxnId,
    calls: Sender<Call>,
    answers: Receiver<Result<Answer, Error>>,
    running: Option<Asked>,
    has_ended: bool,
    /// What the script asks for next, the transactions after this one included.
    pub later: VecDeque<Asked>,
}

impl Task {
    /// Gives a transaction its thread.
    pub fn start<'scope>(scope: &'scope Scope<'scope, '_>, tx: Transaction) -> Task {
        let id = tx.id();
        let (calls, to_serve) = channel();
        let (served, answers) = channel();
        scope.spawn(move || serve(tx, &to_serve, &served));
        Task { id, calls, answers, running: None, has_ended: false, later: VecDeque::new() }
    }

    /// The transaction's number.
    pub fn id(&self) -> TxnId {
        self.id
    }

    /// What it is doing.
    pub fn running(&mut self) -> Option<&mut Asked> {
        self.running.as_mut()
    }

    /// Whether it is doing something.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether its last call was its last one.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Begins a call.
    pub fn begin(&mut self, asked: Asked) {
        assert!(self.running.is_none(), "invariant: one call at a time");
        self.calls.send(asked.call.clone()).expect("invariant: a task serves until its transaction ends");
        self.running = Some(asked);
    }

    /// What the running call has come to, if it has.
    pub fn try_answer(&mut self) -> Option<(Asked, Result<Answer, Error>)> {
        self.running.as_ref()?;
        match self.answers.try_recv() {
            Ok(answer) => {
                let asked = self.running.take()?;
                self.has_ended = asked.call.ends();
                Some((asked, answer))
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => panic!("invariant: a task answers every call"),
        }
    }
}

/// Serves calls until the transaction ends, or nobody has any more: then it is rolled back.
fn serve(tx: Transaction, calls: &Receiver<Call>, answers: &Sender<Result<Answer, Error>>) {
    while let Ok(call) = calls.recv() {
        let answer = match call {
            Call::Commit => return tell(answers, tx.commit().map(|()| Answer::Committed)),
            Call::Rollback => return tell(answers, tx.rollback().map(|()| Answer::RolledBack)),
            call => perform(&tx, &call),
        };
        tell(answers, answer);
    }
}

/// Hands an answer over. Nobody takes it when the session has ended early.
fn tell(answers: &Sender<Result<Answer, Error>>, answer: Result<Answer, Error>) {
    let _ = answers.send(answer);
}

/// A call that does not end the transaction.
fn perform(tx: &Transaction, call: &Call) -> Result<Answer, Error> {
    match call {
        Call::Read { stream, range } => return tx.stream(stream)?.read(bounds(*range)).map(Answer::Bytes),
        Call::ReadForUpdate { stream, range } => {
            return tx.stream(stream)?.read_for_update(bounds(*range)).map(Answer::Bytes);
        }
        Call::Len { stream } => return tx.stream(stream)?.len().map(Answer::Len),
        Call::Write { stream, at, text } => {
            let stream = tx.stream(stream)?;
            stream.write(offset(&stream, *at)?, text.as_bytes())?;
        }
        Call::Insert { stream, at, text } => {
            let stream = tx.stream(stream)?;
            stream.insert(offset(&stream, *at)?, text.as_bytes())?;
        }
        Call::Append { stream, text } => tx.stream(stream)?.append(text.as_bytes())?,
        Call::Remove { stream, range } => tx.stream(stream)?.remove(bounds(*range))?,
        Call::Create { stream } => drop(tx.create(stream)?),
        Call::Drop { stream } => tx.drop_stream(stream)?,
        Call::Rename { from, to } => tx.rename(from, to)?,
        Call::Commit | Call::Rollback => unreachable!("invariant: these end the transaction"),
    }
    Ok(Answer::Done)
}

/// The range as the engine takes it: an end that is left out is for the engine to find, and to lock.
fn bounds(range: ByteRange) -> (Bound<u64>, Bound<u64>) {
    (Bound::Included(range.start), range.end.map_or(Bound::Unbounded, Bound::Excluded))
}

fn offset(stream: &Stream<'_>, at: Position) -> Result<u64, Error> {
    match at {
        Position::Offset(offset) => Ok(offset),
        Position::End => stream.len(),
    }
}
