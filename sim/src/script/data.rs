//! Data and names as text.

use crate::model::Bytes;

use super::binary::DATA_MAX;

/// Bytes that are told as a string at most; more are told by their bytes, if they follow no rule.
const STRING_MAX: usize = 64;
/// Bytes of a name that is told as a repetition.
const REPEATED_MIN: usize = 32;

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
    bytes.iter().fold("x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Data from a word that is not a string.
pub(super) fn parse(word: &str) -> Option<Bytes> {
    let len = |text: &str| text.parse::<u64>().ok().filter(|len| *len <= DATA_MAX).map(|len| len as usize);
    if let Some(digits) = word.strip_prefix('x') {
        let pairs = digits.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        return pairs.collect::<Option<Vec<u8>>>().map(Bytes);
    }
    let (what, count) = word.split_once('*')?;
    match what.strip_prefix('~') {
        Some(digits) => Some(Bytes::patterned(u32::from_str_radix(digits, 16).ok()?, len(count)?)),
        None => Some(Bytes(vec![u8::from_str_radix(what, 16).ok()?; len(count)?])),
    }
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
