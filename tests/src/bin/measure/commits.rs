//! Commits of many threads a second, against a raw group commit of the same bytes: threads that append as many bytes to a
//! buffer, of which one writes and syncs what there is while the others wait. Interleaved, round by round.

use std::time::Duration;

use numstore::{Database, Result};
use tests::{GroupCommit, count_calls};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(1_500);
const PAYLOAD: [u8; 16] = [7; 16];

pub fn commits() -> Result<()> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    println!("threads   commits/s    raw/s   ratio   syncs a commit   raw");
    for threads in threads_wanted() {
        let db = Database::open(dir.path().join(format!("{threads}.ns")))?;
        for thread in 0..threads {
            db.create(&format!("s{thread}"))?;
            db.append(&format!("s{thread}"), &[1; 100_000])?;
        }
        let raw = GroupCommit::new(&dir.path().join(format!("{threads}.raw")));
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let before = db.stats();
            let ours = count_calls(threads, ROUND, |thread, count| {
                let tx = db.begin().expect("a transaction");
                let stream = tx.stream(&format!("s{thread}")).expect("a stream");
                stream.insert(count * 31 % 100_000, &PAYLOAD).expect("an insertion");
                tx.commit().expect("a commit");
            });
            let after = db.stats();
            let bytes = (after.log_bytes - before.log_bytes) / ours.max(1);
            let syncs = (after.log_batches - before.log_batches) as f64 / ours as f64;
            let before = raw.syncs();
            let theirs = count_calls(threads, ROUND, |_, _| raw.commit(bytes as usize));
            let raw_syncs = (raw.syncs() - before) as f64 / theirs as f64;
            if round > 0 {
                rounds.push([ours as f64, theirs as f64, ours as f64 / theirs as f64, syncs, raw_syncs]);
            }
        }
        let medians: [f64; 5] = std::array::from_fn(|column| {
            let mut all: Vec<f64> = rounds.iter().map(|round| round[column]).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        });
        let [ours, theirs, ratio, syncs, raw_syncs] = medians;
        println!(
            "{threads:7}   {:9.0}   {:6.0}   {ratio:5.2}   {syncs:14.3}   {raw_syncs:.3}",
            ours / ROUND.as_secs_f64(),
            theirs / ROUND.as_secs_f64(),
        );
    }
    Ok(())
}

/// The numbers of threads to measure, from the command line.
fn threads_wanted() -> Vec<u64> {
    let asked: Vec<u64> = std::env::args().skip(2).filter_map(|arg| arg.parse().ok()).collect();
    if asked.is_empty() { vec![1, 2, 4, 16, 32] } else { asked }
}
