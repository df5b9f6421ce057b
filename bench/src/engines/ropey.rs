//! ropey: a B-tree of chunks of text, counted in characters, which are bytes here.

use super::Text;

pub fn make(text: &str) -> Box<dyn Text> {
    Box::new(ropey::Rope::from_str(text))
}

impl Text for ropey::Rope {
    fn insert(&mut self, at: usize, text: &str) {
        ropey::Rope::insert(self, at, text);
    }

    fn remove(&mut self, at: usize, len: usize) {
        ropey::Rope::remove(self, at..at + len);
    }

    fn visit(&self, call: &mut dyn FnMut(&[u8])) {
        self.chunks().for_each(|chunk| call(chunk.as_bytes()));
    }
}
