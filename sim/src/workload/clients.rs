//! Programs for clients that run side by side: short transactions on few streams, so that they meet.
//!
//! Nobody knows beforehand what a stream will be like when a client comes to it. Offsets are drawn for what it is now, so
//! some are refused, and that is an answer too.

use crate::model::{Bytes, Edit, Model, Step};
use crate::world::Source;

use super::{Generator, Operation, arguments};

/// Transactions of clients have numbers from here on.
pub(super) const FIRST_TXN: u64 = 1 << 32;

impl Generator {
    /// What each of a few clients does, as pairs of its number and an operation.
    pub fn programs(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.turn += 1;
        self.dice.begin_turn(self.turn, Source::Seed, false);
        let clients = self.dice.between(2, 4);
        let hot = self.dice.between(1, self.swarm.names.len().min(4) as u64) as usize;
        let mut programs = Vec::new();
        let style = self.dice.below(6);
        for client in 1..=clients {
            if style == 0 {
                let places = if client == 1 { self.dice.between(70, 230) } else { self.dice.between(2, 20) };
                let sweep = self.sweep(model, FIRST_TXN + client, places);
                programs.extend(sweep.into_iter().map(|operation| (client, operation)));
            }
            let parts = if style == 1 || (style == 2 && client == 1) {
                self.dice.between(6, 14)
            } else {
                self.dice.between(1, 5)
            };
            for number in 0..parts {
                let txn = FIRST_TXN + client * 100 + number;
                let looks = style == 2 && client == 1;
                let part = if looks { self.look(model, txn, hot) } else { self.part(model, txn, hot) };
                programs.extend(part.into_iter().map(|operation| (client, operation)));
            }
        }
        programs
    }

    /// A transaction that touches many places of the longest stream, one after the other.
    /// Several such keep out of each other's way, for each has other places than the others.
    fn sweep(&mut self, model: &Model, txn: u64, places: u64) -> Vec<Operation> {
        let (name, len) = self.longest(model);
        let (apart, first) = (6, txn % 6);
        let mut part = vec![Operation::Begin(txn)];
        let reads = self.dice.below(3);
        let room = len.saturating_sub(first) / apart;
        let begins = self.dice.below(room.saturating_sub(places) + 1);
        for place in begins..(begins + places).min(room) {
            let at = place * apart + first;
            let edit = if self.dice.chance(reads, 3) {
                match self.dice.below(4) {
                    0 => Edit::ReadForUpdate { from: at, to: at + 1 },
                    _ => Edit::Read { from: at, to: at + 1 },
                }
            } else {
                Edit::Write { at, data: Bytes(vec![place as u8]) }
            };
            part.push(Operation::In(txn, Step::Edit { name: name.clone(), edit }));
        }
        part.push(Operation::Commit { txn, sync: true });
        part
    }

    /// One thing after the other: a transaction, or what needs none.
    fn part(&mut self, model: &Model, txn: u64, hot: usize) -> Vec<Operation> {
        match self.dice.below(13) {
            12 => self.look(model, txn, hot),
            0 | 1 => vec![Operation::Direct(self.client_step(model, hot, true))],
            2 => vec![Operation::ReadDurable(self.client_read(model, hot))],
            3 | 4 => {
                // A version that is looked at for long.
                let mut part = vec![Operation::Snapshot(txn)];
                for _ in 0..self.dice.between(1, 4) {
                    part.push(Operation::ReadSnapshot(txn, self.client_read(model, hot)));
                    if self.dice.chance(1, 2) {
                        part.push(Operation::Direct(self.client_step(model, hot, true)));
                    }
                }
                part
            }
            5 => {
                let kinds = [Operation::Checkpoint, Operation::Compact, Operation::Sync, Operation::Verify];
                vec![self.dice.pick(&kinds).clone()]
            }
            _ => self.transaction(model, txn, hot),
        }
    }

    /// A transaction that is shown what others have just committed, and changes nothing.
    fn look(&mut self, model: &Model, txn: u64, hot: usize) -> Vec<Operation> {
        let mut part = vec![Operation::Begin(txn)];
        for _ in 0..self.dice.between(1, 3) {
            part.push(Operation::In(txn, self.client_read(model, hot)));
        }
        part.push(self.dice.pick(&[Operation::Rollback(txn), Operation::Abandon(txn)]).clone());
        part
    }

    fn transaction(&mut self, model: &Model, txn: u64, hot: usize) -> Vec<Operation> {
        let mut part = vec![Operation::Begin(txn)];
        let mut savepoints = 0;
        for _ in 0..self.dice.between(1, 5) {
            let step = match self.dice.below(16) {
                0 => Step::List,
                1 => {
                    savepoints += 1;
                    Step::Savepoint
                }
                2 | 3 if savepoints > 0 => Step::RollbackTo { index: self.dice.index(savepoints) },
                _ => self.client_step(model, hot, false),
            };
            if let Step::RollbackTo { index } = step {
                savepoints = index + 1;
            }
            let (before, step) = self.with_a_look(step);
            part.extend(before.map(|look| Operation::In(txn, look)));
            part.push(Operation::In(txn, step));
        }
        part.push(match self.dice.below(8) {
            0 => Operation::Rollback(txn),
            1 => Operation::Abandon(txn),
            _ => Operation::Commit { txn, sync: !self.dice.chance(self.swarm.deferred, 100) },
        });
        part
    }

    /// Half of those who overwrite have read it before, for update mostly; and so are half of those who only read.
    fn with_a_look(&mut self, step: Step) -> (Option<Step>, Step) {
        let Step::Edit { name, edit } = &step else { return (None, step) };
        let range = match edit {
            Edit::Write { at, data } => Some((*at, at.saturating_add(data.0.len() as u64))),
            Edit::Splice { at, delete, .. } => Some((*at, at.saturating_add(*delete))),
            _ => None,
        };
        let kind = self.dice.below(8);
        match (range, edit) {
            (Some((from, to)), _) if kind < 4 => {
                let look = if kind == 0 { Edit::Read { from, to } } else { Edit::ReadForUpdate { from, to } };
                (Some(Step::Edit { name: name.clone(), edit: look }), step)
            }
            (None, &Edit::Read { from, to }) if kind < 4 => {
                (None, Step::Edit { name: name.clone(), edit: Edit::ReadForUpdate { from, to } })
            }
            _ => (None, step),
        }
    }

    fn client_name(&mut self, hot: usize) -> String {
        let names = if self.dice.chance(7, 8) { hot } else { self.swarm.names.len() };
        self.swarm.names[self.dice.index(names)].clone()
    }

    fn client_step(&mut self, model: &Model, hot: usize, direct: bool) -> Step {
        let name = self.client_name(hot);
        match self.dice.below(16) {
            0 => Step::Create { name },
            1 => Step::Drop { name },
            2 if !direct => Step::Exists { name },
            3 => {
                let to = self.client_name(hot);
                if to == name { Step::Create { name } } else { Step::Rename { from: name, to } }
            }
            _ => {
                let len = Self::len(model, u64::MAX, &name);
                Step::Edit { name, edit: arguments::edit(&mut self.dice, &self.swarm, len, direct) }
            }
        }
    }

    fn client_read(&mut self, model: &Model, hot: usize) -> Step {
        let name = self.client_name(hot);
        match self.dice.below(8) {
            0 => Step::Exists { name },
            1 | 2 => Step::List,
            3 => Step::Edit { name, edit: Edit::Len },
            _ => {
                let len = Self::len(model, u64::MAX, &name);
                Step::Edit { name, edit: arguments::read(&mut self.dice, len) }
            }
        }
    }
}
