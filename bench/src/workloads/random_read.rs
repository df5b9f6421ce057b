//! Reads at random places of what is in memory, inside one snapshot or read transaction.
//!
//! Raw: `pread` of a file in the page cache.

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet, verify_reader};
use crate::engines::{Reader, raw};
use crate::harness::{Metric, Round};
use crate::model::Model;

const SPEED: Metric = Metric::more("reads a second", "1/s");

pub fn run_100(context: &mut Context<'_>) -> Result<()> {
    run(context, 100)
}

pub fn run_4k(context: &mut Context<'_>) -> Result<()> {
    run(context, 4096)
}

fn run(context: &mut Context<'_>, bytes: usize) -> Result<()> {
    let mut fleet = Fleet::load(context)?;
    let content = Content::new(context.size);
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
    let reads = context.scale.reads;
    verify_all(context, &fleet, &mut plain)?;
    context.measure(|number| {
        let mut round = Round::default();
        let places = fleet.places(reads, bytes);
        let took = read_all(&mut plain, &places, bytes)?;
        round.baseline = Some(took);
        round.add("raw", SPEED, reads as f64 / took);
        for ship in fleet.in_turn(number) {
            let mut took = 0.0;
            ship.store.snapshot()?.read(&mut |reader| {
                took = read_all(reader, &places, bytes)?;
                Ok(())
            })?;
            round.add(ship.name, SPEED, reads as f64 / took);
        }
        Ok(round)
    })
}

/// Also brings everything into memory that a cache keeps.
fn verify_all(context: &mut Context<'_>, fleet: &Fleet, plain: &mut raw::PlainFile) -> Result<()> {
    let model = Model::new(Content::new(context.size));
    context.note_verified("raw", verify_reader(plain, &model))?;
    fleet.verify(context)
}

fn read_all(reader: &mut dyn Reader, places: &[u64], bytes: usize) -> Result<f64> {
    let mut buffer = vec![0; bytes];
    let read = || {
        places.iter().try_for_each(|place| {
            reader.read_at(*place, &mut buffer)?;
            std::hint::black_box(&mut buffer);
            Ok(())
        })
    };
    Ok(seconds(read)?.1)
}
