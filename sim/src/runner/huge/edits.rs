//! What is done to a huge stream: edits at boundaries far apart.

use numstore::{Result, Stride, Transaction};

use crate::world::{Dice, SimEnv};

/// Boundaries of leaves, of their parents, and of theirs.
const UNITS: [u64; 4] = [64 << 10, 16 << 20, 4 << 30, 1 << 30];

/// An edit or a look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HugeEdit {
    Splice { at: u64, delete: u64, word: u8, len: usize },
    Truncate { len: u64 },
    WriteStrided(Far, u8),
    RemoveStrided(Far),
    Cut { from: u64, to: u64 },
    Read { from: u64, to: u64 },
}

/// Elements far apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Far {
    start: u64,
    pub(super) size: u64,
    stride: u64,
    pub(super) count: u64,
}

impl Far {
    fn stride(self) -> Stride {
        let Far { start, size, stride, count } = self;
        Stride { start, size, stride, count }
    }

    pub(super) fn places(self) -> impl DoubleEndedIterator<Item = u64> {
        (0..self.count).map(move |i| self.start + i * self.size * self.stride)
    }
}

/// A place in a stream of `len` bytes: mostly a boundary, or a byte beside one.
fn place(dice: &mut Dice, len: u64) -> u64 {
    let at = match dice.below(8) {
        0 => 0,
        1 => len,
        2 => dice.below(len + 1),
        _ => {
            let unit = *dice.pick(&UNITS);
            (dice.below(len / unit + 1) * unit + dice.below(3)).saturating_sub(1)
        }
    };
    at.min(len)
}

pub(super) fn bytes(word: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| word.wrapping_mul(31).wrapping_add(i as u8) | 1).collect()
}

/// The next edit of a stream of `len` bytes. It does not become short.
pub(super) fn draw(dice: &mut Dice, len: u64) -> HugeEdit {
    let at = place(dice, len);
    let word = dice.below(256) as u8;
    let short = *dice.pick(&[1, 7, 100, 3000, 40_000]);
    let spare = len.saturating_sub(256 << 20);
    let long = (*dice.pick(&[64 << 10, (64 << 10) - 1, 16 << 20, 300 << 20, 5 << 30, len / 3])).min(spare);
    match dice.below(12) {
        0..=2 => HugeEdit::Splice { at, delete: 0, word, len: short },
        3 | 4 => HugeEdit::Splice { at, delete: (short as u64).min(len - at), word, len: short },
        5 | 6 => HugeEdit::Splice { at, delete: long.min(len - at), word, len: 0 },
        7 if spare > 0 => {
            let most = *dice.pick(&[100, 70_000, spare]);
            let to = len - dice.below(most.min(spare));
            HugeEdit::Truncate { len: to.max(256 << 20) }
        }
        8 | 9 if len > 1 << 20 => {
            let size = *dice.pick(&[1, 8, 100]);
            let count = dice.between(2, 6);
            let far = Far { start: at.min(len / 8), size, stride: (len / 2) / size / count, count };
            if dice.chance(1, 2) { HugeEdit::WriteStrided(far, word) } else { HugeEdit::RemoveStrided(far) }
        }
        10 => HugeEdit::Cut { from: at, to: (at + dice.below(500)).min(len) },
        _ => HugeEdit::Read { from: at.saturating_sub(40), to: (at + 40).min(len) },
    }
}

impl HugeEdit {
    /// The edit as a word and numbers.
    pub(super) fn to_words(&self) -> (&'static str, Vec<u64>) {
        let of = |far: &Far| [far.start, far.size, far.stride, far.count];
        match self {
            HugeEdit::Splice { at, delete, word, len } => {
                ("splice", vec![*at, *delete, u64::from(*word), *len as u64])
            }
            HugeEdit::Truncate { len } => ("truncate", vec![*len]),
            HugeEdit::WriteStrided(far, word) => {
                ("write-strided", [&of(far)[..], &[u64::from(*word)]].concat())
            }
            HugeEdit::RemoveStrided(far) => ("remove-strided", of(far).to_vec()),
            HugeEdit::Cut { from, to } => ("cut", vec![*from, *to]),
            HugeEdit::Read { from, to } => ("read", vec![*from, *to]),
        }
    }

    /// From what `to_words` gave.
    pub(super) fn from_words(name: &str, numbers: &[u64]) -> Option<HugeEdit> {
        Some(match (name, numbers) {
            ("splice", &[at, delete, word, len]) => {
                HugeEdit::Splice { at, delete, word: word as u8, len: usize::try_from(len).ok()? }
            }
            ("truncate", &[len]) => HugeEdit::Truncate { len },
            ("write-strided", &[start, size, stride, count, word]) => {
                HugeEdit::WriteStrided(Far { start, size, stride, count }, word as u8)
            }
            ("remove-strided", &[start, size, stride, count]) => {
                HugeEdit::RemoveStrided(Far { start, size, stride, count })
            }
            ("cut", &[from, to]) => HugeEdit::Cut { from, to },
            ("read", &[from, to]) => HugeEdit::Read { from, to },
            _ => return None,
        })
    }

    /// Whether a stream of `stream_len` bytes has what it is about; it does not become short.
    pub(super) fn fits(&self, stream_len: u64) -> bool {
        let far = |far: &Far| {
            let bytes = far.size.checked_mul(far.stride).and_then(|step| step.checked_mul(far.count));
            let small = far.count > 0 && far.size > 0 && far.stride > 0 && far.count * far.size <= 1 << 20;
            small && bytes.and_then(|bytes| bytes.checked_add(far.start)).is_some_and(|end| end <= stream_len)
        };
        match self {
            HugeEdit::Splice { at, delete, len, .. } => {
                *len <= 1 << 20 && at.checked_add(*delete).is_some_and(|end| end <= stream_len)
            }
            HugeEdit::Truncate { len } => *len <= stream_len,
            HugeEdit::WriteStrided(elements, _) | HugeEdit::RemoveStrided(elements) => {
                elements.count.checked_mul(elements.size).is_some() && far(elements)
            }
            HugeEdit::Cut { from, to } | HugeEdit::Read { from, to } => {
                from <= to && *to <= stream_len && to - from <= 1 << 20
            }
        }
    }

    /// Whether it changes a stream of `stream_len` bytes.
    pub(super) fn writes(&self, stream_len: u64) -> bool {
        match self {
            HugeEdit::Splice { delete, len, .. } => *delete > 0 || *len > 0,
            HugeEdit::Truncate { len } => *len < stream_len,
            HugeEdit::WriteStrided(..) | HugeEdit::RemoveStrided(_) => true,
            HugeEdit::Cut { from, to } => from < to,
            HugeEdit::Read { .. } => false,
        }
    }

    /// Does it in a transaction; bytes that it answers, or none.
    pub(super) fn ask(&self, tx: &Transaction<SimEnv>, name: &str) -> Result<Vec<u8>> {
        let stream = tx.stream(name)?;
        match self {
            HugeEdit::Splice { at, delete, word, len } => stream.splice(*at, *delete, &bytes(*word, *len))?,
            HugeEdit::Truncate { len } => stream.truncate(*len)?,
            HugeEdit::WriteStrided(far, word) => {
                stream.write_strided(far.stride(), &bytes(*word, (far.size * far.count) as usize))?;
            }
            HugeEdit::RemoveStrided(far) => stream.remove_strided(far.stride())?,
            HugeEdit::Cut { from, to } => return stream.cut(*from..*to),
            HugeEdit::Read { from, to } => return stream.read(*from..*to),
        }
        Ok(Vec::new())
    }
}
