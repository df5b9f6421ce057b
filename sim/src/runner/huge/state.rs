//! What huge streams should hold: the model of what was done to them.

use crate::model::{Sparse, SparseStreams};

use super::edits::{HugeEdit, bytes};

/// All huge streams at one moment, as they should be.
#[derive(Clone, PartialEq)]
pub(super) struct HugeState(SparseStreams);

impl HugeState {
    pub(super) fn new() -> HugeState {
        HugeState(SparseStreams::new())
    }

    pub(super) fn streams(&self) -> &SparseStreams {
        &self.0
    }

    pub(super) fn append_fill(&mut self, name: &str, fill: u8, times: u64) {
        self.0.entry(name.to_owned()).or_default().append_fill(fill, times);
    }

    pub(super) fn len(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, Sparse::len)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(Sparse::len).sum()
    }

    /// Takes over one stream of another state.
    pub(super) fn take_from(&mut self, other: &HugeState, name: &str) {
        self.0.extend(other.0.get(name).map(|stream| (name.to_owned(), stream.clone())));
    }

    /// Does an edit; what it answers.
    pub(super) fn apply(&mut self, name: &str, edit: &HugeEdit) -> Vec<u8> {
        let stream = self.0.entry(name.to_owned()).or_default();
        match edit {
            HugeEdit::Splice { at, delete, word, len } => stream.splice(*at, *delete, &bytes(*word, *len)),
            HugeEdit::Truncate { len } => stream.splice(*len, stream.len() - len, &[]),
            HugeEdit::WriteStrided(far, word) => {
                let data = bytes(*word, (far.size * far.count) as usize);
                let elements = data.chunks(far.size as usize);
                far.places().zip(elements).for_each(|(at, element)| stream.splice(at, far.size, element));
            }
            HugeEdit::RemoveStrided(far) => {
                far.places().rev().for_each(|at| stream.splice(at, far.size, &[]));
            }
            HugeEdit::Cut { from, to } => {
                let cut = stream.read(*from, *to);
                stream.splice(*from, to - from, &[]);
                return cut;
            }
            HugeEdit::Read { from, to } => return stream.read(*from, *to),
        }
        Vec::new()
    }
}
