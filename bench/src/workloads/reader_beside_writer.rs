//! One thread that reads 4 KiB at random places in one snapshot: alone, and beside a thread that makes durable insertions
//! of 100 B. The snapshot is taken before the writer begins.
//!
//! Raw: `pread` beside small writes to prepared space that are synced, which is what the machine itself takes away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::content::{Content, Edit};
use crate::context::{Context, Fleet, Ship};
use crate::engines::{Reader, raw};
use crate::harness::{Metric, Round};

const ALONE: Metric = Metric::more("reads a second alone", "1/s");
const BESIDE: Metric = Metric::more("reads a second beside", "1/s");
const RATIO: Metric = Metric::more("beside / alone", "ratio");
const COMMITS: Metric = Metric::more("commits a second beside", "1/s");

const READ_BYTES: usize = 4096;
const PLACES: usize = 4096;
/// More than a disk commits: what is left of the edits when the reader ends is made in one go.
const FASTEST_COMMIT: Duration = Duration::from_micros(100);

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &Content::new(context.size))?;
    let mut log = raw::PreparedLog::new(&context.dir.join("raw-log"))?;
    let window = context.scale.window;
    let most = (window.as_secs_f64() / FASTEST_COMMIT.as_secs_f64()) as usize;
    // Brings everything into memory: what was loaded around the system's cache is not there.
    fleet.verify(context)?;
    context.measure(|number| {
        let mut round = Round::default();
        let places = fleet.places(PLACES, READ_BYTES);
        let edits = fleet.insertions(most, 100);
        let alone = read_for(&mut plain, &places, window, &AtomicBool::new(false))?;
        let (beside, commits) = side_by_side(
            |started| read_for(&mut plain, &places, window, started),
            |_| log.commit(&[7; 128]).map(|()| true),
        )?;
        round.baseline = Some(alone);
        note(&mut round, "raw", alone, beside, commits as f64 / window.as_secs_f64());
        for ship in fleet.in_turn(number) {
            let (alone, beside, commits) = measure(ship, &places, &edits, window)?;
            note(&mut round, ship.name, alone, beside, commits as f64 / window.as_secs_f64());
        }
        Ok(round)
    })?;
    fleet.verify(context)
}

fn note(round: &mut Round, engine: &'static str, alone: f64, beside: f64, commits: f64) {
    round.add(engine, ALONE, alone);
    round.add(engine, BESIDE, beside);
    round.add(engine, RATIO, beside / alone);
    round.add(engine, COMMITS, commits);
}

/// Reads a second of one store, alone and beside, and how many commits there were.
fn measure(ship: &mut Ship, places: &[u64], edits: &[Edit], window: Duration) -> Result<(f64, f64, usize)> {
    let mut alone = 0.0;
    ship.store.snapshot()?.read(&mut |reader| {
        alone = read_for(reader, places, window, &AtomicBool::new(false))?;
        Ok(())
    })?;
    let snapshot = ship.store.snapshot()?;
    let read = |started: &AtomicBool| {
        let mut beside = 0.0;
        snapshot.read(&mut |reader| {
            beside = read_for(reader, places, window, started)?;
            Ok(())
        })?;
        Ok(beside)
    };
    let (beside, commits) = side_by_side(read, |at| match edits.get(at) {
        Some(edit) => ship.store.edit(std::slice::from_ref(edit)).map(|()| true),
        None => Ok(false),
    })?;
    if commits < edits.len() {
        ship.store.edit(&edits[commits..])?;
    }
    Ok((alone, beside, commits))
}

/// Runs `read` in a thread, and `commit` again and again from when that has started until it ends. Returns what `read`
/// did, and how many commits there were; `false` is for a commit that is not there, since there were enough.
fn side_by_side(
    read: impl FnOnce(&AtomicBool) -> Result<f64> + Send,
    mut commit: impl FnMut(usize) -> Result<bool>,
) -> Result<(f64, usize)> {
    let started = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&started));
        while !started.load(Ordering::Acquire) && !reader.is_finished() {
            std::thread::yield_now();
        }
        let mut commits = 0;
        while !reader.is_finished() {
            if commit(commits)? {
                commits += 1;
            } else {
                std::thread::yield_now();
            }
        }
        Ok((reader.join().expect("a reader that ends")?, commits))
    })
}

/// Reads at `places`, over and over, for so long; returns how often in a second.
fn read_for(reader: &mut dyn Reader, places: &[u64], window: Duration, started: &AtomicBool) -> Result<f64> {
    let mut buffer = vec![0; READ_BYTES];
    let mut reads = 0_u64;
    started.store(true, Ordering::Release);
    let began = Instant::now();
    while began.elapsed() < window {
        for place in places.iter().cycle().skip(reads as usize % places.len()).take(64) {
            reader.read_at(*place, &mut buffer)?;
            std::hint::black_box(&mut buffer);
        }
        reads += 64;
    }
    Ok(reads as f64 / began.elapsed().as_secs_f64())
}
