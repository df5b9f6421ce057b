//! crop: a B-tree of gap buffers, counted in bytes.

use super::Text;

pub fn make(text: &str) -> Box<dyn Text> {
    Box::new(crop::Rope::from(text))
}

impl Text for crop::Rope {
    fn insert(&mut self, at: usize, text: &str) {
        crop::Rope::insert(self, at, text);
    }

    fn remove(&mut self, at: usize, len: usize) {
        self.delete(at..at + len);
    }

    fn visit(&self, call: &mut dyn FnMut(&[u8])) {
        self.chunks().for_each(|chunk| call(chunk.as_bytes()));
    }
}
