//! The first 4 B of every 64 B of the whole stream, gathered into a vector.
//!
//! Raw: `pread` of 64 KiB and gathering. Peers have no strides; their users gather from all chunks in their order.

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet};
use crate::engines::{Reader, raw};
use crate::harness::{Metric, Round};

const SPEED: Metric = Metric::more("elements", "M/s");
const ELEMENT: usize = 4;
const STEP: usize = 64;

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    let mut fleet = Fleet::load(context)?;
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
    let text = content.text();
    let expected: Vec<u8> =
        text.as_bytes().chunks_exact(STEP).flat_map(|step| &step[..ELEMENT]).copied().collect();
    drop(text);
    let is_right = |found: &[u8]| if found == expected { Ok(()) } else { Err("wrong elements".into()) };
    let mut verified = Vec::new();
    // Brings everything into memory: what was loaded around the system's cache is not there.
    fleet.verify(context)?;
    context.measure(|number| {
        let mut round = Round::default();
        let mut measure = |name, reader: &mut dyn Reader| {
            let (found, took) = seconds(|| reader.gather(ELEMENT, STEP))?;
            if number == 0 {
                verified.push((name, is_right(&found)));
            }
            round.add(name, SPEED, (found.len() / ELEMENT) as f64 / 1e6 / took);
            Ok(took)
        };
        let baseline = measure("raw", &mut plain)?;
        for ship in fleet.in_turn(number) {
            ship.store.snapshot()?.read(&mut |reader| measure(ship.name, reader).map(drop))?;
        }
        round.baseline = Some(baseline);
        Ok(round)
    })?;
    verified.into_iter().try_for_each(|(name, result)| context.note_verified(name, result))
}
