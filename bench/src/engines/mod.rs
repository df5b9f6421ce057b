//! What is measured: stores that keep one stream of bytes durably, and texts in memory, each behind one trait.
//!
//! Every file here says how a competent user would set its engine up, and which setting makes its commits durable. All
//! stores get the same cache ([`CACHE_BYTES`]) and read inside one long snapshot.
//!
//! Not here: what is done with them (`workloads`) and what raw files do instead of a transaction ([`raw`]).

mod numstore;
pub mod raw;
mod vec;

#[cfg(feature = "peers")]
mod chunk_index;
#[cfg(feature = "peers")]
mod chunked;
#[cfg(feature = "peers")]
mod crop;
#[cfg(feature = "peers")]
mod fjall;
#[cfg(feature = "peers")]
mod jumprope;
#[cfg(feature = "peers")]
mod lmdb;
#[cfg(feature = "peers")]
mod redb;
#[cfg(feature = "peers")]
mod ropey;
#[cfg(feature = "peers")]
mod sqlite;

use std::path::Path;

use crate::Result;
use crate::content::{Content, Edit};

pub use numstore::{open_database, open_with_long_log, over};

/// What each store may take for its caches. LMDB has none and uses the system's.
pub const CACHE_BYTES: u64 = 2 << 30;

/// The name under which NumStore appears in all results.
pub const OURS: &str = "numstore";

/// What an engine is to the one that is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// NumStore.
    Ours,
    /// Plain system calls.
    Raw,
    /// Another durable store.
    Peer,
    /// A text in memory, without durability or transactions.
    Memory,
}

/// The role of the engine that is called `name`.
pub fn role_of(name: &str) -> Role {
    if name == OURS {
        Role::Ours
    } else if name.starts_with("raw") {
        Role::Raw
    } else if texts().iter().any(|text| text.name == name) {
        Role::Memory
    } else {
        Role::Peer
    }
}

/// A store that holds one stream of bytes. Whatever returns is durable.
pub trait Store: Send {
    /// Fills the empty stream, in one durable transaction where the engine has such.
    fn load(&mut self, content: &Content) -> Result<()>;

    /// Makes all of `edits`, in their order, in one durable transaction.
    fn edit(&mut self, edits: &[Edit]) -> Result<()>;

    /// The present state, to be read later or by another thread.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;

    /// Brings everything to its final place, where the engine puts that off.
    fn checkpoint(&mut self) -> Result<()> {
        Ok(())
    }

    /// Closes it cleanly.
    fn close(self: Box<Self>) -> Result<()>;
}

/// One state of a store.
pub trait Snapshot: Send {
    /// Calls back with a reader of this state.
    fn read(self: Box<Self>, call: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()>;
}

/// Reads one state of a stream.
pub trait Reader {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Fills `buffer` from `offset` on; all of it is there.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Shows all bytes in their order without copying them; `false` if the engine's interface has no way to.
    fn visit(&mut self, call: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Copies all bytes in their order through `buffer`, a part at a time.
    fn scan(&mut self, buffer: &mut [u8]) -> Result<()> {
        let len = self.len();
        let mut at = 0;
        while at < len {
            let take = (buffer.len() as u64).min(len - at) as usize;
            self.read_at(at, &mut buffer[..take])?;
            std::hint::black_box(&mut *buffer);
            at += take as u64;
        }
        Ok(())
    }

    /// The first `element` bytes of every `step`, one after the other.
    fn gather(&mut self, element: usize, step: usize) -> Result<Vec<u8>>;
}

/// A kind of store.
#[derive(Clone, Copy)]
pub struct StoreKind {
    /// As in the results.
    pub name: &'static str,
    /// Opens the store that is in a folder of its own, or makes it there.
    pub open: fn(&Path) -> Result<Box<dyn Store>>,
}

/// NumStore first, then its peers.
pub fn stores() -> Vec<StoreKind> {
    vec![
        StoreKind { name: OURS, open: numstore::open },
        #[cfg(feature = "peers")]
        StoreKind { name: "sqlite", open: sqlite::open },
        #[cfg(feature = "peers")]
        StoreKind { name: "redb", open: redb::open },
        #[cfg(feature = "peers")]
        StoreKind { name: "lmdb", open: lmdb::open },
        #[cfg(feature = "peers")]
        StoreKind { name: "fjall", open: fjall::open },
    ]
}

/// A text in memory. Everything in it is ASCII, so that characters and bytes are the same.
pub trait Text {
    /// Inserts `text` at byte `at`.
    fn insert(&mut self, at: usize, text: &str);
    /// Removes `len` bytes at `at`.
    fn remove(&mut self, at: usize, len: usize);
    /// Shows all bytes in their order.
    fn visit(&self, call: &mut dyn FnMut(&[u8]));

    /// Makes one edit.
    fn edit(&mut self, edit: &Edit) {
        if edit.deleted > 0 {
            self.remove(edit.at as usize, edit.deleted as usize);
        }
        if !edit.inserted.is_empty() {
            self.insert(edit.at as usize, &edit.inserted);
        }
    }
}

/// A kind of text in memory.
#[derive(Clone, Copy)]
pub struct TextKind {
    /// As in the results.
    pub name: &'static str,
    /// Whether an edit costs less than moving all that is behind it.
    pub is_rope: bool,
    /// Makes one of a string.
    pub make: fn(&str) -> Box<dyn Text>,
}

/// Ropes, and a vector beside them.
pub fn texts() -> Vec<TextKind> {
    vec![
        #[cfg(feature = "peers")]
        TextKind { name: "ropey", is_rope: true, make: ropey::make },
        #[cfg(feature = "peers")]
        TextKind { name: "crop", is_rope: true, make: crop::make },
        #[cfg(feature = "peers")]
        TextKind { name: "jumprope", is_rope: true, make: jumprope::make },
        TextKind { name: "vec", is_rope: false, make: vec::make },
    ]
}

/// Picks the first `element` bytes of every `step` from bytes that come in parts of any length.
pub struct Gatherer {
    element: usize,
    step: usize,
    /// Where in a step the next part begins.
    phase: usize,
    /// What was picked.
    pub picked: Vec<u8>,
}

impl Gatherer {
    /// One that will pick from `len` bytes.
    pub fn new(element: usize, step: usize, len: u64) -> Gatherer {
        let picked = Vec::with_capacity((len as usize / step + 1) * element);
        Gatherer { element, step, phase: 0, picked }
    }

    /// Takes the next part.
    pub fn take(&mut self, part: &[u8]) {
        let (before, whole) = part.split_at(((self.step - self.phase) % self.step).min(part.len()));
        self.take_any(before);
        let (whole, after) = whole.split_at(whole.len() / self.step * self.step);
        // Of a length that the compiler knows, a copy is one instruction.
        match self.element {
            4 => self.take_whole::<4>(whole),
            8 => self.take_whole::<8>(whole),
            _ => self.take_any(whole),
        }
        self.take_any(after);
    }

    /// Whole steps, from the start of one on.
    fn take_whole<const ELEMENT: usize>(&mut self, steps: &[u8]) {
        let first = |step: &[u8]| step.first_chunk::<ELEMENT>().copied().expect("a step has its element");
        for step in steps.chunks_exact(self.step) {
            self.picked.extend_from_slice(&first(step));
        }
    }

    fn take_any(&mut self, part: &[u8]) {
        let mut at = 0;
        while at < part.len() {
            let in_element = self.element.saturating_sub(self.phase).min(part.len() - at);
            self.picked.extend_from_slice(&part[at..at + in_element]);
            let in_step = (self.step - self.phase).min(part.len() - at);
            at += in_step;
            self.phase = (self.phase + in_step) % self.step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gatherer_picks_the_same_from_parts_of_any_length() {
        let bytes: Vec<u8> = (0..=255).cycle().take(6_400).collect();
        let expected: Vec<u8> = bytes.chunks(64).flat_map(|step| &step[..4]).copied().collect();
        for part in [1, 3, 63, 64, 65, 128, 4_000] {
            let mut gatherer = Gatherer::new(4, 64, bytes.len() as u64);
            bytes.chunks(part).for_each(|part| gatherer.take(part));
            assert!(gatherer.picked == expected, "parts of {part}");
        }
    }
}
