//! SQLite through rusqlite, bundled: a table of chunks under an integer primary key, cached statements.
//!
//! - Durability: `journal_mode = WAL`, `synchronous = FULL`, so that every commit syncs the log.
//! - Cache as for all; reads through a memory map; checkpoints of the log as by default, at 1,000 pages.
//! - Chunks of 4,048 bytes: a row then fits a page of 4 KiB and needs no overflow page.
//! - Readers have a connection of their own.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::chunked::{Chunked, KeyValue, State, View, Write};
use super::{CACHE_BYTES, Store};
use crate::Result;

struct Sqlite {
    path: PathBuf,
    connection: Connection,
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let path = dir.join("store.sqlite");
    let connection = connect(&path)?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS chunk (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")?;
    Ok(Box::new(Chunked::open(Sqlite { path, connection })?))
}

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -((CACHE_BYTES / 1024) as i64))?;
    connection.pragma_update(None, "mmap_size", i64::from(i32::MAX))?;
    Ok(connection)
}

impl KeyValue for Sqlite {
    const CHUNK_BYTES: usize = 4_048;

    fn write(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        call(&mut Tx(&self.connection))?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn state(&self) -> Result<Box<dyn State>> {
        let connection = connect(&self.path)?;
        connection.execute_batch("BEGIN")?;
        // The transaction sees the state of its first read.
        connection.query_row("SELECT min(key) FROM chunk", [], |_| Ok(()))?;
        Ok(Box::new(ReadTransaction(connection)))
    }

    fn checkpoint(&mut self) -> Result<()> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    fn close(self) -> Result<()> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

fn get(connection: &Connection, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM chunk WHERE key = ?")?;
    let mut rows = statement.query(params![key as i64])?;
    let row = rows.next()?.ok_or("a chunk is not there")?;
    call(row.get_ref(0)?.as_blob()?);
    Ok(())
}

struct Tx<'c>(&'c Connection);

impl Write for Tx<'_> {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        get(self.0, key, call)
    }

    fn put(&mut self, key: u64, value: &[u8]) -> Result<()> {
        let mut statement = self.0.prepare_cached("INSERT OR REPLACE INTO chunk VALUES (?, ?)")?;
        statement.execute(params![key as i64, value])?;
        Ok(())
    }

    fn delete(&mut self, key: u64) -> Result<()> {
        self.0.prepare_cached("DELETE FROM chunk WHERE key = ?")?.execute(params![key as i64])?;
        Ok(())
    }
}

struct ReadTransaction(Connection);

impl State for ReadTransaction {
    fn view(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn View) -> Result<()>) -> Result<()> {
        call(&mut *self)
    }
}

impl View for ReadTransaction {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        get(&self.0, key, call)
    }

    fn for_each(&mut self, call: &mut dyn FnMut(u64, &[u8])) -> Result<()> {
        let mut statement = self.0.prepare_cached("SELECT key, bytes FROM chunk ORDER BY key")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            call(row.get::<_, i64>(0)? as u64, row.get_ref(1)?.as_blob()?);
        }
        Ok(())
    }
}
