//! Newtypes for the numbers that must not be swapped for one another.

#[expect(clippy::disallowed_types, reason = "the hasher is fixed, so the order is deterministic")]
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Log sequence number: how many bytes of log records were ever written before this record.
    Lsn
}
id! {
    /// How many versions of the catalog were made before: the time scale on which versions pin blocks.
    Era
}
id! {
    /// A transaction. Never used twice in the life of a database.
    TxnId
}
id! {
    /// A stream, whatever its name is at the moment. Never used twice in the life of a database.
    StreamId
}
id! {
    /// A block of the data file; block `n` starts at byte `n * BLOCK_BYTES`.
    BlockId
}

/// A hash map from ids, with a fixed hash function so that its iteration order repeats.
#[expect(clippy::disallowed_types, reason = "the hasher is fixed, so the order is deterministic")]
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Multiplicative hashing, good enough for ids that are counters.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    #[inline]
    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}
