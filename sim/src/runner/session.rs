//! One open database with its handles, next to the model: every operation is done on both and compared.
//!
//! An operation ends in one of four ways: it was answered as the model says; it was refused because a write failed, and
//! is answered as if nothing had happened when it is tried again; it failed because the process died, a sync failed or
//! the database was poisoned under it (then the session is over, and a commit it was making is in doubt); or it is a
//! finding.

use std::collections::BTreeMap;

use numstore::{Database, Durability, Error, ErrorCode, Savepoint, Snapshot, Transaction, Verification};

use crate::judge::{Befallen, Durable, Finding, check_answer, check_doubt, check_failure, check_problems};
use crate::model::{Answer, Model, Step, Streams};
use crate::workload::{Geometry, Operation};
use crate::world::{SimEnv, World};

use super::calls;
use super::outcome::Counters;
use super::refusal::{hard_failures, takes_several_operations};

/// So many operations lie between two looks at how much has changed.
const BOUNDS_EVERY: u64 = 8;

/// What the process's death or a failed sync did to the operation under way.
#[derive(Clone, Default, Debug)]
pub struct Fault {
    /// If that was a commit, the state that it would have made.
    pub in_doubt: Option<Streams>,
    /// How the operation failed, if it did.
    pub code: Option<ErrorCode>,
}

/// Why a session cannot go on.
#[derive(Debug)]
pub enum Stop {
    /// The process died or a sync failed.
    Crash(Fault),
    /// Something is wrong.
    Finding(Finding),
    /// The database was closed on purpose.
    Closed,
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Stop {
        Stop::Finding(finding)
    }
}

/// An open database and its model.
pub struct Session {
    pub(super) world: World,
    pub(super) db: Database<SimEnv>,
    pub(super) transactions: BTreeMap<u64, (Transaction<SimEnv>, Vec<Savepoint>)>,
    snapshots: BTreeMap<u64, (Snapshot<SimEnv>, Durable)>,
    pub(super) model: Model,
    failed_syncs_before: u64,
    /// Reads and writes that had failed.
    pub(super) failed_before: u64,
    /// Of those, how many not because the disk was full.
    pub(super) hard_before: u64,
    misdirected_before: u64,
    /// Refusals that a full disk still has to give before there is room.
    pub(super) patience: u64,
    /// Whether a checkpoint may find no room on a full disk: something was brought back since it is full.
    pub(super) lacks_room: bool,
    /// What the database was made with.
    pub(super) geometry: Geometry,
}

impl Session {
    /// A session on a database that was found in `state`; `lacks_room` if the disk was full while it was opened.
    pub fn new(
        world: &World,
        db: Database<SimEnv>,
        state: Streams,
        lacks_room: bool,
        geometry: &Geometry,
    ) -> Session {
        Session {
            failed_syncs_before: world.counters().syncs_failed,
            failed_before: world.counters().calls_failed(),
            hard_before: hard_failures(world),
            misdirected_before: world.counters().misdirected,
            patience: 0,
            lacks_room,
            geometry: geometry.clone(),
            world: world.clone(),
            db,
            transactions: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            model: Model::new(state),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The database.
    pub fn db(&self) -> &Database<SimEnv> {
        &self.db
    }

    /// How many savepoints an open transaction has; nothing if it is not open.
    pub fn savepoints(&self, txn: u64) -> Option<usize> {
        self.transactions.get(&txn).map(|(_, savepoints)| savepoints.len())
    }

    /// Whether a snapshot is open.
    pub fn has_snapshot(&self, id: u64) -> bool {
        self.snapshots.contains_key(&id)
    }

    /// What ends one of the things that are open; nothing if nothing is.
    pub fn ends_next(&self) -> Option<Operation> {
        let release = self.snapshots.keys().next().map(|id| Operation::Release(*id));
        release.or_else(|| self.transactions.keys().next().map(|txn| Operation::Rollback(*txn)))
    }

    /// Others have used the database, and it is found in `state`, durably.
    pub fn go_on_from(&mut self, state: Streams) {
        self.model = Model::new(state);
        self.failed_before = self.world.counters().calls_failed();
        self.hard_before = hard_failures(&self.world);
    }

    /// Rolls everything back and closes the database; keeps the model, and says how that went.
    pub fn close(mut self) -> (Model, Result<(), Stop>) {
        self.snapshots.clear();
        for (txn, (tx, _)) in std::mem::take(&mut self.transactions) {
            let ended = tx.rollback();
            self.model.roll_back(txn);
            if let Err(e) = ended {
                let stop = self.stop_on(&Operation::Close, &e, None);
                return (self.model, Err(stop));
            }
        }
        let closed = self.db.close();
        self.world.closed(&closed);
        match closed {
            Ok(()) => {
                self.model.history_mut().acknowledge();
                (self.model, Ok(()))
            }
            Err(e)
                if self.world.counters().misdirected > self.misdirected_before
                    || is_faulty(&self.world, self.failed_syncs_before)
                    || self.world.counters().calls_failed() > self.failed_before =>
            {
                (self.model, Err(crash(&e, None)))
            }
            Err(e) => (self.model, Err(Finding::new("answer", format!("close failed: {e}")).into())),
        }
    }

    /// Whether the process is dead, or a sync has failed under this session.
    pub fn is_faulty(&self) -> bool {
        is_faulty(&self.world, self.failed_syncs_before)
    }

    /// Whether a write has failed that no second try has made good.
    pub fn is_refused(&self) -> bool {
        self.world.counters().calls_failed() > self.failed_before
    }

    /// Whether a write has landed elsewhere: everything but a wrong answer is possible.
    pub fn is_betrayed(&self) -> bool {
        self.world.counters().misdirected > self.misdirected_before
    }

    /// Does an operation and compares.
    ///
    /// # Errors
    /// Why the session cannot go on.
    pub fn perform(&mut self, operation: &Operation, counters: &mut Counters) -> Result<(), Stop> {
        match operation {
            Operation::Begin(txn) => {
                let tx = self.db.begin().map_err(|e| self.stop_on(operation, &e, None))?;
                self.transactions.insert(*txn, (tx, Vec::new()));
                self.model.begin(*txn);
                counters.open_max = counters.open_max.max(self.transactions.len() as u64);
            }
            Operation::In(txn, step) => self.step(operation, *txn, step, counters)?,
            Operation::Commit { txn, sync } => self.commit(operation, *txn, *sync)?,
            Operation::Rollback(txn) => {
                let (tx, _) = self.take(*txn);
                self.model.roll_back(*txn);
                tx.rollback().map_err(|e| self.stop_on(operation, &e, None))?;
                self.brought_back_on_full();
                if self.world.is_full() && txn.is_multiple_of(2) {
                    return self.checkpoint(operation, counters);
                }
            }
            Operation::Abandon(txn) => {
                drop(self.take(*txn));
                self.model.roll_back(*txn);
                self.brought_back_on_full();
            }
            Operation::Direct(step) => self.direct(operation, step, counters)?,
            Operation::ReadDurable(step) => {
                let mut reader = Durable::new(self.model.history());
                let got = self.world.reading(|| calls::read_durable(&self.db, step));
                self.check_durable(operation, &mut reader, step, &got)?;
            }
            Operation::Snapshot(id) => {
                let reader = Durable::new(self.model.history());
                let snapshot = self.world.reading(|| self.db.snapshot());
                self.snapshots.insert(*id, (snapshot, reader));
            }
            Operation::ReadSnapshot(id, step) => {
                let (snapshot, mut reader) =
                    self.snapshots.remove(id).expect("invariant: drawn from the open ones");
                let got = self.world.reading(|| calls::read_snapshot(&snapshot, step));
                self.check_durable(operation, &mut reader, step, &got)?;
                self.snapshots.insert(*id, (snapshot, reader));
            }
            Operation::Release(id) => drop(self.snapshots.remove(id)),
            Operation::Checkpoint | Operation::Compact => {
                return self.checkpoint(operation, counters);
            }
            Operation::Sync => {
                self.db.sync().map_err(|e| self.stop_on(operation, &e, None))?;
                self.model.history_mut().acknowledge();
            }
            Operation::Verify => self.verify(counters).map(|_| ())?,
            Operation::Stats => self.check_stats()?,
            Operation::Close => return Err(Stop::Closed),
        }
        // Not every time: asking is a call of the disk.
        if counters.operations.is_multiple_of(BOUNDS_EVERY) {
            self.check_bounds()?;
        }
        Ok(())
    }

    /// The state that `operation` would commit, if it commits anything.
    pub(super) fn after(&self, operation: &Operation) -> Option<Streams> {
        let mut after = self.model.clone();
        let commits = match operation {
            Operation::Commit { txn, sync } => after.commit(*txn, *sync),
            Operation::Direct(step) => after.direct(step).is_ok_and(|(_, changed)| changed),
            _ => false,
        };
        commits.then(|| after.history().newest().clone())
    }

    /// Audits the database.
    ///
    /// # Errors
    /// A crash, or what the audit found.
    pub fn verify(&self, counters: &mut Counters) -> Result<(), Stop> {
        let reads_failed = self.world.counters().reads_failed;
        let mut audit = self.db.verify();
        if self.world.counters().reads_failed > reads_failed {
            if audit.as_ref().is_ok_and(Verification::is_clean) {
                return Err(Finding::new("audit", "it passes over what cannot be read").into());
            }
            self.world.relieve();
            audit = self.db.verify();
        }
        let audit = audit.map_err(|e| self.stop_on(&Operation::Verify, &e, None))?;
        counters.height_max = counters.height_max.max(u64::from(audit.height));
        if !audit.is_clean() && self.is_betrayed() {
            return Err(Stop::Crash(Fault { in_doubt: None, code: Some(ErrorCode::Corruption) }));
        }
        Ok(check_problems(&audit.problems)?)
    }

    fn take(&mut self, txn: u64) -> (Transaction<SimEnv>, Vec<Savepoint>) {
        self.transactions.remove(&txn).expect("invariant: drawn from the open ones")
    }

    fn step(
        &mut self,
        operation: &Operation,
        txn: u64,
        step: &Step,
        counters: &mut Counters,
    ) -> Result<(), Stop> {
        let (tx, savepoints) = self.transactions.get_mut(&txn).expect("invariant: drawn from the open ones");
        let mut got = calls::in_transaction(tx, savepoints, step);
        let again = got.as_ref().is_err_and(|e| self.is_refusal(e));
        if again {
            let stays = self.stays_full();
            if !stays {
                self.world.relieve();
            }
            self.check_untouched(operation, txn, step)?;
            if stays {
                self.model.refuse(txn, step);
                self.lacks_room |= takes_several_operations(step);
                return self.recovered_from_refusal(counters);
            }
            let (tx, savepoints) = self.transactions.get_mut(&txn).expect("invariant: still open");
            got = calls::in_transaction(tx, savepoints, step);
            self.hear(&got);
        }
        if let Err(e) = &got
            && self.is_fault(e)
        {
            check_doubt(operation, e)?;
            return Err(crash(e, None));
        }
        let expected = self.model.step(txn, step);
        counters.busy += u64::from(got.as_ref().is_err_and(|e| e.code() == ErrorCode::Busy));
        check_answer(operation, &got, &expected)?;
        if again { self.recovered_from_refusal(counters) } else { Ok(()) }
    }

    fn commit(&mut self, operation: &Operation, txn: u64, sync: bool) -> Result<(), Stop> {
        let (tx, _) = self.take(txn);
        let durability = if sync { Durability::Sync } else { Durability::Deferred };
        let got = if sync && txn.is_multiple_of(2) { tx.commit() } else { tx.commit_with(durability) };
        let mut after = self.model.clone();
        let changed = after.commit(txn, sync);
        if let Err(e) = got {
            let in_doubt = after.history().newest().clone();
            return Err(self.stop_on(operation, &e, Some(in_doubt)));
        }
        self.model = after;
        self.lacks_room &= self.world.is_full() || !changed;
        let full = self.world.is_full() && self.world.counters().refused_full > 0;
        reached!("a commit went through while the disk was full", full);
        Ok(())
    }

    fn direct(&mut self, operation: &Operation, step: &Step, counters: &mut Counters) -> Result<(), Stop> {
        let mut got = calls::direct(&self.db, step);
        let again = got.as_ref().is_err_and(|e| self.is_refusal(e));
        if again {
            if self.stays_full() {
                self.lacks_room |= takes_several_operations(step);
                return self.recovered_from_refusal(counters);
            }
            self.world.relieve();
            got = calls::direct(&self.db, step);
            self.hear(&got);
        }
        let mut after = self.model.clone();
        let expected = after.direct(step);
        if let Err(e) = &got
            && self.is_fault(e)
        {
            let in_doubt = expected.is_ok().then(|| after.history().newest().clone());
            return Err(crash(e, in_doubt));
        }
        counters.busy += u64::from(got.as_ref().is_err_and(|e| e.code() == ErrorCode::Busy));
        self.lacks_room &= self.world.is_full() || !expected.as_ref().is_ok_and(|(_, changed)| *changed);
        check_answer(operation, &got, &expected.map(|(answer, _)| answer))?;
        self.model = after;
        if again { self.recovered_from_refusal(counters) } else { Ok(()) }
    }

    fn check_durable(
        &mut self,
        operation: &Operation,
        reader: &mut Durable,
        step: &Step,
        got: &Result<Answer, Error>,
    ) -> Result<(), Stop> {
        if let Err(e) = got
            && (self.world.crashed() || self.is_betrayed())
            && self.is_fault(e)
        {
            return Err(crash(e, None));
        }
        if got.as_ref().is_err_and(|e| self.is_refusal(e) && matches!(e, Error::Io { op: "read", .. })) {
            return Ok(());
        }
        if self.geometry.expires_snapshots() && matches!(got, Err(Error::SnapshotTooOld)) {
            return Ok(());
        }
        Ok(reader.check(self.model.history_mut(), operation, step, got)?)
    }

    /// What has befallen the disk since the session began.
    fn befallen(&self) -> Befallen {
        Befallen {
            failed: self.is_faulty() || self.is_refused(),
            betrayed: self.is_betrayed(),
            only_full: self.is_only_full(),
        }
    }

    /// Whether an error is what the fault in the world may cause.
    fn is_fault(&self, error: &Error) -> bool {
        self.befallen().explains(error)
    }

    /// Whether an error says that nothing has happened because a write failed.
    fn is_refusal(&self, error: &Error) -> bool {
        self.world.hear(error);
        self.is_refused() && !self.is_faulty() && error.code() == ErrorCode::Io
    }

    /// What a second try said.
    fn hear(&self, got: &Result<Answer, Error>) {
        if let Err(e) = got {
            self.world.hear(e);
        }
    }

    /// What an error means where the model knows of none.
    pub(super) fn stop_on(&self, operation: &Operation, error: &Error, in_doubt: Option<Streams>) -> Stop {
        self.world.hear(error);
        let closes = matches!(operation, Operation::Close);
        match check_failure(operation, closes, error, self.befallen()) {
            Ok(()) => crash(error, in_doubt),
            Err(finding) => finding.into(),
        }
    }
}

fn is_faulty(world: &World, failed_syncs_before: u64) -> bool {
    world.crashed() || world.counters().syncs_failed > failed_syncs_before
}

fn crash(error: &Error, in_doubt: Option<Streams>) -> Stop {
    Stop::Crash(Fault { in_doubt, code: Some(error.code()) })
}
