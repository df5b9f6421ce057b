//! Programs for clients that are after one thing, which by chance would be rare.

use crate::model::{Bytes, Edit, Elements, Model, Step};

use super::clients::FIRST_TXN;
use super::{Generator, Operation, arguments};

impl Generator {
    /// The first client commits one change after the other; the others look at the same stream all the time, and change
    /// nothing.
    pub fn watchers(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, _) = self.longest(model);
        let mut programs = Vec::new();
        for _ in 0..self.dice.between(2, 5) {
            let len = self.dice.between(1, 40);
            let edit = Edit::Append { data: arguments::bytes(&mut self.dice, len) };
            programs.push((1, Operation::Direct(Step::Edit { name: name.clone(), edit })));
        }
        for client in 2..=self.dice.between(2, 4) {
            for number in 0..self.dice.between(4, 12) {
                let txn = FIRST_TXN + client * 100 + number;
                let look = Step::Edit { name: name.clone(), edit: Edit::Len };
                let parts = [Operation::Begin(txn), Operation::In(txn, look), Operation::Rollback(txn)];
                programs.extend(parts.map(|operation| (client, operation)));
            }
        }
        programs
    }

    /// A few clients and three bytes, in an order that may close a circle of waits of a special shape.
    pub fn knot(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, len) = self.longest(model);
        let places = [0, len / 3, len / 3 * 2];
        let read = |place: usize| Edit::Read { from: places[place], to: (places[place] + 1).min(len) };
        let write = |place: usize| Edit::Write { at: places[place], data: Bytes(vec![place as u8]) };
        // What each does first and then, how late it begins, and how long it waits in between.
        let kind = self.dice.below(5);
        let parts = if kind == 0 {
            // The second waits to read what the first has, and the third to read a part of it for update, behind the second
            // alone: beside that one it may come in.
            let all = Edit::Read { from: 0, to: (places[2] + 1).min(len) };
            let last = Edit::ReadForUpdate { from: places[2], to: (places[2] + 1).min(len) };
            vec![(vec![write(0), write(0)], 1, 12), (vec![all], 4, 1), (vec![last, write(2)], 8, 1)]
        } else if kind < 3 {
            // The third has the first byte, which two others come to want, and wants the last one, which two others have
            // read: so it waits for two, and each of them for it in the end. One of them is younger; the other one waits for
            // it over a fourth, and all these are older.
            vec![
                (vec![read(2), write(1)], 1, 6),
                (vec![write(1), write(0)], 1, 6),
                (vec![write(0), write(2)], 4, 10),
                (vec![read(2), write(0)], 8, 6),
            ]
        } else {
            // The second waits for the first, the third is behind it in the queue, and the first comes to wait for the third.
            vec![(vec![read(0), write(1)], 1, 10), (vec![write(0)], 6, 1), (vec![write(1), read(0)], 4, 8)]
        };
        let mut programs = Vec::new();
        for ((edits, late, slow), client) in parts.into_iter().zip(1..) {
            let txn = FIRST_TXN + client * 100;
            let exists = Step::Exists { name: name.clone() };
            for _ in 0..self.dice.below(late) {
                programs.push((client, Operation::ReadDurable(exists.clone())));
            }
            programs.push((client, Operation::Begin(txn)));
            for edit in edits {
                let step = Step::Edit { name: name.clone(), edit };
                programs.push((client, Operation::In(txn, step)));
                for _ in 0..self.dice.below(slow) {
                    programs.push((client, Operation::In(txn, Step::Savepoint)));
                }
            }
            programs.push((client, Operation::Commit { txn, sync: true }));
        }
        programs
    }

    /// One transaction stays open in a stream while another one commits there: what the first has replaced is still the
    /// committed state, over checkpoints that look for blocks to write to.
    pub fn relay(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, before) = self.longest(model);
        let [stays, passes] = [FIRST_TXN + 100, FIRST_TXN + 101];
        let edit = |edit| Step::Edit { name: name.clone(), edit };
        let other = self.swarm.names.iter().find(|known| **known != name).unwrap_or(&name).clone();
        let read = |name: &String, to| Step::Edit { name: name.clone(), edit: Edit::Read { from: 0, to } };
        let end = |txn| Operation::Commit { txn, sync: true };
        // Long enough for whole leaves to be replaced.
        let more = self.dice.between(2500, 5000);
        let len = before + more;
        let data = arguments::bytes(&mut self.dice, more);
        let mut part = vec![Operation::Direct(edit(Edit::Append { data })), Operation::Checkpoint];
        part.push(Operation::Begin(stays));
        part.extend(self.replacements(len).into_iter().map(|change| Operation::In(stays, edit(change))));
        part.push(Operation::Direct(Step::Create { name: other.clone() }));
        part.extend(self.wear(&other, 1));
        // Before where the other one writes, or it would wait for ever.
        let at = self.dice.below(200);
        let write = Edit::Write { at, data: arguments::bytes(&mut self.dice, 1) };
        part.extend([Operation::Begin(passes), Operation::In(passes, edit(write)), end(passes)]);
        part.extend(self.wear(&other, 4));
        let there = Self::len(model, u64::MAX, &other);
        part.push(Operation::ReadDurable(read(&other, there)));
        part.extend([Operation::ReadDurable(read(&name, len)), Operation::Snapshot(stays), end(stays)]);
        part.extend(self.wear(&other, 3));
        part.push(Operation::ReadSnapshot(stays, read(&name, len)));
        part.into_iter().map(|operation| (1, operation)).collect()
    }

    /// Changes behind the first leaf of a stream of `len` bytes that replace whole leaves, and lock more than one range or
    /// all behind some place at most: a commit beside them goes on from what is current.
    fn replacements(&mut self, len: u64) -> Vec<Edit> {
        let at = 256 + self.dice.below(len - 2200);
        match self.dice.below(3) {
            0 => {
                let elements = Elements { start: at, size: 1, stride: self.dice.between(130, 200), count: 9 };
                vec![Edit::WriteStrided(elements, arguments::bytes(&mut self.dice, 9))]
            }
            1 => {
                let mut write = |place: u64| {
                    let data = arguments::bytes(&mut self.dice, 450);
                    Edit::Write { at: at + 450 * place, data }
                };
                (0..4).map(&mut write).collect()
            }
            _ => vec![Edit::Remove { from: at, to: at + self.dice.between(300, 1000) }],
        }
    }

    /// Transactions read a long stream again and again, all but its last byte. Somebody else changes that, so that the nodes
    /// on the way there die while they are read, and checkpoints look for blocks to write to.
    pub fn readers(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, before) = self.longest(model);
        let other = self.swarm.names.iter().find(|known| **known != name).unwrap_or(&name).clone();
        let more = self.dice.between(10_000, 25_000);
        let len = before + more;
        let edit = |edit| Step::Edit { name: name.clone(), edit };
        let data = arguments::bytes(&mut self.dice, more);
        let mut programs = vec![
            (1, Operation::Direct(edit(Edit::Append { data }))),
            (1, Operation::Direct(Step::Create { name: other.clone() })),
        ];
        for _ in 0..self.dice.between(3, 6) {
            let write = Edit::Write { at: len - 1, data: arguments::bytes(&mut self.dice, 1) };
            programs.push((1, Operation::Direct(edit(write))));
            programs.push((1, Operation::Checkpoint));
            programs.extend(self.wear(&other, 2).into_iter().map(|operation| (1, operation)));
        }
        for client in 2..=self.dice.between(2, 3) {
            let txn = FIRST_TXN + client * 100;
            programs.push((client, Operation::Begin(txn)));
            for _ in 0..self.dice.between(2, 5) {
                let from = self.dice.below(len - 1);
                programs.push((client, Operation::In(txn, edit(Edit::Read { from, to: len - 1 }))));
            }
            programs.push((client, Operation::Commit { txn, sync: true }));
        }
        programs
    }

    /// One transaction has a few bytes in the gaps between the many that another one comes to: when these are too many, it
    /// takes gaps as well, and not those.
    pub fn comb(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, before) = self.longest(model);
        let [few, many] = [FIRST_TXN + 100, FIRST_TXN + 101];
        let edit = |txn, edit| Operation::In(txn, Step::Edit { name: name.clone(), edit });
        let (apart, teeth) = (self.dice.between(2, 8), self.dice.between(65, 100));
        let data = arguments::bytes(&mut self.dice, apart * teeth);
        let append = Step::Edit { name: name.clone(), edit: Edit::Append { data } };
        let mut part = vec![Operation::Direct(append), Operation::Begin(few), Operation::Begin(many)];
        let first = self.dice.below(before + 1);
        let write = |at, word| Edit::Write { at, data: Bytes(vec![word]) };
        let gaps: Vec<u64> = (0..self.dice.between(1, 3)).map(|_| self.dice.below(teeth / 2)).collect();
        let held: Vec<u64> = gaps.iter().map(|gap| first + gap * apart + 1).collect();
        part.extend(held.iter().map(|at| edit(few, write(*at, 1))));
        let reads = self.dice.chance(1, 3);
        part.extend(
            (0..teeth)
                .map(|tooth| first + tooth * apart)
                .map(|at| edit(many, if reads { Edit::Read { from: at, to: at + 1 } } else { write(at, 2) })),
        );
        part.extend(held.iter().map(|at| edit(few, write(*at, 3))));
        part.extend([few, many].map(|txn| Operation::Commit { txn, sync: true }));
        part.into_iter().map(|operation| (1, operation)).collect()
    }

    /// So many times a few leaves more, and a checkpoint that writes them.
    fn wear(&mut self, name: &str, times: u64) -> Vec<Operation> {
        let mut part = Vec::new();
        for _ in 0..times {
            let size = self.dice.between(300, 6000);
            let edit = Edit::Append { data: arguments::bytes(&mut self.dice, size) };
            part.push(Operation::Direct(Step::Edit { name: name.to_owned(), edit }));
            part.push(Operation::Checkpoint);
        }
        part
    }

    /// The longest stream and its length.
    pub(super) fn longest(&self, model: &Model) -> (String, u64) {
        let state = model.history().newest();
        let longest = state.iter().max_by_key(|(_, bytes)| bytes.len());
        match longest {
            Some((name, bytes)) => (name.clone(), bytes.len() as u64),
            None => (self.swarm.names[0].clone(), 0),
        }
    }
}
