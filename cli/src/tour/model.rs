//! What the stream must hold: 65 unchanging stretches of the source, and between them 64 plain byte vectors.

use std::ops::Range;

use numstore::env::Env;
use numstore::{Database, SnapshotStream};

use super::plan::{PLACES, Plan};
use crate::failure::Result;

/// How much is read and compared at a time.
const COMPARE_BYTES: u64 = 1 << 20;

/// Real bytes, repeated to whatever length is needed.
pub struct Source {
    bytes: Vec<u8>,
}

impl Source {
    /// Bytes to repeat; there must be some.
    pub fn new(bytes: Vec<u8>) -> Source {
        assert!(!bytes.is_empty(), "invariant: the tour refuses an empty source");
        Source { bytes }
    }

    /// The bytes `range` of the endless repetition, in pieces.
    pub fn pieces(&self, range: Range<u64>) -> impl Iterator<Item = &[u8]> {
        let period = self.bytes.len() as u64;
        let mut at = range.start;
        std::iter::from_fn(move || {
            if at >= range.end {
                return None;
            }
            let from = at % period;
            let len = (range.end - at).min(period - from);
            at += len;
            Some(&self.bytes[from as usize..(from + len) as usize])
        })
    }
}

/// The stream as it must be after some commits.
pub struct Model<'a> {
    plan: &'a Plan,
    source: &'a Source,
    size: u64,
    documents: Vec<Vec<u8>>,
    commits: usize,
}

impl<'a> Model<'a> {
    /// Before the first commit: the source alone.
    pub fn new(plan: &'a Plan, source: &'a Source, size: u64) -> Model<'a> {
        Model { plan, source, size, documents: vec![Vec::new(); PLACES], commits: 0 }
    }

    /// After how many commits this is.
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Applies the next commit; `false` if there is none.
    pub fn advance(&mut self) -> bool {
        let Some(commit) = self.plan.commits.get(self.commits) else { return false };
        let document = &mut self.documents[commit.place];
        for patch in self.plan.patches(self.commits) {
            let at = patch.at as usize;
            document.splice(at..at + patch.deleted as usize, patch.inserted.iter().copied());
        }
        self.commits += 1;
        true
    }

    /// Applies commits until there are `commits`.
    pub fn advance_to(&mut self, commits: usize) {
        while self.commits < commits {
            self.advance();
        }
    }

    /// How long the stream must be.
    pub fn len(&self) -> u64 {
        self.size + self.documents.iter().map(|d| d.len() as u64).sum::<u64>()
    }

    /// The stream's bytes in order, in pieces.
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        (0..=PLACES).flat_map(move |place| {
            let end = self.plan.places.get(place).map_or(self.size, |p| p.base_offset);
            let document = self.documents.get(place).map_or(&[][..], Vec::as_slice);
            self.source.pieces(std::mem::replace(&mut start, end)..end).chain([document])
        })
    }

    /// Compares every byte; the place of the first difference in words, or `None`.
    pub fn difference(&self, db: &Database, stream: &str) -> Result<Option<String>> {
        let stream = db.snapshot().stream(stream)?;
        if stream.len() != self.len() {
            return Ok(Some(format!("{} bytes where {} are expected", stream.len(), self.len())));
        }
        let mut at = 0;
        for piece in self.pieces() {
            for expected in piece.chunks(COMPARE_BYTES as usize) {
                if let Some(offset) = first_difference(&stream, at, expected)? {
                    return Ok(Some(format!("byte {offset} of {}", self.len())));
                }
                at += expected.len() as u64;
            }
        }
        Ok(None)
    }

    /// The trace whose document, replayed to its end, is not what was recorded there; `None` if there is none.
    pub fn not_as_recorded(&self) -> Option<&'static str> {
        let mut replayed = [0; PLACES];
        self.plan.commits[..self.commits].iter().for_each(|c| replayed[c.place] = c.end);
        let traces = self.plan.places.iter().map(|place| &self.plan.traces[place.trace]);
        let mut ends = traces.zip(replayed).zip(&self.documents);
        ends.find(|((trace, end), document)| *end == trace.txns.len() && trace.end != **document)
            .map(|((trace, _), _)| trace.name)
    }
}

/// The offset of the first byte of the stream from `at` on that is not as expected.
fn first_difference<E: Env>(stream: &SnapshotStream<E>, at: u64, expected: &[u8]) -> Result<Option<u64>> {
    let found = stream.read(at..at + expected.len() as u64)?;
    if found == expected {
        return Ok(None);
    }
    let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    Ok(Some(at + same as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tour::plan::Settings;

    #[test]
    fn the_source_repeats() {
        let source = Source::new(b"abc".to_vec());
        let pieces: Vec<u8> = source.pieces(2..9).flatten().copied().collect();
        assert_eq!(pieces, b"cabcabc");
        assert_eq!(source.pieces(4..4).count(), 0);
    }

    #[test]
    fn the_model_is_source_and_documents_in_turn() {
        let settings = Settings { size: 10_000, seed: 3, group: 50, edits: Some(5_000) };
        let plan = Plan::new(crate::tour::traces::load().unwrap(), &settings);
        let source = Source::new((0..251).collect());
        let mut model = Model::new(&plan, &source, settings.size);
        let mut plain: Vec<u8> = source.pieces(0..settings.size).flatten().copied().collect();
        assert_eq!(model.pieces().flatten().copied().collect::<Vec<_>>(), plain);
        let mut offsets = crate::tour::plan::Offsets::after(&plan, 0);
        for commit in 0..plan.commits.len() {
            let place = plan.commits[commit].place;
            let start = offsets.start(&plan, place);
            for patch in plan.patches(commit) {
                let at = (start + patch.at) as usize;
                plain.splice(at..at + patch.deleted as usize, patch.inserted.iter().copied());
                offsets.edited(place, patch);
            }
            model.advance();
        }
        assert_eq!(model.len(), plain.len() as u64);
        assert!(model.pieces().flatten().eq(plain.iter()));
    }
}
