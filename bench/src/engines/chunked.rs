//! A byte stream in a store that has keys and values, as a competent user would build one.
//!
//! - The stream is cut into chunks of about 4 KiB, each under an order key. Keys are far apart, so that a chunk that is
//!   split gets its second half stored under a key between its own and the next. Where none is left the chunks that
//!   follow get new keys, as many as it takes.
//! - Where a byte is, is found through a counted index in memory ([`ChunkIndex`]), rebuilt from all chunks' lengths at opening.
//! - A transaction reads and writes each chunk that it changes once, however many of its edits are there.
//!
//! What a store adds is in its own file: a type that is [`KeyValue`].

use std::collections::BTreeMap;

use super::chunk_index::{ChunkIndex, Entry, Place};
use super::{Gatherer, Reader, Snapshot, Store};
use crate::Result;
use crate::content::{Content, Edit};

/// Between the keys of chunks that are loaded.
const KEY_GAP: u64 = 1 << 40;
/// At most so far behind a chunk is its second half stored, so that writing on at one place, which splits the newest chunk
/// again and again, does not use the keys up.
const KEY_STEP: u64 = 1 << 24;

/// A store of values under 64-bit keys. Whatever returns is durable.
pub trait KeyValue: Send {
    /// The most bytes of a chunk: about 4 KiB, such that it suits the store's pages.
    const CHUNK_BYTES: usize;

    /// Calls back with a write transaction and commits it.
    fn write(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()>;

    /// As [`KeyValue::write`] into an empty store, keys ascending, nothing read.
    fn load(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.write(call)
    }

    /// The present state.
    fn state(&self) -> Result<Box<dyn State>>;

    /// As [`Store::checkpoint`].
    fn checkpoint(&mut self) -> Result<()> {
        Ok(())
    }

    /// Closes it cleanly.
    fn close(self) -> Result<()>;
}

/// A write transaction.
pub trait Write {
    /// Shows the value under `key`, as it was before the transaction.
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()>;
    /// Puts a value under `key`, new or not.
    fn put(&mut self, key: u64, value: &[u8]) -> Result<()>;
    /// Deletes the value under `key`.
    fn delete(&mut self, key: u64) -> Result<()>;
}

/// One state of a store.
pub trait State: Send {
    /// Calls back with a view of it.
    fn view(self: Box<Self>, call: &mut dyn FnMut(&mut dyn View) -> Result<()>) -> Result<()>;
}

/// Reads one state.
pub trait View {
    /// Shows the value under `key`.
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()>;
    /// Shows all keys and values in the order of the keys.
    fn for_each(&mut self, call: &mut dyn FnMut(u64, &[u8])) -> Result<()>;
}

/// A stream in a store of chunks.
pub struct Chunked<K> {
    store: K,
    index: ChunkIndex,
}

impl<K: KeyValue> Chunked<K> {
    /// The stream that is in `store`.
    pub fn open(store: K) -> Result<Chunked<K>> {
        let mut entries = Vec::new();
        store.state()?.view(&mut |view| {
            view.for_each(&mut |key, value| entries.push(Entry { key, len: value.len() as u32 }))
        })?;
        Ok(Chunked { store, index: ChunkIndex::new(entries) })
    }
}

impl<K: KeyValue> Store for Chunked<K> {
    fn load(&mut self, content: &Content) -> Result<()> {
        let mut entries = Vec::new();
        self.store.load(&mut |tx| {
            content.for_each_piece_of(K::CHUNK_BYTES, |chunk| {
                let key = (entries.len() as u64 + 1) * KEY_GAP;
                entries.push(Entry { key, len: chunk.len() as u32 });
                tx.put(key, chunk)
            })
        })?;
        self.index = ChunkIndex::new(entries);
        Ok(())
    }

    fn edit(&mut self, edits: &[Edit]) -> Result<()> {
        let index = &mut self.index;
        self.store.write(&mut |tx| {
            let mut change = Change { tx, index, chunk_bytes: K::CHUNK_BYTES, chunks: BTreeMap::new() };
            edits.iter().try_for_each(|edit| change.edit(edit))?;
            change.store()
        })
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(ChunkedSnapshot { state: self.store.state()?, index: self.index.clone() }))
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.store.checkpoint()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.store.close()
    }
}

/// The edits of one transaction. A chunk that is gone is `None`.
struct Change<'a> {
    tx: &'a mut dyn Write,
    index: &'a mut ChunkIndex,
    chunk_bytes: usize,
    chunks: BTreeMap<u64, Option<Vec<u8>>>,
}

impl Change<'_> {
    fn edit(&mut self, edit: &Edit) -> Result<()> {
        let mut left = edit.deleted;
        while left > 0 {
            left -= self.delete(edit.at, left)?;
        }
        if edit.inserted.is_empty() { Ok(()) } else { self.insert(edit.at, edit.inserted.as_bytes()) }
    }

    /// The bytes of the chunk at `place`, to be changed.
    fn chunk(&mut self, place: Place) -> Result<&mut Vec<u8>> {
        let key = self.index.entry(place).key;
        if !self.chunks.contains_key(&key) {
            let mut bytes = Vec::with_capacity(self.chunk_bytes * 2);
            self.tx.get(key, &mut |value| bytes.extend_from_slice(value))?;
            self.chunks.insert(key, Some(bytes));
        }
        let chunk = self.chunks.get_mut(&key).and_then(Option::as_mut);
        chunk.ok_or_else(|| "a chunk that is gone is in the index".into())
    }

    /// Deletes at most `most` bytes at `at`, all from one chunk; returns how many.
    fn delete(&mut self, at: u64, most: u64) -> Result<u64> {
        let (place, within) = self.index.find(at).ok_or("nothing to delete from")?;
        let chunk = self.chunk(place)?;
        let take = most.min((chunk.len() - within) as u64);
        if take == 0 {
            return Err("a deletion beyond the end".into());
        }
        chunk.drain(within..within + take as usize);
        let len = chunk.len() as u32;
        if len == 0 {
            self.chunks.insert(self.index.entry(place).key, None);
            self.index.remove(place);
        } else {
            self.index.set_len(place, len);
        }
        Ok(take)
    }

    fn insert(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let Some((place, within)) = self.index.find(at) else {
            // In the middle of all keys that loading would use.
            let key = 1 << 62;
            self.chunks.insert(key, Some(Vec::new()));
            let place = self.index.insert_first(Entry { key, len: 0 });
            return self.insert_into(place, 0, bytes);
        };
        self.insert_into(place, within, bytes)
    }

    fn insert_into(&mut self, place: Place, within: usize, bytes: &[u8]) -> Result<()> {
        let most = self.chunk_bytes;
        let chunk = self.chunk(place)?;
        chunk.splice(within..within, bytes.iter().copied());
        let len = chunk.len();
        if len <= most {
            self.index.set_len(place, len as u32);
            return Ok(());
        }
        // In parts of one length.
        let part = len.div_ceil(len.div_ceil(most));
        let rest = chunk.split_off(part);
        self.index.set_len(place, part as u32);
        let mut place = place;
        for part in rest.chunks(part) {
            let key = self.key_behind(place)?;
            self.chunks.insert(key, Some(part.to_vec()));
            place = self.index.insert_after(place, Entry { key, len: part.len() as u32 });
        }
        Ok(())
    }

    /// A key between that of `place` and the next.
    fn key_behind(&mut self, place: Place) -> Result<u64> {
        let key = self.index.entry(place).key;
        let mut next = self.index.next(place).map_or(key + KEY_GAP, |next| self.index.entry(next).key);
        if next - key < 2 {
            next = self.spread_behind(place)?;
        }
        Ok(key + ((next - key) / 2).min(KEY_STEP))
    }

    /// Gives the chunks behind `place` new keys, up to where there is room for all of them; returns the first one's.
    fn spread_behind(&mut self, place: Place) -> Result<u64> {
        let key = self.index.entry(place).key;
        let (mut crowded, mut end, mut at) = (Vec::new(), None, self.index.next(place));
        while let Some(place) = at {
            let next = self.index.entry(place).key;
            if next - key > (crowded.len() as u64 + 1) * KEY_STEP {
                end = Some(next);
                break;
            }
            crowded.push(place);
            at = self.index.next(place);
        }
        let step = match end {
            Some(end) => (end - key) / (crowded.len() as u64 + 1),
            None => KEY_GAP,
        };
        let mut moved = Vec::new();
        for place in &crowded {
            moved.push(std::mem::take(self.chunk(*place)?));
            self.chunks.insert(self.index.entry(*place).key, None);
        }
        for (at, (place, bytes)) in crowded.into_iter().zip(moved).enumerate() {
            let new = key + step * (at as u64 + 1);
            self.chunks.insert(new, Some(bytes));
            self.index.set_key(place, new);
        }
        Ok(key + step)
    }

    /// Writes what changed.
    fn store(self) -> Result<()> {
        for (key, chunk) in self.chunks {
            match chunk {
                Some(bytes) => self.tx.put(key, &bytes)?,
                // It may have come and gone in this transaction, and then is not there.
                None => self.tx.delete(key)?,
            }
        }
        Ok(())
    }
}

struct ChunkedSnapshot {
    state: Box<dyn State>,
    index: ChunkIndex,
}

impl Snapshot for ChunkedSnapshot {
    fn read(self: Box<Self>, call: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()> {
        let index = self.index;
        self.state.view(&mut |view| call(&mut ChunkedReader { view, index: &index }))
    }
}

struct ChunkedReader<'a> {
    view: &'a mut dyn View,
    index: &'a ChunkIndex,
}

impl Reader for ChunkedReader<'_> {
    fn len(&self) -> u64 {
        self.index.len()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut found = self.index.find(offset);
        let mut filled = 0;
        while filled < buffer.len() {
            let Some((place, within)) = found else { return Err("a read beyond the end".into()) };
            self.view.get(self.index.entry(place).key, &mut |chunk| {
                let take = (chunk.len() - within).min(buffer.len() - filled);
                buffer[filled..filled + take].copy_from_slice(&chunk[within..within + take]);
                filled += take;
            })?;
            found = self.index.next(place).map(|next| (next, 0));
        }
        Ok(())
    }

    fn visit(&mut self, call: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.view.for_each(&mut |_, chunk| call(chunk))?;
        Ok(true)
    }

    fn scan(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut at = 0;
        self.view.for_each(&mut |_, chunk| {
            if at + chunk.len() > buffer.len() {
                std::hint::black_box(&mut *buffer);
                at = 0;
            }
            buffer[at..at + chunk.len()].copy_from_slice(chunk);
            at += chunk.len();
        })
    }

    fn gather(&mut self, element: usize, step: usize) -> Result<Vec<u8>> {
        let mut gatherer = Gatherer::new(element, step, self.index.len());
        self.view.for_each(&mut |_, chunk| gatherer.take(chunk))?;
        Ok(gatherer.picked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stores;
    use crate::content::{Content, Draw, Edit};
    use crate::context::verify_store;
    use crate::model::Model;

    /// Typing in front of what is there splits the same chunk again and again, until no key is left beside it.
    #[test]
    fn keys_do_not_run_out_at_one_place() {
        for kind in stores() {
            let dir = tempfile::tempdir().unwrap();
            let mut store = (kind.open)(dir.path()).unwrap();
            let mut model = Model::new(Content::new(0));
            let mut draw = Draw::new(3);
            for _ in 0..10 {
                let in_front = |_| Edit { at: 5.min(model.len()), ..draw.insertion(0, 1_000) };
                let edits: Vec<Edit> = (0..40).map(in_front).collect();
                edits.iter().for_each(|edit| model.edit(edit));
                store.edit(&edits).unwrap();
            }
            verify_store(&*store, &model).unwrap();
            store.close().unwrap();
            let store = (kind.open)(dir.path()).unwrap();
            verify_store(&*store, &model).unwrap();
        }
    }
}
