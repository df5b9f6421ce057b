//! What makes two findings the same failure: the judge and the place, without the numbers and names of one run.

use std::fmt;

use super::Finding;

/// The same for the same failure, in runs that differ in what led to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The judge.
    pub judge: &'static str,
    /// What kind of answer, state or code it objects to.
    pub place: String,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.judge, self.place)
    }
}

impl Finding {
    /// What this finding has in common with others of the same failure.
    pub fn signature(&self) -> Signature {
        let place = match self.what.rsplit_once(" at ") {
            // A panic names its line of code; the column says nothing more.
            Some((_, code)) if self.judge == "panic" => {
                code.rsplit_once(':').map_or(code, |(line, _)| line).to_owned()
            }
            _ => skeleton(&self.what),
        };
        Signature { judge: self.judge, place }
    }
}

/// The words of the first clause. Of what stands in brackets, which is a value, only the names of its kind; nothing of
/// what is quoted.
fn skeleton(what: &str) -> String {
    let mut words = Vec::new();
    let (mut depth, mut quoted) = (0, false);
    let mut word = String::new();
    for c in what.chars().chain([' ']) {
        if c == '"' {
            quoted = !quoted;
        }
        if !quoted && (c.is_alphanumeric() || "_#".contains(c)) {
            word.push(c);
            continue;
        }
        let is_kind = word.starts_with(char::is_uppercase);
        if !word.is_empty() && !word.contains(|c: char| c.is_numeric() || c == '#') && (depth == 0 || is_kind)
        {
            words.push(word.clone());
        }
        word.clear();
        match c {
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' | ';' | ',' | '\n' if depth <= 0 => break,
            _ => {}
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(judge: &'static str, what: &str) -> String {
        Finding::new(judge, what).signature().place
    }

    #[test]
    fn numbers_and_names_make_no_difference() {
        let what = |txn, name, len| {
            format!(
                "In({txn}, Edit {{ name: {name:?}, edit: Append {{ data: {len} bytes #00c0ffee }} }}) was refused: \
                 no room at {len}"
            )
        };
        assert_eq!(place("answer", &what(1, "alpha", 5)), "In Edit Append was refused");
        assert_eq!(place("answer", &what(1, "alpha", 5)), place("answer", &what(22, "b (c", 77)));
        let what = |at| format!("commit {at} was acknowledged as durable or shown, and the state is older");
        assert_eq!(place("durability", &what(3)), "commit was acknowledged as durable or shown");
    }

    #[test]
    fn kinds_of_answers_do() {
        let what = |kind| format!("Direct(Drop {{ name: \"a\" }}) answered {kind} instead of Done");
        assert_eq!(place("answer", &what("Flag(true)")), "Direct Drop answered Flag instead of Done");
        assert_ne!(place("answer", &what("Flag(true)")), place("answer", &what("Len(3)")));
    }

    #[test]
    fn a_panic_is_its_line_of_code() {
        assert_eq!(place("panic", "index 7: out of 3 at engine/src/a.rs:12:5"), "engine/src/a.rs:12");
    }
}
