//! The writing end of the log.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{BLOCK_BYTES, Error, Lsn, Result, parent_dir};
use crate::env::{Disk, DiskFile, OpenMode, write_all_at};
use crate::format::batch::{BATCH_HEADER_BYTES, BatchHeader, LogIdentity, padded_batch_bytes};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::log_position::LogPosition;
use crate::format::record::{Record, encode_record, record_bytes};
use crate::format::varint::decode_varint;
use crate::format::wire::Reader;

use super::segments::Segments;
use super::{check_segment_bytes, is_database, log_path};

/// How much is zero-filled in one write.
const FILL_BYTES: usize = 256 * 1024;

/// What a log did since it was created.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LogCounters {
    /// Batches made durable.
    pub batches: u64,
    /// Successful syncs, those of new segments included.
    pub syncs: u64,
    /// Bytes written in batches: records, headers and padding.
    pub bytes_written: u64,
    /// Bytes of records in those batches.
    pub record_bytes: u64,
    /// Bytes of headers.
    pub header_bytes: u64,
    /// Zeros behind the records, up to the next block.
    pub padding_bytes: u64,
    /// Bytes of zeros that new segments were filled with.
    pub fill_bytes: u64,
    /// Segments freed by [`Log::truncate`].
    pub segments_recycled: u64,
}

/// A log that is open for writing. Reading one back is [`super::read_log`].
pub struct Log<F> {
    file: F,
    path: PathBuf,
    identity: LogIdentity,
    segments: Segments,
    /// Where the next batch goes in the current segment, unless it does not fit there.
    offset: u32,
    /// The number of the next batch.
    sequence: u64,
    /// Checksum of the header of the last batch, or the seed.
    previous_sum: u32,
    /// Records that are not durable yet.
    buffer: Vec<u8>,
    /// The LSN of the first byte of `buffer`; all records before it are durable.
    durable_lsn: Lsn,
    /// A batch being put together; kept for its allocation.
    batch: Vec<u8>,
    counters: LogCounters,
    poison: Option<String>,
}

impl<F: DiskFile> Log<F> {
    /// Creates the log of a generation, durably, with its name: the header, one zero-filled segment and no batch.
    ///
    /// A file of that name can only be left over from an attempt that was never published, and is replaced. Nothing
    /// here says that the database has this log now; that is for the superblock.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an impossible segment length; [`Error::Io`] from the disk.
    pub fn create(
        disk: &impl Disk<File = F>,
        db_path: &Path,
        identity: LogIdentity,
        segment_bytes: u64,
        start_lsn: Lsn,
    ) -> Result<Log<F>> {
        let segment_bytes = check_segment_bytes(segment_bytes)?;
        let path = log_path(db_path, identity.generation);
        remove_leftover(disk, &path)?;
        let mode = OpenMode { write: true, create_new: true, direct: false };
        let file = disk.open(&path, mode).map_err(|error| Error::io("create", &path, 0, error))?;
        let header = LogHeader { identity, segment_bytes, start_lsn };
        if let Err(error) = fill_new_file(&file, &path, &header) {
            reached!("a new log could not be filled");
            // Nothing leads to the file yet; if it cannot be removed either, the next attempt replaces it.
            drop(file);
            let _ = disk.remove(&path);
            return Err(error);
        }
        let dir = parent_dir(&path);
        if !mutant!("the name of a log is not synced") {
            disk.sync_dir(dir).map_err(|error| Error::io("sync directory", dir, 0, error))?;
        }
        let counters =
            LogCounters { syncs: 1, fill_bytes: u64::from(segment_bytes), ..LogCounters::default() };
        Ok(Log {
            file,
            path,
            identity,
            segments: Segments::new(segment_bytes),
            offset: 0,
            sequence: 1,
            previous_sum: identity.seed(),
            buffer: Vec::new(),
            durable_lsn: start_lsn,
            batch: Vec::new(),
            counters,
            poison: None,
        })
    }

    /// Adds a record to those that the next [`Log::flush`] writes; returns its LSN. No I/O.
    ///
    /// # Panics
    /// If the record is longer than [`Log::max_record_bytes`]; see [`Log::check_record`].
    pub fn append(&mut self, record: &Record<'_>) -> Lsn {
        let lsn = self.next_lsn();
        let start = self.buffer.len();
        encode_record(record, &mut self.buffer);
        let bytes = (self.buffer.len() - start) as u64;
        assert!(bytes <= self.max_record_bytes(), "a record of {bytes} bytes fits no segment");
        lsn
    }

    /// The longest record that fits a segment.
    pub fn max_record_bytes(&self) -> u64 {
        u64::from(self.segments.segment_bytes()) - BLOCK_BYTES as u64
    }

    /// That `record` fits a segment.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is longer than [`Log::max_record_bytes`].
    pub fn check_record(&self, record: &Record<'_>) -> Result<()> {
        let (bytes, most) = (record_bytes(record) as u64, self.max_record_bytes());
        if bytes <= most {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "a log record of {bytes} bytes; segments of this log hold {most} at most"
        )))
    }

    /// The LSN of the next record.
    pub fn next_lsn(&self) -> Lsn {
        Lsn(self.durable_lsn.0 + self.buffer.len() as u64)
    }

    /// All records before this LSN are durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.durable_lsn
    }

    /// Bytes of records that are not durable yet.
    pub fn buffered_bytes(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.segments.file_bytes()
    }

    /// Which log this is.
    pub fn identity(&self) -> LogIdentity {
        self.identity
    }

    /// The file.
    #[cfg(test)]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was done so far.
    pub fn counters(&self) -> LogCounters {
        self.counters
    }

    /// What failed, if a write or sync of this log ever did.
    #[cfg(test)]
    pub fn poisoned(&self) -> Option<&str> {
        self.poison.as_deref()
    }

    /// Makes sure that the next [`Log::flush`] needs no more disk space, if it comes after at most `bytes` more
    /// bytes of records.
    ///
    /// A full disk is found here, where an operation can still be refused, and not in the flush, where it is fatal.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot grow; the log goes on unless a sync failed. [`Error::Poisoned`].
    pub fn reserve(&mut self, bytes: u64) -> Result<()> {
        self.check_poison()?;
        let segment_bytes = u64::from(self.segments.segment_bytes());
        let total = self.buffered_bytes().saturating_add(bytes);
        if total == 0 || padded_batch_bytes(total) <= segment_bytes - u64::from(self.offset) {
            return Ok(());
        }
        // Two neighbouring segments hold more than one segment's worth of records, however these fall.
        let most = self.max_record_bytes();
        let needed = if total <= most { 1 } else { 2 * total.div_ceil(most) };
        reached!("a reservation takes many segments", needed > 6);
        while self.segments.free() < needed {
            self.grow()?;
        }
        Ok(())
    }

    /// Makes sure that a segment is free beside those in use. A truncation frees those before the one that it keeps: with
    /// a single one in use and none to go on in, it would free nothing for ever.
    ///
    /// # Errors
    /// As [`Log::reserve`].
    pub fn keep_spare(&mut self) -> Result<()> {
        self.check_poison()?;
        if self.segments.free() == 0 { self.grow() } else { Ok(()) }
    }

    /// Makes all appended records durable. Nothing appended means no I/O.
    ///
    /// Writes batch by batch; each one is synced before the next is written.
    ///
    /// # Errors
    /// [`Error::Io`] from the first write or sync that fails; from then on the log is poisoned, what was appended and is not
    /// before [`Log::durable_lsn`] may or may not be found by recovery, and every later call returns
    /// [`Error::Poisoned`].
    pub fn flush(&mut self) -> Result<()> {
        self.check_poison()?;
        let records = std::mem::take(&mut self.buffer);
        let mut rest = &records[..];
        let mut outcome = Ok(());
        while !rest.is_empty() && outcome.is_ok() {
            match self.write_batch(rest) {
                Ok(written) => {
                    reached!("a flush of several batches", written < rest.len());
                    rest = &rest[written..];
                }
                Err(error @ Error::Io { op: "write", .. }) if mutant!("a failed write does not poison") => {
                    outcome = Err(error);
                }
                Err(error) => outcome = Err(self.poisoned_by(error)),
            }
        }
        let written = records.len() - rest.len();
        reached!("a flush failed behind a batch that is durable", outcome.is_err() && written > 0);
        self.buffer = records;
        self.buffer.drain(..written);
        outcome
    }

    /// Where the next batch goes, for a superblock: a scan from here finds every record that is appended from now on.
    ///
    /// # Panics
    /// If records are waiting for a flush: their place is not known yet.
    pub fn position(&self) -> LogPosition {
        assert!(self.buffer.is_empty(), "a position exists between flushes only");
        LogPosition {
            generation: self.identity.generation,
            lsn: self.durable_lsn,
            sequence: self.sequence,
            segment: self.segments.current(),
            offset: self.offset,
            previous_sum: self.previous_sum,
        }
    }

    /// Lets the segments that lie wholly before `to` be used again. To be called once no superblock that could still be
    /// chosen starts before `to`. No I/O.
    ///
    /// # Panics
    /// If `to` is not a [`Log::position`] of this log, or lies before an earlier truncation.
    pub fn truncate(&mut self, to: &LogPosition) {
        assert_eq!(to.generation, self.identity.generation, "a position of another log");
        assert!(to.lsn <= self.durable_lsn && to.sequence <= self.sequence, "a position in the future");
        if !mutant!("the log is never truncated") {
            self.counters.segments_recycled += self.segments.release_before(to.segment);
        }
    }

    fn check_poison(&self) -> Result<()> {
        match &self.poison {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    fn poisoned_by(&mut self, error: Error) -> Error {
        self.poison = Some(error.to_string());
        error
    }

    /// Writes and syncs one batch of the first of `records`; returns how many bytes of them it took.
    fn write_batch(&mut self, records: &[u8]) -> Result<usize> {
        let taken = match self.fitting_here(records) {
            0 => {
                reached!(
                    "a batch left the rest of its segment empty",
                    self.offset < self.segments.segment_bytes()
                );
                if !self.segments.advance() {
                    reached!("the log grew in a flush");
                    self.grow()?;
                    assert!(self.segments.advance(), "a segment was just added");
                }
                self.offset = 0;
                whole_records(records, self.room())
            }
            taken => taken,
        };
        assert!(taken > 0, "append lets no record pass that fits no segment");
        let file_offset = self.segments.file_offset(self.segments.current()) + u64::from(self.offset);
        let (header, sum) = self.put_batch_together(&records[..taken], file_offset);
        let path = if mutant!("a failed log does not say its name") { Path::new("log") } else { &self.path };
        let io = |op, source| Error::io(op, path, file_offset, source);
        write_all_at(&self.file, &self.batch, file_offset).map_err(|source| io("write", source))?;
        if !mutant!("a batch is not synced") {
            let synced = self.file.sync();
            let again = mutant!("a failed sync is tried again");
            let synced = if again { synced.or_else(|_| self.file.sync()) } else { synced };
            synced.map_err(|source| io("sync", source))?;
        }
        self.sequence += 1;
        self.previous_sum = sum;
        self.durable_lsn = Lsn(self.durable_lsn.0 + taken as u64);
        self.offset += u32::try_from(header.batch_bytes()).expect("invariant: a batch fits a segment");
        assert!(self.offset <= self.segments.segment_bytes(), "a batch crossed the end of its segment");
        self.count_batch(&header);
        Ok(taken)
    }

    /// How many bytes of `records` the next batch takes if it goes to the current segment; 0 to leave the segment.
    fn fitting_here(&self, records: &[u8]) -> usize {
        let room = self.room();
        if records.len() <= room {
            return records.len();
        }
        // A batch costs a sync. What would fit into the last bit of a segment is not worth one of its own.
        let segment_bytes = self.segments.segment_bytes();
        if segment_bytes - self.offset <= segment_bytes / 8 { 0 } else { whole_records(records, room) }
    }

    /// How many bytes of records fit a batch at the current place.
    fn room(&self) -> usize {
        ((self.segments.segment_bytes() - self.offset) as usize).saturating_sub(BATCH_HEADER_BYTES)
    }

    /// Leaves the bytes of a batch in `self.batch`; returns its header and that one's checksum.
    fn put_batch_together(&mut self, records: &[u8], file_offset: u64) -> (BatchHeader, u32) {
        let header = BatchHeader {
            identity: self.identity,
            sequence: self.sequence,
            first_lsn: self.durable_lsn,
            file_offset,
            record_bytes: u32::try_from(records.len()).expect("invariant: a batch fits a segment"),
            record_sum: BatchHeader::sum_records(&self.identity, records),
            previous_sum: self.previous_sum,
            segment_bytes: self.segments.segment_bytes(),
        };
        let (bytes, sum) = header.encode();
        self.batch.clear();
        self.batch.extend_from_slice(&bytes);
        self.batch.extend_from_slice(records);
        reached!("a batch of many blocks", self.batch.len() > 3 * BLOCK_BYTES);
        self.batch.resize(self.batch.len().next_multiple_of(BLOCK_BYTES), 0);
        assert_eq!(self.batch.len() as u64, header.batch_bytes());
        (header, sum)
    }

    fn count_batch(&mut self, header: &BatchHeader) {
        let (records, written) = (u64::from(header.record_bytes), header.batch_bytes());
        self.counters.batches += 1;
        self.counters.syncs += 1;
        self.counters.bytes_written += written;
        self.counters.record_bytes += records;
        self.counters.header_bytes += BATCH_HEADER_BYTES as u64;
        self.counters.padding_bytes += written - records - BATCH_HEADER_BYTES as u64;
    }

    /// Adds a durably zero-filled segment to the file. A failed sync poisons the log; a failed write does not.
    fn grow(&mut self) -> Result<()> {
        let (end, segment_bytes) = (self.segments.file_bytes(), self.segments.segment_bytes());
        if let Err(error) = fill_with_zeros(&self.file, &self.path, end, segment_bytes) {
            reached!("the log could not grow");
            // Gives back what little space there was. Should this fail as well, the next attempt starts at `end` again.
            let _ = self.file.set_len(end);
            return Err(error);
        }
        if let Err(source) = self.file.sync() {
            reached!("the sync of a new segment failed");
            let error = Error::io("sync", &self.path, end, source);
            return Err(self.poisoned_by(error));
        }
        self.segments.add();
        self.counters.syncs += 1;
        self.counters.fill_bytes += u64::from(segment_bytes);
        Ok(())
    }
}

/// The length of as many whole records at the start of `records` as `room` holds.
fn whole_records(records: &[u8], room: usize) -> usize {
    if records.len() <= room {
        return records.len();
    }
    let mut end = 0;
    loop {
        let mut from = Reader::new(&records[end..]);
        let length = decode_varint(&mut from).expect("invariant: the buffer holds whole records");
        let next =
            records.len() - from.remaining() + usize::try_from(length).expect("invariant: it is in memory");
        if next > room {
            return end;
        }
        end = next;
    }
}

/// Makes room for a new log: what has its name is left over from an attempt that was never published, unless it is a
/// database that somebody called so.
fn remove_leftover(disk: &impl Disk, path: &Path) -> Result<()> {
    if is_database(disk, path) {
        let what = format!("{} is a database and stands where a log is to be made", path.display());
        return Err(Error::invalid(what));
    }
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, 0, error)),
        removed => {
            reached!("a leftover log made room for a new one", removed.is_ok());
            Ok(())
        }
    }
}

/// Writes the header and the first segment, durably.
fn fill_new_file(file: &impl DiskFile, path: &Path, header: &LogHeader) -> Result<()> {
    write_all_at(file, &header.encode(), 0).map_err(|error| Error::io("write", path, 0, error))?;
    fill_with_zeros(file, path, LOG_HEADER_BYTES as u64, header.segment_bytes)?;
    file.sync().map_err(|error| Error::io("sync", path, 0, error))
}

fn fill_with_zeros(file: &impl DiskFile, path: &Path, start: u64, bytes: u32) -> Result<()> {
    file.allocate(start, u64::from(bytes)).map_err(|error| Error::io("allocate", path, start, error))?;
    let zeros = vec![0; FILL_BYTES.min(bytes as usize)];
    let end = start + u64::from(bytes);
    let mut at = start;
    while at < end {
        let chunk = &zeros[..zeros.len().min(usize::try_from(end - at).unwrap_or(usize::MAX))];
        write_all_at(file, chunk, at).map_err(|error| Error::io("write", path, at, error))?;
        at += chunk.len() as u64;
    }
    Ok(())
}
