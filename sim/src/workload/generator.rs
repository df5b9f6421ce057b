//! Draws the next operation.

use crate::model::{Bytes, Edit, Model, Step};
use crate::world::{Dice, Source};

use super::{Operation, Swarm, arguments, typing};

/// The source of a seed's operations. It keeps no view of its own: the model says what is there.
pub struct Generator {
    pub(super) dice: Dice,
    /// Operations so far; each has a turn of the dice.
    pub(super) turn: u64,
    pub(super) swarm: Swarm,
    next_txn: u64,
    next_snapshot: u64,
    snapshots: Vec<u64>,
    beginning: Vec<Operation>,
    /// What is made besides, among all the rest.
    more: Vec<Operation>,
    /// The next edit of the recorded histories.
    typing: Option<usize>,
    /// Where what was typed last ended.
    typed_to: u64,
}

/// Streams that every seed begins with.
const FIRST_STREAMS: usize = 3;

impl Generator {
    /// Operations of the given character.
    pub fn new(mut dice: Dice, swarm: Swarm) -> Generator {
        let mut beginning = Vec::new();
        for name in swarm.names[..FIRST_STREAMS].iter().rev() {
            let data = arguments::first_bytes(&mut dice, &swarm);
            beginning.push(Operation::Direct(Step::Edit { name: name.clone(), edit: Edit::Append { data } }));
            beginning.push(Operation::Direct(Step::Create { name: name.clone() }));
        }
        let more = swarm.names.iter().skip(Swarm::FEW_NAMES).cloned();
        let more = more.map(|name| Operation::Direct(Step::Create { name })).collect();
        let typing = swarm.typing;
        let snapshots = Vec::new();
        Generator {
            dice,
            turn: 0,
            swarm,
            next_txn: 1,
            next_snapshot: 1,
            snapshots,
            beginning,
            more,
            typing,
            typed_to: 0,
        }
    }

    /// The database was closed or has crashed: nothing is open any more.
    pub fn forget_handles(&mut self) {
        self.snapshots.clear();
    }

    /// The next operation, given the state in which the last one left the model.
    pub fn next(&mut self, model: &Model) -> Operation {
        if let Some(operation) = self.beginning.pop() {
            return operation;
        }
        self.begin_turn();
        if !self.more.is_empty()
            && self.dice.chance(3, 4)
            && let Some(operation) = self.more.pop()
        {
            return operation;
        }
        let open: Vec<u64> = model.open().map(|(txn, _)| txn).collect();
        let w = self.swarm.weights.clone();
        let can_begin = open.len() < self.swarm.open_max;
        let weights = [
            if can_begin { w.begin } else { 0 },
            if open.is_empty() { 0 } else { w.step },
            if open.is_empty() { 0 } else { w.end },
            w.direct,
            w.read,
            w.snapshot,
            w.checkpoint,
            w.sync,
            w.audit,
            w.reopen,
        ];
        match self.choose(&weights) {
            0 => self.begin(),
            1 => {
                let txn = *self.dice.pick(&open);
                Operation::In(txn, self.step(model, txn))
            }
            2 => {
                let txn = *self.dice.pick(&open);
                self.end(txn)
            }
            3 => Operation::Direct(self.direct(model)),
            4 => Operation::ReadDurable(self.read(model)),
            5 => self.snapshot(model),
            6 if self.dice.chance(1, 3) => Operation::Compact,
            6 => Operation::Checkpoint,
            7 => Operation::Sync,
            8 => {
                if self.dice.chance(1, 3) {
                    Operation::Verify
                } else {
                    Operation::Stats
                }
            }
            _ => Operation::Close,
        }
    }

    /// A few bytes, appended to a stream that nobody has, if there is one.
    pub fn touch(&mut self, model: &Model) -> Operation {
        self.begin_turn();
        let name = self.name(model, u64::MAX);
        let data = arguments::bytes(&mut self.dice, 9);
        Operation::Direct(Step::Edit { name, edit: Edit::Append { data } })
    }

    /// A payload that goes to disk around the log, appended to a stream that nobody has, if there is one.
    pub fn bulk(&mut self, model: &Model) -> Operation {
        self.begin_turn();
        let name = self.name(model, u64::MAX);
        let len = self.swarm.geometry.bulk_bytes + *self.dice.pick(&[0, 4096, 9000, 30_000]);
        let data = arguments::bytes(&mut self.dice, len);
        Operation::Direct(Step::Edit { name, edit: Edit::Append { data } })
    }

    /// A look at a stream that nobody has, and a change of what is around there: a part of it goes, or all of it, or it
    /// gets a name that is free.
    pub fn change_half(&mut self, model: &Model) -> [Operation; 2] {
        self.begin_turn();
        let from = self.name(model, u64::MAX);
        let len = Self::len(model, u64::MAX, &from);
        let at = self.dice.below(len + 1);
        let to = (at + 1).min(len);
        let look = Step::Edit { name: from.clone(), edit: Edit::Read { from: at, to } };
        let newest = model.history().newest();
        let free = |name: &&String| !newest.contains_key(*name) && !model.is_busy(u64::MAX, name);
        let change = match (self.dice.below(4), self.swarm.names.iter().find(free)) {
            (0, Some(to)) => Step::Rename { from, to: to.clone() },
            (0 | 1, _) => Step::Drop { name: from },
            _ => {
                let to = (at + self.dice.between(100, 2000)).min(len);
                Step::Edit { name: from, edit: Edit::Remove { from: at.saturating_sub(100), to } }
            }
        };
        [Operation::ReadDurable(look), Operation::Direct(change)]
    }

    pub(super) fn begin_turn(&mut self) {
        self.turn += 1;
        self.dice.begin_turn(self.turn, Source::Seed, false);
    }

    fn choose(&mut self, weights: &[u64]) -> usize {
        let mut drawn = self.dice.below(weights.iter().sum());
        for (kind, &weight) in weights.iter().enumerate() {
            if drawn < weight {
                return kind;
            }
            drawn -= weight;
        }
        weights.len() - 1
    }

    fn begin(&mut self) -> Operation {
        self.next_txn += 1;
        Operation::Begin(self.next_txn)
    }

    fn end(&mut self, txn: u64) -> Operation {
        match self.dice.below(10) {
            0..=6 => Operation::Commit { txn, sync: !self.dice.chance(self.swarm.deferred, 100) },
            7 | 8 => Operation::Rollback(txn),
            _ => Operation::Abandon(txn),
        }
    }

    /// A name; one that leads somewhere and is not another's, if `txn` can have one and luck wills it.
    fn name(&mut self, model: &Model, txn: u64) -> String {
        if self.dice.chance(9, 10) {
            let names = self.swarm.names.iter();
            let leads = |name: &String| model.look(txn, name).is_some() && !model.is_busy(txn, name);
            let good: Vec<&String> = names.filter(|name| leads(name)).collect();
            if !good.is_empty() {
                return (*self.dice.pick(&good)).clone();
            }
        }
        self.any_name()
    }

    fn any_name(&mut self) -> String {
        match self.dice.below(200) {
            0 => String::new(),
            1 => "x".repeat(1025),
            _ => self.dice.pick(&self.swarm.names).clone(),
        }
    }

    /// How long the stream is that `txn` sees under `name`.
    pub(super) fn len(model: &Model, txn: u64, name: &str) -> u64 {
        model.look(txn, name).map_or(0, |bytes| bytes.len() as u64)
    }

    fn step(&mut self, model: &Model, txn: u64) -> Step {
        let savepoints = model.transaction(txn).savepoints.len();
        match self.dice.below(40) {
            0 | 1 => Step::Create { name: self.any_name() },
            2 => Step::Drop { name: self.name(model, txn) },
            3 => self.rename(model, txn),
            4 => Step::Exists { name: self.any_name() },
            5 => Step::List,
            6 | 7 => Step::Savepoint,
            8 | 9 if savepoints > 0 => Step::RollbackTo { index: self.dice.index(savepoints) },
            10..=29 if self.typing.is_some() => self.typed(model, txn),
            _ => {
                let name = self.name(model, txn);
                let len = Self::len(model, txn, &name);
                Step::Edit { name, edit: arguments::edit(&mut self.dice, &self.swarm, len, false) }
            }
        }
    }

    /// The next edit that somebody once made, in the first stream. It may have become another one since: then the place
    /// is taken modulo its length. Now and then one that takes back the last bytes.
    fn typed(&mut self, model: &Model, txn: u64) -> Step {
        let name = self.swarm.names[0].clone();
        let len = Self::len(model, txn, &name);
        let next = self.typing.get_or_insert(0);
        *next += 1;
        let mut edit = typing::edit(*next, len);
        if (1..=len).contains(&self.typed_to) && self.dice.chance(1, 6) {
            let delete = self.typed_to.min(1 + self.dice.below(2));
            edit = Edit::Splice { at: self.typed_to - delete, delete, data: Bytes(Vec::new()) };
        }
        if let Edit::Splice { at, data, .. } = &edit {
            self.typed_to = at + data.0.len() as u64;
        }
        Step::Edit { name, edit }
    }

    fn rename(&mut self, model: &Model, txn: u64) -> Step {
        let from = self.name(model, txn);
        let to = loop {
            let to = self.any_name();
            if to != from {
                break to;
            }
        };
        Step::Rename { from, to }
    }

    fn direct(&mut self, model: &Model) -> Step {
        match self.dice.below(12) {
            0 => Step::Create { name: self.any_name() },
            1 => Step::Drop { name: self.name(model, u64::MAX) },
            2 => self.rename(model, u64::MAX),
            _ => {
                let name = self.name(model, u64::MAX);
                let len = Self::len(model, u64::MAX, &name);
                Step::Edit { name, edit: arguments::edit(&mut self.dice, &self.swarm, len, true) }
            }
        }
    }

    fn read(&mut self, model: &Model) -> Step {
        let name = self.dice.pick(&self.swarm.names).clone();
        match self.dice.below(8) {
            0 => Step::Exists { name },
            1 => Step::List,
            _ => {
                let len = Self::len(model, u64::MAX, &name);
                Step::Edit { name, edit: arguments::read(&mut self.dice, len) }
            }
        }
    }

    fn snapshot(&mut self, model: &Model) -> Operation {
        let kind = self.dice.below(8);
        if self.snapshots.is_empty() || (kind < 2 && self.snapshots.len() < 4) {
            self.next_snapshot += 1;
            self.snapshots.push(self.next_snapshot);
            return Operation::Snapshot(self.next_snapshot);
        }
        let at = self.dice.index(self.snapshots.len());
        if kind == 2 && !(self.swarm.long_reader && at == 0) {
            return Operation::Release(self.snapshots.swap_remove(at));
        }
        Operation::ReadSnapshot(self.snapshots[at], self.read(model))
    }
}
