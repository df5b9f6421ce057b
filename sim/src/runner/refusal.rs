//! Operations that the disk refuses or fails: nothing has changed, or the database writes no more; a disk that is only
//! full lets everything else through.

use numstore::ErrorCode;

use crate::judge::{
    Durable, Finding, check_answer, check_doubt, check_read_after_failure, check_write_after_failure,
};
use crate::model::{Answer, Edit, Step};
use crate::workload::Operation;
use crate::world::World;

use super::calls;
use super::outcome::Counters;
use super::session::{Fault, Session, Stop};

/// The stream that is made or dropped to see whether writes go through.
const PROBE: &str = "written after a failed sync";

impl Session {
    /// After a failed sync or write: a write is refused, or it is as good as any other; durable versions are read either way.
    ///
    /// # Errors
    /// A finding.
    pub fn probe(&mut self, fault: &Fault) -> Result<(), Finding> {
        let name = PROBE.to_owned();
        // It may be there from an earlier failure.
        let there = self.model.history().newest().contains_key(&name);
        let step = if there { Step::Drop { name } } else { Step::Create { name } };
        let settled = !matches!(fault.code, Some(ErrorCode::InDoubt | ErrorCode::Poisoned));
        let got = calls::direct(&self.db, &step).map(drop);
        check_write_after_failure(settled, &got)?;
        match got {
            Ok(()) => {
                let done = self.model.direct(&step);
                assert!(done.is_ok(), "nobody else uses that name: {done:?}");
            }
            Err(e) => self.world.hear(&e),
        }
        self.read_all_durable()
    }

    /// After a failure the open transactions are told that they cannot read, or they can: they never find damage, as they
    /// would in what the failure left unwritten.
    ///
    /// # Errors
    /// A finding.
    pub fn probe_open(&mut self) -> Result<(), Finding> {
        let newest = self.model.history().newest().clone();
        for txn in self.transactions.keys().copied().collect::<Vec<_>>() {
            // What is read belongs to its reader; that one name is needed afterwards.
            for name in newest.keys().filter(|name| *name != PROBE) {
                let Some(len) = self.model.look(txn, name).map(|bytes| bytes.len()) else {
                    continue;
                };
                let edit = Edit::Read { from: 0, to: len as u64 };
                let step = Step::Edit { name: name.clone(), edit };
                let (tx, savepoints) = self.transactions.get_mut(&txn).expect("invariant: one of its keys");
                check_read_after_failure(&calls::in_transaction(tx, savepoints, &step))?;
            }
        }
        Ok(())
    }

    /// Reads everything that is shown as durable. It is a state that may be shown, and must last from now on.
    fn read_all_durable(&mut self) -> Result<(), Finding> {
        let mut reader = Durable::new(self.model.history());
        // One version: what was logged before the failure may become durable meanwhile.
        let snapshot = self.db.snapshot();
        let list = calls::read_snapshot(&snapshot, &Step::List);
        reader.check(self.model.history_mut(), &"the list, after a failure", &Step::List, &list)?;
        let Ok(Answer::Streams(list)) = list else { return Ok(()) };
        for (name, len) in list {
            let step = Step::Edit { name, edit: Edit::Read { from: 0, to: len } };
            let got = calls::read_snapshot(&snapshot, &step);
            reader.check(self.model.history_mut(), &step, &step, &got)?;
        }
        Ok(())
    }

    /// The disk stays full until it has refused so many operations.
    pub fn stay_full(&mut self, refusals: u64) {
        self.patience = refusals;
    }

    /// Whether nothing has gone wrong but that the disk is full: what was begun must go through.
    pub(super) fn is_only_full(&self) -> bool {
        let hard = hard_failures(&self.world) > self.hard_before;
        self.is_refused() && !hard && !self.is_faulty() && !self.is_betrayed()
    }

    /// A step was refused: its stream is as it was.
    pub(super) fn check_untouched(
        &mut self,
        operation: &Operation,
        txn: u64,
        step: &Step,
    ) -> Result<(), Stop> {
        for probe in self.probes(txn, step) {
            let (tx, savepoints) =
                self.transactions.get_mut(&txn).expect("invariant: drawn from the open ones");
            let got = calls::in_transaction(tx, savepoints, &probe);
            let poisoned = got.as_ref().is_err_and(|e| e.code() == ErrorCode::Poisoned);
            if self.is_faulty() || self.is_betrayed() || poisoned && !self.is_only_full() {
                return Ok(());
            }
            check_answer(operation, &got, &self.model.step(txn, &probe))?;
        }
        Ok(())
    }

    /// Steps that read what another step would have changed. They also settle to whom its names belong.
    fn probes(&self, txn: u64, step: &Step) -> Vec<Step> {
        let exists = |name: &String| Step::Exists { name: name.clone() };
        match step {
            Step::Edit { name, .. } => {
                let len = self.model.look(txn, name);
                let to = len.map_or(0, |bytes| bytes.len() as u64);
                vec![Step::Edit { name: name.clone(), edit: Edit::Read { from: 0, to } }]
            }
            Step::Create { name } | Step::Drop { name } => vec![exists(name)],
            Step::Rename { from, to } => vec![exists(from), exists(to)],
            Step::Exists { .. } | Step::List | Step::Savepoint | Step::RollbackTo { .. } => Vec::new(),
        }
    }

    /// The disk is full and has refused something: whether it stays full.
    pub(super) fn stays_full(&mut self) -> bool {
        let stays = self.patience > 0 && self.world.is_full() && self.is_only_full();
        self.patience -= u64::from(stays);
        stays
    }

    /// Something was undone, for which a full disk may have no room.
    pub(super) fn brought_back_on_full(&mut self) {
        if self.world.is_full() {
            self.lacks_room = true;
            reached!(
                "a rollback went through while the disk was full",
                self.world.counters().refused_full > 0
            );
        }
    }

    pub(super) fn checkpoint(&mut self, operation: &Operation, counters: &mut Counters) -> Result<(), Stop> {
        let full = self.world.is_full() && self.world.counters().refused_full > 0;
        let moves = matches!(operation, Operation::Compact);
        let done = if moves { self.db.compact().map(drop) } else { self.db.checkpoint() };
        match done {
            Ok(()) => {
                self.model.history_mut().acknowledge();
                reached!("a checkpoint went through while the disk was full", full);
                Ok(())
            }
            // What is moved needs room of its own.
            Err(e) if (self.lacks_room || moves) && self.is_only_full() && e.code() == ErrorCode::Io => {
                self.world.hear(&e);
                self.recovered_from_refusal(counters)
            }
            Err(e) => {
                check_doubt(operation, &e)?;
                Err(self.stop_on(operation, &e, None))
            }
        }
    }

    /// The second try went through, so nothing of the first may be left.
    pub(super) fn recovered_from_refusal(&mut self, counters: &mut Counters) -> Result<(), Stop> {
        self.failed_before = self.world.counters().calls_failed();
        self.hard_before = hard_failures(&self.world);
        self.verify(counters)
    }
}

/// Reads and writes that have failed, and not because the disk was full.
pub(super) fn hard_failures(world: &World) -> u64 {
    let counters = world.counters();
    counters.calls_failed() - counters.refused_full
}

/// Whether the engine may cut a step into several operations, of which it undoes the first when a later one is refused.
pub(super) fn takes_several_operations(step: &Step) -> bool {
    match step {
        Step::RollbackTo { .. } => true,
        Step::Edit { edit: Edit::WriteStrided(..) | Edit::RemoveStrided(_) | Edit::Cut { .. }, .. } => true,
        Step::Edit {
            edit:
                Edit::Insert { data, .. }
                | Edit::Append { data }
                | Edit::Write { data, .. }
                | Edit::Splice { data, .. },
            ..
        } => data.0.len() > 32 << 10,
        _ => false,
    }
}
