//! Where a database is compared with the states that it may be in: wherever one of them was edited, and at samples.

use std::collections::BTreeSet;

use numstore::{Database, Result};

use crate::judge::{HugeFound, Place};
use crate::model::SparseStreams;
use crate::world::SimEnv;

/// Around what was touched so much is compared.
const MARGIN: u64 = 24;
/// Bytes that one look takes at most.
const LOOK_MAX: u64 = 4096;

/// The places that tell these states apart, and those of the samples.
pub(super) fn places<'s>(
    states: impl IntoIterator<Item = &'s SparseStreams>,
    samples: &[u64],
) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for (name, stream) in states.into_iter().flatten() {
        let len = stream.len();
        let mut look = |from: u64, to: u64| {
            let mut from = from;
            while from < to.min(len) {
                places.insert((name.clone(), from, to.min(len).min(from + LOOK_MAX)));
                from += LOOK_MAX;
            }
        };
        for (start, end, fills) in stream.runs() {
            let low = start.saturating_sub(MARGIN);
            look(low, if fills { start + MARGIN } else { end + MARGIN });
        }
        for sample in samples.iter().filter(|_| len > 0) {
            look(sample % len, sample % len + 2 * MARGIN);
        }
    }
    places
}

/// Reads the lengths of all streams, and what is at these places as far as the streams reach.
pub(super) fn look(db: &Database<SimEnv>, places: &BTreeSet<Place>) -> Result<HugeFound> {
    let snapshot = db.snapshot();
    let lens = snapshot.list()?.into_iter().map(|info| (info.name, info.len)).collect();
    let mut found = HugeFound { lens, ..HugeFound::default() };
    for (name, from, to) in places {
        let to = found.lens.get(name).map_or(0, |len| *to.min(len));
        if *from < to {
            let bytes = snapshot.stream(name)?.read(*from..to)?;
            found.pieces.insert((name.clone(), *from, to), bytes);
        }
    }
    Ok(found)
}
