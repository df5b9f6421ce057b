//! The same edits by hand: a plain file whose tail is read and written again, shifted, and synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::model::Source;
use super::plan::{PLACES, Plan};
use crate::failure::{Failure, Result};

/// How many edits are made in the plain file: a handful, spread evenly.
const EDITS: usize = 8;
/// How many small synced writes [`sync_latency`] takes the median of.
const SYNCS: usize = 21;

/// Times inserts into a plain file of the stream's first `size` bytes; the mean of one.
pub fn time_of_an_insert(dir: &Path, source: &Source, plan: &Plan, size: u64) -> Result<Duration> {
    let path = dir.join("plain-file");
    let measure = || -> io::Result<Duration> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        for piece in source.pieces(0..size) {
            file.write_all(piece)?;
        }
        file.sync_data()?;
        let started = Instant::now();
        for i in 0..EDITS {
            let place = &plan.places[(2 * i + 1) * PLACES / (2 * EDITS)];
            let inserted = plan.traces[place.trace].txns.iter().flatten().map(|p| &p.inserted[..]);
            let inserted = inserted.into_iter().find(|text| !text.is_empty()).unwrap_or(b"x");
            insert(&mut file, place.base_offset, inserted)?;
        }
        Ok(started.elapsed() / EDITS as u32)
    };
    let measured = measure().map_err(|e| Failure::file("edit", &path, e));
    fs::remove_file(&path).map_err(|e| Failure::file("remove", &path, e))?;
    measured
}

/// Inserts in the only way a plain file knows.
fn insert(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)?;
    file.write_all(&tail)?;
    file.sync_data()
}

/// The median time of one small write and its sync, in space that the file has already.
pub fn sync_latency(dir: &Path) -> Result<Duration> {
    let path = dir.join("sync-probe");
    let measure = || -> io::Result<Duration> {
        let mut file = File::create_new(&path)?;
        file.write_all(&[0; 4096 * SYNCS])?;
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let started = Instant::now();
            file.write_all(&[1; 4096])?;
            file.sync_data()?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        Ok(times[SYNCS / 2])
    };
    let measured = measure().map_err(|e| Failure::file("time syncs of", &path, e));
    fs::remove_file(&path).map_err(|e| Failure::file("remove", &path, e))?;
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_insert_shifts_the_tail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, b"heretail").unwrap();
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        insert(&mut file, 4, b" is the ").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"here is the tail");
    }
}
