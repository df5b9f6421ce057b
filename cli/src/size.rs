//! Byte counts as people write them: `4096`, `4KiB`, `1MB`, `1_000`.

/// Units and what they multiply by; longest suffix first.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Reads a byte count. Underscores may set digits apart; a unit may follow, in either case.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = split_unit(text);
    let digits: String = digits.trim_end().chars().filter(|&c| c != '_').collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("{text:?} is no byte count; write it like 4096, 4KiB or 1MB"));
    }
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|n| n.checked_mul(unit)).ok_or_else(|| format!("{text:?} is more than fits in 64 bits"))
}

/// The text before the unit, and what the unit multiplies by.
fn split_unit(text: &str) -> (&str, u64) {
    for (unit, factor) in UNITS {
        let Some(at) = text.len().checked_sub(unit.len()) else { continue };
        if text.is_char_boundary(at) && text[at..].eq_ignore_ascii_case(unit) {
            return (&text[..at], factor);
        }
    }
    (text, 1)
}

/// Where to write: a byte offset, or the end of the stream as it is then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// Bytes from the start.
    Offset(u64),
    /// Behind the last byte.
    End,
}

/// Reads an offset or the word `end`.
pub fn parse_position(text: &str) -> Result<Position, String> {
    if text.eq_ignore_ascii_case("end") { Ok(Position::End) } else { parse_size(text).map(Position::Offset) }
}

/// A byte count for people: `256.0 MiB`.
pub fn show_size(bytes: u64) -> String {
    let mut scaled = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if scaled < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{scaled:.1} {unit}") };
        }
        scaled /= 1024.0;
    }
    format!("{scaled:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_and_without_units() {
        let good = [
            ("0", 0),
            ("4096", 4096),
            ("4KiB", 4096),
            ("4kib", 4096),
            ("4 KiB", 4096),
            ("4KB", 4000),
            ("1MiB", 1 << 20),
            ("3MB", 3_000_000),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
            ("7B", 7),
            ("1_000", 1000),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "KiB", "-1", "+1", "1.5MiB", "4K", "0x10", "1e3", "é", "18446744073709551616", "16777216TiB"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn positions() {
        assert_eq!(parse_position("end"), Ok(Position::End));
        assert_eq!(parse_position("1KiB"), Ok(Position::Offset(1024)));
        assert!(parse_position("middle").is_err());
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(show_size(999), "999 B");
        assert_eq!(show_size(1536), "1.5 KiB");
        assert_eq!(show_size(256 << 20), "256.0 MiB");
        assert_eq!(show_size(3 << 40), "3.0 TiB");
    }
}
