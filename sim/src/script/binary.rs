//! Logs as bytes: numbers seven bits at a time, words by their places in the lists, no checksum.
//!
//! The same reader takes any bytes at all, for fuzzing: what is out of range is brought into it, and what is missing is
//! zero.

use std::collections::BTreeMap;

use crate::model::Bytes;
use crate::workload::Geometry;
use crate::world::{Choices, Concern, Draw, Without};

use super::codec::{Sink, Source, put_act, take_act};
use super::{BadLog, Entry, Log, data};

/// What a log as bytes begins with.
const MAGIC: &[u8; 3] = b"NSL";
/// Names that take one byte.
const NAMES: [&str; 8] = ["alpha", "beta", "gamma", "δελτα", "e", "eta", "theta", "iota"];
/// Bytes that one operation may carry.
pub(super) const DATA_MAX: u64 = 1 << 20;
/// The same, out of bytes that mean nothing.
const LENIENT_DATA_MAX: u64 = 12 << 10;
/// Acts out of bytes that mean nothing.
const LENIENT_ACTS_MAX: usize = 200;

/// Parts of data that partly repeats itself.
const PARTS_MAX: usize = 64;

const EXPLICIT: u64 = 0;
const FILL: u64 = 1;
const PATTERN: u64 = 2;
const PARTS: u64 = 3;

impl Log {
    /// The log as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.number(Log::VERSION);
        out.number(u64::from(self.seed.is_some()));
        self.seed.into_iter().for_each(|seed| out.number(seed));
        self.geometry.numbers().into_iter().for_each(|number| out.number(number));
        out.number(self.short_transfers | self.without.bits() << SHORT_BITS);
        for entry in &self.entries {
            put_act(&mut out, &entry.act);
            out.choices(&entry.choices);
        }
        out.0
    }

    /// The log that `bytes` are.
    ///
    /// # Errors
    /// Where they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Log, BadLog> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(BadLog::new("this is no log")) };
        Reader { all: bytes.len(), rest, lenient: false }.log()
    }

    /// A log out of any bytes: those of a log give that log, if it is not too long.
    pub fn from_any_bytes(bytes: &[u8]) -> Log {
        let rest = bytes.strip_prefix(MAGIC).unwrap_or(bytes);
        let log = Reader { all: bytes.len(), rest, lenient: true }.log();
        log.unwrap_or_else(|_| Log::of_acts(Geometry::default(), []))
    }
}

/// Bits of the number of short transfers; above them stand the kinds of faults that do not occur.
const SHORT_BITS: u32 = 10;

struct Writer(Vec<u8>);

impl Writer {
    fn choices(&mut self, choices: &Choices) {
        self.number(choices.len() as u64);
        for (concern, draws) in choices {
            let place = Concern::RECORDED.iter().position(|recorded| recorded == concern);
            self.number(place.expect("invariant: only what is recorded is drawn in an act") as u64);
            let groups: Vec<&[Draw]> = draws.chunk_by(|a, b| a.bound == b.bound).collect();
            self.number(groups.len() as u64);
            for group in groups {
                self.number(group[0].bound);
                self.number(group.len() as u64);
                group.iter().for_each(|draw| self.number(draw.value));
            }
        }
    }
}

impl Sink for Writer {
    fn word(&mut self, list: &'static [&'static str], word: &'static str) {
        let place = list.iter().position(|known| *known == word);
        self.0.push(place.expect("invariant: every word is in its list") as u8);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn name(&mut self, name: &str) {
        match NAMES.iter().position(|known| *known == name) {
            Some(place) => self.number(place as u64),
            None => {
                self.number((NAMES.len() + name.len()) as u64);
                self.0.extend_from_slice(name.as_bytes());
            }
        }
    }

    fn data(&mut self, data: &Bytes) {
        let len = data.0.len() as u64;
        if let Some(byte) = data.fill().filter(|_| len > 4) {
            [FILL, len, u64::from(byte)].into_iter().for_each(|number| self.number(number));
        } else if let Some(word) = data.pattern() {
            [PATTERN, len, u64::from(word)].into_iter().for_each(|number| self.number(number));
        } else if let parts = data::parts(&data.0)
            && parts.len() <= PARTS_MAX
            && parts.iter().any(|part| part.unit.len() < part.len)
        {
            [PARTS, len, parts.len() as u64].into_iter().for_each(|number| self.number(number));
            for part in parts {
                self.number(part.len as u64);
                self.number(part.unit.len() as u64);
                self.0.extend_from_slice(part.unit);
            }
        } else {
            self.number(EXPLICIT);
            self.number(len);
            self.0.extend_from_slice(&data.0);
        }
    }
}

struct Reader<'a> {
    all: usize,
    rest: &'a [u8],
    lenient: bool,
}

impl Reader<'_> {
    fn log(&mut self) -> Result<Log, BadLog> {
        let version = self.number()?;
        if version != Log::VERSION && !self.lenient {
            return Err(self.bad(format!("version {version} is not known")));
        }
        let seed = if self.number()? == 1 { Some(self.number()?) } else { None };
        let mut numbers = [0; Geometry::NAMES.len()];
        for number in &mut numbers {
            *number = self.number()?;
        }
        let geometry = if self.lenient { Geometry::near(numbers) } else { Geometry::from_numbers(numbers) };
        let number = self.number()?;
        let short_transfers = (number % (1 << SHORT_BITS)).min(1000);
        let without = Without::from_bits(number >> SHORT_BITS);
        let mut entries = Vec::new();
        let most = if self.lenient { LENIENT_ACTS_MAX } else { usize::MAX };
        while !self.rest.is_empty() && entries.len() < most {
            let act = take_act(self)?;
            entries.push(Entry { act, choices: self.choices()? });
        }
        Ok(Log { seed, geometry, short_transfers, without, entries })
    }

    fn choices(&mut self) -> Result<Choices, BadLog> {
        let mut choices = BTreeMap::new();
        for _ in 0..self.count(Concern::RECORDED.len() as u64)? {
            let place = self.count(Concern::RECORDED.len() as u64 - 1)? as usize;
            let mut draws = Vec::new();
            for _ in 0..self.count(1 << 20)? {
                let bound = self.number()?;
                for _ in 0..self.count(1 << 20)? {
                    let draw = Draw { bound, value: self.number()? };
                    if !draw.is_valid() && !self.lenient {
                        return Err(self.bad(format!("{draw} is no choice")));
                    }
                    draws.push(draw);
                }
            }
            choices.insert(Concern::RECORDED[place], draws);
        }
        Ok(choices)
    }

    /// A number that is at most `most`, and counts things that take a byte each.
    fn count(&mut self, most: u64) -> Result<u64, BadLog> {
        let number = self.number()?;
        if self.lenient {
            return Ok((number % (most + 1)).min(self.rest.len() as u64));
        }
        if number > most { Err(self.bad(format!("{number} is too much"))) } else { Ok(number) }
    }

    fn take(&mut self, len: u64) -> Result<&[u8], BadLog> {
        let len = if self.lenient { len.min(self.rest.len() as u64) } else { len };
        if len > self.rest.len() as u64 {
            return Err(self.bad("the log ends in the middle of an act"));
        }
        let (taken, rest) = self.rest.split_at(len as usize);
        self.rest = rest;
        Ok(taken)
    }

    /// Data of `len` bytes that partly repeats itself.
    fn parts(&mut self, len: usize) -> Result<Bytes, BadLog> {
        let mut bytes = Vec::with_capacity(len);
        for _ in 0..self.count(PARTS_MAX as u64)? {
            let room = len - bytes.len();
            let len = (self.number()? as usize).min(room);
            let unit_len = self.number()?;
            let unit = self.take(unit_len)?;
            data::Part { unit, len }.extend(&mut bytes);
        }
        Ok(Bytes(bytes))
    }

    fn bad(&self, what: impl Into<String>) -> BadLog {
        BadLog { place: format!("byte {}", self.all - self.rest.len()), what: what.into() }
    }
}

impl Source for Reader<'_> {
    type Error = BadLog;

    fn word(&mut self, list: &'static [&'static str]) -> Result<&'static str, BadLog> {
        let place = self.take(1)?.first().copied().unwrap_or(0);
        match list.get(usize::from(place)) {
            Some(word) => Ok(word),
            None if self.lenient => Ok(list[usize::from(place) % list.len()]),
            None => Err(self.bad(format!("there is no word {place} here"))),
        }
    }

    fn number(&mut self) -> Result<u64, BadLog> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        if self.lenient { Ok(number) } else { Err(self.bad("a number is too long")) }
    }

    fn name(&mut self) -> Result<String, BadLog> {
        let number = self.number()?;
        if let Some(name) = NAMES.get(number as usize) {
            return Ok((*name).to_owned());
        }
        let len = number - NAMES.len() as u64;
        let len = if self.lenient { len % 1100 } else { len };
        let bytes = self.take(len)?.to_vec();
        match String::from_utf8(bytes) {
            Ok(name) => Ok(name),
            Err(e) if self.lenient => Ok(String::from_utf8_lossy(e.as_bytes()).into_owned()),
            Err(_) => Err(self.bad("a name is not UTF-8")),
        }
    }

    fn data(&mut self) -> Result<Bytes, BadLog> {
        let (kind, len) = (self.number()?, self.number()?);
        let len = if self.lenient { len % (LENIENT_DATA_MAX + 1) } else { len };
        if len > DATA_MAX {
            return Err(self.bad(format!("{len} bytes are too many")));
        }
        match if self.lenient { kind % 4 } else { kind } {
            EXPLICIT => Ok(Bytes(self.take(len)?.to_vec())),
            FILL => Ok(Bytes(vec![self.number()? as u8; len as usize])),
            PARTS => self.parts(len as usize),
            PATTERN => Ok(Bytes::patterned(self.number()? as u32, len as usize)),
            _ => Err(self.bad(format!("there is no data of kind {kind}"))),
        }
    }
}
