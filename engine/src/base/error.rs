//! The one error type, with codes that never change.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What every fallible call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong. [`Error::code`] gives the stable number of each kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused or failed an operation on a file.
    #[error("{op} failed on {file} at byte {offset}: {source}")]
    Io {
        /// What was tried: `read`, `write`, `sync`, …
        op: &'static str,
        /// The file.
        file: PathBuf,
        /// Where in the file, in bytes; zero where an offset has no meaning.
        offset: u64,
        /// The system's own error.
        source: std::io::Error,
    },
    /// Bytes on disk are not what was written. Nothing was changed.
    #[error("corruption in {file} at byte {offset}: expected {expected}, found {found}")]
    Corruption {
        /// The file.
        file: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file is not a NumStore database.
    #[error("{file} is not a NumStore database: {reason}")]
    NotADatabase {
        /// The file.
        file: PathBuf,
        /// How that was seen.
        reason: String,
    },
    /// The file was written by another version of the format.
    #[error("{file} has format version {found}; this build reads version {supported}")]
    UnsupportedVersion {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that this build reads.
        supported: u32,
    },
    /// Another process, or another handle in this one, has the database open.
    #[error("{file} is in use by another handle or process")]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// The database was not shut down cleanly and its log has gone: committed data would be lost.
    #[error("{file} needs its log {log} to recover, and the log is missing")]
    LogMissing {
        /// The database.
        file: PathBuf,
        /// The log that should be there.
        log: PathBuf,
    },
    /// There is no database at that path, and `create` was not asked for.
    #[error("no database at {file}")]
    NoDatabase {
        /// The path.
        file: PathBuf,
    },
    /// An offset or range reaches beyond the end of the stream. Nothing was changed.
    #[error("range {start}..{end} is outside a stream of {len} bytes")]
    OutOfBounds {
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// Length of the stream.
        len: u64,
    },
    /// No stream has that name.
    #[error("no stream is named {name:?}")]
    NoSuchStream {
        /// The name.
        name: String,
    },
    /// A stream of that name exists already.
    #[error("a stream named {name:?} exists already")]
    StreamExists {
        /// The name.
        name: String,
    },
    /// Names are UTF-8 of 1 to 1024 bytes.
    #[error("a stream's name has 1 to 1024 bytes, this one has {bytes}")]
    BadName {
        /// Length of the rejected name.
        bytes: usize,
    },
    /// An argument that can never be right: a stride of zero, an empty element, a setting out of range.
    #[error("invalid argument: {what}")]
    InvalidArgument {
        /// What is wrong with it.
        what: String,
    },
    /// Another open transaction has a lock on it, and did not end in [`Options::lock_timeout`](crate::Options::lock_timeout).
    /// Nothing was changed.
    #[error("{what} is locked by another open transaction")]
    Busy {
        /// The stream or name.
        what: String,
    },
    /// The savepoint was rolled back past, or belongs to another transaction.
    #[error("the savepoint no longer exists")]
    NoSuchSavepoint,
    /// The log could not be made durable: the commit may or may not survive a restart.
    #[error("the outcome of the commit is unknown until the database is reopened: {cause}")]
    InDoubt {
        /// What failed.
        cause: String,
    },
    /// An earlier write or sync failed. Reads of durable data go on; reopen to write again.
    #[error("the database refuses writes since an earlier failure: {cause}")]
    Poisoned {
        /// What failed.
        cause: String,
    },
    /// The operation would leave a stream longer than 2^63 bytes. Nothing was changed.
    #[error("the stream would become too long")]
    TooLong,
    /// Transactions wait for each other in a circle, and this one was chosen to give way. The call has changed nothing; roll
    /// the transaction back, which lets the others go on, and run it again, as
    /// [`Database::transact`](crate::Database::transact) does.
    #[error("deadlock: {cycle}")]
    Deadlock {
        /// Who waits for whom, and for what.
        cycle: String,
    },
    /// The snapshot is older than [`Options::snapshot_max_age`](crate::Options::snapshot_max_age) allows, and what it could
    /// reach may have been overwritten. Take another one.
    #[error("the snapshot is too old to be read")]
    SnapshotTooOld,
}

/// Stable numbers of the kinds of [`Error`], the same in every language binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is described at the Error of the same name")]
pub enum ErrorCode {
    Io = 1,
    Corruption = 2,
    NotADatabase = 3,
    UnsupportedVersion = 4,
    Locked = 5,
    LogMissing = 6,
    NoDatabase = 7,
    OutOfBounds = 8,
    NoSuchStream = 9,
    StreamExists = 10,
    BadName = 11,
    InvalidArgument = 12,
    Busy = 13,
    NoSuchSavepoint = 14,
    InDoubt = 15,
    Poisoned = 16,
    TooLong = 17,
    Deadlock = 18,
    SnapshotTooOld = 19,
}

impl Error {
    /// The stable code of this kind of error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Io { .. } => ErrorCode::Io,
            Error::Corruption { .. } => ErrorCode::Corruption,
            Error::NotADatabase { .. } => ErrorCode::NotADatabase,
            Error::UnsupportedVersion { .. } => ErrorCode::UnsupportedVersion,
            Error::Locked { .. } => ErrorCode::Locked,
            Error::LogMissing { .. } => ErrorCode::LogMissing,
            Error::NoDatabase { .. } => ErrorCode::NoDatabase,
            Error::OutOfBounds { .. } => ErrorCode::OutOfBounds,
            Error::NoSuchStream { .. } => ErrorCode::NoSuchStream,
            Error::StreamExists { .. } => ErrorCode::StreamExists,
            Error::BadName { .. } => ErrorCode::BadName,
            Error::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Error::Busy { .. } => ErrorCode::Busy,
            Error::NoSuchSavepoint => ErrorCode::NoSuchSavepoint,
            Error::InDoubt { .. } => ErrorCode::InDoubt,
            Error::Poisoned { .. } => ErrorCode::Poisoned,
            Error::TooLong => ErrorCode::TooLong,
            Error::Deadlock { .. } => ErrorCode::Deadlock,
            Error::SnapshotTooOld => ErrorCode::SnapshotTooOld,
        }
    }

    /// An [`Error::Io`] that says what was tried, on which file and where.
    pub(crate) fn io(op: &'static str, file: &Path, offset: u64, source: std::io::Error) -> Error {
        Error::Io { op, file: file.to_owned(), offset, source }
    }

    /// An [`Error::Corruption`] at a place.
    pub(crate) fn corruption(
        file: &Path,
        offset: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Corruption { file: file.to_owned(), offset, expected: expected.into(), found: found.into() }
    }

    /// Whether there is no space left, on the disk, in a quota or under a limit on the length of files.
    pub(crate) fn is_full(&self) -> bool {
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
        matches!(self, Error::Io { source, .. } if full.contains(&source.kind()))
    }

    /// Whether a sync failed, after which nothing is known of what was written before.
    pub(crate) fn is_failed_sync(&self) -> bool {
        matches!(self, Error::Io { op: "sync" | "sync directory", .. })
    }

    /// Whether it tells something of the content of streams, or of which names there are.
    pub(crate) fn tells_content(&self) -> bool {
        use Error::{NoSuchStream, OutOfBounds, StreamExists, TooLong};
        matches!(self, OutOfBounds { .. } | NoSuchStream { .. } | StreamExists { .. } | TooLong)
    }

    /// The same for a call that commits nothing: nothing of it is in doubt.
    pub(crate) fn without_doubt(self) -> Error {
        match self {
            Error::InDoubt { cause } => Error::Poisoned { cause },
            other => other,
        }
    }

    /// An [`Error::InvalidArgument`].
    pub(crate) fn invalid(what: impl Into<String>) -> Error {
        Error::InvalidArgument { what: what.into() }
    }
}
