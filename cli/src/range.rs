//! Ranges of bytes as people write them: `10..20`, `10..`, `..20`, `..`.

use numstore::Error;

use crate::size::parse_size;

/// A half-open range whose end may be the end of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte; `None` for the end of the stream.
    pub end: Option<u64>,
}

impl ByteRange {
    /// The range in a stream of `len` bytes.
    ///
    /// # Errors
    /// [`Error::OutOfBounds`] if it reaches outside.
    pub fn within(self, len: u64) -> Result<std::ops::Range<u64>, Error> {
        let end = self.end.unwrap_or(len.max(self.start));
        if self.start > len || end > len {
            return Err(Error::OutOfBounds { start: self.start, end, len });
        }
        Ok(self.start..end)
    }
}

/// Reads a range; either side may be left out, and carry a unit.
pub fn parse_range(text: &str) -> Result<ByteRange, String> {
    let Some((start, end)) = text.split_once("..") else {
        return Err(format!("{text:?} is no range; write it like 10..20, 10.., ..4KiB or .."));
    };
    let start = if start.is_empty() { 0 } else { parse_size(start)? };
    let end = if end.is_empty() { None } else { Some(parse_size(end)?) };
    if end.is_some_and(|end| end < start) {
        return Err(format!("{text:?} ends before it starts"));
    }
    Ok(ByteRange { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_every_form() {
        assert_eq!(parse_range("10..20"), Ok(ByteRange { start: 10, end: Some(20) }));
        assert_eq!(parse_range("1KiB..1MiB"), Ok(ByteRange { start: 1024, end: Some(1 << 20) }));
        assert_eq!(parse_range("10.."), Ok(ByteRange { start: 10, end: None }));
        assert_eq!(parse_range("..20"), Ok(ByteRange { start: 0, end: Some(20) }));
        assert_eq!(parse_range(".."), Ok(ByteRange { start: 0, end: None }));
        assert_eq!(parse_range("5..5"), Ok(ByteRange { start: 5, end: Some(5) }));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "5", "20..10", "a..b", "1..2..3", "1...2", "1..=2"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn resolved_against_a_length() {
        assert_eq!(parse_range("3..").unwrap().within(10).unwrap(), 3..10);
        assert_eq!(parse_range("10..").unwrap().within(10).unwrap(), 10..10);
        assert_eq!(parse_range("2..10").unwrap().within(10).unwrap(), 2..10);
        for text in ["11..", "2..11", "..11", "11..11"] {
            let error = parse_range(text).unwrap().within(10).unwrap_err();
            assert!(matches!(error, Error::OutOfBounds { len: 10, .. }), "{text}");
        }
    }
}
