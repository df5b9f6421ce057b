//! Random streams: one per concern, so that a draw more in one place shifts nothing elsewhere.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream is for. Each concern of a seed draws from its own stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Concern {
    /// Which operations run, on what.
    Workload,
    /// Which task runs next.
    Schedule,
    /// What survives a power loss.
    Disk,
    /// When crashes are ordered.
    Crashes,
    /// What transfers and calls that a crash or a fault strikes still do.
    Faults,
    /// How much time passes.
    Clock,
    /// The identities that the engine asks for.
    Identity,
}

/// A seeded source of choices.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of `concern` under `seed`.
    pub fn new(seed: u64, concern: Concern) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(mix(mix(seed) ^ (concern as u64 + 1))))
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.random_range(0..bound) }
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// An index into a sequence of `len` things.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True `times` times `of`.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// One of `from`, which must not be empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// Scrambles a number (the finaliser of splitmix64).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
