//! Opening: a new database, one that was closed, one that was not.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::base::{BLOCK_BYTES, Error, Lsn, Result, StreamId, TxnId, parent_dir};
use crate::cache::{DataFile, SuperblockSlots};
use crate::catalog::{FileOf, Store};
use crate::env::{Disk, DiskFile, Env, OpenMode, Platform};
use crate::format::log_position::LogPosition;
use crate::format::map_root::MapRoot;
use crate::format::space_root::{FIRST_USABLE_BLOCK, SpaceRoot};
use crate::format::superblock::Superblock;
use crate::format::tree_root::TreeRoot;
use crate::log::{LogIdentity, has_batches};
use crate::map::DEFAULT_MAP_NODE_BYTES;
use crate::tree::{Geometry, Tree};
use crate::txn::{Core, Settings, decode_table};

use super::redo::{RecoveryReport, recover};

/// Databases with leaves of at most this size are there to be looked at while small: their maps are small-noded too.
const SMALL_LEAF_BYTES: usize = 1024;
const SMALL_MAP_NODE_BYTES: u32 = 512;

/// Behind the name of a database that is being made.
const UNFINISHED_SUFFIX: &str = "-new";
/// How often opening tries again when a database that was just made has gone.
const CREATION_TRIES: usize = 4;

/// How a database is made if there is none.
#[derive(Clone, Copy, Debug)]
pub struct Creation {
    /// How large nodes may be.
    pub geometry: Geometry,
}

/// Opens the database at `path`; makes it first if `creation` says how. What was left by a crash is recovered.
pub fn open<E: Env>(
    env: E,
    path: &Path,
    creation: Option<Creation>,
    settings: Settings,
    cache_bytes: u64,
) -> Result<(Core<E>, Option<RecoveryReport>)> {
    let file = open_file(&env, path, creation, settings)?;
    lock(&file, path)?;
    let mut superblocks = SuperblockSlots::read(&file)?;
    let file_bytes = check_length(&file, superblocks.current.space.total_blocks)?;
    if superblocks.are_fresh() && !mutant!("the name of a new database is not synced") {
        // Made just now, or by somebody who died before the name was durable.
        sync_name(&env, path)?;
    }
    if superblocks.current.clean {
        check_closed(&env, path, &superblocks)?;
        // Recovery publishes anyway.
        superblocks.repair(&file)?;
    }
    let superblock = &superblocks.current;
    let geometry =
        Geometry { leaf_bytes: superblock.leaf_bytes as usize, fanout: superblock.fanout as usize };
    if !geometry.is_valid() {
        return Err(Error::corruption(path, 0, "possible node sizes", format!("{geometry:?}")));
    }
    let clean = superblock.clean;
    let table = superblock.table;
    let small = geometry.leaf_bytes <= SMALL_LEAF_BYTES;
    let map_node_bytes = if small { SMALL_MAP_NODE_BYTES } else { DEFAULT_MAP_NODE_BYTES };
    let store = Arc::new(Store::new(env, file, geometry, cache_bytes));
    let mut core = Core::new(store, settings, superblocks, map_node_bytes, file_bytes);
    load_table(&mut core, &table)?;
    let report = if clean { None } else { Some(recover(&mut core)?) };
    Ok((core, report))
}

/// Where one slot of a closed database is no good, the other one is the newest only if nothing was written since: the log that
/// the next write would make has nothing in it. Else the last writes of both slots are lost.
fn check_closed<E: Env>(env: &E, path: &Path, superblocks: &SuperblockSlots) -> Result<()> {
    let (uuid, generation) = (superblocks.current.uuid, superblocks.current.log.generation + 1);
    if superblocks.are_whole() || !has_batches(env.disk(), path, LogIdentity { uuid, generation })? {
        return Ok(());
    }
    if mutant!("a closed state is believed though its log goes on") {
        return Ok(());
    }
    reached!("a closed state was refused since its log goes on");
    let found = format!("one before the log of generation {generation}");
    Err(Error::corruption(path, 0, "the newest superblock in one of two slots", found))
}

fn open_file<E: Env>(
    env: &E,
    path: &Path,
    creation: Option<Creation>,
    settings: Settings,
) -> Result<DataFile<FileOf<E>, E::Platform>> {
    let mode = OpenMode { write: true, ..OpenMode::default() };
    for _ in 0..CREATION_TRIES {
        match (env.disk().open(path, mode), creation) {
            (Ok(file), _) => return Ok(DataFile::new(file, path)),
            (Err(e), Some(creation)) if e.kind() == ErrorKind::NotFound => {
                create(env, path, creation, settings)?
            }
            (Err(e), None) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::NoDatabase { file: path.to_owned() });
            }
            (Err(e), _) => return Err(Error::io("open", path, 0, e)),
        }
    }
    Err(Error::Locked { file: path.to_owned() })
}

fn lock<F: DiskFile, P: Platform>(file: &DataFile<F, P>, path: &Path) -> Result<()> {
    match file.file().try_lock() {
        _ if mutant!("a database is not locked") => Ok(()),
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Locked { file: path.to_owned() }),
        Err(e) => Err(Error::io("lock", path, 0, e)),
    }
}

/// That the file was not cut: a checkpoint is synced with its length, and its space ends with a block that was written,
/// if perhaps not to its end. Returns the length.
fn check_length<F: DiskFile, P: Platform>(file: &DataFile<F, P>, total_blocks: u64) -> Result<u64> {
    let length = file.file().len().map_err(|e| Error::io("read", file.path(), 0, e))?;
    let last_block = (total_blocks.saturating_sub(1)) * BLOCK_BYTES as u64;
    if total_blocks > FIRST_USABLE_BLOCK && length <= last_block {
        let expected = format!("{total_blocks} blocks of {BLOCK_BYTES} bytes");
        return Err(Error::corruption(file.path(), length, expected, "the end of the file"));
    }
    Ok(length)
}

/// Makes an empty database: whole under another name first, then under its own, so that a crash leaves either
/// nothing or a database. Whoever finds that somebody else was quicker leaves it alone. The name is not durable yet.
fn create<E: Env>(env: &E, path: &Path, creation: Creation, settings: Settings) -> Result<()> {
    let mut unfinished = OsString::from(path);
    unfinished.push(UNFINISHED_SUFFIX);
    let unfinished = Path::new(&unfinished);
    let mode = OpenMode { write: true, ..OpenMode::default() };
    let file = match env.disk().open(unfinished, OpenMode { create_new: true, ..mode }) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            reached!("an unfinished database is made again");
            env.disk().open(unfinished, mode)
        }
        other => other,
    };
    let file = file.map_err(|e| Error::io("create", unfinished, 0, e))?;
    let file: DataFile<_, E::Platform> = DataFile::new(file, unfinished);
    lock(&file, path)?;
    // Whoever had the lock before may have given this very file its name; from here on nobody else writes to it.
    if env.disk().open(path, OpenMode::default()).is_ok() {
        return Ok(());
    }
    check_replaceable(&file)?;
    let superblock = empty_superblock(env, creation, settings);
    SuperblockSlots::fresh(superblock.clone()).publish(&file, superblock)?;
    drop(file);
    match env.disk().rename(unfinished, path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed.map_err(|e| Error::io("rename", unfinished, 0, e)),
    }
}

/// Makes the name of the file at `path` durable.
fn sync_name<E: Env>(env: &E, path: &Path) -> Result<()> {
    let dir = parent_dir(path);
    let synced = env.disk().sync_dir(dir).map_err(|e| Error::io("sync directory", dir, 0, e));
    if mutant!("nobody asks whether a name was synced") { Ok(()) } else { synced }
}

/// That the file is what an interrupted creation leaves and not something of the user's that has this name.
fn check_replaceable<F: DiskFile, P: Platform>(file: &DataFile<F, P>) -> Result<()> {
    let length = file.file().len().map_err(|e| Error::io("read", file.path(), 0, e))?;
    let in_use = SuperblockSlots::read(file).is_ok_and(|slots| !slots.are_fresh());
    if length > FIRST_USABLE_BLOCK * BLOCK_BYTES as u64 || in_use {
        let what = format!("{} stands where a database is made first; move it away", file.path().display());
        return Err(Error::invalid(what));
    }
    Ok(())
}

fn empty_superblock<E: Env>(env: &E, creation: Creation, settings: Settings) -> Superblock {
    let mut uuid = [0; 16];
    uuid[..8].copy_from_slice(&env.random_u64().to_le_bytes());
    uuid[8..].copy_from_slice(&env.random_u64().to_le_bytes());
    let fits = "invariant: settings were checked";
    Superblock {
        uuid,
        sequence: 0,
        clean: true,
        leaf_bytes: u32::try_from(creation.geometry.leaf_bytes).expect(fits),
        fanout: u32::try_from(creation.geometry.fanout).expect(fits),
        segment_bytes: u32::try_from(settings.segment_bytes).expect(fits),
        log: LogPosition { generation: 0, lsn: Lsn(0), sequence: 1, segment: 0, offset: 0, previous_sum: 0 },
        next_txn: TxnId(1),
        next_stream: StreamId(1),
        names: MapRoot::default(),
        streams: MapRoot::default(),
        space: SpaceRoot { total_blocks: FIRST_USABLE_BLOCK, free_blocks: 0, map: MapRoot::default() },
        table: TreeRoot::default(),
    }
}

/// Open transactions and the graveyard, as the checkpoint wrote them.
fn load_table<E: Env>(core: &mut Core<E>, root: &TreeRoot) -> Result<()> {
    let bytes = core.store.trees().read_all(&Tree::from_disk_form(root))?;
    let (open, graveyard) = decode_table(&bytes)
        .map_err(|e| Error::corruption(core.store.file.path(), 0, "a well-formed transaction table", e.0))?;
    for (txn, undo) in open {
        let state = core.table.open(txn);
        state.undo = undo;
        state.logged = true;
    }
    core.graveyard = graveyard;
    Ok(())
}
