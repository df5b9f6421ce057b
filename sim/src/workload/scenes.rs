//! Programs for clients that are after one thing, which by chance would be rare.

use crate::model::{Bytes, Edit, Model, Step};

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

    /// Four clients and three bytes. The third that begins has the first byte, which two others come to want, and wants the
    /// last one, which two others have read: so it waits for two, and each of them waits for it in the end. One of them is
    /// younger; the other one waits for it over a fourth, and all these are older.
    pub fn knot(&mut self, model: &Model) -> Vec<(u64, Operation)> {
        self.begin_turn();
        let (name, len) = self.longest(model);
        let places = [0, len / 3, len / 3 * 2];
        let read = |place: usize| Edit::Read { from: places[place], to: (places[place] + 1).min(len) };
        let write = |place: usize| Edit::Write { at: places[place], data: Bytes(vec![place as u8]) };
        let parts = [[read(2), write(1)], [write(1), write(0)], [write(0), write(2)], [read(2), write(0)]];
        let mut programs = Vec::new();
        for (edits, client) in parts.into_iter().zip(1..) {
            let txn = FIRST_TXN + client * 100;
            let exists = Step::Exists { name: name.clone() };
            let late = if client < 3 { 0 } else { self.dice.below(4 * (client - 2)) };
            programs.extend((0..late).map(|_| (client, Operation::ReadDurable(exists.clone()))));
            let slow = self.dice.below(if client == 3 { 10 } else { 6 });
            let [first, then] = edits.map(|edit| Step::Edit { name: name.clone(), edit });
            programs.extend([(client, Operation::Begin(txn)), (client, Operation::In(txn, first))]);
            programs.extend((0..slow).map(|_| (client, Operation::In(txn, Step::Savepoint))));
            let end = Operation::Commit { txn, sync: true };
            programs.extend([(client, Operation::In(txn, then)), (client, end)]);
        }
        programs
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
