//! The writing of a checkpoint, for which nothing is needed but what was captured.

use std::sync::Arc;

use crate::base::Result;
use crate::cache::SuperblockSlots;
use crate::catalog::{Maps, Store};
use crate::env::Env;
use crate::format::superblock::Superblock;
use crate::space::CapturedSpace;
use crate::txn::{CapturedTable, EndOnPanic, Outcome, Underway};

use super::block_writer::BlockWriter;
use super::capture::{Homes, Piece};

/// What is to be written.
pub struct Job<E: Env> {
    pub(super) store: Arc<Store<E>>,
    pub(super) pieces: Vec<Piece>,
    /// What comes after that; nothing if it is only written ahead.
    pub(super) publication: Option<Publication>,
    /// Ends it, even if it is never run.
    pub(super) end: EndOnPanic<E::Platform>,
}

/// What makes of the nodes a checkpoint.
pub(super) struct Publication {
    pub(super) maps: Maps,
    pub(super) table: CapturedTable,
    pub(super) table_homes: Homes,
    pub(super) space: CapturedSpace,
    pub(super) slots: SuperblockSlots,
    /// The superblock, less the roots.
    pub(super) next: Superblock,
}

impl<E: Env> Job<E> {
    /// Writes it all, and says so to those who wait. What is in memory stays there until somebody takes note.
    pub fn run(self) {
        let Job { store, pieces, publication, end } = self;
        let outcome = write(&store, &pieces, publication, &end.0);
        end.0.end(outcome);
    }

    /// What those who wait for it hold on to.
    pub fn underway(&self) -> Arc<Underway<E::Platform>> {
        Arc::clone(&self.end.0)
    }
}

fn write<E: Env>(
    store: &Store<E>,
    pieces: &[Piece],
    publication: Option<Publication>,
    underway: &Underway<E::Platform>,
) -> Outcome {
    let mut writer = BlockWriter::new(store, underway);
    pieces.iter().try_for_each(|piece| piece.write(store, &mut writer))?;
    let Some(publication) = publication else { return writer.finish().map(|()| None) };
    publish(store, publication, &mut writer).map(|slots| Some(Box::new(slots)))
}

fn publish<E: Env>(
    store: &Store<E>,
    publication: Publication,
    writer: &mut BlockWriter<'_, E>,
) -> Result<SuperblockSlots> {
    let Publication { maps, table, table_homes, mut space, mut slots, next } = publication;
    let table = table_homes.fill(store, table.encode(), writer)?;
    let free = std::mem::take(&mut space.nodes);
    free.into_iter().try_for_each(|node| Piece::Free(node).write(store, writer))?;
    writer.finish()?;
    let written = "invariant: just written";
    let next = Superblock {
        names: maps.names.root().expect(written),
        streams: maps.streams.root().expect(written),
        space: space.root(),
        table: table.disk_form().expect(written),
        ..next
    };
    if mutant!("a superblock goes before its data") {
        slots.publish(&store.file, next).and_then(|()| store.file.sync())?;
    } else {
        store.file.sync().and_then(|()| slots.publish(&store.file, next))?;
    }
    Ok(slots)
}
