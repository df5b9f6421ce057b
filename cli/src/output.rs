//! What a command says: text for people, JSON for programs, bytes as they are.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// Where results go, and in which form.
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON if asked for.
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether the result is to be JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result: `text` as it is (nothing if it is empty), or `value` on one line.
    pub fn result(&self, text: impl Display, value: &Value) -> Result {
        let mut text = if self.json { value.to_string() } else { text.to_string() };
        if text.is_empty() {
            return Ok(());
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.bytes(text.as_bytes())?;
        self.flush()
    }

    /// Writes bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) -> Result {
        io::stdout().write_all(bytes).map_err(Failure::Stdout)
    }

    /// Makes sure that the reader has everything, or says that it has not.
    pub fn flush(&self) -> Result {
        io::stdout().flush().map_err(Failure::Stdout)
    }

    /// Starts a result that consists of a stream's bytes; see [`ByteResult`].
    pub fn byte_result<'a>(&'a self, fields: &Value) -> Result<ByteResult<'a>> {
        if self.json {
            // The object stays open: its last field grows piece by piece.
            let head = fields.to_string();
            let head = head.strip_suffix('}').unwrap_or(&head);
            self.bytes(format!("{head},\"hex\":\"").as_bytes())?;
        }
        Ok(ByteResult { output: self })
    }

    /// Says on stderr what went wrong, and gives the exit code.
    pub fn report(&self, failure: &Failure) -> ExitCode {
        if !failure.is_silent() {
            let text = if self.json {
                let error =
                    json!({ "code": failure.code(), "kind": failure.kind(), "message": failure.to_string() });
                json!({ "error": error }).to_string()
            } else {
                format!("numstore: {failure}")
            };
            // With stderr gone as well there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{text}");
        }
        ExitCode::from(failure.exit_code())
    }
}

/// A stream's bytes on their way out, in pieces: as they are, or as one hexadecimal string inside a JSON object.
pub struct ByteResult<'a> {
    output: &'a Output,
}

impl ByteResult<'_> {
    /// Writes the next piece.
    pub fn piece(&self, bytes: &[u8]) -> Result {
        if !self.output.json {
            return self.output.bytes(bytes);
        }
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let hex: Vec<u8> =
            bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect();
        self.output.bytes(&hex)
    }

    /// Ends the result; when this returns, everything has been handed to the reader.
    pub fn finish(self) -> Result {
        if self.output.json {
            self.output.bytes(b"\"}\n")?;
        }
        self.output.flush()
    }
}

/// A number with its thousands set apart: `1,048,576`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        let shown: Vec<_> = [0, 12, 123, 1234, 123_456, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(shown, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
