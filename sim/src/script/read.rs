//! Logs from text.

use std::fmt;
use std::str::FromStr;

use crate::model::Bytes;
use crate::workload::Geometry;
use crate::world::{Choices, Concern, Draw, FaultKind, Without};

use super::binary::DATA_MAX;
use super::codec::{Source, take_act};
use super::{Entry, Log, data};

/// Draws of one kind that follow each other, at most.
const REPEAT_MAX: usize = 1 << 24;

/// Why something is no log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLog {
    /// The line or byte; empty if all of it is meant.
    pub(super) place: String,
    pub(super) what: String,
}

impl BadLog {
    pub(super) fn new(what: impl Into<String>) -> BadLog {
        BadLog { place: String::new(), what: what.into() }
    }
}

impl fmt::Display for BadLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.place.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}", self.place, self.what)
    }
}

impl std::error::Error for BadLog {}

/// What is left of a line.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    /// The next word; strings are left to [`Words::string`].
    fn next(&mut self) -> Option<&'a str> {
        self.0 = self.0.trim_start();
        if self.0.is_empty() {
            return None;
        }
        let (word, rest) = self.0.split_at(self.0.find(char::is_whitespace).unwrap_or(self.0.len()));
        self.0 = rest;
        Some(word)
    }

    fn expect(&mut self, word: &str) -> Result<(), BadLog> {
        match self.next() {
            Some(found) if found == word => Ok(()),
            found => Err(BadLog::new(format!("expected {word:?}, found {:?}", found.unwrap_or_default()))),
        }
    }

    fn string(&mut self) -> Option<String> {
        self.0 = self.0.trim_start();
        let (string, len) = data::unquote(self.0)?;
        self.0 = &self.0[len..];
        if !self.0.starts_with('*') {
            return Some(string);
        }
        let times = self.next()?[1..].parse::<usize>().ok()?;
        (times.saturating_mul(string.len()) as u64 <= DATA_MAX).then(|| string.repeat(times))
    }
}

impl Source for Words<'_> {
    type Error = BadLog;

    fn word(&mut self, list: &'static [&'static str]) -> Result<&'static str, BadLog> {
        let word = self.next().unwrap_or_default();
        let known = list.iter().find(|known| **known == word);
        known.copied().ok_or_else(|| BadLog::new(format!("{word:?} is none of: {}", list.join(" "))))
    }

    fn number(&mut self) -> Result<u64, BadLog> {
        let word = self.next().unwrap_or_default();
        word.parse().map_err(|_| BadLog::new(format!("{word:?} is no number")))
    }

    fn name(&mut self) -> Result<String, BadLog> {
        self.string().ok_or_else(|| BadLog::new(format!("no name in quotes at {:?}", self.0)))
    }

    fn data(&mut self) -> Result<Bytes, BadLog> {
        if let Some(string) = self.string() {
            return Ok(Bytes(string.into_bytes()));
        }
        let word = self.next().unwrap_or_default();
        data::parse(word).ok_or_else(|| BadLog::new(format!("{word:?} is no data")))
    }
}

impl FromStr for Entry {
    type Err = BadLog;

    fn from_str(line: &str) -> Result<Entry, BadLog> {
        let mut words = Words(line);
        let act = take_act(&mut words)?;
        let mut choices = Choices::new();
        if words.next().is_some_and(|word| word != "|") {
            return Err(BadLog::new("there is more than the act takes"));
        }
        // Names and data are behind us, so a bar can only be between concerns.
        for part in words.0.split('|').filter(|part| !part.trim().is_empty()) {
            let mut words = Words(part);
            let word = words.next().unwrap_or_default();
            let concern = Concern::RECORDED.into_iter().find(|concern| concern.word() == word);
            let concern = concern.ok_or_else(|| BadLog::new(format!("nothing draws for {word:?}")))?;
            choices.insert(concern, read_draws(words.0)?);
        }
        Ok(Entry { act, choices })
    }
}

/// `64: 3 17 0*4, 2: 1`.
fn read_draws(text: &str) -> Result<Vec<Draw>, BadLog> {
    let number = |word: &str| {
        word.parse::<u64>().map_err(|_| BadLog::new(format!("{word:?} is no number in {text:?}")))
    };
    let mut draws = Vec::new();
    for group in text.split(',') {
        let (bound, values) = group.split_once(':').unwrap_or(("", group));
        let bound = number(bound.trim())?;
        for word in values.split_whitespace() {
            let (value, count) = word.split_once('*').unwrap_or((word, "1"));
            let draw = Draw { bound, value: number(value)? };
            if !draw.is_valid() {
                return Err(BadLog::new(format!("{draw} is no choice")));
            }
            let count = (number(count)? as usize).min(REPEAT_MAX);
            draws.extend(std::iter::repeat_n(draw, count));
        }
    }
    Ok(draws)
}

impl FromStr for Log {
    type Err = BadLog;

    /// Reads a log; empty lines and those that begin with `#` say nothing.
    fn from_str(text: &str) -> Result<Log, BadLog> {
        let lines = text.lines().enumerate().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let mut lines = lines.map(|(at, line)| (format!("line {}", at + 1), line));
        let mut head = |parse: &mut dyn FnMut(&mut Words<'_>) -> Result<(), BadLog>| {
            let (place, line) = lines.next().ok_or_else(|| BadLog::new("the log's head is not complete"))?;
            parse(&mut Words(line)).map_err(|e| BadLog { place, ..e })
        };
        let (mut seed, mut geometry) = (None, Geometry::default());
        let (mut short_transfers, mut without) = (0, Without::default());
        head(&mut |words| {
            words.expect("sim")?;
            words.expect("log")?;
            words.expect(&Log::VERSION.to_string())
        })?;
        head(&mut |words| {
            words.expect("seed")?;
            let none = words.0.trim() == "none";
            seed = if none { None } else { Some(words.number()?) };
            Ok(())
        })?;
        head(&mut |words| {
            geometry = read_geometry(words)?;
            Ok(())
        })?;
        head(&mut |words| {
            words.expect("short_transfers")?;
            short_transfers = words.number()?.min(1000);
            without = read_without(words)?;
            Ok(())
        })?;
        let entries = lines.map(|(place, line)| line.parse().map_err(|e| BadLog { place, ..e }));
        Ok(Log { seed, geometry, short_transfers, without, entries: entries.collect::<Result<_, _>>()? })
    }
}

/// Nothing, or `without` and kinds of faults.
fn read_without(words: &mut Words<'_>) -> Result<Without, BadLog> {
    match words.next() {
        None => return Ok(Without::default()),
        Some("without") => {}
        Some(other) => return Err(BadLog::new(format!("expected \"without\", found {other:?}"))),
    }
    let kinds = std::iter::from_fn(|| words.next());
    kinds.map(|word| FaultKind::parse(word).map_err(BadLog::new)).collect()
}

fn read_geometry(words: &mut Words<'_>) -> Result<Geometry, BadLog> {
    words.expect("geometry")?;
    let mut numbers = Geometry::default().numbers();
    while let Some(word) = words.next() {
        let bad = || BadLog::new(format!("{word:?} is not of a geometry"));
        let (name, number) = word.split_once('=').ok_or_else(bad)?;
        let place = Geometry::NAMES.iter().position(|known| *known == name).ok_or_else(bad)?;
        numbers[place] = number.parse().map_err(|_| bad())?;
    }
    Ok(Geometry::from_numbers(numbers))
}

impl Log {
    /// A log as text or bytes, whichever it is.
    ///
    /// # Errors
    /// Why it is neither.
    pub fn read(content: &[u8]) -> Result<Log, BadLog> {
        match std::str::from_utf8(content) {
            Ok(text) if text.starts_with("sim log") => text.parse(),
            _ => Log::from_bytes(content),
        }
    }
}
