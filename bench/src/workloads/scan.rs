//! All bytes of a stream in their order, from memory: copied through a buffer of 1 MiB, and looked at where they lie.
//!
//! Raw: `pread` of 1 MiB for the copying scan. For the one without a copy every engine's bytes are summed up, eight at a
//! time; raw reads 64 KiB at a time into a buffer that stays in the processor's cache. An engine whose interface cannot show
//! bytes without copying them has no number there. What memory itself allows says a vector that holds the same bytes, and is
//! read in the same two ways.
//!
//! After edits each engine is measured beside itself without them; nothing is closed or checkpointed in between.

use super::seconds;
use crate::Result;
use crate::content::Content;
use crate::context::{Context, Fleet, Ship, verify_reader};
use crate::engines::{Gatherer, Reader, raw, texts};
use crate::harness::{Metric, Round};
use crate::model::Model;

const COPYING: Metric = Metric::more("copying", "MB/s");
const NO_COPY: Metric = Metric::more("without copy", "MB/s");
const COPYING_RATIO: Metric = Metric::more("copying, of unedited", "ratio");
const NO_COPY_RATIO: Metric = Metric::more("without copy, of unedited", "ratio");

const BUFFER_BYTES: usize = 1 << 20;
const BATCH: usize = 1_000;

/// A vector in memory.
const VECTOR: &str = "vec";

/// The bytes themselves.
struct InMemory(Vec<u8>);

impl Reader for InMemory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        buffer.copy_from_slice(&self.0[offset as usize..offset as usize + buffer.len()]);
        Ok(())
    }

    fn visit(&mut self, call: &mut dyn FnMut(&[u8])) -> Result<bool> {
        call(&self.0);
        Ok(true)
    }

    fn gather(&mut self, element: usize, step: usize) -> Result<Vec<u8>> {
        let mut gatherer = Gatherer::new(element, step, self.len());
        gatherer.take(&self.0);
        Ok(gatherer.picked)
    }
}

/// MB/s of both kinds of scan; the second only where there is such a thing.
type Speeds = (f64, Option<f64>);

pub fn run(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    let mut fleet = Fleet::load(context)?;
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
    let mut vector = InMemory(content.text().into_bytes());
    context.note_verified("raw", verify_reader(&mut plain, &Model::new(content.clone())))?;
    context.note_verified(VECTOR, verify_reader(&mut vector, &Model::new(content)))?;
    fleet.verify(context)?;
    context.measure(|number| {
        let mut round = Round::default();
        let speeds = scan(&mut plain)?;
        round.baseline = Some(speeds.0);
        note(&mut round, "raw", speeds);
        note(&mut round, VECTOR, scan(&mut vector)?);
        for ship in fleet.in_turn(number) {
            note(&mut round, ship.name, scan_ship(ship)?);
        }
        Ok(round)
    })
}

pub fn run_after_edits(context: &mut Context<'_>) -> Result<()> {
    let content = Content::new(context.size);
    let mut plain = raw::PlainFile::new(&context.dir.join("raw"), &content)?;
    let (mut unedited, mut edited) = (Fleet::load(context)?, Fleet::load_as(context, "-edited")?);
    let edits = edited.insertions(context.scale.edits, 100);
    for ship in &mut edited.ships {
        edits.chunks(BATCH).try_for_each(|edits| ship.store.edit(edits))?;
    }
    edited.verify(context)?;
    unedited.verify(context)?;
    let text = content.text();
    let mut ropes: Vec<_> =
        texts().into_iter().filter(|kind| kind.is_rope).map(|kind| (kind.name, (kind.make)(&text))).collect();
    drop(text);
    for (name, rope) in &mut ropes {
        edits.iter().for_each(|edit| rope.edit(edit));
        context.verify_text(name, &**rope, &edited.model)?;
    }
    context.measure(|number| {
        let mut round = Round::default();
        let speeds = scan(&mut plain)?;
        round.baseline = Some(speeds.0);
        note(&mut round, "raw", speeds);
        for (before, after) in unedited.in_turn(number).zip(edited.in_turn(number)) {
            let (before, speeds) = (scan_ship(before)?, scan_ship(after)?);
            note(&mut round, after.name, speeds);
            round.add(after.name, COPYING_RATIO, speeds.0 / before.0);
            if let (Some(before), Some(after_edits)) = (before.1, speeds.1) {
                round.add(after.name, NO_COPY_RATIO, after_edits / before);
            }
        }
        for (name, rope) in &ropes {
            let (mut sum, mut len) = (0, 0);
            let visit = || {
                rope.visit(&mut |part| {
                    sum = sum_up(sum, part);
                    len += part.len();
                });
                Ok(())
            };
            let ((), took) = seconds(visit)?;
            std::hint::black_box(sum);
            round.add(name, NO_COPY, len as f64 / 1e6 / took);
        }
        Ok(round)
    })
}

fn note(round: &mut Round, engine: &'static str, (copying, no_copy): Speeds) {
    round.add(engine, COPYING, copying);
    if let Some(no_copy) = no_copy {
        round.add(engine, NO_COPY, no_copy);
    }
}

fn scan_ship(ship: &mut Ship) -> Result<Speeds> {
    let mut speeds = (0.0, None);
    ship.store.snapshot()?.read(&mut |reader| {
        speeds = scan(reader)?;
        Ok(())
    })?;
    Ok(speeds)
}

fn scan(reader: &mut dyn Reader) -> Result<Speeds> {
    let megabytes = reader.len() as f64 / 1e6;
    let mut buffer = vec![1; BUFFER_BYTES];
    let ((), copying) = seconds(|| reader.scan(&mut buffer))?;
    let mut sum = 0;
    let (has, no_copy) = seconds(|| reader.visit(&mut |part| sum = sum_up(sum, part)))?;
    std::hint::black_box(sum);
    Ok((megabytes / copying, has.then_some(megabytes / no_copy)))
}

fn sum_up(sum: u64, part: &[u8]) -> u64 {
    let words = part.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
    words.fold(sum, u64::wrapping_add)
}
