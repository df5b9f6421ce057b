//! The command line: commands, their arguments and their help.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::range::{ByteRange, parse_range};
use crate::size::{Position, parse_position, parse_size};

const EXAMPLES: &str = "\
Examples:
  numstore create notes.ns                     make a database
  numstore put notes.ns book book.txt          a stream with a file's bytes
  numstore insert notes.ns book --at 1MiB -    insert standard input in its middle
  numstore cat notes.ns book 10..20            print ten bytes
  numstore cut notes.ns book ..4KiB > head     remove the first bytes, and keep them
  numstore tour                                kill a writer again and again, and check every byte

Offsets and lengths are bytes, with units if you like: 4096, 4KiB, 1MB. Ranges are half open: 10..20, 10.., ..20, ..
Each command is one transaction, and durable when it returns: it has happened as a whole or not at all.

Exit codes: 0 done, 1 error, 2 wrong usage, 3 corruption (the file is damaged, is no database, or lost its log).
With --json, errors are {\"error\":{\"code\":N,\"kind\":\"NoSuchStream\",\"message\":\"...\"}} on standard error.";

const SESSION: &str = "\
A line is a transaction's name and what it is to do. Any word is a name; its first line begins the
transaction:
  A read STREAM [RANGE]         A write STREAM OFFSET TEXT    A create STREAM      A commit
  A len STREAM                  A insert STREAM OFFSET TEXT   A drop STREAM        A rollback
  A remove STREAM RANGE         A append STREAM TEXT          A rename FROM TO
  A read-for-update STREAM [RANGE]   reads what A is going to change: others that do so wait for A
TEXT is the rest of the line. Other lines: locks (the table of locks), stats (counters), # a comment.

The next line is read when every transaction is done with its last one or waits for a lock. Answers
to those that have waited come with the line that let them go on; lines for those that still wait
are kept until then. What is open after the last line is rolled back.

Errors of transactions (Busy, Deadlock, OutOfBounds, ...) are part of what is shown, and leave the
transaction open, locks and all: after a deadlock, roll it back. The exit code tells of others: 1 or
3 if something is wrong with the database or its disk, 2 for a line that makes no sense.

Examples:
  numstore session notes.ns                    type lines, and end with Ctrl-D
  numstore session notes.ns script.txt --json  an object for each thing that happens
  printf 'A write book 0 a\\nB read book 0..1\\nlocks\\n' | numstore session notes.ns";

/// Byte streams whose middle is as cheap as their end: insert, overwrite, cut anywhere, durably.
#[derive(Parser, Debug)]
#[command(name = "numstore", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Args {
    /// Print results and errors as JSON, one object on one line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The database that nearly every command takes first.
#[derive(clap::Args, Debug)]
pub struct Db {
    /// The database file
    pub db: PathBuf,
}

/// A stream of a database.
#[derive(clap::Args, Debug)]
pub struct StreamArg {
    /// The database file
    pub db: PathBuf,
    /// The stream's name
    pub stream: String,
}

/// Where the bytes come from.
#[derive(clap::Args, Debug)]
pub struct Source {
    /// Take the bytes from this file; `-` or nothing for standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take these characters instead
    #[arg(short, long, conflicts_with = "file")]
    pub text: Option<String>,
}

/// What `numstore` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a database if it is not there, and the streams named
    #[command(after_help = "Examples:\n  numstore create notes.ns\n  numstore create notes.ns draft final")]
    Create(Create),
    /// List the streams with their lengths
    Ls(Db),
    /// Replace a stream's bytes, or append to them; the stream is made if it is not there
    #[command(
        after_help = "The whole input is one transaction, however long it is: the stream has the old bytes or the \
        new ones.\n\nExamples:\n  numstore put notes.ns book book.txt\n  tar c src | numstore put backup.ns src.tar -\n  \
        date | numstore put notes.ns diary --append"
    )]
    Put(Put),
    /// Print a stream's bytes
    #[command(
        after_help = "Examples:\n  numstore cat notes.ns book\n  numstore cat notes.ns book 1MiB.. | less\n  \
        numstore cat samples.ns left 44.. --size 4 --stride 2   every other 4-byte element from byte 44 on"
    )]
    Cat(Cat),
    /// Insert bytes; what follows moves right
    #[command(after_help = "Examples:\n  numstore insert notes.ns book --at 4KiB chapter.txt\n  \
        numstore insert notes.ns book --at 0 --text 'Preface. '\n  echo fin | numstore insert notes.ns book --at end -")]
    Insert(Place),
    /// Overwrite bytes; past the end the stream grows
    #[command(after_help = "Examples:\n  numstore write notes.ns book --at 10 --text 'ten '\n  \
        numstore write disk.ns image --at 1GiB sector.bin")]
    Write(Place),
    /// Remove bytes; what follows moves left
    #[command(
        after_help = "Examples:\n  numstore rm notes.ns book 10..20\n  numstore rm notes.ns book 1GiB.."
    )]
    Rm(Span),
    /// Remove bytes and print them
    #[command(after_help = "The bytes go only after the reader has taken all of them.\n\nExamples:\n  \
        numstore cut notes.ns book ..4KiB > head.txt\n  \
        numstore cut a.ns x 5..9 | numstore insert b.ns y --at 0 -")]
    Cut(Span),
    /// Shorten a stream to a length
    #[command(after_help = "Examples:\n  numstore truncate notes.ns book 1MiB")]
    Truncate(Truncate),
    /// Rename a stream
    #[command(after_help = "Examples:\n  numstore mv notes.ns draft final")]
    Mv(Mv),
    /// Drop streams with all their bytes
    #[command(after_help = "Several streams go in one transaction: all of them or none.\n\nExamples:\n  \
        numstore drop notes.ns draft")]
    Drop(DropStreams),
    /// Show what a database or a stream is made of
    Stat(Stat),
    /// Read everything and check it: byte counts, occupancy, checksums, free space
    #[command(after_help = "Exit code 3 if there are problems.")]
    Verify(Db),
    /// Make the file shorter where much of it is free, and show how long it was and is
    #[command(
        after_help = "What lies at the end of the file moves to free blocks in front, and the file is cut. It stays as \
        it is if less than sixteen of the largest leaves are to be gained (1 MiB, unless the database was made with \
        others). A crash finds everything where it was, or where it went.\n\nExamples:\n  numstore compact notes.ns"
    )]
    Compact(Db),
    /// Run transactions side by side, as a script says, and show who waits for whom
    #[command(after_help = SESSION)]
    Session(Session),
    /// Print the log's records, as they are
    #[command(
        after_help = "Reads the log without opening the database, so nothing is recovered or changed. After a \
        clean close there is no log: the output is empty."
    )]
    Log(Db),
    /// See it survive: edit a big stream in 64 places, kill the writer, recover, check every byte
    #[command(after_help = "Examples:\n  numstore tour\n  numstore tour /usr/lib/libc.so.6 --size 1GiB\n  \
        numstore tour --dir /mnt/disk --keep")]
    Tour(Tour),
    /// The tour's writer, to be killed
    #[command(hide = true)]
    TourWriter(TourWriter),
}

/// Arguments of `create`.
#[derive(clap::Args, Debug)]
pub struct Create {
    /// The database file
    pub db: PathBuf,
    /// Streams to make, all or none
    pub streams: Vec<String>,
    /// Largest leaf of a new database
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    pub leaf: Option<u64>,
    /// Most children of an inner node of a new database
    #[arg(long, value_name = "CHILDREN")]
    pub fanout: Option<u32>,
}

/// Arguments of `put`.
#[derive(clap::Args, Debug)]
pub struct Put {
    /// The stream
    #[command(flatten)]
    pub at: StreamArg,
    /// The bytes
    #[command(flatten)]
    pub source: Source,
    /// Keep what is there, and add at the end
    #[arg(short, long)]
    pub append: bool,
}

/// Arguments of `cat`.
#[derive(clap::Args, Debug)]
pub struct Cat {
    /// The stream
    #[command(flatten)]
    pub at: StreamArg,
    /// Which bytes: 10..20, 10.., ..20, ..
    #[arg(value_parser = parse_range, default_value = "..")]
    pub range: ByteRange,
    /// Bytes of an element, to take elements at a distance from the range
    #[arg(long, value_name = "BYTES", value_parser = parse_nonzero_size)]
    pub size: Option<u64>,
    /// Elements from one taken to the next
    #[arg(long, requires = "size", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    pub stride: u64,
    /// How many elements; all that lie wholly in the range if left out
    #[arg(long, requires = "size")]
    pub count: Option<u64>,
}

/// Arguments of `insert` and `write`.
#[derive(clap::Args, Debug)]
pub struct Place {
    /// The stream
    #[command(flatten)]
    pub at: StreamArg,
    /// Where: a byte offset, or `end`
    #[arg(long = "at", value_name = "OFFSET", value_parser = parse_position)]
    pub offset: Position,
    /// The bytes
    #[command(flatten)]
    pub source: Source,
}

/// Arguments of `rm` and `cut`.
#[derive(clap::Args, Debug)]
pub struct Span {
    /// The stream
    #[command(flatten)]
    pub at: StreamArg,
    /// Which bytes: 10..20, 10.., ..20, ..
    #[arg(value_parser = parse_range)]
    pub range: ByteRange,
}

/// Arguments of `truncate`.
#[derive(clap::Args, Debug)]
pub struct Truncate {
    /// The stream
    #[command(flatten)]
    pub at: StreamArg,
    /// The new length, not above the old one
    #[arg(value_parser = parse_size)]
    pub len: u64,
}

/// Arguments of `mv`.
#[derive(clap::Args, Debug)]
pub struct Mv {
    /// The database file
    pub db: PathBuf,
    /// The stream's name
    pub from: String,
    /// Its new name, which no stream has
    pub to: String,
}

/// Arguments of `drop`.
#[derive(clap::Args, Debug)]
pub struct DropStreams {
    /// The database file
    pub db: PathBuf,
    /// The streams' names
    #[arg(required = true)]
    pub streams: Vec<String>,
}

/// Arguments of `stat`.
#[derive(clap::Args, Debug)]
pub struct Stat {
    /// The database file
    pub db: PathBuf,
    /// A stream; the whole database if left out
    pub stream: Option<String>,
}

/// Arguments of `session`.
#[derive(clap::Args, Debug)]
pub struct Session {
    /// The database file
    pub db: PathBuf,
    /// The script; `-` or nothing for standard input
    pub script: Option<PathBuf>,
    /// How long a call waits for a lock before it is Busy; with 0 none waits [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub lock_timeout: Option<Duration>,
}

impl Session {
    /// The file with the script; `None` for standard input.
    pub fn script(&self) -> Option<&Path> {
        self.script.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// Arguments of `tour`.
#[derive(clap::Args, Debug)]
pub struct Tour {
    /// Fill the stream with this file's bytes, repeated; the running program's own if left out
    pub file: Option<PathBuf>,
    /// Length of the stream to edit
    #[arg(long, value_name = "BYTES", default_value = "256MiB", value_parser = parse_size)]
    pub size: u64,
    /// Where to work; a directory is made there and removed at the end [default: the system's temporary directory]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Leave the database where it is
    #[arg(long)]
    pub keep: bool,
    /// Chooses places and moments of death [default: another one each time]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How often the writer is killed
    #[arg(long, default_value_t = 3)]
    pub kills: u32,
    /// Recorded transactions in one durable transaction [default: what keeps the syncs to some seconds]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub group: Option<u32>,
    /// Stop after about so many edits [default: both traces to their end, at every place]
    #[arg(long)]
    pub edits: Option<u64>,
}

/// Arguments of `tour-writer`.
#[derive(clap::Args, Debug)]
pub struct TourWriter {
    /// The database file
    pub db: PathBuf,
    /// First commit to make
    #[arg(long)]
    pub from: usize,
    /// Length of the stream before any edit
    #[arg(long)]
    pub size: u64,
    /// As given to the tour
    #[arg(long)]
    pub seed: u64,
    /// As given to the tour, or chosen by it
    #[arg(long)]
    pub group: u32,
    /// As given to the tour
    #[arg(long)]
    pub edits: Option<u64>,
}

/// A size that is not zero.
fn parse_nonzero_size(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("an element has at least one byte".into()),
        bytes => Ok(bytes),
    }
}

/// A time in seconds, such as 2 or 0.5.
fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| format!("{text:?} is no time in seconds; write it like 2 or 0.5"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
