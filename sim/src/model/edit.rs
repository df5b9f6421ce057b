//! What can be done to one stream, on a plain vector of bytes.

use std::fmt;

use numstore::ErrorCode;

/// Bytes that print as their number and a checksum.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// The bytes of a word, and others without repetition behind it.
fn pattern(word: u32) -> impl Iterator<Item = u8> {
    let mut state = u64::from(word);
    let rest = std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    word.to_le_bytes().into_iter().chain(rest)
}

impl Bytes {
    /// Bytes without repetition that begin with `word`, so that they can be told by it and their length.
    pub fn patterned(word: u32, len: usize) -> Bytes {
        Bytes(pattern(word).take(len).collect())
    }

    /// The word of which these bytes are the pattern, if they are one that is long enough to tell.
    pub fn pattern(&self) -> Option<u32> {
        let word = u32::from_le_bytes(self.0.get(..4)?.try_into().ok()?);
        (self.0.len() > 12 && self.0.iter().copied().eq(pattern(word).take(self.0.len()))).then_some(word)
    }

    /// The byte of which these bytes are a repetition.
    pub fn fill(&self) -> Option<u8> {
        let first = *self.0.first()?;
        self.0.iter().all(|&byte| byte == first).then_some(first)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes #{:08x}", self.0.len(), crate::world::checksum(&self.0) as u32)
    }
}

/// Elements of `size` bytes from byte `start`, one taken of every `stride`, `count` of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Elements {
    /// The first byte.
    pub start: u64,
    /// Bytes of an element.
    pub size: u64,
    /// Elements from one taken to the next.
    pub stride: u64,
    /// How many are taken.
    pub count: u64,
}

impl Elements {
    /// Behind the last byte taken; where it begins if nothing is taken.
    pub(super) fn end(&self) -> Option<u64> {
        let Some(last) = self.count.checked_sub(1) else { return Some(self.start) };
        let to_last = last.checked_mul(self.stride)?.checked_mul(self.size)?;
        to_last.checked_add(self.start)?.checked_add(self.size)
    }

    /// The first byte of each element; nothing if the last one does not fit into `len` bytes.
    fn places(&self, len: usize) -> Result<Vec<usize>, ErrorCode> {
        if self.size == 0 || self.stride == 0 {
            return Err(ErrorCode::InvalidArgument);
        }
        let end = self.end().ok_or(ErrorCode::InvalidArgument)?;
        if end > len as u64 {
            return Err(ErrorCode::OutOfBounds);
        }
        let step = self.size.wrapping_mul(self.stride);
        Ok((0..self.count).map(|i| (self.start + i * step) as usize).collect())
    }
}

/// An operation on one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    missing_docs,
    reason = "offsets, lengths and bytes, as in the operations of the same names of the engine"
)]
pub enum Edit {
    Len,
    Read { from: u64, to: u64 },
    ReadForUpdate { from: u64, to: u64 },
    Insert { at: u64, data: Bytes },
    Append { data: Bytes },
    Write { at: u64, data: Bytes },
    Remove { from: u64, to: u64 },
    Cut { from: u64, to: u64 },
    Truncate { len: u64 },
    Splice { at: u64, delete: u64, data: Bytes },
    ReadStrided(Elements),
    WriteStrided(Elements, Bytes),
    RemoveStrided(Elements),
}

/// What an operation answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Nothing but that it was done.
    Done,
    /// Bytes that were read or cut.
    Bytes(Bytes),
    /// A length.
    Len(u64),
    /// Yes or no.
    Flag(bool),
    /// Streams with their lengths, in the order of their names.
    Streams(Vec<(String, u64)>),
}

impl Edit {
    /// Whether the operation can change anything.
    pub fn writes(&self) -> bool {
        !matches!(self, Edit::Len | Edit::Read { .. } | Edit::ReadForUpdate { .. } | Edit::ReadStrided(_))
    }

    /// Whether the operation says in its locks that something will change.
    pub fn announces(&self) -> bool {
        self.writes() || matches!(self, Edit::ReadForUpdate { .. })
    }

    /// Whether the operation is sure to write something where it is possible.
    pub fn surely_writes(&self) -> bool {
        match self {
            Edit::Insert { data, .. } | Edit::Append { data } | Edit::Write { data, .. } => {
                !data.0.is_empty()
            }
            Edit::Splice { delete, data, .. } => *delete > 0 || !data.0.is_empty(),
            Edit::Remove { from, to } | Edit::Cut { from, to } => from < to,
            Edit::WriteStrided(elements, _) | Edit::RemoveStrided(elements) => elements.count > 0,
            Edit::Len
            | Edit::Read { .. }
            | Edit::ReadForUpdate { .. }
            | Edit::ReadStrided(_)
            | Edit::Truncate { .. } => false,
        }
    }

    /// Does it to `stream`, or changes nothing and says what the engine must answer.
    ///
    /// # Errors
    /// The code of the error that the engine must return.
    pub fn apply(&self, stream: &mut Vec<u8>) -> Result<Answer, ErrorCode> {
        let len = stream.len();
        match self {
            Edit::Len => return Ok(Answer::Len(len as u64)),
            Edit::Read { from, to } | Edit::ReadForUpdate { from, to } => {
                let range = range(*from, *to, len)?;
                return Ok(Answer::Bytes(Bytes(stream[range].to_vec())));
            }
            Edit::Insert { at, data } => splice(stream, *at, 0, &data.0)?,
            Edit::Append { data } => splice(stream, len as u64, 0, &data.0)?,
            Edit::Write { at, data } => {
                let over = (data.0.len() as u64).min((len as u64).saturating_sub(*at));
                splice(stream, *at, over, &data.0)?
            }
            Edit::Remove { from, to } => {
                let range = range(*from, *to, len)?;
                stream.drain(range);
            }
            Edit::Cut { from, to } => {
                let range = range(*from, *to, len)?;
                return Ok(Answer::Bytes(Bytes(stream.drain(range).collect())));
            }
            Edit::Truncate { len: to } => {
                let range = range(*to, len as u64, len)?;
                stream.drain(range);
            }
            Edit::Splice { at, delete, data } => splice(stream, *at, *delete, &data.0)?,
            Edit::ReadStrided(elements) | Edit::WriteStrided(elements, _) | Edit::RemoveStrided(elements) => {
                return self.strided(elements, stream);
            }
        }
        Ok(Answer::Done)
    }

    fn strided(&self, elements: &Elements, stream: &mut Vec<u8>) -> Result<Answer, ErrorCode> {
        if let Edit::WriteStrided(_, data) = self
            && elements.size.checked_mul(elements.count) != Some(data.0.len() as u64)
        {
            return Err(ErrorCode::InvalidArgument);
        }
        let places = elements.places(stream.len())?;
        let size = elements.size as usize;
        match self {
            Edit::WriteStrided(_, data) => {
                for (&place, element) in places.iter().zip(data.0.chunks(size)) {
                    stream[place..place + size].copy_from_slice(element);
                }
                Ok(Answer::Done)
            }
            Edit::RemoveStrided(_) => {
                for &place in places.iter().rev() {
                    stream.drain(place..place + size);
                }
                Ok(Answer::Done)
            }
            _ => {
                let taken = places.iter().flat_map(|&place| stream[place..place + size].iter().copied());
                Ok(Answer::Bytes(Bytes(taken.collect())))
            }
        }
    }
}

fn range(from: u64, to: u64, len: usize) -> Result<std::ops::Range<usize>, ErrorCode> {
    if from > to || to > len as u64 {
        return Err(ErrorCode::OutOfBounds);
    }
    Ok(from as usize..to as usize)
}

fn splice(stream: &mut Vec<u8>, at: u64, delete: u64, data: &[u8]) -> Result<(), ErrorCode> {
    let end = at.checked_add(delete).ok_or(ErrorCode::OutOfBounds)?;
    let range = range(at, end, stream.len())?;
    stream.splice(range, data.iter().copied());
    Ok(())
}
