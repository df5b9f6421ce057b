//! What the files take of the disk, in allocated blocks, for each byte of data: loaded and closed; at the worst moment of
//! random insertions of 100 B, looked at after each transaction of a hundred; and when these are done and all is closed.
//!
//! Raw: a plain file, which takes what it holds.

use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet};
use crate::disk::allocated;
use crate::engines::raw;
use crate::harness::{Metric, Round};

const LOADED: Metric = Metric::less("loaded", "B/B");
const PEAK: Metric = Metric::less("peak", "B/B");
const EDITED: Metric = Metric::less("edited", "B/B");
const BATCH: usize = 100;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    let folder = context.folder("raw")?;
    drop(raw::append(&folder.join("file"), &Content::new(context.size))?);
    let mut round = Round::default();
    let per_byte = |bytes: u64, data: u64| bytes as f64 / data as f64;
    let size = context.size;
    round.add("raw", LOADED, per_byte(allocated(&folder)?, size));
    let edits = fleet.insertions(context.scale.edits, 100);
    let edited = fleet.model.len();
    for ship in std::mem::take(&mut fleet.ships) {
        ship.store.close()?;
        round.add(ship.name, LOADED, per_byte(allocated(&ship.dir)?, size));
        let mut store = (ship.kind.open)(&ship.dir)?;
        let mut peak = 0;
        for edits in edits.chunks(BATCH) {
            store.edit(edits)?;
            peak = peak.max(allocated(&ship.dir)?);
        }
        context.verify(ship.name, &*store, &fleet.model)?;
        store.close()?;
        round.add(ship.name, PEAK, per_byte(peak, edited));
        round.add(ship.name, EDITED, per_byte(allocated(&ship.dir)?, edited));
    }
    context.measure_rounds(1, |_| Ok(round.clone()))
}
