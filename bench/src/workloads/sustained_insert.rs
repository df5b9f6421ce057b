//! Many transactions of a thousand insertions of 100 B each, one after the other, enough to keep the peers busy for minutes,
//! and at the end whatever the engine puts off: NumStore's checkpoint, SQLite's of its log, fjall's memtable. All of that is
//! in the time, and so are checkpoints on the way.
//!
//! Raw: the same bytes written to prepared space, a sync for each transaction.

use super::seconds;
use crate::Result;
use crate::context::{Context, Fleet};
use crate::engines::raw;
use crate::harness::{Metric, Round};

const SPEED: Metric = Metric::more("insertions a second", "1/s");
const WRITTEN: Metric = Metric::less("device bytes an insertion", "B");
const INSERTED: usize = 100;
const RAW_BYTES: usize = 128;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    // Also brings everything into memory that a cache keeps.
    fleet.verify(context)?;
    let mut log = raw::PreparedLog::new(&context.dir.join("raw"))?;
    let (count, batch, disk) = (context.scale.sustained, context.scale.batch, context.disk);
    let raw_batch = vec![7; batch * RAW_BYTES];
    context.measure_rounds(context.scale.count_rounds, |number| {
        let mut round = Round::default();
        let mut note = |engine, seconds: f64, bytes: u64| {
            round.add(engine, SPEED, count as f64 / seconds);
            round.add(engine, WRITTEN, bytes as f64 / count as f64);
        };
        let edits = fleet.insertions(count, INSERTED);
        let logged = || (0..count / batch).try_for_each(|_| log.commit(&raw_batch));
        let (((), took), bytes) = disk.count(|| seconds(logged))?;
        let baseline = took;
        note("raw", took, bytes);
        for ship in fleet.in_turn(number) {
            let store = &mut ship.store;
            let edit_all = || {
                edits.chunks(batch).try_for_each(|edits| store.edit(edits))?;
                store.checkpoint()
            };
            let (((), took), bytes) = disk.count(|| seconds(edit_all))?;
            note(ship.name, took, bytes);
        }
        round.baseline = Some(baseline);
        Ok(round)
    })?;
    fleet.verify(context)
}
