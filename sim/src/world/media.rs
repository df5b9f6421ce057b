//! A medium that goes bad: ranges that cannot be read or written, a write that lands elsewhere, syncs that lie.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::World;
use super::faults::FaultKind;
use super::image::PAGE;
use super::ledger::Strike;
use super::state::{State, is_data, is_log};

/// What of a file goes bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadPart {
    /// Reads of the data file.
    DataReads,
    /// Writes to the data file.
    DataWrites,
    /// Reads of logs.
    LogReads,
    /// Writes to logs.
    LogWrites,
}

/// What is wrong with the medium.
#[derive(Default)]
pub(crate) struct Media {
    /// Bytes that fail, until they are repaired.
    bad: Vec<(BadPart, Range<u64>)>,
    /// Writes to the data file until one lands elsewhere, and the block in which it does.
    misdirect: Option<(u64, u64)>,
    /// The same for writes to logs.
    misdirect_log: Option<(u64, u64)>,
    /// Syncs until they begin to lie.
    lies: Option<u64>,
}

impl Media {
    /// The power fails: what is bad stays bad.
    pub(crate) fn lose_power(&mut self) {
        *self = Media { bad: std::mem::take(&mut self.bad), ..Media::default() };
        reached!("a part of a file was bad before a power loss and behind it", !self.bad.is_empty());
    }

    /// All is well again, as far as nothing was damaged.
    pub(crate) fn heal(&mut self) {
        *self = Media::default();
    }

    pub(crate) fn repair(&mut self) {
        self.bad.clear();
    }

    pub(crate) fn aim(&mut self) {
        (self.misdirect, self.misdirect_log) = (None, None);
    }
}

impl State {
    /// Why a transfer fails, if it touches what is bad.
    pub(crate) fn refuse_bad(&mut self, path: &Path, bytes: Range<u64>, writes: bool) -> Option<io::Error> {
        let part = match (is_data(path), writes) {
            (true, false) => BadPart::DataReads,
            (true, true) => BadPart::DataWrites,
            (false, false) => BadPart::LogReads,
            (false, true) => BadPart::LogWrites,
        };
        let touches = |bad: &Range<u64>| bad.start < bytes.end && bytes.start < bad.end;
        self.media.bad.iter().find(|(bad, range)| *bad == part && touches(range))?;
        if writes {
            self.counters.writes_failed += 1;
        } else {
            self.counters.reads_failed += 1;
        }
        self.strike(Strike::Failed, path);
        reached!("a node could not be read", part == BadPart::DataReads);
        reached!("a part of the data file could not be written", part == BadPart::DataWrites);
        reached!("a part of a log could not be read", part == BadPart::LogReads);
        reached!("a part of a log could not be written", part == BadPart::LogWrites);
        self.narrate(|| format!("  {} is bad at {}", path.display(), bytes.start));
        Some(io::Error::other("injected bad range"))
    }

    /// Where a write to `offset` lands in a file of `len` bytes.
    pub(crate) fn landing(&mut self, path: &Path, offset: u64, len: u64) -> u64 {
        let blocks = len / PAGE;
        let aimed = match (is_data(path), is_log(path)) {
            (true, _) => &mut self.media.misdirect,
            (false, true) => &mut self.media.misdirect_log,
            (false, false) => return offset,
        };
        match aimed {
            Some((0, block)) if blocks > 1 => {
                let block = *block % blocks;
                let landing = if block == offset / PAGE { (block + 1) % blocks } else { block } * PAGE;
                *aimed = None;
                self.counters.misdirected += 1;
                self.counters.misdirected_logs += u64::from(!is_data(path));
                reached!("a write landed on a superblock", is_data(path) && landing < 2 * PAGE);
                reached!("a write landed elsewhere in the data file", is_data(path) && landing >= 2 * PAGE);
                reached!("a write landed elsewhere in a log", !is_data(path));
                self.narrate(|| format!("  a write to {} @{offset} lands at {landing}", path.display()));
                landing + offset % PAGE
            }
            Some((left @ 1.., _)) => {
                *left -= 1;
                offset
            }
            _ => offset,
        }
    }

    /// Whether a sync makes nothing durable and says that it did.
    pub(crate) fn lies(&mut self) -> bool {
        match &mut self.media.lies {
            Some(0) => {
                self.counters.lies += 1;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

impl World {
    /// From now on these bytes of the data file, or of every log, cannot be read or written, until
    /// [`World::relieve`].
    pub fn go_bad(&self, part: BadPart, bytes: Range<u64>) {
        let mut state = self.shared.lock();
        let writes = matches!(part, BadPart::DataWrites | BadPart::LogWrites);
        let fails = !(writes && state.without.has(FaultKind::WriteFailures));
        if fails && !state.without.has(FaultKind::BadRanges) {
            state.media.bad.push((part, bytes));
        }
    }

    /// After the next `writes` ones, a write to the data file lands in this block, modulo the blocks that there are.
    pub fn misdirect_write_after(&self, writes: u64, block: u64) {
        let mut state = self.shared.lock();
        state.media.misdirect = (!state.without.has(FaultKind::MisdirectedWrites)).then_some((writes, block));
    }

    /// The same for a write to a log.
    pub fn misdirect_log_write_after(&self, writes: u64, block: u64) {
        let mut state = self.shared.lock();
        let aimed = !state.without.has(FaultKind::MisdirectedWrites);
        state.media.misdirect_log = aimed.then_some((writes, block));
    }

    /// From now on writes land where they should.
    pub fn aim(&self) {
        self.shared.lock().media.aim();
    }

    /// After the next `syncs` ones, syncs of files and directories do nothing and say that all is well, until the power fails.
    pub fn lie_after(&self, syncs: u64) {
        let mut state = self.shared.lock();
        state.media.lies = (!state.without.has(FaultKind::LyingDisk)).then_some(syncs);
    }
}
