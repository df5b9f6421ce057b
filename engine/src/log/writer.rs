//! The end of the log that records are appended to. What becomes of them then is in `flight`.

use std::path::Path;
use std::sync::Arc;

use crate::base::{BLOCK_BYTES, Error, Lsn, Result, parent_dir};
use crate::env::{Disk, DiskFile, OpenMode, Platform};
use crate::format::batch::{BATCH_HEADER_BYTES, LogIdentity, padded_batch_bytes};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::log_position::LogPosition;
use crate::format::record::{Body, Record, encode_record, extend_record};
use crate::format::varint::decode_varint;
use crate::format::wire::Reader;

use super::fill::{fill_new_file, fill_with_zeros, is_as_long, remove_leftover};
use super::flight::{Flight, LogFile, Place};
use super::segments::Segments;
use super::{check_segment_bytes, log_path};

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

/// A log that is open for writing. Reading one back is `read_log`.
pub struct Log<F, P: Platform> {
    file: Arc<LogFile<F, P>>,
    segments: Segments,
    /// Where the next batch goes in the current segment, unless it does not fit there.
    offset: u32,
    /// The number of the next batch.
    sequence: u64,
    /// Records that no flight has taken yet.
    buffer: Vec<u8>,
    /// The LSN of the first byte of `buffer`.
    buffer_lsn: Lsn,
    /// Whether a record in `buffer` refers to extents.
    names_extents: bool,
    /// How many records in `buffer` commit something.
    commits: usize,
}

impl<F: DiskFile, P: Platform> Log<F, P> {
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
    ) -> Result<Log<F, P>> {
        let segment_bytes = check_segment_bytes(segment_bytes)?;
        let path = log_path(db_path, identity.generation);
        let least = LOG_HEADER_BYTES as u64 + u64::from(segment_bytes);
        let is_kept = mutant!("a leftover log is used as it is") && is_as_long(disk, &path, least);
        if !is_kept {
            remove_leftover(disk, &path)?;
        }
        let mode = OpenMode { write: true, create_new: !is_kept };
        let file = disk.open(&path, mode).map_err(|error| Error::io("create", &path, 0, error))?;
        let header = LogHeader { identity, segment_bytes, start_lsn };
        if let Err(error) = fill_new_file(&file, &path, &header, is_kept) {
            reached!("a new log could not be filled");
            // Nothing leads to the file yet; if it cannot be removed either, the next attempt replaces it.
            drop(file);
            let _ = disk.remove(&path);
            return Err(error);
        }
        let dir = parent_dir(&path);
        if !mutant!("the name of a log is not synced") {
            let synced = disk.sync_dir(dir).map_err(|error| Error::io("sync directory", dir, 0, error));
            if !mutant!("a log is used whose name could not be synced") {
                synced?;
            }
        }
        let counters =
            LogCounters { syncs: 1, fill_bytes: u64::from(segment_bytes), ..LogCounters::default() };
        Ok(Log {
            file: Arc::new(LogFile::new(file, path, identity, segment_bytes, start_lsn, counters)),
            segments: Segments::new(segment_bytes),
            offset: 0,
            sequence: 1,
            buffer: Vec::new(),
            buffer_lsn: start_lsn,
            names_extents: false,
            commits: 0,
        })
    }

    /// Adds a record to those that the next [`Flight`] writes; returns its LSN. No I/O.
    ///
    /// # Panics
    /// If the record is longer than [`Log::max_record_bytes`]; see [`Log::check_record`].
    pub fn append(&mut self, record: &Record<'_>) -> Lsn {
        let lsn = self.next_lsn();
        let start = self.buffer.len();
        encode_record(record, &mut self.buffer);
        let bytes = (self.buffer.len() - start) as u64;
        assert!(bytes <= self.max_record_bytes(), "a record of {bytes} bytes fits no segment");
        let careless = mutant!("payloads of open transactions are not synced");
        self.commits += usize::from(record.commits || matches!(record.body, Body::Commit));
        self.names_extents |= !record.extents().is_empty() && (record.commits || !careless);
        lsn
    }

    /// Whether the record at `lsn`, which was the last when it ended at `end`, still is, and no flight has taken it.
    pub fn is_open(&self, lsn: Lsn, end: Lsn) -> bool {
        let is_taken = lsn < self.buffer_lsn;
        (!is_taken && self.next_lsn() == end)
            || (is_taken && mutant!("what a flight took grows in memory only"))
    }

    /// Appends `more` to the last field of the record at `lsn`, which [`Log::is_open`]. No I/O.
    pub fn extend(&mut self, lsn: Lsn, more: &[u8]) {
        if lsn < self.buffer_lsn && mutant!("what a flight took grows in memory only") {
            return;
        }
        let start = self.place_of(lsn);
        extend_record(&mut self.buffer, start, more);
        let bytes = (self.buffer.len() - start) as u64;
        assert!(bytes <= self.max_record_bytes(), "a record of {bytes} bytes fits no segment");
    }

    /// Puts `record`, which names no extents, in the place of that at `lsn`, which [`Log::is_open`] and not longer: others
    /// may wait until the log is durable up to its end. No I/O.
    pub fn replace(&mut self, lsn: Lsn, record: &Record<'_>) {
        if lsn < self.buffer_lsn && mutant!("what a flight took grows in memory only") {
            return;
        }
        let (start, end) = (self.place_of(lsn), self.next_lsn());
        self.buffer.truncate(start);
        encode_record(record, &mut self.buffer);
        assert!(self.next_lsn() >= end, "the log gets no shorter");
    }

    fn place_of(&self, lsn: Lsn) -> usize {
        assert!(lsn >= self.buffer_lsn, "a record that no flight has taken");
        usize::try_from(lsn.0 - self.buffer_lsn.0).expect("invariant: it is in memory")
    }

    /// The longest record that fits a segment.
    pub fn max_record_bytes(&self) -> u64 {
        u64::from(self.segments.segment_bytes()) - BLOCK_BYTES as u64
    }

    /// That a record of `bytes` fits a segment.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is longer than [`Log::max_record_bytes`].
    pub fn check_record(&self, bytes: usize) -> Result<()> {
        let most = self.max_record_bytes();
        if bytes as u64 <= most {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "a log record of {bytes} bytes; segments of this log hold {most} at most"
        )))
    }

    /// The LSN of the next record.
    pub fn next_lsn(&self) -> Lsn {
        Lsn(self.buffer_lsn.0 + self.buffer.len() as u64)
    }

    /// All records before this LSN are durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.file.durable_lsn()
    }

    /// The part that tasks share that wait for it.
    pub fn file(&self) -> &Arc<LogFile<F, P>> {
        &self.file
    }

    /// Whether no record was ever appended.
    pub fn is_untouched(&self) -> bool {
        self.sequence == 1 && self.buffer.is_empty()
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.segments.file_bytes()
    }

    /// Which log this is.
    pub fn identity(&self) -> LogIdentity {
        self.file.identity
    }

    /// What was done so far.
    pub fn counters(&self) -> LogCounters {
        self.file.counters()
    }

    /// Makes sure that the next [`Flight`] needs no more disk space, if it comes after at most `bytes` more
    /// bytes of records.
    ///
    /// A full disk is found here, where an operation can still be refused, and not in the flush, where it is fatal.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot grow; the log goes on unless a sync failed. [`Error::Poisoned`].
    pub fn reserve(&mut self, bytes: u64) -> Result<()> {
        self.file.check()?;
        let segment_bytes = u64::from(self.segments.segment_bytes());
        let total = (self.buffer.len() as u64).saturating_add(bytes);
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
    /// As [`Log::reserve`], which comes before it.
    pub fn keep_spare(&mut self) -> Result<()> {
        if self.segments.free() == 0 { self.grow() } else { Ok(()) }
    }

    /// Takes everything that was appended, for the caller to write; `None` if there is nothing, or if another flight is
    /// under way, which [`Log::wait_until_idle`] waits for.
    ///
    /// # Errors
    /// [`Error::Poisoned`]. [`Error::Io`] if the file had to grow, for which nothing was reserved, and could not.
    pub fn take_off(&mut self) -> Result<Option<Flight<F, P>>> {
        self.file.check()?;
        if self.buffer.is_empty() || self.file.is_flying() {
            return Ok(None);
        }
        let places = self.plan().map_err(|e| self.file.fail(e))?;
        let mut buffers = self.file.begin(self.next_lsn(), std::mem::take(&mut self.commits));
        std::mem::swap(&mut buffers.records, &mut self.buffer);
        let durable_lsn = self.buffer_lsn;
        self.buffer_lsn.0 += buffers.records.len() as u64;
        let names_extents = std::mem::take(&mut self.names_extents);
        let log = Arc::clone(&self.file);
        Ok(Some(Flight { log, buffers, places, names_extents, durable_lsn, landed: false }))
    }

    /// Blocks until no flight is under way. None begins while the caller has the log to itself.
    pub fn wait_until_idle(&self) {
        self.file.wait_until_idle();
    }

    /// Makes all appended records durable. Nothing appended means no I/O. Data that they refer to was synced.
    ///
    /// # Errors
    /// As [`Flight::write`].
    #[cfg(test)]
    pub fn flush(&mut self) -> Result<()> {
        self.wait_until_idle();
        let Some(mut flight) = self.take_off()? else { return Ok(()) };
        let (_, outcome) = flight.write();
        flight.land();
        outcome
    }

    /// Where the next batch goes, for a superblock: a scan from here finds every record that is appended from now on.
    ///
    /// # Panics
    /// If records are waiting for a flush: their place is not known yet.
    pub fn position(&self) -> LogPosition {
        assert!(self.buffer.is_empty(), "a position exists between flushes only");
        LogPosition {
            generation: self.file.identity.generation,
            lsn: self.buffer_lsn,
            sequence: self.sequence,
            segment: self.segments.current(),
            offset: self.offset,
            previous_sum: self.file.previous_sum(),
        }
    }

    /// Lets the segments that lie wholly before `to` be used again. To be called once no superblock that could still be
    /// chosen starts before `to`. No I/O.
    ///
    /// # Panics
    /// If `to` is not a [`Log::position`] of this log, or lies before an earlier truncation.
    pub fn truncate(&mut self, to: &LogPosition) {
        assert_eq!(to.generation, self.identity().generation, "a position of another log");
        assert!(to.lsn <= self.durable_lsn() && to.sequence <= self.sequence, "a position in the future");
        if !mutant!("the log is never truncated") {
            let freed = self.segments.release_before(to.segment);
            self.file.count(|counters| counters.segments_recycled += freed);
        }
    }

    /// Gives every appended record a place in a batch.
    fn plan(&mut self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let mut planned = 0;
        while planned < self.buffer.len() {
            let mut taken = self.fitting_here(&self.buffer[planned..]);
            if taken == 0 {
                let segment_bytes = self.segments.segment_bytes();
                reached!("a batch left the rest of its segment empty", self.offset < segment_bytes);
                self.next_segment()?;
                taken = whole_records(&self.buffer[planned..], self.room());
            }
            assert!(taken > 0, "append lets no record pass that fits no segment");
            let file_offset = self.segments.file_offset(self.segments.current()) + u64::from(self.offset);
            let first_lsn = Lsn(self.buffer_lsn.0 + planned as u64);
            places.push(Place { sequence: self.sequence, first_lsn, file_offset, record_bytes: taken });
            self.sequence += 1;
            self.offset +=
                u32::try_from(padded_batch_bytes(taken as u64)).expect("invariant: a batch fits a segment");
            assert!(self.offset <= self.segments.segment_bytes(), "a batch crossed the end of its segment");
            planned += taken;
        }
        Ok(places)
    }

    fn next_segment(&mut self) -> Result<()> {
        if !self.segments.advance() {
            self.grow()?;
            assert!(self.segments.advance(), "a segment was just added");
        }
        self.offset = 0;
        Ok(())
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

    /// Adds a durably zero-filled segment to the file. A failed sync poisons the log; a failed write does not.
    fn grow(&mut self) -> Result<()> {
        let (end, segment_bytes) = (self.segments.file_bytes(), self.segments.segment_bytes());
        let log = &self.file;
        if let Err(error) = fill_with_zeros(&log.file, &log.path, end, segment_bytes) {
            reached!("the log could not grow");
            // Gives back what little space there was. Should this fail as well, the next attempt starts at `end` again.
            let _ = log.file.set_len(end);
            return Err(error);
        }
        let synced = log.sync(end);
        reached!("the sync of a new segment failed", synced.is_err());
        synced?;
        self.segments.add();
        self.file.count(|counters| {
            counters.syncs += 1;
            counters.fill_bytes += u64::from(segment_bytes);
        });
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
