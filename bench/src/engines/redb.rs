//! redb: a table of chunks under 64-bit keys.
//!
//! - Durability: `Durability::Immediate`, the default: a commit is durable when it returns.
//! - Cache as for all.
//! - Chunks of 4,072 bytes: with its key and its length one fits a page of 4 KiB.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition};

use super::chunked::{Chunked, KeyValue, State, View, Write};
use super::{CACHE_BYTES, Store};
use crate::Result;

const CHUNKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("chunks");

struct Redb(Arc<Database>);

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES as usize);
    let db = builder.create(dir.join("store.redb"))?;
    let tx = db.begin_write()?;
    tx.open_table(CHUNKS)?;
    tx.commit()?;
    Ok(Box::new(Chunked::open(Redb(Arc::new(db)))?))
}

impl KeyValue for Redb {
    const CHUNK_BYTES: usize = 4_072;

    fn write(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let tx = self.0.begin_write()?;
        call(&mut Tx(tx.open_table(CHUNKS)?))?;
        Ok(tx.commit()?)
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(ReadTable(self.0.begin_read()?.open_table(CHUNKS)?)))
    }

    fn close(self) -> Result<()> {
        let db = Arc::into_inner(self.0).ok_or("a reader is left")?;
        Ok(db.close()?)
    }
}

struct Tx<'tx>(Table<'tx, u64, &'static [u8]>);

impl Write for Tx<'_> {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(self.0.get(key)?.ok_or("a chunk is not there")?.value());
        Ok(())
    }

    fn put(&mut self, key: u64, value: &[u8]) -> Result<()> {
        self.0.insert(key, value)?;
        Ok(())
    }

    fn delete(&mut self, key: u64) -> Result<()> {
        self.0.remove(key)?;
        Ok(())
    }
}

struct ReadTable(ReadOnlyTable<u64, &'static [u8]>);

impl State for ReadTable {
    fn view(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn View) -> Result<()>) -> Result<()> {
        call(&mut *self)
    }
}

impl View for ReadTable {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(ReadableTable::get(&self.0, key)?.ok_or("a chunk is not there")?.value());
        Ok(())
    }

    fn for_each(&mut self, call: &mut dyn FnMut(u64, &[u8])) -> Result<()> {
        for entry in self.0.iter()? {
            let (key, value) = entry?;
            call(key.value(), value.value());
        }
        Ok(())
    }
}
