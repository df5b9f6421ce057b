//! One client: does its program, and writes down what it was told and when. A transaction that gave way in a deadlock is
//! done once more, by every second client; the others go on in it. Of what a dead process tells nobody hears.

use std::collections::BTreeMap;
use std::sync::Arc;

use numstore::{Database, Durability, Error, ErrorCode, Result, Savepoint, Snapshot, Transaction};

use crate::judge::{Finding, check_doubt, check_queues, check_victim};
use crate::model::{Answer, Asked, Ending, Look, Span, Step, Txn};
use crate::script::Act;
use crate::workload::Operation;
use crate::world::SimEnv;

use super::calls;
use super::clients::Recorder;
use super::fits::{Handles, fits};

/// So often a transaction is begun again.
const ATTEMPTS_MAX: u64 = 4;

/// A transaction that is open, and its record.
struct Open {
    tx: Transaction<SimEnv>,
    savepoints: Vec<Savepoint>,
    txn: Txn,
    /// What it was to do so far.
    steps: Vec<Step>,
}

/// A client and its handles.
pub(super) struct Client {
    number: u64,
    recorder: Arc<Recorder>,
    db: Database<SimEnv>,
    open: BTreeMap<u64, Open>,
    snapshots: BTreeMap<u64, (Snapshot<SimEnv>, Look)>,
}

impl Handles for Client {
    fn savepoints(&self, txn: u64) -> Option<usize> {
        self.open.get(&txn).map(|open| open.savepoints.len())
    }

    fn has_snapshot(&self, id: u64) -> bool {
        self.snapshots.contains_key(&id)
    }
}

impl Client {
    pub(super) fn new(number: u64, recorder: &Arc<Recorder>, db: Database<SimEnv>) -> Client {
        let recorder = Arc::clone(recorder);
        Client { number, recorder, db, open: BTreeMap::new(), snapshots: BTreeMap::new() }
    }

    /// Does the program, as far as it comes, and ends what is open.
    pub(super) fn run(mut self, program: &[Operation]) {
        for operation in program {
            if self.recorder.world.crashed() {
                break;
            }
            if fits(&self, operation) {
                let is_beside = matches!(operation, Operation::Begin(_) | Operation::Direct(_));
                self.recorder.write().entangled |= is_beside && !self.open.is_empty();
                self.perform(operation);
                self.look_at_queues();
            }
        }
        for (_, (snapshot, look)) in std::mem::take(&mut self.snapshots) {
            drop(snapshot);
            self.recorder.write().record.looks.push(look);
        }
        for txn in self.open.keys().copied().collect::<Vec<_>>() {
            self.undo(txn, true);
        }
    }

    fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Begin(txn) => self.begin(*txn),
            Operation::In(txn, step) => self.step(*txn, step),
            Operation::Commit { txn, sync } => self.commit(*txn, *sync),
            Operation::Rollback(txn) => self.undo(*txn, false),
            Operation::Abandon(txn) => self.undo(*txn, true),
            Operation::Direct(step) => self.direct(step),
            Operation::ReadDurable(step) => {
                let (got, span) = self.read(|| calls::read_durable(&self.db, step));
                if self.recorder.world.crashed() {
                    return;
                }
                let told = !self.has_expired(&got);
                let asked = if told { vec![self.asked(step, got, span)] } else { Vec::new() };
                self.recorder.write().record.looks.push(Look { client: self.number, taken: span, asked });
            }
            Operation::Snapshot(id) => {
                let (snapshot, taken) = self.read(|| self.db.snapshot());
                if self.recorder.world.crashed() {
                    return;
                }
                let look = Look { client: self.number, taken, asked: Vec::new() };
                self.snapshots.insert(*id, (snapshot, look));
            }
            Operation::ReadSnapshot(id, step) => {
                let Some((snapshot, mut look)) = self.snapshots.remove(id) else { return };
                let (got, span) = self.read(|| calls::read_snapshot(&snapshot, step));
                if !self.recorder.world.crashed() && !self.has_expired(&got) {
                    look.asked.push(self.asked(step, got, span));
                }
                self.snapshots.insert(*id, (snapshot, look));
            }
            Operation::Release(id) => {
                let Some((snapshot, look)) = self.snapshots.remove(id) else { return };
                drop(snapshot);
                self.recorder.write().record.looks.push(look);
            }
            Operation::Checkpoint => self.make_durable("a checkpoint", Database::checkpoint),
            Operation::Compact => self.make_durable("a compaction", |db| db.compact().map(drop)),
            Operation::Sync => self.make_durable("a sync", Database::sync),
            Operation::Verify => self.verify(),
            // What they say of all clients is asked for when these have ended.
            Operation::Stats | Operation::Close => return,
        }
        let act = Act::Do(operation.clone());
        self.recorder.world.note(&format!("  client {}: {act}", self.number));
    }

    /// Does what reads a version, which may wait for nobody.
    fn read<T>(&self, call: impl FnOnce() -> T) -> (T, Span) {
        self.recorder.time(|| self.recorder.world.reading(call))
    }

    /// Whether a version was too old to be read, as it may be.
    fn has_expired(&self, got: &Result<Answer>) -> bool {
        self.recorder.expires && matches!(got, Err(Error::SnapshotTooOld))
    }

    /// Whoever waits does so for a reason, and in turn.
    fn look_at_queues(&self) {
        if self.recorder.patient && !self.recorder.world.crashed() {
            let locks = self.db.locks().locks;
            reached!("several clients wait for locks", {
                locks.iter().filter(|lock| lock.waits_for.is_some()).count() > 1
            });
            let judged = check_queues(&locks);
            self.recorder.write().wrong.extend(judged.err());
        }
    }

    /// What was asked, and what came back.
    fn asked(&self, step: &Step, got: Result<Answer>, span: Span) -> Asked {
        let got = got.map_err(|e| self.code(&e));
        Asked { step: step.clone(), got: Some(got), span }
    }

    /// Tells of an error; returns its code.
    fn code(&self, error: &Error) -> ErrorCode {
        let code = error.code();
        self.recorder.write().busy += u64::from(code == ErrorCode::Busy);
        self.recorder.world.hear(error);
        self.recorder.world.note(&format!("  client {} hears {error}", self.number));
        if let Error::Deadlock { cycle } = error {
            self.recorder.write().wrong.extend(check_victim(cycle, None).err());
        }
        code
    }

    /// An error where the content can be no reason for one: a fault is.
    fn check_fault(&self, what: &str, error: &Error) {
        let code = self.code(error);
        if [ErrorCode::Io, ErrorCode::InDoubt, ErrorCode::Poisoned].contains(&code) {
            let mut written = self.recorder.write();
            // Judged as what a transaction was told that changed nothing.
            let at = self.recorder.moment();
            let span = Span { from: at, to: at };
            let asked = vec![Asked { step: Step::Savepoint, got: Some(Err(code)), span }];
            let ending = Ending::Undone;
            let (client, order) = (self.number, None);
            written.record.txns.push(Txn { client, begun: span, asked, end: span, ending, order });
        } else {
            self.complain("answer", format!("{what} of a client failed: {error}"));
        }
    }

    fn complain(&self, judge: &'static str, what: String) {
        self.recorder.write().wrong.push(Finding::new(judge, what));
    }

    fn begin(&mut self, number: u64) {
        let (begun, span) = self.recorder.call(false, || self.db.begin());
        match begun {
            Ok(tx) => {
                let ending = Ending::Undone;
                let (client, asked, order) = (self.number, Vec::new(), None);
                let txn = Txn { client, begun: span, asked, end: span, ending, order };
                self.open.insert(number, Open { tx, savepoints: Vec::new(), txn, steps: Vec::new() });
                let mut written = self.recorder.write();
                written.open += 1;
                written.open_max = written.open_max.max(written.open);
            }
            Err(e) => self.check_fault("begin", &e),
        }
    }

    fn step(&mut self, number: u64, step: &Step) {
        let mut attempt = 1;
        let mut gave_way = self.ask(number, step);
        while gave_way && attempt < ATTEMPTS_MAX && self.number % 2 == 1 && self.recorder.may_try_again() {
            reached!("a client begins a transaction for the third time", attempt == 2);
            gave_way = self.begin_again(number);
            attempt += 1;
        }
        reached!(
            "a client goes on in a transaction that gave way",
            gave_way && self.number.is_multiple_of(2)
        );
    }

    /// Does one step of a transaction. Whether it gave way in a deadlock.
    fn ask(&mut self, number: u64, step: &Step) -> bool {
        let Some(mut open) = self.open.remove(&number) else { return false };
        open.steps.push(step.clone());
        let (got, span) =
            self.recorder.call(false, || calls::in_transaction(&open.tx, &mut open.savepoints, step));
        if let Err(wrong) = got.as_ref().err().map_or(Ok(()), |e| check_doubt(step, e)) {
            self.recorder.write().wrong.push(wrong);
        }
        let mut gave_way = false;
        if let Err(Error::Deadlock { cycle }) = &got {
            self.recorder.write().wrong.extend(check_victim(cycle, Some(open.tx.id())).err());
            gave_way = true;
        }
        let mut asked = self.asked(step, got, span);
        if self.recorder.world.crashed() {
            // It may have been in the way of others before.
            asked.got = Some(Err(ErrorCode::Io));
        }
        open.txn.asked.push(asked);
        self.open.insert(number, open);
        gave_way
    }

    /// Undoes a transaction and does it once more as far as it had come. Whether it gave way again.
    fn begin_again(&mut self, number: u64) -> bool {
        let Some(steps) = self.open.get_mut(&number).map(|open| std::mem::take(&mut open.steps)) else {
            return false;
        };
        self.undo(number, false);
        self.begin(number);
        let mut gave_way = false;
        for step in steps {
            // What comes behind a step that gave way is only remembered, for the next time.
            let fits = fits(self, &Operation::In(number, step.clone()));
            if self.recorder.world.crashed() || !fits {
                continue;
            }
            if gave_way {
                self.open.entry(number).and_modify(|open| open.steps.push(step));
            } else {
                gave_way = self.ask(number, &step);
            }
        }
        gave_way
    }

    fn commit(&mut self, number: u64, sync: bool) {
        let Some(Open { tx, mut txn, .. }) = self.open.remove(&number) else { return };
        let durability = if sync { Durability::Sync } else { Durability::Deferred };
        let (done, span) = self.recorder.call(true, || tx.commit_with(durability));
        txn.ending = match done {
            // Nobody has heard of it.
            Ok(()) if self.recorder.world.crashed() => Ending::InDoubt,
            // One that wrote nothing waits for no more than what it has read.
            Ok(()) => Ending::Committed { durable: sync && txn.asked.iter().any(Asked::has_written) },
            Err(e) => {
                self.check_fault("commit", &e);
                self.ending(&e)
            }
        };
        self.ended(Txn { end: span, ..txn });
    }

    /// How a transaction ended whose commit failed.
    fn ending(&self, error: &Error) -> Ending {
        let unknown = error.code() == ErrorCode::InDoubt || self.recorder.world.crashed();
        if unknown { Ending::InDoubt } else { Ending::Undone }
    }

    /// Rolls back, or drops the handle.
    fn undo(&mut self, number: u64, abandons: bool) {
        let Some(Open { tx, txn, .. }) = self.open.remove(&number) else { return };
        let (done, mut span) = self.recorder.call(false, || {
            if abandons {
                drop(tx);
                Ok(())
            } else {
                tx.rollback()
            }
        });
        if let Err(e) = done {
            self.check_fault("rollback", &e);
        }
        if self.recorder.world.crashed() {
            // Its names were its own to the end.
            span.to = Span::NEVER;
        }
        self.ended(Txn { end: span, ..txn });
    }

    fn ended(&self, txn: Txn) {
        let mut written = self.recorder.write();
        written.open -= 1;
        written.record.txns.push(txn);
    }

    /// A step that is a transaction of its own.
    fn direct(&mut self, step: &Step) {
        let (got, span) = self.recorder.call(true, || calls::direct(&self.db, step));
        let failed = match &got {
            Ok(_) => self.recorder.world.crashed().then_some(Ending::InDoubt),
            Err(e) => Some(self.ending(e)),
        };
        let mut asked = self.asked(step, got, span);
        let ending = failed.unwrap_or(Ending::Committed { durable: asked.has_written() });
        if ending == Ending::InDoubt {
            asked.got = None;
        }
        let (client, order) = (self.number, None);
        let txn = Txn { client, begun: span, asked: vec![asked], end: span, ending, order };
        self.recorder.write().record.txns.push(txn);
    }

    /// Everything that was committed is durable afterwards.
    fn make_durable(&self, what: &str, call: fn(&Database<SimEnv>) -> Result<()>) {
        let (done, span) = self.recorder.call(false, || call(&self.db));
        match done {
            Ok(()) if self.recorder.world.crashed() => {}
            Ok(()) => {
                let ending = Ending::Committed { durable: true };
                let (client, asked, order) = (self.number, Vec::new(), None);
                let txn = Txn { client, begun: span, asked, end: span, ending, order };
                self.recorder.write().record.txns.push(txn);
            }
            Err(e) => self.check_fault(what, &e),
        }
    }

    fn verify(&self) {
        match self.db.verify() {
            Ok(audit) if audit.is_clean() => {}
            Ok(audit) => self.complain("audit", audit.problems.join("; ")),
            Err(e) => self.check_fault("an audit", &e),
        }
    }
}
