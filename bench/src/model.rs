//! The plain model: what a stream must hold after its edits. Whatever was measured is compared with it.
//!
//! A list of parts that is searched from its start: a part is either still as it was loaded, and then takes no memory, or
//! a vector. Far too simple to be wrong in the same way as an engine.

use crate::Result;
use crate::content::{Content, Draw, Edit};

const PART_BYTES: u64 = 64 << 10;

enum Part {
    Loaded { at: u64, len: u64 },
    Edited(Vec<u8>),
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Part::Loaded { len, .. } => *len,
            Part::Edited(bytes) => bytes.len() as u64,
        }
    }
}

/// What a stream holds.
pub struct Model {
    content: Content,
    parts: Vec<Part>,
    len: u64,
}

impl Model {
    /// As loaded.
    pub fn new(content: Content) -> Model {
        let starts = (0..content.len).step_by(PART_BYTES as usize);
        let parts = starts.map(|at| Part::Loaded { at, len: PART_BYTES.min(content.len - at) }).collect();
        Model { len: content.len, content, parts }
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Draws an insertion of `bytes`, and makes it.
    pub fn insert_anywhere(&mut self, draw: &mut Draw, bytes: usize) -> Edit {
        let edit = draw.insertion(self.len, bytes);
        self.edit(&edit);
        edit
    }

    /// Makes an edit.
    pub fn edit(&mut self, edit: &Edit) {
        let mut left = edit.deleted;
        while left > 0 {
            let (bytes, within) = self.part(edit.at, false);
            let take = left.min((bytes.len() - within) as u64);
            bytes.drain(within..within + take as usize);
            left -= take;
        }
        let (bytes, within) = self.part(edit.at, true);
        bytes.splice(within..within, edit.inserted.bytes());
        self.len = self.len - edit.deleted + edit.inserted.len() as u64;
    }

    /// The part that has byte `at`, or that ends there if `ends` allows it, and where in it `at` is.
    fn part(&mut self, at: u64, ends: bool) -> (&mut Vec<u8>, usize) {
        if self.parts.is_empty() {
            self.parts.push(Part::Edited(Vec::new()));
        }
        let (mut found, mut before) = (0, 0);
        while at > before + self.parts[found].len() || (!ends && at == before + self.parts[found].len()) {
            before += self.parts[found].len();
            found += 1;
        }
        let part = &mut self.parts[found];
        if let Part::Loaded { at, len } = *part {
            let mut bytes = vec![0; len as usize];
            self.content.fill(at, &mut bytes);
            *part = Part::Edited(bytes);
        }
        match part {
            Part::Edited(bytes) => (bytes, (at - before) as usize),
            Part::Loaded { .. } => unreachable!("it was edited just now"),
        }
    }

    /// Shows all bytes in their order.
    pub fn visit(&self, mut call: impl FnMut(&[u8])) {
        let mut loaded = vec![0; PART_BYTES as usize];
        for part in &self.parts {
            match part {
                Part::Loaded { at, len } => {
                    let loaded = &mut loaded[..*len as usize];
                    self.content.fill(*at, loaded);
                    call(loaded);
                }
                Part::Edited(bytes) => call(bytes),
            }
        }
    }

    /// Compares what `read` hands out at an offset with the model, all of it.
    ///
    /// # Errors
    /// Says where the first part with a difference begins.
    pub fn compare(&self, len: u64, mut read: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Result<()> {
        if len != self.len {
            return Err(format!("{len} bytes where there should be {}", self.len).into());
        }
        let (mut at, mut found, mut result) = (0, Vec::new(), Ok(()));
        self.visit(|expected| {
            if result.is_err() {
                return;
            }
            found.resize(expected.len(), 0);
            result = read(at, &mut found);
            if result.is_ok() && found != expected {
                result = Err(format!("wrong bytes in {} from {at} on", expected.len()).into());
            }
            at += expected.len() as u64;
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Draw;

    fn bytes_of(model: &Model) -> Vec<u8> {
        let mut all = Vec::new();
        model.visit(|part| all.extend_from_slice(part));
        all
    }

    #[test]
    fn it_is_what_a_vector_is() {
        for len in [0, 100_000, 200_000] {
            let content = Content::new(len);
            let (mut model, mut plain) = (Model::new(content.clone()), content.text().into_bytes());
            let mut draw = Draw::new(7);
            for round in 0..300 {
                let mut edit = draw.insertion(plain.len() as u64, round % 90);
                edit.deleted = (plain.len() as u64 - edit.at).min(if round % 50 == 3 { 70_000 } else { 3 });
                let range = edit.at as usize..(edit.at + edit.deleted) as usize;
                plain.splice(range, edit.inserted.bytes());
                model.edit(&edit);
            }
            assert!(bytes_of(&model) == plain, "{len}");
            assert_eq!(model.len(), plain.len() as u64);
        }
    }

    #[test]
    fn a_difference_is_found_wherever_it_is() {
        let content = Content::new(200_000);
        let model = Model::new(content.clone());
        let right = content.text().into_bytes();
        let compare = |bytes: &[u8]| {
            model.compare(bytes.len() as u64, |at, buffer| {
                buffer.copy_from_slice(&bytes[at as usize..][..buffer.len()]);
                Ok(())
            })
        };
        compare(&right).unwrap();
        for at in [0, 65_535, 65_536, 199_999] {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            compare(&wrong).unwrap_err();
        }
        compare(&right[..199_999]).unwrap_err();
    }
}
