//! fjall: one keyspace of chunks under big-endian 64-bit keys, without compression (the bytes are noise).
//!
//! - Durability: batches with `PersistMode::SyncData`, an `fdatasync` of the journal for each commit.
//! - Cache as for all. Loading is an ingestion of sorted pairs, which writes tables and syncs them.
//! - Chunks of 4,096 bytes; tables have no pages that would have to fit.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable, Snapshot};

use super::chunked::{Chunked, KeyValue, State, View, Write};
use super::{CACHE_BYTES, Store};
use crate::Result;

struct Fjall {
    db: Database,
    chunks: Keyspace,
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let db = Database::builder(dir.join("store.fjall")).cache_size(CACHE_BYTES).open()?;
    let chunks = db.keyspace("chunks", KeyspaceCreateOptions::default)?;
    Ok(Box::new(Chunked::open(Fjall { db, chunks })?))
}

impl KeyValue for Fjall {
    const CHUNK_BYTES: usize = 4_096;

    fn write(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let batch = self.db.batch().durability(Some(PersistMode::SyncData));
        let mut tx = Tx { batch, chunks: &self.chunks };
        call(&mut tx)?;
        Ok(tx.batch.commit()?)
    }

    fn load(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let mut ingestion = self.chunks.start_ingestion()?;
        call(&mut Loading(|key: u64, value: &[u8]| Ok(ingestion.write(key.to_be_bytes(), value)?)))?;
        ingestion.finish()?;
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(Seen { snapshot: self.db.snapshot(), chunks: self.chunks.clone() }))
    }

    fn checkpoint(&mut self) -> Result<()> {
        Ok(self.chunks.rotate_memtable_and_wait()?)
    }

    fn close(self) -> Result<()> {
        // Dropping it closes it, and syncs the journal.
        Ok(())
    }
}

struct Tx<'db> {
    batch: OwnedWriteBatch,
    chunks: &'db Keyspace,
}

impl Write for Tx<'_> {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(&self.chunks.get(key.to_be_bytes())?.ok_or("a chunk is not there")?);
        Ok(())
    }

    fn put(&mut self, key: u64, value: &[u8]) -> Result<()> {
        self.batch.insert(self.chunks, key.to_be_bytes(), value);
        Ok(())
    }

    fn delete(&mut self, key: u64) -> Result<()> {
        self.batch.remove(self.chunks, key.to_be_bytes());
        Ok(())
    }
}

/// An ingestion; its type has no public name.
struct Loading<F>(F);

impl<F: FnMut(u64, &[u8]) -> Result<()>> Write for Loading<F> {
    fn get(&mut self, _key: u64, _call: &mut dyn FnMut(&[u8])) -> Result<()> {
        Err("loading reads nothing".into())
    }

    fn put(&mut self, key: u64, value: &[u8]) -> Result<()> {
        (self.0)(key, value)
    }

    fn delete(&mut self, _key: u64) -> Result<()> {
        Err("loading deletes nothing".into())
    }
}

struct Seen {
    snapshot: Snapshot,
    chunks: Keyspace,
}

impl State for Seen {
    fn view(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn View) -> Result<()>) -> Result<()> {
        call(&mut *self)
    }
}

impl View for Seen {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(&self.snapshot.get(&self.chunks, key.to_be_bytes())?.ok_or("a chunk is not there")?);
        Ok(())
    }

    fn for_each(&mut self, call: &mut dyn FnMut(u64, &[u8])) -> Result<()> {
        for entry in self.snapshot.iter(&self.chunks) {
            let (key, value) = entry.into_inner()?;
            call(u64::from_be_bytes(key.as_ref().try_into()?), &value);
        }
        Ok(())
    }
}
