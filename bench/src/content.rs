//! The bytes that streams are made of, and the edits that are made to them.
//!
//! Everything is ASCII, because the ropes hold text. Any part of a stream can be made at any time from its offset alone,
//! so that streams larger than memory can be loaded and checked: a ring of noise is repeated, and every 4 KiB begin with
//! their own number, so that no two blocks are equal.

use std::sync::Arc;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Result;

const RING_BYTES: usize = 1 << 20;
const BLOCK_BYTES: usize = 4096;
/// How much is loaded at a time.
pub const PIECE_BYTES: usize = 1 << 20;

/// `len` bytes that depend on their offset alone.
#[derive(Clone)]
pub struct Content {
    ring: Arc<[u8]>,
    /// In bytes.
    pub len: u64,
}

impl Content {
    /// Content of `len` bytes; the same for every store.
    pub fn new(len: u64) -> Content {
        let mut ring = vec![0; RING_BYTES];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut ring);
        ring.iter_mut().for_each(|byte| *byte = ascii(*byte));
        Content { ring: ring.into(), len }
    }

    /// Fills `buffer` with the bytes from `at` on.
    pub fn fill(&self, at: u64, buffer: &mut [u8]) {
        let mut done = 0;
        while done < buffer.len() {
            let position = at + done as u64;
            let within = (position % BLOCK_BYTES as u64) as usize;
            let take = (BLOCK_BYTES - within).min(buffer.len() - done);
            let from = (position % RING_BYTES as u64) as usize;
            let target = &mut buffer[done..done + take];
            target.copy_from_slice(&self.ring[from..from + take]);
            let stamp = stamp(position / BLOCK_BYTES as u64);
            target.iter_mut().zip(stamp.iter().skip(within)).for_each(|(byte, stamp)| *byte = *stamp);
            done += take;
        }
    }

    /// Hands out all bytes in their order, [`PIECE_BYTES`] at a time.
    pub fn for_each_piece(&self, call: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.for_each_piece_of(PIECE_BYTES, call)
    }

    /// Hands out all bytes in their order, `bytes` at a time.
    pub fn for_each_piece_of(&self, bytes: usize, mut call: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut piece = vec![0; bytes];
        for at in (0..self.len).step_by(bytes) {
            let take = (bytes as u64).min(self.len - at) as usize;
            self.fill(at, &mut piece[..take]);
            call(&piece[..take])?;
        }
        Ok(())
    }

    /// All of it as a string.
    pub fn text(&self) -> String {
        let mut bytes = vec![0; self.len as usize];
        self.fill(0, &mut bytes);
        String::from_utf8(bytes).expect("everything is ASCII")
    }
}

/// A printable character for a byte.
fn ascii(byte: u8) -> u8 {
    b' ' + (byte & 0x3f)
}

/// The number of a block in eight characters.
fn stamp(block: u64) -> [u8; 8] {
    std::array::from_fn(|at| b'0' + ((block >> (6 * at)) & 0x3f) as u8)
}

/// `deleted` bytes at `at` go, then `inserted` comes in there.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Offset in bytes.
    pub at: u64,
    /// How many bytes go.
    pub deleted: u64,
    /// ASCII.
    pub inserted: String,
}

/// Draws random places and bytes, the same in every run.
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// Of its own for each `seed`.
    pub fn new(seed: u64) -> Draw {
        Draw { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Where `bytes` can be read in a stream of `len`.
    pub fn place(&mut self, len: u64, bytes: usize) -> u64 {
        self.rng.random_range(0..=len - bytes as u64)
    }

    /// An insertion of `bytes` random characters anywhere in a stream of `len`.
    pub fn insertion(&mut self, len: u64, bytes: usize) -> Edit {
        let mut inserted = vec![0; bytes];
        self.rng.fill_bytes(&mut inserted);
        let inserted = inserted.into_iter().map(|byte| ascii(byte) as char).collect();
        Edit { at: self.rng.random_range(0..=len), deleted: 0, inserted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_is_as_in_the_whole() {
        let content = Content::new(3 << 20);
        let whole = content.text().into_bytes();
        for (at, len) in [(0, 10), (4090, 20), (5000, 9000), ((1 << 20) - 3, 8200), ((3 << 20) - 5, 5)] {
            let mut part = vec![0; len];
            content.fill(at as u64, &mut part);
            assert!(part == whole[at..at + len], "{len} bytes at {at}");
        }
        assert!(whole[..4096] != whole[1 << 20..][..4096], "no two blocks are equal");
        assert!(whole.is_ascii());
    }
}
