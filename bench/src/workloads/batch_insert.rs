//! A thousand insertions of 100 B at random places in one durable transaction, beside ropes in memory that make the same ones:
//! right after a checkpoint, when no leaf has been changed yet, and once again.
//!
//! Raw: as many bytes as a log of these insertions has, written to prepared space and synced once. It is a bound that
//! nobody reaches who also changes a tree.

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet};
use crate::engines::{raw, texts};
use crate::harness::{Metric, Round};

const FIRST: Metric = Metric::more("first after a checkpoint", "1/s");
const AGAIN: Metric = Metric::more("insertions a second", "1/s");
const INSERTED: usize = 100;
const RAW_BYTES: usize = 128;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    // Also brings everything into memory that a cache keeps.
    fleet.verify(context)?;
    let text = Content::new(context.size).text();
    let mut ropes: Vec<_> =
        texts().into_iter().filter(|kind| kind.is_rope).map(|kind| (kind.name, (kind.make)(&text))).collect();
    drop(text);
    let mut log = raw::PreparedLog::new(&context.dir.join("raw"))?;
    let batch = context.scale.batch;
    let raw_batch = vec![7; batch * RAW_BYTES];
    context.measure(|number| {
        let mut round = Round::default();
        for ship in &mut fleet.ships {
            ship.store.checkpoint()?;
        }
        let mut baseline = 0.0;
        for metric in [FIRST, AGAIN] {
            let mut note = |engine, seconds: f64| round.add(engine, metric, batch as f64 / seconds);
            let edits = fleet.insertions(batch, INSERTED);
            baseline = seconds(|| log.commit(&raw_batch))?.1;
            note("raw", baseline);
            for ship in fleet.in_turn(number) {
                note(ship.name, seconds(|| ship.store.edit(&edits))?.1);
            }
            for (name, rope) in &mut ropes {
                let edit_all = || {
                    edits.iter().for_each(|edit| rope.edit(edit));
                    Ok(())
                };
                note(name, seconds(edit_all)?.1);
            }
        }
        round.baseline = Some(baseline);
        Ok(round)
    })?;
    fleet.verify(context)?;
    ropes.iter().try_for_each(|(name, rope)| context.verify_text(name, &**rope, &fleet.model))
}
