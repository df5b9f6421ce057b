//! The log against a disk in memory that tears, rots and fails.

mod failures;
mod header;
mod mem_disk;
mod random;
mod roundtrip;
mod tails;

use std::path::{Path, PathBuf};

use crate::base::{Error, Lsn, Result, StreamId, TxnId};
use crate::env::RealPlatform;
use crate::format::record::{Body, Operation, Payload, Record};

use super::segments::segment_start;
use super::{Log, LogIdentity, log_path, read_log};
use crate::format::log_header::LOG_HEADER_BYTES;
use crate::format::log_position::LogPosition;
use mem_disk::{Event, MemDisk, MemFile};

const IDENTITY: LogIdentity = LogIdentity { uuid: *b"a database's id.", generation: 5 };
const SEGMENT: u64 = 16 * 1024;
const START: Lsn = Lsn(1_000);
const HEADER: u64 = LOG_HEADER_BYTES as u64;

type MemLog = Log<MemFile, RealPlatform>;
type Records = Vec<(Lsn, Record<'static>)>;

fn db() -> &'static Path {
    Path::new("dir/x.ns")
}

fn file() -> PathBuf {
    log_path(db(), IDENTITY.generation)
}

/// Where `segment` starts in the file.
fn segment(segment: u64) -> u64 {
    segment_start(segment, SEGMENT as u32)
}

fn create(disk: &MemDisk) -> MemLog {
    MemLog::create(disk, db(), IDENTITY, SEGMENT, START).unwrap()
}

/// A record that inserts `len` bytes and can be told from others by its transaction.
fn splice(txn: u64, len: usize) -> Record<'static> {
    let bytes: Vec<u8> = (0..len).map(|index| (index as u64 * 7 + txn) as u8).collect();
    let insert = Payload::Bytes(bytes.into());
    let operation = Operation::Splice { stream: StreamId(1), offset: 9, delete_len: 0, insert };
    Record { txn: TxnId(txn), commits: true, body: Body::Operation(operation) }
}

/// Appends and remembers.
fn append(log: &mut MemLog, records: &mut Records, record: Record<'static>) {
    let lsn = log.append(&record);
    records.push((lsn, record));
}

/// One flushed batch of one record; returns where it starts in the file.
fn batch(log: &mut MemLog, records: &mut Records, len: usize) -> u64 {
    append(log, records, splice(records.len() as u64, len));
    log.flush().unwrap();
    let end = log.position();
    let bytes =
        crate::format::batch::padded_batch_bytes(log.durable_lsn().0 - records[records.len() - 1].0.0);
    segment(u64::from(end.segment)) + u64::from(end.offset) - bytes
}

fn scan(disk: &MemDisk, from: &LogPosition) -> Result<(Records, LogPosition)> {
    let mut records = Vec::new();
    let mut scan = read_log(disk, db(), IDENTITY, SEGMENT, from)?;
    let end = scan.for_each(|lsn, record| {
        records.push((lsn, record.into_owned()));
        Ok(())
    })?;
    assert_eq!(scan.position(), end);
    assert!(scan.next_batch()?.is_none(), "the tail stays the tail");
    Ok((records, end))
}

/// The offset that a scan refuses at.
fn damage(disk: &MemDisk, from: &LogPosition) -> u64 {
    match scan(disk, from) {
        Err(Error::Corruption { file: path, offset, .. }) => {
            assert_eq!(path, file());
            offset
        }
        other => panic!("expected corruption, got {other:?}"),
    }
}
