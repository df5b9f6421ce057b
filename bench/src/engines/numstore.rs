//! NumStore through its public interface: one stream, default options but for the cache, which all stores have the same of, and
//! for how much may change before a checkpoint.
//!
//! - One edit is one call, which is a durable transaction (`Durability::Sync`); several are one explicit transaction.
//! - Reads go through one snapshot, as the peers' go through one read transaction.
//! - Without a copy they are shown where they lie, by `visit`.

use std::path::Path;

use numstore::{Database, Options, SnapshotStream, Stride};

use super::{CACHE_BYTES, Reader, Snapshot, Store};
use crate::Result;
use crate::content::{Content, Edit};

const NAME: &str = "stream";

struct NumStore {
    db: Database,
}

/// So much may change before a checkpoint is due, since all stores may take as much memory as a stream of 1 GiB does: by default
/// it is 256 MiB, which 5,000 insertions anywhere in such a stream come to.
const DIRTY_BYTES: u64 = CACHE_BYTES / 4 * 3;
/// Room for 24,000 commits.
const LONG_LOG_BYTES: u64 = 96 << 20;

/// The database in folder `dir`.
pub fn open_database(dir: &Path) -> Result<Database> {
    Ok(Options::new().cache_bytes(CACHE_BYTES).dirty_bytes(DIRTY_BYTES).open(dir.join("store.ns"))?)
}

/// As [`open_database`], with a log that holds more commits of a block each until a checkpoint is due by itself.
pub fn open_with_long_log(dir: &Path) -> Result<Database> {
    let options =
        Options::new().cache_bytes(CACHE_BYTES).dirty_bytes(DIRTY_BYTES).checkpoint_log_bytes(LONG_LOG_BYTES);
    Ok(options.open(dir.join("store.ns"))?)
}

pub fn open(dir: &Path) -> Result<Box<dyn Store>> {
    over(open_database(dir)?)
}

/// The store in a database that is open.
pub fn over(db: Database) -> Result<Box<dyn Store>> {
    if !db.exists(NAME)? {
        db.create(NAME)?;
    }
    Ok(Box::new(NumStore { db }))
}

impl Store for NumStore {
    fn load(&mut self, content: &Content) -> Result<()> {
        let tx = self.db.begin()?;
        let stream = tx.stream(NAME)?;
        content.for_each_piece(|piece| Ok(stream.append(piece)?))?;
        Ok(tx.commit()?)
    }

    fn edit(&mut self, edits: &[Edit]) -> Result<()> {
        if let [edit] = edits
            && edit.deleted == 0
        {
            return Ok(self.db.insert(NAME, edit.at, edit.inserted.as_bytes())?);
        }
        let tx = self.db.begin()?;
        let stream = tx.stream(NAME)?;
        for edit in edits {
            stream.splice(edit.at, edit.deleted, edit.inserted.as_bytes())?;
        }
        Ok(tx.commit()?)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(State(self.db.snapshot().stream(NAME)?)))
    }

    fn checkpoint(&mut self) -> Result<()> {
        Ok(self.db.checkpoint()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.db.close()?)
    }
}

struct State(SnapshotStream);

impl Snapshot for State {
    fn read(mut self: Box<Self>, call: &mut dyn FnMut(&mut dyn Reader) -> Result<()>) -> Result<()> {
        call(&mut *self)
    }
}

impl Reader for State {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let read = self.0.read_at(offset, buffer)?;
        if read == buffer.len() { Ok(()) } else { Err("a short read".into()) }
    }

    fn visit(&mut self, call: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.0.visit(.., call)?;
        Ok(true)
    }

    fn gather(&mut self, element: usize, step: usize) -> Result<Vec<u8>> {
        assert!(step.is_multiple_of(element), "a stride is counted in elements");
        let (size, stride, count) = (element as u64, (step / element) as u64, self.0.len() / step as u64);
        Ok(self.0.read_strided(Stride { start: 0, size, stride, count })?)
    }
}
