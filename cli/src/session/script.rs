//! The language of scripts: which transaction is to do what, a line each.

use crate::range::{ByteRange, parse_range};
use crate::size::{Position, parse_position};

/// What a line asks for.
#[derive(PartialEq, Eq, Debug)]
pub enum Line {
    /// A comment, or nothing.
    Nothing,
    /// The table of locks.
    Locks,
    /// Counters of transactions, the log, locks and snapshots.
    Stats,
    /// A call of a transaction.
    Call {
        /// What the script calls the transaction.
        name: String,
        /// The call.
        call: Call,
    },
}

/// A call of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// Bytes of a stream.
    Read { stream: String, range: ByteRange },
    /// The same, of what the transaction is going to change.
    ReadForUpdate { stream: String, range: ByteRange },
    /// The length of a stream.
    Len { stream: String },
    /// Overwrites.
    Write { stream: String, at: Position, text: String },
    /// Inserts; what follows moves right.
    Insert { stream: String, at: Position, text: String },
    /// Adds at the end.
    Append { stream: String, text: String },
    /// Removes; what follows moves left.
    Remove { stream: String, range: ByteRange },
    /// Makes a stream.
    Create { stream: String },
    /// Drops a stream with all its bytes.
    Drop { stream: String },
    /// Renames a stream.
    Rename { from: String, to: String },
    /// Ends the transaction, and keeps what it did.
    Commit,
    /// Ends the transaction, and undoes what it did.
    Rollback,
}

impl Call {
    /// Whether the transaction is over afterwards, whatever comes of it.
    pub fn ends(&self) -> bool {
        matches!(self, Call::Commit | Call::Rollback)
    }
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_line(line: &str) -> Result<Line, String> {
    let mut words = Words { rest: line };
    let Some(first) = words.next() else { return Ok(Line::Nothing) };
    let line = match first {
        _ if first.starts_with('#') => return Ok(Line::Nothing),
        "locks" => Line::Locks,
        "stats" => Line::Stats,
        name => {
            let what = "a command, as in: A read book 0..10; or it is one of: locks, stats";
            let verb = words.wanted(&format!("after {name:?}"), what)?;
            Line::Call { name: name.to_owned(), call: parse_call(verb, &mut words)? }
        }
    };
    match words.next() {
        None => Ok(line),
        Some(word) => Err(format!("{word:?} is one word too many")),
    }
}

fn parse_call(verb: &str, words: &mut Words<'_>) -> Result<Call, String> {
    Ok(match verb {
        "read" => Call::Read { stream: words.name(verb)?, range: parse_range(words.next().unwrap_or(".."))? },
        "read-for-update" => Call::ReadForUpdate {
            stream: words.name(verb)?,
            range: parse_range(words.next().unwrap_or(".."))?,
        },
        "len" => Call::Len { stream: words.name(verb)? },
        "write" => Call::Write { stream: words.name(verb)?, at: words.place(verb)?, text: words.text(verb)? },
        "insert" => {
            Call::Insert { stream: words.name(verb)?, at: words.place(verb)?, text: words.text(verb)? }
        }
        "append" => Call::Append { stream: words.name(verb)?, text: words.text(verb)? },
        "remove" => {
            Call::Remove { stream: words.name(verb)?, range: parse_range(words.wanted(verb, "a range")?)? }
        }
        "create" => Call::Create { stream: words.name(verb)? },
        "drop" => Call::Drop { stream: words.name(verb)? },
        "rename" => Call::Rename { from: words.name(verb)?, to: words.name(verb)? },
        "commit" => Call::Commit,
        "rollback" => Call::Rollback,
        _ => {
            return Err(format!(
                "{verb:?} is no command; there are read, read-for-update, len, write, insert, append, remove, create, \
                 drop, rename, commit and rollback"
            ));
        }
    })
}

/// What is left of a line.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The next word, with the one blank behind it taken off too.
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn wanted(&mut self, verb: &str, what: &str) -> Result<&'a str, String> {
        self.next().ok_or_else(|| format!("{verb} wants {what}"))
    }

    fn name(&mut self, verb: &str) -> Result<String, String> {
        self.wanted(verb, "the name of a stream").map(str::to_owned)
    }

    fn place(&mut self, verb: &str) -> Result<Position, String> {
        parse_position(self.wanted(verb, "an offset, or the word end")?)
    }

    /// Everything to the end of the line, with the blanks that are in it.
    fn text(&mut self, verb: &str) -> Result<String, String> {
        let text = std::mem::take(&mut self.rest);
        if text.is_empty() { Err(format!("{verb} wants a text")) } else { Ok(text.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Call {
        match parse_line(line) {
            Ok(Line::Call { name, call }) if name == "A" => call,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines_of_every_form() {
        assert_eq!(parse_line("  "), Ok(Line::Nothing));
        assert_eq!(parse_line("# locks"), Ok(Line::Nothing));
        assert_eq!(parse_line(" locks "), Ok(Line::Locks));
        assert_eq!(parse_line("stats"), Ok(Line::Stats));
        let (stream, text) = ("s".to_owned(), " two  words ".to_owned());
        let at = Position::Offset(1024);
        assert_eq!(call("A write s 1KiB  two  words "), Call::Write { stream, at, text });
        let (stream, text) = ("s".to_owned(), "x".to_owned());
        assert_eq!(call("A insert s end x"), Call::Insert { stream, at: Position::End, text });
        let stream = "s".to_owned();
        assert_eq!(call("A read s"), Call::Read { stream, range: ByteRange { start: 0, end: None } });
        let (stream, range) = ("s".to_owned(), ByteRange { start: 2, end: Some(5) });
        assert_eq!(call("A read-for-update s 2..5"), Call::ReadForUpdate { stream, range });
        assert_eq!(call("A rename s t"), Call::Rename { from: "s".into(), to: "t".into() });
        assert!(call("A commit").ends());
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in
            ["A", "lock", "A frob s", "A read", "A remove s", "A write s 0", "A write s x y", "A commit now"]
        {
            assert!(parse_line(line).is_err(), "{line}");
        }
    }
}
