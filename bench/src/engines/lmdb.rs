//! LMDB through heed: the unnamed database, chunks under big-endian 64-bit keys.
//!
//! - Durability: no flag that weakens it (`NO_SYNC`, `NO_META_SYNC`, `MAP_ASYNC`); a commit syncs.
//! - No cache of its own: pages are read through the map, which has room for what is measured.
//! - Chunks of 4,080 bytes: with its header one is a page of 4 KiB. Loading appends.

use std::path::Path;

use heed::byteorder::BigEndian;
use heed::types::{Bytes, U64};
use heed::{Database, Env, EnvOpenOptions, PutFlags, RoTxn, RwTxn, WithoutTls};

use super::Store;
use super::chunked::{Chunked, KeyValue, State, View, Write};
use crate::Result;

/// Address space, not memory and not disk.
const MAP_BYTES: usize = 1 << 36;

type Chunks = Database<U64<BigEndian>, Bytes>;

struct Lmdb {
    env: Env<WithoutTls>,
    chunks: Chunks,
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP_BYTES);
    // SAFETY: the folder is this process's own, and nobody else maps, changes or truncates what is in it.
    let env = unsafe { options.open(dir)? };
    let mut tx = env.write_txn()?;
    let chunks = env.create_database(&mut tx, None)?;
    tx.commit()?;
    Ok(Box::new(Chunked::open(Lmdb { env, chunks })?))
}

impl Lmdb {
    fn transaction(&mut self, flags: PutFlags, call: Call<'_>) -> Result<()> {
        let mut tx = Tx { tx: self.env.write_txn()?, chunks: self.chunks, flags };
        call(&mut tx)?;
        Ok(tx.tx.commit()?)
    }
}

type Call<'c> = &'c mut dyn FnMut(&mut dyn Write) -> Result<()>;

impl KeyValue for Lmdb {
    const CHUNK_BYTES: usize = 4_080;

    fn write(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.transaction(PutFlags::empty(), call)
    }

    fn load(&mut self, call: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.transaction(PutFlags::APPEND, call)
    }

    fn state(&self) -> Result<Box<dyn State>> {
        Ok(Box::new(ReadTransaction { tx: self.env.clone().static_read_txn()?, chunks: self.chunks }))
    }

    fn close(self) -> Result<()> {
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}

struct Tx<'env> {
    tx: RwTxn<'env>,
    chunks: Chunks,
    flags: PutFlags,
}

impl Write for Tx<'_> {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(self.chunks.get(&self.tx, &key)?.ok_or("a chunk is not there")?);
        Ok(())
    }

    fn put(&mut self, key: u64, value: &[u8]) -> Result<()> {
        Ok(self.chunks.put_with_flags(&mut self.tx, self.flags, &key, value)?)
    }

    fn delete(&mut self, key: u64) -> Result<()> {
        self.chunks.delete(&mut self.tx, &key)?;
        Ok(())
    }
}

struct ReadTransaction {
    tx: RoTxn<'static, WithoutTls>,
    chunks: Chunks,
}

impl State for ReadTransaction {
    fn view(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn View) -> Result<()>) -> Result<()> {
        call(&mut *self)
    }
}

impl View for ReadTransaction {
    fn get(&mut self, key: u64, call: &mut dyn FnMut(&[u8])) -> Result<()> {
        call(self.chunks.get(&self.tx, &key)?.ok_or("a chunk is not there")?);
        Ok(())
    }

    fn for_each(&mut self, call: &mut dyn FnMut(u64, &[u8])) -> Result<()> {
        for entry in self.chunks.iter(&self.tx)? {
            let (key, value) = entry?;
            call(key, value);
        }
        Ok(())
    }
}
