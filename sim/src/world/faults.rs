//! The kinds of faults, and switches for them: with one off it shows which bugs only that one finds.

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// The process dies or gives up, and what it wrote stays visible and is not durable. Off: the power fails instead.
    Kill,
    /// The power fails. Off: the process dies instead.
    PowerLoss,
    /// A sector is torn inside, when the power fails or a write ends early.
    Tears,
    /// A name or its removal is lost, when the power fails.
    NameLoss,
    /// A sync fails.
    SyncFailures,
    /// A write fails. Off: no part of a file is bad for writing either.
    WriteFailures,
    /// The disk is full, until it has refused something or for longer.
    FullDisk,
    /// Bits rot.
    Rot,
    /// Transfers are short.
    ShortTransfers,
    /// A crash or another fault strikes in a recovery.
    CrashInRecovery,
    /// What a failed sync did not write is not seen any more. Off: it is seen until the next process, as if written.
    RevertedPages,
    /// The disk's atomic unit has 4 KiB. Off: 512 bytes.
    WideSectors,
    /// I/O calls take seconds.
    SlowIo,
    /// Wall time jumps or stands still.
    ClockJumps,
    /// Parts of files cannot be read or written until they are repaired.
    BadRanges,
    /// A write lands elsewhere in its file.
    MisdirectedWrites,
    /// Syncs make nothing durable.
    LyingDisk,
    /// A change of names fails, or the sync of a directory.
    NameFailures,
    /// A file's length is lost while what was written behind its old end lasts, or the other way round. Off: every length
    /// lasts.
    LostLengths,
    /// What was never written of a file that has grown holds stale bytes, when the power fails. Off: zeros.
    StaleGaps,
    /// The background task panics while it writes, or a call does.
    Panics,
    /// The file system has no transfers around the system's cache, which shows when a file is opened for them or at the first
    /// one. Off: it has them.
    NoDirectIo,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 22] = [
        FaultKind::Kill,
        FaultKind::PowerLoss,
        FaultKind::Tears,
        FaultKind::NameLoss,
        FaultKind::SyncFailures,
        FaultKind::WriteFailures,
        FaultKind::FullDisk,
        FaultKind::Rot,
        FaultKind::ShortTransfers,
        FaultKind::CrashInRecovery,
        FaultKind::RevertedPages,
        FaultKind::WideSectors,
        FaultKind::SlowIo,
        FaultKind::ClockJumps,
        FaultKind::BadRanges,
        FaultKind::MisdirectedWrites,
        FaultKind::LyingDisk,
        FaultKind::NameFailures,
        FaultKind::LostLengths,
        FaultKind::StaleGaps,
        FaultKind::Panics,
        FaultKind::NoDirectIo,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Kill => "kill",
            FaultKind::PowerLoss => "power-loss",
            FaultKind::Tears => "tears",
            FaultKind::NameLoss => "name-loss",
            FaultKind::SyncFailures => "sync-failures",
            FaultKind::WriteFailures => "write-failures",
            FaultKind::FullDisk => "full-disk",
            FaultKind::Rot => "rot",
            FaultKind::ShortTransfers => "short-transfers",
            FaultKind::CrashInRecovery => "crash-in-recovery",
            FaultKind::RevertedPages => "reverted-pages",
            FaultKind::WideSectors => "wide-sectors",
            FaultKind::SlowIo => "slow-io",
            FaultKind::ClockJumps => "clock-jumps",
            FaultKind::BadRanges => "bad-ranges",
            FaultKind::MisdirectedWrites => "misdirected-writes",
            FaultKind::LyingDisk => "lying-disk",
            FaultKind::NameFailures => "name-failures",
            FaultKind::LostLengths => "lost-lengths",
            FaultKind::StaleGaps => "stale-gaps",
            FaultKind::Panics => "panics",
            FaultKind::NoDirectIo => "no-direct-io",
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// If there is none: the names that there are.
    pub fn parse(name: &str) -> Result<FaultKind, String> {
        let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("one of {}", FaultKind::ALL.map(FaultKind::name).join(", ")))
    }
}

/// The kinds of faults that are switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Without(u32);

impl Without {
    /// The kinds, in the order of [`FaultKind::ALL`].
    pub fn kinds(self) -> impl Iterator<Item = FaultKind> {
        FaultKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Without) -> Without {
        Without(self.0 | other.0)
    }

    /// As a number.
    pub fn bits(self) -> u64 {
        u64::from(self.0)
    }

    /// From what [`Without::bits`] gave; other bits say nothing.
    pub fn from_bits(bits: u64) -> Without {
        FaultKind::ALL.into_iter().filter(|kind| bits >> *kind as u16 & 1 == 1).collect()
    }

    /// Whether faults of this kind do not occur.
    pub fn has(self, kind: FaultKind) -> bool {
        self.0 >> kind as u16 & 1 == 1
    }
}

impl FromIterator<FaultKind> for Without {
    fn from_iter<I: IntoIterator<Item = FaultKind>>(kinds: I) -> Without {
        Without(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as u16))
    }
}
