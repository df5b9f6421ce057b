//! A stream of any length as runs: of bytes, and of one byte again and again.

use std::collections::BTreeMap;

/// Streams by their names.
pub type SparseStreams = BTreeMap<String, Sparse>;

/// A part of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Run {
    /// One byte, so many times.
    Fill(u8, u64),
    /// Other bytes.
    Bytes(Vec<u8>),
}

impl Run {
    fn len(&self) -> u64 {
        match self {
            Run::Fill(_, len) => *len,
            Run::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Cuts the run in two, neither of them empty.
    fn split(self, at: u64) -> [Run; 2] {
        match self {
            Run::Fill(byte, len) => [Run::Fill(byte, at), Run::Fill(byte, len - at)],
            Run::Bytes(mut bytes) => {
                let rest = bytes.split_off(at as usize);
                [Run::Bytes(bytes), Run::Bytes(rest)]
            }
        }
    }
}

/// The bytes of a stream. Two that read the same need not be of the same runs.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Sparse {
    runs: Vec<Run>,
}

impl Sparse {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(Run::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Puts `byte` behind the end, so many times.
    pub fn append_fill(&mut self, byte: u8, times: u64) {
        self.runs.extend((times > 0).then_some(Run::Fill(byte, times)));
    }

    /// Replaces `delete` bytes at `at`, which are there, by `insert`.
    pub fn splice(&mut self, at: u64, delete: u64, insert: &[u8]) {
        let (from, to) = (self.cut(at), self.cut(at + delete));
        let insert = (!insert.is_empty()).then(|| Run::Bytes(insert.to_vec()));
        self.runs.splice(from..to, insert);
    }

    /// The bytes of a range, which are there.
    pub fn read(&self, from: u64, to: u64) -> Vec<u8> {
        let (mut start, mut bytes) = (0, Vec::new());
        for run in &self.runs {
            let end = start + run.len();
            let (low, high) = (from.max(start), to.min(end));
            if low < high {
                match run {
                    Run::Fill(byte, _) => bytes.resize(bytes.len() + (high - low) as usize, *byte),
                    Run::Bytes(all) => {
                        bytes.extend_from_slice(&all[(low - start) as usize..(high - start) as usize]);
                    }
                }
            }
            start = end;
        }
        bytes
    }

    /// Each run: where it begins and ends, and whether it is of one byte.
    pub fn runs(&self) -> impl Iterator<Item = (u64, u64, bool)> {
        let mut end = 0;
        self.runs.iter().map(move |run| {
            let start = end;
            end += run.len();
            (start, end, matches!(run, Run::Fill(..)))
        })
    }

    /// The place of the run that begins at `at`; makes one begin there.
    fn cut(&mut self, at: u64) -> usize {
        let mut start = 0;
        for place in 0..self.runs.len() {
            let end = start + self.runs[place].len();
            if at == start {
                return place;
            }
            if at < end {
                let halves = self.runs.remove(place).split(at - start);
                self.runs.splice(place..place, halves);
                return place + 1;
            }
            start = end;
        }
        assert!(at == start, "byte {at} of {start}");
        self.runs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_plain_vector() {
        let (mut sparse, mut plain) = (Sparse::default(), vec![7; 1000]);
        sparse.append_fill(7, 1000);
        for i in 0..400_u64 {
            let at = i * 7919 % (plain.len() as u64 + 1);
            let delete = (i * 31 % 9).min(plain.len() as u64 - at);
            let insert = vec![i as u8; (i % 7) as usize];
            sparse.splice(at, delete, &insert);
            plain.splice(at as usize..(at + delete) as usize, insert);
            assert_eq!(sparse.len(), plain.len() as u64);
            assert_eq!(sparse.read(0, sparse.len()), plain);
            let ends: Vec<u64> = sparse.runs().map(|(_, end, _)| end).collect();
            assert_eq!(ends.last().copied().unwrap_or(0), sparse.len());
            let (from, to) = (at.min(sparse.len()), (at + 50).min(sparse.len()));
            assert_eq!(sparse.read(from, to), plain[from as usize..to as usize]);
        }
    }
}
