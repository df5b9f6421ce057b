//! Opening a stream that was closed cleanly, until its first byte has been read. What a peer needs to find bytes by their
//! offset is part of it: its index is built from all chunks. The files are in the page cache.
//!
//! Raw: opening a file and reading a byte.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet};
use crate::engines::{Store, raw};
use crate::harness::{Metric, Round};

const TIME: Metric = Metric::less("time", "ms");

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let fleet = Fleet::load(context)?;
    fleet.verify(context)?;
    let mut ships = Vec::new();
    for ship in fleet.ships {
        ship.store.close()?;
        ships.push((ship.name, ship.dir, ship.kind));
    }
    let path = context.dir.join("raw");
    drop(raw::append(&path, &Content::new(context.size))?);
    context.measure(|number| {
        let mut round = Round::default();
        let mut byte = [0];
        let ((), took) = seconds(|| Ok(File::open(&path)?.read_exact_at(&mut byte, 0)?))?;
        round.add("raw", TIME, took * 1e3);
        for at in 0..ships.len() {
            let (name, dir, kind) = &ships[(at + number) % ships.len()];
            let (store, took) = seconds(|| {
                let store = (kind.open)(dir)?;
                read_first_byte(&*store)?;
                Ok(store)
            })?;
            round.add(name, TIME, took * 1e3);
            store.close()?;
        }
        Ok(round)
    })
}

fn read_first_byte(store: &dyn Store) -> Result<()> {
    store.snapshot()?.read(&mut |reader| reader.read_at(0, &mut [0]))
}
