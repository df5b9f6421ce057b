//! The running hash of everything that happened: equal hashes mean equal histories.

/// A 64-bit hash that is the same on every machine and in every build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace(u64);

impl Trace {
    /// The hash of nothing.
    pub fn new() -> Trace {
        Trace(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a number.
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// Adds bytes and their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("invariant: chunks of eight")));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    /// The hash of all that was added.
    pub fn value(&self) -> u64 {
        super::dice::mix(self.0)
    }
}

impl Default for Trace {
    fn default() -> Trace {
        Trace::new()
    }
}

/// The hash of some bytes alone.
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut trace = Trace::new();
    trace.bytes(bytes);
    trace.value()
}
