//! A plain vector: an insertion moves all that is behind it. Small documents are fast in it.

use super::Text;

pub fn make(text: &str) -> Box<dyn Text> {
    Box::new(text.as_bytes().to_vec())
}

impl Text for Vec<u8> {
    fn insert(&mut self, at: usize, text: &str) {
        self.splice(at..at, text.bytes());
    }

    fn remove(&mut self, at: usize, len: usize) {
        self.drain(at..at + len);
    }

    fn visit(&self, call: &mut dyn FnMut(&[u8])) {
        call(self);
    }
}
