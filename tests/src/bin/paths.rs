//! How many instructions the processor takes for a call of each kind, against those last recorded: seconds are noise where
//! instructions are not. `cargo run --release -p tests --bin paths -- [--record] [PATH…]`.
//!
//! Each path runs in a process of its own under callgrind, which counts inside [`measured`] only: what prepares it does not
//! count, nor does the system. Files are real; there is no task in the background.

#![expect(clippy::print_stdout, reason = "figures are for people to read")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use numstore::{Database, Options, Result, Snapshot, Stream, Stride, Transaction};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::Trace;

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/paths.json");
/// What a path may come to, of what was recorded.
const TOLERANCE: f64 = 0.05;
const STREAM_BYTES: u64 = 4 << 20;
const NAMES: u64 = 1_000;

type Call = Box<dyn FnMut(u64) -> Result<()>>;

/// A kind of call: its name, how many are counted, and what prepares them.
struct Kind(&'static str, u64, fn(Lab) -> Result<Call>);

const KINDS: [Kind; 17] = [
    Kind("insert in a transaction", 2_000, |lab| {
        let stream = lab.open()?;
        Ok(Box::new(move |at| stream.insert(lab.place(at), &[7; 16])))
    }),
    Kind("insert where the last one ended", 2_000, |lab| {
        let stream = lab.open()?;
        Ok(Box::new(move |at| stream.insert(1_000 + at, &[7])))
    }),
    Kind("edit as one who wrote rustcode", 20_000, |lab| {
        let stream = lab.begin()?.create("rustcode")?;
        let patches: Vec<_> = Trace::load("rustcode").transactions.into_iter().flatten().collect();
        Ok(Box::new(move |at| {
            let patch = &patches[at as usize];
            stream.splice(patch.position, patch.deleted, &patch.inserted).map(drop)
        }))
    }),
    Kind("insert and commit", 500, |lab| Ok(Box::new(move |at| lab.db.insert("s", lab.place(at), &[7; 16])))),
    Kind("remove in a transaction", 2_000, |lab| {
        let stream = lab.open()?;
        Ok(Box::new(move |at| stream.remove(lab.place(at)..lab.place(at) + 16)))
    }),
    Kind("overwrite in a transaction", 2_000, |lab| {
        let stream = lab.open()?;
        Ok(Box::new(move |at| stream.write(lab.place(at), &[7; 16])))
    }),
    Kind("read 100 bytes in a transaction", 2_000, |lab| {
        let (stream, mut bytes) = (lab.open()?, [0; 100]);
        Ok(Box::new(move |at| stream.read_at(lab.place(at), &mut bytes).map(drop)))
    }),
    Kind("read 100 bytes in a snapshot", 5_000, |lab| {
        let (snapshot, mut bytes) = (lab.snapshot().stream("s")?, [0; 100]);
        Ok(Box::new(move |at| snapshot.read_at(lab.place(at), &mut bytes).map(drop)))
    }),
    Kind("read 4 bytes of 64, 1000 times", 50, |lab| {
        let snapshot = lab.snapshot().stream("s")?;
        Ok(Box::new(move |at| {
            let stride = Stride { start: lab.place(at) / 2, size: 4, stride: 16, count: 1_000 };
            snapshot.read_strided(stride).map(drop)
        }))
    }),
    Kind("scan 1 MiB", 10, |lab| {
        let snapshot = lab.snapshot().stream("s")?;
        Ok(Box::new(move |at| snapshot.read(lab.place(at) / 2..lab.place(at) / 2 + (1 << 20)).map(drop)))
    }),
    Kind("open one of a thousand by name", 2_000, |lab| {
        let tx = lab.begin()?;
        Ok(Box::new(move |at| tx.stream(&name_of(lab.place(at))).map(drop)))
    }),
    Kind("take a snapshot", 5_000, |lab| {
        Ok(Box::new(move |_| {
            drop(lab.db.snapshot());
            Ok(())
        }))
    }),
    Kind("transaction that does nothing", 5_000, |lab| Ok(Box::new(move |_| lab.db.begin()?.commit()))),
    Kind("insert and roll back", 500, |lab| {
        Ok(Box::new(move |at| {
            let tx = lab.db.begin()?;
            tx.stream("s")?.insert(lab.place(at), &[7; 16])?;
            tx.rollback()
        }))
    }),
    Kind("append 1 MiB and commit", 10, |lab| {
        let bytes = random_bytes(1 << 20);
        Ok(Box::new(move |_| lab.db.append("s", &bytes)))
    }),
    Kind("checkpoint behind 200 inserts", 5, |lab| {
        let stream_bytes = STREAM_BYTES;
        Ok(Box::new(move |at| {
            let tx = lab.db.begin()?;
            let stream = tx.stream("s")?;
            (0..200).try_for_each(|n| stream.insert((at * 200 + n) * 7_919 % stream_bytes, &[7; 16]))?;
            tx.commit()?;
            lab.db.checkpoint()
        }))
    }),
    Kind("create and drop a stream", 300, |lab| {
        Ok(Box::new(move |at| {
            let tx = lab.db.begin()?;
            let name = format!("new {at}");
            tx.create(&name)?;
            tx.drop_stream(&name)?;
            tx.commit()
        }))
    }),
];

/// A database of 4 MiB in one stream and a thousand empty ones, and places in it.
struct Lab {
    db: &'static Database,
    places: Vec<u64>,
}

impl Lab {
    fn new(dir: &Path) -> Result<Lab> {
        let db = Options::new().background(false).open(dir.join("paths.ns"))?;
        db.transact(|tx| {
            tx.create("s")?.append(&random_bytes(STREAM_BYTES as usize))?;
            (0..NAMES).try_for_each(|name| tx.create(&name_of(name)).map(drop))
        })?;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let places = (0..8_192).map(|_| rng.random_range(0..STREAM_BYTES / 2)).collect();
        // Every node is in memory when the counting begins.
        db.read("s", ..)?;
        Ok(Lab { db: Box::leak(Box::new(db)), places })
    }

    fn place(&self, at: u64) -> u64 {
        self.places[at as usize % self.places.len()]
    }

    fn begin(&self) -> Result<&'static Transaction> {
        Ok(Box::leak(Box::new(self.db.begin()?)))
    }

    fn open(&self) -> Result<Stream<'static>> {
        self.begin()?.stream("s")
    }

    fn snapshot(&self) -> &'static Snapshot {
        Box::leak(Box::new(self.db.snapshot()))
    }
}

fn random_bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut bytes);
    bytes
}

fn name_of(number: u64) -> String {
    format!("stream {}", number % NAMES)
}

/// What callgrind counts. Not inlined, since it goes by the name.
#[inline(never)]
fn measured(calls: u64, call: &mut Call) -> Result<()> {
    (0..calls).try_for_each(call)
}

/// Runs one kind of call in this process.
fn run(Kind(_, calls, prepare): &Kind) -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut call = prepare(Lab::new(dir.path())?)?;
    measured(*calls, &mut call)
}

/// Counts the instructions of a call.
fn count(Kind(name, calls, _): &Kind, dir: &Path) -> std::result::Result<f64, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*paths*measured*"])
        .arg(format!("--callgrind-out-file={}", dir.join("out").display()))
        .arg(program)
        .args(["run", name])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    match counted.filter(|_| done.status.success()) {
        Some(counted) if counted > 0.0 => Ok(counted / *calls as f64),
        _ => Err(format!("{name}: callgrind says\n{said}")),
    }
}

fn recorded() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(RECORDED).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Prints the table; whether no path takes more than it may.
fn compare(kinds: &[&Kind], records: bool) -> std::result::Result<bool, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (mut old, mut is_good) = (recorded(), true);
    println!("{:<34} {:>12} {:>12} {:>7}", "instructions a call", "now", "recorded", "ratio");
    for kind in kinds {
        let now = count(kind, dir.path())?;
        let name = kind.0;
        let before = old.get(name).copied();
        let ratio = before.map(|before| now / before);
        let is_worse = ratio.is_none_or(|ratio| ratio > 1.0 + TOLERANCE) && !records;
        let verdict = match ratio {
            _ if is_worse => "  WORSE",
            Some(ratio) if ratio < 1.0 - TOLERANCE => "  better",
            _ => "",
        };
        let show = |number: Option<f64>, digits| number.map_or("-".to_owned(), |n| format!("{n:.digits$}"));
        println!("{name:<34} {now:>12.0} {:>12} {:>7}{verdict}", show(before, 0), show(ratio, 3));
        is_good &= !is_worse;
        old.insert(name.to_owned(), now.round());
    }
    if records {
        let text = serde_json::to_string_pretty(&old).map_err(|e| e.to_string())?;
        std::fs::write(PathBuf::from(RECORDED), text + "\n").map_err(|e| e.to_string())?;
    }
    Ok(is_good)
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| KINDS.iter().find(|kind| kind.0 == name);
    if args.first().is_some_and(|arg| arg == "run") {
        let kind = args.get(1).and_then(|name| named(name)).expect("a path to run");
        run(kind).expect("calls that succeed");
        return ExitCode::SUCCESS;
    }
    let before = args.len();
    args.retain(|arg| arg != "--record");
    let records = args.len() < before;
    let wanted: Option<Vec<&Kind>> = args.iter().map(|name| named(name)).collect();
    let Some(wanted) = wanted else {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.0).collect();
        eprintln!("paths [--record] [PATH…]; there are:\n{}", names.join("\n"));
        return ExitCode::from(2);
    };
    let all: Vec<&Kind> = KINDS.iter().collect();
    match compare(if wanted.is_empty() { &all } else { &wanted }, records) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}
