//! The arguments of an act as a list, to be changed one by one whatever the act is.

use crate::model::Bytes;

use super::codec::{Sink, Source, put_act, take_act};
use super::{Act, BadLog};

/// A word or an argument of an act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    /// What is done, or of which kind.
    Word(&'static str),
    /// A number: of a transaction, an offset, a count.
    Number(u64),
    /// A stream's name.
    Name(String),
    /// Bytes.
    Data(Bytes),
}

impl Act {
    /// The act as words and arguments.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let mut fields = Fields(Vec::new());
        put_act(&mut fields, self);
        fields.0
    }

    /// The act of such words and arguments, if there is one.
    pub(crate) fn from_fields(fields: Vec<Field>) -> Option<Act> {
        take_act(&mut Taking(fields.into_iter())).ok()
    }
}

struct Fields(Vec<Field>);

impl Sink for Fields {
    fn word(&mut self, _: &'static [&'static str], word: &'static str) {
        self.0.push(Field::Word(word));
    }

    fn number(&mut self, number: u64) {
        self.0.push(Field::Number(number));
    }

    fn name(&mut self, name: &str) {
        self.0.push(Field::Name(name.to_owned()));
    }

    fn data(&mut self, data: &Bytes) {
        self.0.push(Field::Data(data.clone()));
    }
}

struct Taking(std::vec::IntoIter<Field>);

fn misfit() -> BadLog {
    BadLog::new("the arguments are not those of the act")
}

impl Source for Taking {
    type Error = BadLog;

    fn word(&mut self, list: &'static [&'static str]) -> Result<&'static str, BadLog> {
        match self.0.next() {
            Some(Field::Word(word)) if list.contains(&word) => Ok(word),
            _ => Err(misfit()),
        }
    }

    fn number(&mut self) -> Result<u64, BadLog> {
        match self.0.next() {
            Some(Field::Number(number)) => Ok(number),
            _ => Err(misfit()),
        }
    }

    fn name(&mut self) -> Result<String, BadLog> {
        match self.0.next() {
            Some(Field::Name(name)) => Ok(name),
            _ => Err(misfit()),
        }
    }

    fn data(&mut self) -> Result<Bytes, BadLog> {
        match self.0.next() {
            Some(Field::Data(data)) => Ok(data),
            _ => Err(misfit()),
        }
    }
}
