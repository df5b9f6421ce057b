//! The superblock: who the database is, and where its last checkpoint begins.
//!
//! It stands in two slots, blocks 0 and 1 of the data file. All of it lies in the first 512 bytes, so that a disk
//! that writes sectors whole never tears one. Little-endian; bytes that are not listed are zero and checked.
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | magic, `NumStore` |
//! | 8..12 | format version, 1 |
//! | 12..16 | bytes in a block, 4096 |
//! | 16..32 | uuid |
//! | 32..40 | sequence: the higher one is the newer |
//! | 40..44 | flags: bit 0, closed cleanly, there is no log |
//! | 44..48 | largest leaf in bytes |
//! | 48..52 | largest number of children |
//! | 52..56 | bytes in a log segment |
//! | 56..96 | [`LogPosition`] of the checkpoint |
//! | 96..104 | next transaction id |
//! | 104..112 | next stream id |
//! | 112..152 | names, a [`MapRoot`] |
//! | 152..192 | streams, a [`MapRoot`] |
//! | 192..248 | free space, a [`SpaceRoot`] |
//! | 248..285 | transaction table, a [`TreeRoot`] |
//! | 508..512 | CRC-32 of bytes 0..508 |

use crate::base::{BLOCK_BYTES, Lsn, StreamId, TxnId, checksum};

use super::log_position::{LOG_POSITION_BYTES, LogPosition};
use super::map_root::{MAP_ROOT_BYTES, MapRoot};
use super::space_root::{MAX_BLOCKS, SPACE_ROOT_BYTES, SpaceRoot};
use super::tree_root::{TREE_ROOT_BYTES, TreeRoot};
use super::wire::{Reader, WireError};

/// The first eight bytes of every database.
pub const MAGIC: [u8; 8] = *b"NumStore";
/// The version of the format that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// What of its block a superblock takes.
pub const SUPERBLOCK_BYTES: usize = 512;
/// How many slots there are, each one block.
pub const SUPERBLOCK_SLOTS: u64 = 2;

const SUM_AT: usize = SUPERBLOCK_BYTES - 4;
const CLEAN: u32 = 1;
/// No counter comes anywhere near this in the life of a database.
const MAX_COUNTER: u64 = 1 << 62;

const _: () = assert!(56 + LOG_POSITION_BYTES + 16 == 112);
const _: () = assert!(112 + 2 * MAP_ROOT_BYTES + SPACE_ROOT_BYTES + TREE_ROOT_BYTES == 285);

/// One version of the superblock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Superblock {
    /// Made up when the database was created; the log carries it too.
    pub uuid: [u8; 16],
    /// Grows by one each time a slot is written.
    pub sequence: u64,
    /// Whether the database was closed cleanly. If so, there is no log and nothing to recover.
    pub clean: bool,
    /// The largest leaf in bytes.
    pub leaf_bytes: u32,
    /// The largest number of children of an inner node.
    pub fanout: u32,
    /// Bytes in a segment of the log.
    pub segment_bytes: u32,
    /// Where the log goes on behind the checkpoint. In a clean one only generation and LSN mean something.
    pub log: LogPosition,
    /// The next transaction id that was never used.
    pub next_txn: TxnId,
    /// The next stream id that was never used.
    pub next_stream: StreamId,
    /// Name to stream id.
    pub names: MapRoot,
    /// Stream id to stream.
    pub streams: MapRoot,
    /// The free space.
    pub space: SpaceRoot,
    /// Open transactions with their undo stacks, and the graveyard.
    pub table: TreeRoot,
}

impl Superblock {
    /// The capture LSN of the checkpoint.
    pub fn capture_lsn(&self) -> Lsn {
        self.log.lsn
    }

    /// The whole block.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BLOCK_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&u32::try_from(BLOCK_BYTES).expect("invariant: 4096").to_le_bytes());
        out.extend_from_slice(&self.uuid);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&(if self.clean { CLEAN } else { 0 }).to_le_bytes());
        for setting in [self.leaf_bytes, self.fanout, self.segment_bytes] {
            out.extend_from_slice(&setting.to_le_bytes());
        }
        out.extend_from_slice(&self.log.encode());
        for number in [self.next_txn.0, self.next_stream.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        self.names.encode_into(&mut out);
        self.streams.encode_into(&mut out);
        self.space.encode_into(&mut out);
        self.table.encode_into(&mut out);
        out.resize(SUM_AT, 0);
        let sum = checksum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out.resize(BLOCK_BYTES, 0);
        out
    }

    /// Reads a slot.
    ///
    /// # Errors
    /// What is wrong with it. A wrong version is told apart by `found_version`.
    pub fn decode(block: &[u8]) -> Result<Superblock, WireError> {
        let mut sum = Reader::new(block);
        sum.bytes(SUM_AT)?;
        if sum.u32()? != checksum(&block[..SUM_AT]) {
            reached!("a slot is torn or rotten", block[..8] == MAGIC);
            return Err(WireError("the superblock's checksum is wrong"));
        }
        sum.finish_zero()?;
        let mut from = Reader::new(&block[..SUM_AT]);
        if from.array::<8>()? != MAGIC {
            return Err(WireError("the magic bytes are not those of a database"));
        }
        if from.u32()? != FORMAT_VERSION || from.u32()? as usize != BLOCK_BYTES {
            return Err(WireError("another version of the format"));
        }
        let uuid = from.array()?;
        let sequence = from.u64()?;
        let flags = from.u32()?;
        if flags & !CLEAN != 0 {
            return Err(WireError("reserved flags are set"));
        }
        let superblock = Superblock {
            uuid,
            sequence,
            clean: flags & CLEAN != 0,
            leaf_bytes: from.u32()?,
            fanout: from.u32()?,
            segment_bytes: from.u32()?,
            log: LogPosition::decode(&mut from)?,
            next_txn: TxnId(from.u64()?),
            next_stream: StreamId(from.u64()?),
            names: MapRoot::decode(&mut from)?,
            streams: MapRoot::decode(&mut from)?,
            space: SpaceRoot::decode(&mut from)?,
            table: TreeRoot::decode(&mut from)?,
        };
        from.finish_zero()?;
        superblock.check()?;
        Ok(superblock)
    }

    /// That counters are far from overflowing and the table fits the file, so that nothing later has to ask.
    fn check(&self) -> Result<(), WireError> {
        let counters = [
            self.sequence,
            self.log.generation,
            self.log.lsn.0,
            self.log.sequence,
            self.next_txn.0,
            self.next_stream.0,
        ];
        if counters.iter().any(|&counter| counter > MAX_COUNTER) || self.next_txn.0 == 0 {
            return Err(WireError("a counter is out of range"));
        }
        if self.space.total_blocks > MAX_BLOCKS
            || self.table.bytes / BLOCK_BYTES as u64 > self.space.total_blocks
        {
            return Err(WireError("a size is out of range"));
        }
        Ok(())
    }
}

/// The format version of a slot that begins like a database of any version.
pub fn found_version(block: &[u8]) -> Option<u32> {
    let mut from = Reader::new(block);
    let magic = from.array::<8>().ok()?;
    (magic == MAGIC).then(|| from.u32().ok())?
}
