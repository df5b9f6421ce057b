//! jumprope: a skip list of gap buffers, counted in characters, which are bytes here. Without its coalescing buffer, which
//! random insertions do not need.

use super::Text;

pub fn make(text: &str) -> Box<dyn Text> {
    Box::new(jumprope::JumpRope::from(text))
}

impl Text for jumprope::JumpRope {
    fn insert(&mut self, at: usize, text: &str) {
        jumprope::JumpRope::insert(self, at, text);
    }

    fn remove(&mut self, at: usize, len: usize) {
        jumprope::JumpRope::remove(self, at..at + len);
    }

    fn visit(&self, call: &mut dyn FnMut(&[u8])) {
        self.substrings().for_each(|part| call(part.as_bytes()));
    }
}
