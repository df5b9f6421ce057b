//! Commits of many threads a second, against a raw group commit of the same bytes: threads that append as many bytes to a
//! buffer, of which one writes and syncs what there is while the others wait. Interleaved, round by round.

use std::time::Duration;

use numstore::{Database, Result};
use tests::{GroupCommit, count_calls};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1_500);
const PAYLOAD: [u8; 16] = [7; 16];
const STREAM_BYTES: usize = 100_000;

/// How a thread makes one commit: an insertion into a stream of its own.
type Commit = fn(&Database, &str, u64) -> Result<()>;

/// The two ways: one call, and a transaction of three.
const WAYS: [(&str, Commit); 2] = [
    ("insert", |db, stream, at| db.insert(stream, at, &PAYLOAD)),
    ("begin, stream, insert, commit", |db, stream, at| {
        let tx = db.begin()?;
        tx.stream(stream)?.insert(at, &PAYLOAD)?;
        tx.commit()
    }),
];

pub fn commits() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    println!("threads   commits/s    raw/s   ratio [low .. high]   syncs a commit   raw   way");
    for threads in threads_wanted() {
        let db = Database::open(dir.path().join(format!("{threads}.ns")))?;
        for thread in 0..threads {
            db.create(&stream_of(thread))?;
            db.append(&stream_of(thread), &[1; STREAM_BYTES])?;
        }
        let raw = GroupCommit::new(&dir.path().join(format!("{threads}.raw")));
        let mut rounds = WAYS.map(|_| Vec::new());
        for round in 0..=ROUNDS {
            for ((_, commit), rounds) in WAYS.iter().zip(&mut rounds) {
                let measured = measure(&db, &raw, threads, *commit);
                if round > 0 {
                    rounds.push(measured);
                }
            }
        }
        WAYS.iter().zip(&mut rounds).for_each(|((way, _), rounds)| report(threads, way, rounds));
    }
    Ok(())
}

/// Commits here and there in a round, their ratio, and the syncs that one took here and there.
type Round = [f64; 5];

fn measure(db: &Database, raw: &GroupCommit, threads: u64, commit: Commit) -> Round {
    let before = db.stats();
    let ours = count_calls(threads, ROUND, |thread, count| {
        commit(db, &stream_of(thread), count * 31 % STREAM_BYTES as u64).expect("a commit");
    });
    let after = db.stats();
    let bytes = (after.log_bytes - before.log_bytes) / ours.max(1);
    let syncs = (after.log_batches - before.log_batches) as f64 / (after.commits - before.commits) as f64;
    let before = raw.syncs();
    let theirs = count_calls(threads, ROUND, |_, _| raw.commit(bytes as usize));
    let raw_syncs = (raw.syncs() - before) as f64 / theirs as f64;
    [ours as f64, theirs as f64, ours as f64 / theirs as f64, syncs, raw_syncs]
}

/// Prints the medians.
fn report(threads: u64, way: &str, rounds: &mut [Round]) {
    let sorted = |column: usize| {
        let mut all: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let [ours, theirs, ratio, syncs, raw_syncs]: Round =
        std::array::from_fn(|column| sorted(column)[rounds.len() / 2]);
    let (ratios, seconds) = (sorted(2), ROUND.as_secs_f64());
    let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
    println!(
        "{threads:7}   {:9.0}   {:6.0}   {ratio:5.2} [{low:.2} .. {high:.2}]   {syncs:14.3}   {raw_syncs:.3}   {way}",
        ours / seconds,
        theirs / seconds,
    );
}

fn stream_of(thread: u64) -> String {
    format!("s{thread}")
}

/// The numbers of threads to measure, from the command line.
fn threads_wanted() -> Vec<u64> {
    let asked: Vec<u64> = std::env::args().skip(2).filter_map(|arg| arg.parse().ok()).collect();
    if asked.is_empty() { vec![1, 2, 4, 16, 32] } else { asked }
}
