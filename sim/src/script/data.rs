//! Data and names as text.

use crate::model::Bytes;

use super::binary::DATA_MAX;

/// Bytes that are told as a string at most; more are told by their bytes, if they follow no rule.
const STRING_MAX: usize = 64;
/// Bytes of a name that is told as a repetition.
const REPEATED_MIN: usize = 32;

/// Bytes that repeat in a row, before that is worth a word.
const REPEATING_MIN: usize = 64;

/// A unit over and over, up to a number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part<'a> {
    pub(super) unit: &'a [u8],
    pub(super) len: usize,
}

impl Part<'_> {
    pub(super) fn extend(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.unit.iter().cycle().take(self.len));
    }
}

/// Cuts bytes into parts that repeat themselves and parts that do not.
pub(super) fn parts(bytes: &[u8]) -> Vec<Part<'_>> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let run = |period: &usize| {
            let rest = &bytes[at..];
            period + rest.iter().zip(&rest[(*period).min(rest.len())..]).take_while(|(a, b)| a == b).count()
        };
        let Some(period) = [1, 8].into_iter().find(|period| run(period) >= REPEATING_MIN) else {
            at += 1;
            continue;
        };
        let len = run(&period).min(bytes.len() - at);
        parts.extend((start < at).then(|| Part { unit: &bytes[start..at], len: at - start }));
        parts.push(Part { unit: &bytes[at..at + period], len });
        at += len;
        start = at;
    }
    parts.extend((start < at).then(|| Part { unit: &bytes[start..], len: at - start }));
    parts
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

/// Data as text; see the module's documentation.
pub(super) fn print(data: &Bytes) -> String {
    let bytes = &data.0;
    if let Some(byte) = data.fill().filter(|_| bytes.len() > 4) {
        return format!("{byte:02x}*{}", bytes.len());
    }
    if let Some(word) = data.pattern() {
        return format!("~{word:08x}*{}", bytes.len());
    }
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !b"\"\\".contains(byte);
    if bytes.len() <= STRING_MAX && bytes.iter().all(plain) {
        return format!("\"{}\"", String::from_utf8_lossy(bytes));
    }
    let part = |part: &Part<'_>| match part.unit.len() == part.len {
        true => format!("x{}", hex(part.unit)),
        false => format!("{}*{}", hex(part.unit), part.len),
    };
    parts(bytes).iter().map(part).collect::<Vec<_>>().join("+")
}

/// Data from a word that is not a string.
pub(super) fn parse(word: &str) -> Option<Bytes> {
    let len = |text: &str| text.parse::<u64>().ok().filter(|len| *len <= DATA_MAX).map(|len| len as usize);
    if let Some((digits, count)) = word.strip_prefix('~').and_then(|rest| rest.split_once('*')) {
        return Some(Bytes::patterned(u32::from_str_radix(digits, 16).ok()?, len(count)?));
    }
    let mut bytes = Vec::new();
    for part in word.split('+') {
        match (part.strip_prefix('x'), part.split_once('*')) {
            (Some(digits), _) => bytes.extend(unhex(digits)?),
            (None, Some((digits, count))) => {
                let unit = unhex(digits).filter(|unit| !unit.is_empty())?;
                Part { unit: &unit, len: len(count)? }.extend(&mut bytes);
            }
            (None, None) => return None,
        }
    }
    (bytes.len() as u64 <= DATA_MAX).then_some(Bytes(bytes))
}

/// A name as text: `"name"`, or `"long"*200` for a long repetition.
pub(super) fn print_name(name: &str) -> String {
    let period = |len: &usize| {
        name.is_char_boundary(*len)
            && name.len().is_multiple_of(*len)
            && name.as_bytes().chunks(*len).all(|chunk| chunk == &name.as_bytes()[..*len])
    };
    match (1..=8).find(period).filter(|_| name.len() >= REPEATED_MIN) {
        Some(len) => format!("{:?}*{}", &name[..len], name.len() / len),
        None => format!("{name:?}"),
    }
}

/// The string that a quoted one means, and how many bytes of `text` it takes, both quotes included.
pub(super) fn unquote(text: &str) -> Option<(String, usize)> {
    let mut chars = text.char_indices();
    let mut string = String::new();
    chars.next().filter(|(_, c)| *c == '"')?;
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((string, at + 1)),
            '\\' => string.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    chars.next().filter(|(_, c)| *c == '{')?;
                    let digits: String =
                        chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '}').take(8).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                plain => plain,
            }),
            plain => string.push(plain),
        }
    }
    None
}
