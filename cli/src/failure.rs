//! Everything that can end a command early, with its exit code and its stable number.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use numstore::{Error, ErrorCode};

/// Anything that is not one of the following.
pub const EXIT_ERROR: u8 = 1;
/// The command line makes no sense.
pub const EXIT_USAGE: u8 = 2;
/// What is on disk is not what was written.
pub const EXIT_CORRUPTION: u8 = 3;

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The engine says so.
    Engine(Error),
    /// A file other than the database: input, or what the tour works with.
    File { op: &'static str, path: PathBuf, source: io::Error },
    /// The result could not be written. Silent where the reader has gone.
    Stdout(io::Error),
    /// The command line makes no sense.
    Usage(String),
    /// `verify` found problems, and has printed them.
    Problems(usize),
    /// The reader of `cut` went away before it had all the bytes.
    CutUnread,
    /// The tour could not be carried through.
    Tour(String),
    /// After a crash, the tour found something other than what was committed.
    TourMismatch(String),
}

/// Shorthand for fallible functions of this program.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failed operation on a file that is not the database.
    pub fn file(op: &'static str, path: &Path, source: io::Error) -> Failure {
        Failure::File { op, path: path.to_owned(), source }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Engine(error) => match error.code() {
                ErrorCode::Corruption | ErrorCode::NotADatabase | ErrorCode::LogMissing => EXIT_CORRUPTION,
                _ => EXIT_ERROR,
            },
            Failure::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Usage(_) => EXIT_USAGE,
            Failure::Problems(_) | Failure::TourMismatch(_) => EXIT_CORRUPTION,
            _ => EXIT_ERROR,
        }
    }

    /// Whether to say nothing: a reader that has gone wants no more, and that is no error.
    pub fn is_silent(&self) -> bool {
        matches!(self, Failure::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The stable number: the engine's own codes, and from 100 on those of this program.
    pub fn code(&self) -> u32 {
        match self {
            Failure::Engine(error) => error.code() as u32,
            Failure::File { .. } | Failure::Stdout(_) => ErrorCode::Io as u32,
            Failure::Problems(_) => ErrorCode::Corruption as u32,
            Failure::Usage(_) => 100,
            Failure::CutUnread => 101,
            Failure::Tour(_) => 102,
            Failure::TourMismatch(_) => 103,
        }
    }

    /// The name that goes with [`Failure::code`].
    pub fn kind(&self) -> String {
        match self {
            Failure::Engine(error) => format!("{:?}", error.code()),
            Failure::File { .. } | Failure::Stdout(_) => "Io".into(),
            Failure::Problems(_) => "Corruption".into(),
            Failure::Usage(_) => "Usage".into(),
            Failure::CutUnread => "CutUnread".into(),
            Failure::Tour(_) => "Tour".into(),
            Failure::TourMismatch(_) => "TourMismatch".into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Engine(error) => error.fmt(f),
            Failure::File { op, path, source } => write!(f, "cannot {op} {}: {source}", path.display()),
            Failure::Stdout(source) => write!(f, "cannot write the result: {source}"),
            Failure::Usage(text) => f.write_str(text),
            Failure::Problems(1) => f.write_str("the database has 1 problem"),
            Failure::Problems(n) => write!(f, "the database has {n} problems"),
            Failure::CutUnread => {
                f.write_str("the reader went away before it had all bytes; nothing was removed")
            }
            Failure::Tour(text) => write!(f, "the tour cannot go on: {text}"),
            Failure::TourMismatch(text) => write!(f, "the tour found a difference: {text}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Engine(error)
    }
}
