//! Plainer acts: faults first, then numbers, names and data.

use std::collections::BTreeMap;

use crate::model::Bytes;
use crate::script::{Act, Death, Field};
use crate::world::Persist;

use super::Shrinker;

/// What a power loss may keep, plainest first.
const PLAIN: [Persist; 9] = [
    Persist::None,
    Persist::All,
    Persist::OnlyLast,
    Persist::AllButOne,
    Persist::Prefix(50),
    Persist::Suffix(50),
    Persist::PageThenSector,
    Persist::Random,
    Persist::Torn,
];

/// The field of an act to be replaced, and what it is with a lower number.
type Lowered<'a> = dyn Fn(&[Field], u64) -> (usize, Field) + 'a;

impl Shrinker<'_> {
    pub(super) fn simplify_acts(&mut self) {
        for at in (0..self.best.entries.len()).rev() {
            self.simplify_death(at);
        }
        // Faults before anything else: where they strike depends on all the rest.
        for faults in [true, false] {
            for at in (0..self.best.entries.len()).rev() {
                let is_fault = |act: &Act| matches!(act, Act::Arm(_) | Act::Rot(_));
                if self.best.entries.get(at).is_some_and(|entry| is_fault(&entry.act) == faults) {
                    self.simplify_arguments(at);
                }
            }
        }
        self.renumber();
        self.rename();
    }

    fn simplify_death(&mut self, at: usize) {
        let Some(Act::Die(Death::PowerLoss(now))) = self.best.entries.get(at).map(|entry| entry.act.clone())
        else {
            return;
        };
        let killed = self.attempt_with(|log| log.entries[at].act = Act::Die(Death::Kill));
        if killed {
            return;
        }
        for plain in PLAIN.into_iter().take_while(|plain| *plain != now) {
            if self.attempt_with(|log| log.entries[at].act = Act::Die(Death::PowerLoss(plain))) {
                return;
            }
        }
    }

    fn simplify_arguments(&mut self, at: usize) {
        let count = self.best.entries[at].act.fields().len();
        for place in 0..count {
            let Some(entry) = self.best.entries.get(at) else { return };
            match entry.act.fields().get(place) {
                Some(Field::Number(number)) => {
                    self.lower(*number, at, &|_, number| (place, Field::Number(number)))
                }
                Some(Field::Data(_)) => self.simplify_data(at, place),
                _ => {}
            }
        }
    }

    fn simplify_data(&mut self, at: usize, place: usize) {
        let data = |fields: &[Field]| match &fields[place] {
            Field::Data(data) => data.clone(),
            _ => Bytes(Vec::new()),
        };
        let len = data(&self.best.entries[at].act.fields()).0.len();
        self.try_field(at, &|_| (place, Field::Data(Bytes(vec![b'a'; len]))));
        self.lower(len as u64, at, &|fields, len| {
            let mut bytes = data(fields).0;
            bytes.truncate(len as usize);
            (place, Field::Data(Bytes(bytes)))
        });
    }

    /// Replaces one field of an act, if the failure stays.
    fn try_field(&mut self, at: usize, change: &dyn Fn(&[Field]) -> (usize, Field)) -> bool {
        let Some(entry) = self.best.entries.get(at) else { return false };
        let mut fields = entry.act.fields();
        let (place, field) = change(&fields);
        fields[place] = field;
        let Some(act) = Act::from_fields(fields) else { return false };
        self.attempt_with(|log| log.entries[at].act = act)
    }

    /// Looks for the lowest number with which the failure stays, by halves.
    fn lower(&mut self, now: u64, at: usize, field: &Lowered<'_>) {
        let (mut low, mut high) = (0, now);
        let mut guess = 0;
        while low < high {
            if self.try_field(at, &|fields| field(fields, guess)) {
                high = guess;
            } else {
                low = guess + 1;
            }
            guess = low + (high - low) / 2;
        }
    }

    /// Transactions and snapshots count from 1, all at once or not at all.
    fn renumber(&mut self) {
        let mut numbers: BTreeMap<u64, u64> = BTreeMap::new();
        self.change_fields(|fields| {
            // What a client does begins behind its number.
            let begins = if fields[0] == Field::Word("plan") { 2 } else { 0 };
            let (words, rest) = fields[begins..].split_at_mut(1);
            let numbered = ["begin", "in", "commit", "commit-deferred", "rollback", "abandon"];
            let known = [&numbered[..], &["snapshot", "look", "release"]].concat();
            if let (Field::Word(word), Some(Field::Number(number))) = (&words[0], rest.first_mut())
                && known.contains(word)
            {
                let next = numbers.len() as u64 + 1;
                *number = *numbers.entry(*number).or_insert(next);
            }
        });
    }

    /// Streams get short names, all at once or not at all.
    fn rename(&mut self) {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        self.change_fields(|fields| {
            for field in fields {
                if let Field::Name(name) = field {
                    let next = ["a", "b", "c", "d", "e", "f", "g", "h"].get(names.len()).unwrap_or(&"z");
                    let next = (*next).to_owned();
                    name.clone_from(names.entry(name.clone()).or_insert(next));
                }
            }
        });
    }

    fn change_fields(&mut self, mut change: impl FnMut(&mut Vec<Field>)) {
        self.attempt_with(|log| {
            for entry in &mut log.entries {
                let mut fields = entry.act.fields();
                change(&mut fields);
                if let Some(act) = Act::from_fields(fields) {
                    entry.act = act;
                }
            }
        });
    }
}
