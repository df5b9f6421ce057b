//! Opening: a new database, one that was closed, one that was not.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::base::{BLOCK_BYTES, Error, Lsn, Result, StreamId, TxnId, parent_dir};
use crate::cache::DataFile;
use crate::catalog::{FileOf, Store};
use crate::env::{Disk, DiskFile, Env, OpenMode};
use crate::format::log_position::LogPosition;
use crate::format::map_root::MapRoot;
use crate::format::space_root::{FIRST_USABLE_BLOCK, SpaceRoot};
use crate::format::superblock::Superblock;
use crate::format::tree_root::TreeRoot;
use crate::map::DEFAULT_MAP_NODE_BYTES;
use crate::tree::{Geometry, Tree};
use crate::txn::{Core, Settings, Slots, decode_table, read_slots};

use super::redo::{RecoveryReport, recover};

/// Databases with leaves of at most this size are there to be looked at while small: their maps are small-noded too.
const SMALL_LEAF_BYTES: usize = 1024;
const SMALL_MAP_NODE_BYTES: u32 = 512;

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
    let file = DataFile::new(open_file(&env, path, creation.is_some())?, path);
    match file.file().try_lock() {
        Ok(true) => {}
        Ok(false) => return Err(Error::Locked { file: path.to_owned() }),
        Err(e) => return Err(Error::io("lock", path, 0, e)),
    }
    let slots = match creation {
        Some(creation) if is_unfinished(&file)? => create(&env, &file, creation, settings)?,
        _ => read_slots(&file)?,
    };
    let superblock = &slots.current;
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
    let mut core = Core::new(store, settings, slots, map_node_bytes);
    load_table(&mut core, &table)?;
    let report = if clean { None } else { Some(recover(&mut core)?) };
    Ok((core, report))
}

fn open_file<E: Env>(env: &E, path: &Path, create: bool) -> Result<FileOf<E>> {
    let mode = OpenMode { write: true, ..OpenMode::default() };
    loop {
        match env.disk().open(path, mode) {
            Err(e) if e.kind() == ErrorKind::NotFound && create => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(Error::NoDatabase { file: path.to_owned() });
            }
            other => return other.map_err(|e| Error::io("open", path, 0, e)),
        }
        match env.disk().open(path, OpenMode { create_new: true, ..mode }) {
            // Somebody else was quicker: open what is there now.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map_err(|e| Error::io("create", path, 0, e)),
        }
    }
}

/// Whether the file is what a creation that was interrupted leaves: nothing, or zeros where the superblocks go. Nothing
/// else is ever overwritten.
fn is_unfinished<F: DiskFile>(file: &DataFile<F>) -> Result<bool> {
    let length = file.file().len().map_err(|e| Error::io("read", file.path(), 0, e))?;
    if length > FIRST_USABLE_BLOCK * BLOCK_BYTES as u64 {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(length).expect("invariant: two blocks at most")];
    file.read_bytes(0, &mut bytes)?;
    Ok(bytes.iter().all(|&byte| byte == 0))
}

fn create<E: Env>(
    env: &E,
    file: &DataFile<FileOf<E>>,
    creation: Creation,
    settings: Settings,
) -> Result<Slots> {
    let mut uuid = [0; 16];
    uuid[..8].copy_from_slice(&env.random_u64().to_le_bytes());
    uuid[8..].copy_from_slice(&env.random_u64().to_le_bytes());
    let fits = "invariant: settings were checked";
    let superblock = Superblock {
        uuid,
        sequence: 0,
        clean: true,
        leaf_bytes: u32::try_from(creation.geometry.leaf_bytes).expect(fits),
        fanout: u32::try_from(creation.geometry.fanout).expect(fits),
        segment_bytes: u32::try_from(settings.segment_bytes).expect(fits),
        log: LogPosition { generation: 0, lsn: Lsn(0), sequence: 1, slot: 0, offset: 0, previous_sum: 0 },
        next_txn: TxnId(1),
        next_stream: StreamId(1),
        names: MapRoot::default(),
        streams: MapRoot::default(),
        space: SpaceRoot { total_blocks: FIRST_USABLE_BLOCK, free_blocks: 0, map: MapRoot::default() },
        table: TreeRoot::default(),
    };
    let mut slots = Slots::fresh(superblock.clone());
    slots.publish(file, superblock)?;
    let dir = parent_dir(file.path());
    env.disk().sync_dir(dir).map_err(|e| Error::io("sync directory", dir, 0, e))?;
    Ok(slots)
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
