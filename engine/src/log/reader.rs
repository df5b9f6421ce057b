//! The reading end of the log: every record from a position to the tail, or an error that says where the log is damaged.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{BLOCK_BYTES, Error, Lsn, Result};
use crate::env::{Disk, DiskFile, OpenMode, read_exact_at};
use crate::format::batch::{BATCH_HEADER_BYTES, BatchError, BatchHeader, LogIdentity, batch_unit};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::log_position::LogPosition;
use crate::format::record::{Record, decode_record};
use crate::format::wire::WireError;

use super::segments::{segment_of, segment_start};
use super::{check_segment_bytes, log_path};

/// How much of the file is read at once in the search for what lies behind the tail.
const SEARCH_BYTES: usize = 64 * BLOCK_BYTES;

/// Opens the log of a generation for reading from `from` on. Never writes.
///
/// Reads the header and no batch yet; see [`LogScan::next_batch`]. Several scans, one after the other, give the same
/// records.
///
/// # Errors
/// [`Error::LogMissing`] if there is no such file; [`Error::Corruption`] if `from` or the segment length are
/// impossible, the file has no whole header or is another log, or it is too short to reach `from`; [`Error::Io`].
pub fn read_log<D: Disk>(
    disk: &D,
    db_path: &Path,
    identity: LogIdentity,
    segment_bytes: u64,
    from: &LogPosition,
) -> Result<LogScan<D::File>> {
    let path = log_path(db_path, identity.generation);
    let Ok(segment_bytes) = check_segment_bytes(segment_bytes) else {
        return Err(Error::corruption(
            db_path,
            0,
            "a possible log segment length",
            segment_bytes.to_string(),
        ));
    };
    if from.generation != identity.generation || from.offset > segment_bytes {
        let found = format!("generation {}, offset {}", from.generation, from.offset);
        let expected = format!("a place in the log of generation {}", identity.generation);
        return Err(Error::corruption(db_path, 0, expected, found));
    }
    let file = match disk.open(&path, OpenMode::default()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::LogMissing { file: db_path.to_owned(), log: path });
        }
        Err(error) => return Err(Error::io("open", &path, 0, error)),
    };
    let file_bytes = file.len().map_err(|error| Error::io("length", &path, 0, error))?;
    let scan = LogScan {
        file,
        path,
        identity,
        segment_bytes,
        file_bytes,
        at: *from,
        starts: None,
        records: Vec::new(),
        finished: false,
    };
    scan.check_header()?;
    // A segment is durably there, whole, before a batch goes to it.
    let end_of_segment = segment_start(u64::from(from.segment) + 1, segment_bytes);
    if end_of_segment > file_bytes {
        let expected = format!("at least {end_of_segment} bytes of log");
        return Err(Error::corruption(&scan.path, file_bytes, expected, format!("{file_bytes} bytes")));
    }
    Ok(scan)
}

/// A walk over the batches of a log. Holds one batch at a time.
pub struct LogScan<F> {
    file: F,
    path: PathBuf,
    identity: LogIdentity,
    segment_bytes: u32,
    file_bytes: u64,
    /// Behind the last batch that was read.
    at: LogPosition,
    /// Number and segment of the batches that stand at the start of a segment; read when first needed.
    starts: Option<Vec<(u64, u32)>>,
    /// The records of the current batch.
    records: Vec<u8>,
    finished: bool,
}

/// One batch of a log: complete, in its place, and following from the one before.
pub struct ScannedBatch<'a> {
    /// Its header.
    pub header: BatchHeader,
    records: &'a [u8],
    path: &'a Path,
}

impl<'a> ScannedBatch<'a> {
    /// The records with their LSNs. Ends after the first [`Error::Corruption`].
    pub fn records(&self) -> impl Iterator<Item = Result<(Lsn, Record<'a>)>> + use<'a> {
        let (header, records, path) = (self.header, self.records, self.path);
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = &records[at..];
            if rest.is_empty() {
                return None;
            }
            match decode_record(rest) {
                Ok((record, bytes)) => {
                    let lsn = Lsn(header.first_lsn.0 + at as u64);
                    at += bytes;
                    Some(Ok((lsn, record)))
                }
                Err(error) => {
                    let offset = header.file_offset + (BATCH_HEADER_BYTES + at) as u64;
                    at = records.len();
                    Some(Err(Error::corruption(path, offset, "a log record", error.to_string())))
                }
            }
        })
    }
}

/// What stands where a batch could.
enum Place {
    /// Nothing of this log, or a torn or rotten header.
    Nothing,
    /// A header that is as it was written, and its checksum.
    Header(BatchHeader, u32),
}

impl<F: DiskFile> LogScan<F> {
    /// Behind the last batch that was read; at the end of the scan, where the log ends.
    #[cfg(test)]
    pub fn position(&self) -> LogPosition {
        self.at
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Calls `visit` with every record that is left; returns where the log ends.
    ///
    /// # Errors
    /// As [`LogScan::next_batch`], a record that does not decode ([`Error::Corruption`]), and whatever `visit` returns.
    pub fn for_each(&mut self, mut visit: impl FnMut(Lsn, Record<'_>) -> Result<()>) -> Result<LogPosition> {
        while let Some(batch) = self.next_batch()? {
            for entry in batch.records() {
                let (lsn, record) = entry?;
                visit(lsn, record)?;
            }
        }
        Ok(self.at)
    }

    /// The next batch; `None` at the tail.
    ///
    /// # Errors
    /// [`Error::Corruption`] if the log goes on behind an invalid batch, or a valid batch cannot follow the one before;
    /// [`Error::Io`].
    pub fn next_batch(&mut self) -> Result<Option<ScannedBatch<'_>>> {
        if self.finished {
            return Ok(None);
        }
        let Some((header, sum)) = self.find_next()? else {
            self.check_nothing_follows()?;
            self.finished = true;
            return Ok(None);
        };
        let lsn = self.check_follows(&header)?;
        let (segment, in_segment) = segment_of(header.file_offset, self.segment_bytes);
        self.at = LogPosition {
            generation: self.identity.generation,
            lsn,
            sequence: header.sequence + 1,
            segment: segment_number(segment),
            offset: u32::try_from(in_segment + header.batch_bytes())
                .expect("invariant: the batch lies in its segment"),
            previous_sum: sum,
        };
        Ok(Some(ScannedBatch { header, records: &self.records, path: &self.path }))
    }

    /// That the file begins with the header of the log that is looked for, and that the scan can begin where it should.
    fn check_header(&self) -> Result<()> {
        let damage = |expected: String, found: String| Err(Error::corruption(&self.path, 0, expected, found));
        if self.file_bytes < LOG_HEADER_BYTES as u64 {
            let expected = format!("a log header of {LOG_HEADER_BYTES} bytes");
            return damage(expected, format!("a file of {} bytes", self.file_bytes));
        }
        let mut block = [0; LOG_HEADER_BYTES];
        self.read(&mut block, 0)?;
        let header = match LogHeader::decode(&block) {
            Ok(header) => header,
            Err(WireError(what)) => return damage("a log header".to_owned(), what.to_owned()),
        };
        if header.identity.uuid != self.identity.uuid {
            let name = |uuid: [u8; 16]| format!("the log of database {:032x}", u128::from_be_bytes(uuid));
            return damage(name(self.identity.uuid), name(header.identity.uuid));
        }
        if header.identity.generation != self.identity.generation {
            let name = |generation: u64| format!("a log of generation {generation}");
            return damage(name(self.identity.generation), name(header.identity.generation));
        }
        if header.segment_bytes != self.segment_bytes {
            let name = |bytes: u32| format!("a log of segments of {bytes} bytes");
            return damage(name(self.segment_bytes), name(header.segment_bytes));
        }
        let (start, from) = (header.start_lsn, self.at.lsn);
        if start > from || (self.at.sequence == 1 && start != from) {
            return damage(format!("a log that leads to LSN {from}"), format!("a log from LSN {start} on"));
        }
        Ok(())
    }

    /// Where the next batch stands, unless it is in another segment.
    fn next_offset(&self) -> u64 {
        segment_start(u64::from(self.at.segment), self.segment_bytes) + u64::from(self.at.offset)
    }

    /// Finds a whole batch with the next number, right behind the last one or at the start of a segment; leaves its records
    /// in `self.records`.
    fn find_next(&mut self) -> Result<Option<(BatchHeader, u32)>> {
        if self.at.offset < self.segment_bytes
            && let Some(found) = self.whole_batch_at(self.next_offset())?
        {
            return Ok(Some(found));
        }
        for segment in self.segments_starting_with_next()? {
            if mutant!("the scan ends with its segment") {
                break;
            }
            if let Some(found) = self.whole_batch_at(segment_start(u64::from(segment), self.segment_bytes))? {
                reached!("the log goes on in an earlier segment", segment < self.at.segment);
                reached!("the log goes on behind a segment that it skips", segment > self.at.segment + 1);
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The batch at `offset`, if it has the next number and nothing of it is missing.
    fn whole_batch_at(&mut self, offset: u64) -> Result<Option<(BatchHeader, u32)>> {
        match self.place_at(offset)? {
            Place::Header(header, sum) if header.sequence == self.at.sequence => {
                self.check_extent(&header)?;
                let whole = self.read_records(&header)?;
                reached!("a batch with a whole header has torn records", !whole);
                Ok(whole.then_some((header, sum)))
            }
            Place::Header(header, _) => {
                reached!("behind a batch stands one of long ago", header.sequence + 12 < self.at.sequence);
                Ok(None)
            }
            Place::Nothing => Ok(None),
        }
    }

    fn segments_starting_with_next(&mut self) -> Result<Vec<u32>> {
        if self.starts.is_none() {
            let behind_header = self.file_bytes - LOG_HEADER_BYTES as u64;
            let segments = behind_header.div_ceil(u64::from(self.segment_bytes));
            let mut starts = Vec::new();
            for segment in 0..segments {
                let offset = segment_start(segment, self.segment_bytes);
                if let Place::Header(header, _) = self.place_at(offset)?
                    && header.sequence >= self.at.sequence
                {
                    starts.push((header.sequence, segment_number(segment)));
                }
            }
            self.starts = Some(starts);
        }
        let starts = self.starts.as_deref().unwrap_or_default();
        let next = starts.iter().filter(|(sequence, _)| *sequence == self.at.sequence);
        Ok(next.map(|&(_, segment)| segment).collect())
    }

    fn place_at(&self, offset: u64) -> Result<Place> {
        if offset + BATCH_HEADER_BYTES as u64 > self.file_bytes {
            return Ok(Place::Nothing);
        }
        let mut bytes = [0; BATCH_HEADER_BYTES];
        self.read(&mut bytes, offset)?;
        self.place_in(&bytes, offset)
    }

    fn place_in(&self, bytes: &[u8; BATCH_HEADER_BYTES], offset: u64) -> Result<Place> {
        match BatchHeader::decode(bytes, &self.identity, offset) {
            Ok((header, sum)) => Ok(Place::Header(header, sum)),
            Err(BatchError::Absent) => Ok(Place::Nothing),
            Err(BatchError::Impossible(what)) => {
                Err(Error::corruption(&self.path, offset, "a batch header", what))
            }
        }
    }

    /// Reads the records of `header` into `self.records`; `false` if they are not as they were written.
    fn read_records(&mut self, header: &BatchHeader) -> Result<bool> {
        let start = header.file_offset + BATCH_HEADER_BYTES as u64;
        if start + u64::from(header.record_bytes) > self.file_bytes {
            return Ok(false);
        }
        let mut records = std::mem::take(&mut self.records);
        records.resize(header.record_bytes as usize, 0);
        self.read(&mut records, start)?;
        self.records = records;
        let sum = BatchHeader::sum_records(&self.identity, &self.records);
        Ok(sum == header.record_sum || mutant!("records are not summed"))
    }

    /// That a header which sums up describes a batch that can be where it is.
    fn check_extent(&self, header: &BatchHeader) -> Result<()> {
        let damage = |expected: String, found: String| {
            Err(Error::corruption(&self.path, header.file_offset, expected, found))
        };
        if header.segment_bytes != self.segment_bytes {
            let expected = format!("segments of {} bytes", self.segment_bytes);
            return damage(expected, header.segment_bytes.to_string());
        }
        let (_, in_segment) = segment_of(header.file_offset, self.segment_bytes);
        let room = u64::from(self.segment_bytes) - in_segment;
        if header.batch_bytes() > room {
            return damage(format!("a batch of at most {room} bytes"), header.batch_bytes().to_string());
        }
        Ok(())
    }

    /// That a whole batch with the next number goes on where the last one ended; returns the LSN behind it.
    fn check_follows(&self, header: &BatchHeader) -> Result<Lsn> {
        let damage = |expected: String, found: String| {
            Err(Error::corruption(&self.path, header.file_offset, expected, found))
        };
        if header.previous_sum != self.at.previous_sum {
            let expected = format!("a batch that follows one of checksum {:#010x}", self.at.previous_sum);
            return damage(expected, format!("{:#010x}", header.previous_sum));
        }
        if header.first_lsn != self.at.lsn {
            return damage(format!("a batch from LSN {}", self.at.lsn), header.first_lsn.to_string());
        }
        match header.first_lsn.0.checked_add(u64::from(header.record_bytes)) {
            Some(end) => Ok(Lsn(end)),
            None => damage("a batch that ends within 64 bits".to_owned(), header.first_lsn.to_string()),
        }
    }

    /// That the tail is a tail: no later batch stands anywhere in the file.
    ///
    /// The header of a later batch is enough to tell, since not even that was written before the missing batch was
    /// durable. The torn batch's own header, and leftovers of earlier uses of the segments, have no greater number.
    fn check_nothing_follows(&mut self) -> Result<()> {
        if mutant!("the first bad batch ends the log") {
            return Ok(());
        }
        let mut first_later: Option<BatchHeader> = None;
        let mut chunk = vec![0; SEARCH_BYTES.min(usize::try_from(self.file_bytes).unwrap_or(usize::MAX))];
        let mut chunk_offset = LOG_HEADER_BYTES as u64;
        while chunk_offset < self.file_bytes {
            let left = usize::try_from(self.file_bytes - chunk_offset).unwrap_or(usize::MAX);
            chunk.truncate(left);
            self.read(&mut chunk, chunk_offset)?;
            for (index, block) in chunk.chunks(batch_unit()).enumerate() {
                let offset = chunk_offset + (index * batch_unit()) as u64;
                let Some(bytes) = block.first_chunk::<BATCH_HEADER_BYTES>() else { continue };
                let Ok((header, _)) = BatchHeader::decode(bytes, &self.identity, offset) else { continue };
                let least = self.at.sequence + u64::from(!mutant!("a torn batch counts as a later one"));
                let later = header.sequence >= least;
                if later && first_later.is_none_or(|first| header.sequence < first.sequence) {
                    first_later = Some(header);
                }
            }
            chunk_offset += chunk.len() as u64;
        }
        match first_later {
            None => Ok(()),
            Some(later) => Err(self.damage_before(&later)?),
        }
    }

    /// The error for a missing batch in the middle, at the place where it most likely was.
    fn damage_before(&mut self, later: &BatchHeader) -> Result<Error> {
        let (later_segment, in_segment) = segment_of(later.file_offset, self.segment_bytes);
        let elsewhere = later_segment != u64::from(self.at.segment) && in_segment != 0;
        let offset = match self.segments_starting_with_next()?.first() {
            Some(&segment) => {
                reached!("the damaged batch starts a segment");
                segment_start(u64::from(segment), self.segment_bytes)
            }
            None if elsewhere => {
                reached!("the damaged batch is in another segment than the one before");
                segment_start(later_segment, self.segment_bytes)
            }
            None => {
                reached!("the damaged batch follows in its segment");
                self.next_offset()
            }
        };
        let expected = format!("batch {} of the log", self.at.sequence);
        let found = format!("no such batch, yet batch {} at byte {}", later.sequence, later.file_offset);
        Ok(Error::corruption(&self.path, offset, expected, found))
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        read_exact_at(&self.file, bytes, offset).map_err(|error| Error::io("read", &self.path, offset, error))
    }
}

fn segment_number(segment: u64) -> u32 {
    u32::try_from(segment).unwrap_or(u32::MAX)
}
