//! Threads that each insert 16 B into a stream of their own and commit, again and again: commits a second.
//!
//! Raw: threads that append as many bytes to a buffer, of which one writes and syncs what there is while the others wait
//! ([`GroupCommit`]). Peers are not measured: all of them have one writer at a time.

use tests::{GroupCommit, count_calls};

use crate::Result;
use crate::context::Context;
use crate::engines::{OURS, open_database};
use crate::harness::{Metric, Round};

/// Length of each stream at the start.
pub const STREAM_BYTES: u64 = 100_000;
const PAYLOAD: [u8; 16] = [7; 16];
const FILLING: u8 = 1;
/// A round's time is divided among turns of both, since the disk is not as fast at all times.
const TURNS: u32 = 6;

const THREADS: [(u64, Metric); 3] = [
    (1, Metric::more("commits a second, 1 thread", "1/s")),
    (8, Metric::more("commits a second, 8 threads", "1/s")),
    (32, Metric::more("commits a second, 32 threads", "1/s")),
];

pub fn run(context: &mut Context<'_>) -> Result<()> {
    for (threads, metric) in THREADS {
        let db = open_database(&context.folder(&format!("{threads}"))?)?;
        for thread in 0..threads {
            db.create(&name(thread))?;
            db.append(&name(thread), &vec![FILLING; STREAM_BYTES as usize])?;
        }
        let raw = GroupCommit::new(&context.dir.join(format!("raw-{threads}")));
        let window = context.scale.window / TURNS;
        let mut inserted = 0;
        context.measure(|_| {
            let (mut ours, mut theirs) = (0, 0);
            for _ in 0..TURNS {
                let before = db.stats().log_bytes;
                let done = count_calls(threads, window, |thread, count| {
                    let at = count * 31 % STREAM_BYTES;
                    db.transact(|tx| tx.stream(&name(thread))?.insert(at, &PAYLOAD)).expect("a commit");
                });
                let bytes = (db.stats().log_bytes - before) / done.max(1);
                theirs += count_calls(threads, window, |_, _| raw.commit(bytes as usize));
                ours += done;
            }
            inserted += ours;
            let took = f64::from(TURNS) * window.as_secs_f64();
            let mut round = Round { baseline: Some(theirs as f64), ..Round::default() };
            round.add("raw", metric, theirs as f64 / took);
            round.add(OURS, metric, ours as f64 / took);
            Ok(round)
        })?;
        let mut found = 0;
        for thread in 0..threads {
            let bytes = db.read(&name(thread), ..)?;
            let filling = bytes.iter().filter(|byte| **byte == FILLING).count() as u64;
            found += bytes.iter().filter(|byte| **byte == PAYLOAD[0]).count() as u64;
            let is_whole = filling == STREAM_BYTES;
            context.note_verified(OURS, if is_whole { Ok(()) } else { Err("bytes are missing".into()) })?;
        }
        let is_right = found == inserted * PAYLOAD.len() as u64;
        context.note_verified(OURS, if is_right { Ok(()) } else { Err("insertions are missing".into()) })?;
        db.close()?;
    }
    Ok(())
}

fn name(thread: u64) -> String {
    format!("s{thread}")
}
