//! Logs as text.

use std::fmt::{self, Write};

use crate::model::Bytes;
use crate::workload::Geometry;
use crate::world::{Choices, Draw};

use super::codec::{Sink, put_act};
use super::{Act, Entry, Log, data};

struct Line(String);

impl Line {
    fn push(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }
}

impl Sink for Line {
    fn word(&mut self, _: &'static [&'static str], word: &'static str) {
        self.push(word);
    }

    fn number(&mut self, number: u64) {
        self.push(&number.to_string());
    }

    fn name(&mut self, name: &str) {
        self.push(&data::print_name(name));
    }

    fn data(&mut self, data: &Bytes) {
        self.push(&data::print(data));
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line(String::new());
        put_act(&mut line, self);
        f.write_str(&line.0)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.act)?;
        print_choices(f, &self.choices)
    }
}

/// ` | clock 64: 3 17 0*4` for each concern.
fn print_choices(f: &mut fmt::Formatter<'_>, choices: &Choices) -> fmt::Result {
    for (concern, draws) in choices {
        write!(f, " | {}", concern.word())?;
        for (place, group) in draws.chunk_by(|a, b| a.bound == b.bound).enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma} {}:", group[0].bound)?;
            print_values(f, group)?;
        }
    }
    Ok(())
}

fn print_values(f: &mut fmt::Formatter<'_>, group: &[Draw]) -> fmt::Result {
    for run in group.chunk_by(|a, b| a.value == b.value) {
        match run.len() {
            1 => write!(f, " {}", run[0].value)?,
            len => write!(f, " {}*{len}", run[0].value)?,
        }
    }
    Ok(())
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl Log {
    /// The lines before the acts.
    pub fn head(&self) -> String {
        let mut head = format!("sim log {}\n", Log::VERSION);
        match self.seed {
            Some(seed) => head += &format!("seed {seed}\n"),
            None => head += "seed none\n",
        }
        head += "geometry";
        for (name, number) in Geometry::NAMES.into_iter().zip(self.geometry.numbers()) {
            let _ = write!(head, " {name}={number}");
        }
        head += &format!("\nshort_transfers {}", self.short_transfers);
        for (at, kind) in self.without.kinds().enumerate() {
            head += if at == 0 { " without " } else { " " };
            head += kind.name();
        }
        head + "\n"
    }
}
