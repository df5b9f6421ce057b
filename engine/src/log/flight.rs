//! Batches on their way to the disk, and who waits for them.
//!
//! A *flight* is everything that was appended up to some moment, with the place of each of its batches. Whoever begins one
//! writes it and syncs it, in its own task and without the latch that appending takes, so that others append meanwhile;
//! what they append goes with the next flight. Many commits land with one sync.
//!
//! 1. At most one flight is under way. A batch is written only after the sync of its predecessor has succeeded.
//! 2. A flight ends by landing, whatever happens to the task that leads it: one that is dropped before has failed.
//! 3. After a failure nothing is written to the file again, and everybody who waits is told.
//! 4. Whoever waits sleeps on the word of the flight that takes its records: that under way, or the next one. A landing
//!    wakes all who were aboard, and of those who wait for the next flight one, who leads it.
//!
//! ```text
//!            Log::take_off                  Flight::land
//!   idle ──────────────────► under way ──────────────────► idle      the buffer was taken; waiters are woken
//!                                │
//!                                │ Flight::drop, a failed write or sync
//!                                ▼
//!                             failed, for good
//! ```

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{BLOCK_BYTES, Error, Lsn, Result};
use crate::env::{AtomicWord, DiskFile, Platform, write_all_at};
use crate::format::batch::{BATCH_HEADER_BYTES, BatchHeader, LogIdentity};
use crate::sync::Latched;

use super::writer::LogCounters;

/// No record has it: whoever waits for it waits until nothing is under way.
const AT_REST: Lsn = Lsn(u64::MAX);
/// With so many commits in a flight it pays to let those who have landed run before the next one takes off.
const COMPANY: usize = 8;

/// The file of an open log, as the tasks that wait for it share it.
pub struct LogFile<F, P: Platform> {
    pub(super) file: F,
    pub(super) path: PathBuf,
    pub(super) identity: LogIdentity,
    pub(super) segment_bytes: u32,
    state: Latched<State, P>,
    /// For every second flight a word that counts what its passengers may wait for.
    gates: [P::AtomicU32; 2],
    /// Held over each sync of the file: one that fails leaves no other that succeeds behind it.
    syncing: Latched<(), P>,
}

struct State {
    /// All records before this LSN are durable.
    durable_lsn: Lsn,
    /// Checksum of the header of the last batch, or the seed.
    previous_sum: u32,
    /// A flight is under way, with all records before this LSN.
    flying: Option<Lsn>,
    /// How many flights have landed.
    landed: usize,
    /// How many commits the last one had aboard.
    aboard: usize,
    counters: LogCounters,
    failure: Option<String>,
    /// Buffers of the last flight, for the next one.
    spare: Buffers,
}

/// What a flight takes along: the records, and a batch that is being put together.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) records: Vec<u8>,
    batch: Vec<u8>,
}

/// Where one batch of a flight goes.
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) first_lsn: Lsn,
    pub(super) file_offset: u64,
    /// How many bytes of the flight's records it has.
    pub(super) record_bytes: usize,
}

/// How a wait stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// What is waited for is durable.
    Over,
    /// It never will be, for all that is known.
    Failed(String),
    /// A flight is under way; [`LogFile::wait_at`] this gate lasts until there is something to do.
    UnderWay(Gate),
    /// Nothing is under way.
    Idle {
        /// The last flight had many commits aboard: whoever leads the next one does well to wait a moment.
        in_company: bool,
    },
}

/// Where to wait, and what stood there before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gate {
    flight: usize,
    before: u32,
}

impl<F: DiskFile, P: Platform> LogFile<F, P> {
    pub(super) fn new(
        file: F,
        path: PathBuf,
        identity: LogIdentity,
        segment_bytes: u32,
        start_lsn: Lsn,
        counters: LogCounters,
    ) -> LogFile<F, P> {
        let state = State {
            durable_lsn: start_lsn,
            previous_sum: identity.seed(),
            flying: None,
            landed: 0,
            aboard: 0,
            counters,
            failure: None,
            spare: Buffers::default(),
        };
        let gates = [P::AtomicU32::new(0), P::AtomicU32::new(0)];
        let (state, syncing) = (Latched::new(state), Latched::new(()));
        LogFile { file, path, identity, segment_bytes, state, gates, syncing }
    }

    /// All records before this LSN are durable.
    pub fn durable_lsn(&self) -> Lsn {
        self.state.read().durable_lsn
    }

    /// What was done so far.
    pub fn counters(&self) -> LogCounters {
        self.state.read().counters
    }

    /// What failed, if a write or a sync ever did.
    #[cfg(test)]
    pub fn failure(&self) -> Option<String> {
        self.state.read().failure.clone()
    }

    /// That nothing has failed.
    ///
    /// # Errors
    /// [`Error::Poisoned`] otherwise.
    pub fn check(&self) -> Result<()> {
        match &self.state.read().failure {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// How it stands with what was logged before `lsn`.
    pub fn wait_state(&self, lsn: Lsn) -> Wait {
        // Before the state: a landing in between makes the wait end at once.
        let before = [self.gates[0].load_acquire(), self.gates[1].load_acquire()];
        let state = self.state.read();
        match (&state.failure, state.flying) {
            _ if state.durable_lsn >= lsn => Wait::Over,
            (Some(cause), _) => Wait::Failed(cause.clone()),
            (None, Some(end)) => {
                reached!("a commit is aboard a flight that another one leads", lsn <= end);
                // Whoever wants the log at rest is woken with those aboard: of those who wait for the next flight one is,
                // and it cannot begin that while another one has the latch.
                let waits_for_next = lsn > end && lsn != AT_REST;
                reached!("a commit waits for the flight behind the next landing", waits_for_next);
                reached!("a flight is waited for with the latch held", lsn == AT_REST);
                if lsn <= end && mutant!("a commit returns when its flight is under way") {
                    return Wait::Over;
                }
                let flight = state.landed + usize::from(waits_for_next);
                Wait::UnderWay(Gate { flight, before: before[flight % 2] })
            }
            (None, None) => Wait::Idle { in_company: state.aboard >= COMPANY },
        }
    }

    /// Blocks until the flight of this gate has landed or needs somebody to lead it, or for no reason at all.
    pub fn wait_at(&self, gate: Gate) {
        P::wait(&self.gates[gate.flight % 2], gate.before, None);
    }

    /// Blocks until nothing is under way. Whoever can begin a flight in between is held off by the caller, who sees to
    /// it that what was appended is written.
    pub(super) fn wait_until_idle(&self) {
        while let Wait::UnderWay(gate) = self.wait_state(AT_REST) {
            self.wait_at(gate);
        }
    }

    /// Wakes all who wait for `flight`, or one of them.
    fn open_gate(&self, flight: usize, for_all: bool) {
        let gate = &self.gates[flight % 2];
        gate.fetch_add_release(1);
        if for_all { P::wake_all(gate) } else { P::wake_one(gate) }
    }

    /// Checksum of the header of the last batch. Nothing is under way.
    pub(super) fn previous_sum(&self) -> u32 {
        let state = self.state.read();
        assert!(state.flying.is_none(), "a position exists between flights only");
        state.previous_sum
    }

    /// Notes a failure, after which nothing is written any more. Returns it.
    pub fn fail(&self, error: Error) -> Error {
        self.state.lock().failure.get_or_insert_with(|| error.to_string());
        self.open_gate(0, true);
        self.open_gate(1, true);
        error
    }

    /// Syncs the file. An error is there for everybody: the system tells of it once.
    pub(super) fn sync(&self, at: u64) -> Result<()> {
        let _one_at_a_time = self.syncing.lock();
        self.check()?;
        let synced = self.file.sync();
        let again = mutant!("a failed sync is tried again");
        let synced = if again { synced.or_else(|_| self.file.sync()) } else { synced };
        synced.map_err(|source| self.fail(Error::io("sync", self.told_path(), at, source)))
    }

    /// The path that errors name.
    fn told_path(&self) -> &Path {
        if mutant!("a failed log does not say its name") { Path::new("log") } else { &self.path }
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut LogCounters)) {
        count(&mut self.state.lock().counters);
    }

    /// Whether a flight is under way.
    pub(super) fn is_flying(&self) -> bool {
        self.state.read().flying.is_some()
    }

    /// Begins a flight with all records before `end`, so many of them commits; returns buffers for what comes after it.
    pub(super) fn begin(&self, end: Lsn, commits: usize) -> Buffers {
        let mut state = self.state.lock();
        assert!(state.flying.is_none(), "one flight at a time");
        state.flying = Some(end);
        state.aboard = commits;
        std::mem::take(&mut state.spare)
    }
}

/// Everything that was appended up to a moment, to be written by whoever holds it.
pub struct Flight<F: DiskFile, P: Platform> {
    pub(super) log: Arc<LogFile<F, P>>,
    pub(super) buffers: Buffers,
    pub(super) places: Vec<Place>,
    /// Whether its records refer to data that has to be synced before.
    pub(super) names_extents: bool,
    /// How far it came: everything before is durable.
    pub(super) durable_lsn: Lsn,
    pub(super) landed: bool,
}

impl<F: DiskFile, P: Platform> Flight<F, P> {
    /// Whether its records refer to extents of the data file, which must be durable before [`Flight::write`].
    pub fn names_extents(&self) -> bool {
        self.names_extents
    }

    /// Whether more than one commit is aboard.
    pub fn has_company(&self) -> bool {
        self.log.state.read().aboard > 1
    }

    /// Writes it batch by batch; each one is synced before the next is written. Returns up to where everything is known to be
    /// durable now, and what went wrong.
    ///
    /// # Errors
    /// [`Error::Io`] from the first write or sync that fails: what was to be durable then may or may not be found by
    /// recovery, and every later call returns [`Error::Poisoned`].
    pub fn write(&mut self) -> (Lsn, Result<()>) {
        let records = std::mem::take(&mut self.buffers.records);
        let mut rest = &records[..];
        let (mut end, mut outcome) = (self.durable_lsn, self.log.check());
        reached!("a flush of several batches", self.places.len() > 1);
        for place in std::mem::take(&mut self.places) {
            if outcome.is_err() {
                break;
            }
            let (mine, others) = rest.split_at(place.record_bytes);
            outcome = self.write_batch(&place, mine);
            if outcome.is_ok() {
                rest = others;
                end = Lsn(place.first_lsn.0 + place.record_bytes as u64);
            }
        }
        // All of it, or nothing that anybody is told of: there is one version for a whole flight.
        if outcome.is_ok() {
            self.durable_lsn = end;
        }
        reached!(
            "a flush failed behind a batch that is durable",
            outcome.is_err() && rest.len() < records.len()
        );
        self.buffers.records = records;
        let careless = mutant!("a failed write does not poison")
            && matches!(&outcome, Err(Error::Io { op: "write", source, .. }) if source.kind() == ErrorKind::Other);
        let outcome = if careless { outcome } else { outcome.map_err(|e| self.log.fail(e)) };
        (self.durable_lsn, outcome)
    }

    /// Gives up before anything was written, because of `error`, which it returns.
    pub fn fail(self, error: Error) -> Error {
        self.log.fail(error)
    }

    /// Tells everybody who waits how far it came.
    pub fn land(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.landed = true;
        let mut state = self.log.state.lock();
        state.flying = None;
        state.durable_lsn = self.durable_lsn;
        let flight = state.landed;
        state.landed += 1;
        let failed = state.failure.is_some();
        self.buffers.records.clear();
        state.spare = std::mem::take(&mut self.buffers);
        drop(state);
        self.log.open_gate(flight, !mutant!("a landing wakes one of those aboard"));
        if !mutant!("a landing wakes nobody to lead the next flight") {
            self.log.open_gate(flight + 1, failed);
        }
    }

    fn write_batch(&mut self, place: &Place, records: &[u8]) -> Result<()> {
        let (header, sum) = self.put_batch_together(place, records);
        let log = &self.log;
        write_all_at(&log.file, &self.buffers.batch, place.file_offset)
            .map_err(|source| Error::io("write", log.told_path(), place.file_offset, source))?;
        if !mutant!("a batch is not synced") {
            log.sync(place.file_offset)?;
        }
        let mut state = log.state.lock();
        state.previous_sum = sum;
        count_batch(&mut state.counters, &header);
        Ok(())
    }

    /// Leaves the bytes of a batch in the buffer for it; returns its header and that one's checksum.
    fn put_batch_together(&mut self, place: &Place, records: &[u8]) -> (BatchHeader, u32) {
        let identity = self.log.identity;
        let header = BatchHeader {
            identity,
            sequence: place.sequence,
            first_lsn: place.first_lsn,
            file_offset: place.file_offset,
            record_bytes: u32::try_from(records.len()).expect("invariant: a batch fits a segment"),
            record_sum: BatchHeader::sum_records(&identity, records),
            previous_sum: self.log.state.read().previous_sum,
            segment_bytes: self.log.segment_bytes,
        };
        let (bytes, sum) = header.encode();
        let batch = &mut self.buffers.batch;
        batch.clear();
        batch.extend_from_slice(&bytes);
        batch.extend_from_slice(records);
        reached!("a batch of many blocks", batch.len() > 3 * BLOCK_BYTES);
        let padded = usize::try_from(header.batch_bytes()).expect("invariant: a batch fits a segment");
        batch.resize(padded, 0);
        (header, sum)
    }
}

impl<F: DiskFile, P: Platform> Drop for Flight<F, P> {
    fn drop(&mut self) {
        if !self.landed {
            let file = self.log.path.display();
            self.log.state.lock().failure.get_or_insert_with(|| format!("a write of {file} was broken off"));
            self.end();
        }
    }
}

fn count_batch(counters: &mut LogCounters, header: &BatchHeader) {
    let (records, written) = (u64::from(header.record_bytes), header.batch_bytes());
    counters.batches += 1;
    counters.syncs += 1;
    counters.bytes_written += written;
    counters.record_bytes += records;
    counters.header_bytes += BATCH_HEADER_BYTES as u64;
    counters.padding_bytes += written - records - BATCH_HEADER_BYTES as u64;
}
