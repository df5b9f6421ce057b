//! The committed state of a stream that several transactions have changed, when one of them commits.
//!
//! Locks keep their changes apart: each has its own ranges, and at most one of them, which has everything behind some
//! offset, shifts bytes. So the new committed tree is put together from two trees that agree on all offsets before it:
//!
//! ```text
//!   grafting      the committed tree, with the ranges of the one who commits taken from the current tree
//!   refreshing    the current tree, with the ranges of all others taken from the committed tree
//! ```
//!
//! Both give the same bytes. The first costs what the one who commits has locked; the second what the others have, and
//! lets go of blocks that only the old committed tree reaches. Subtrees are shared, and only leaves at the edges of ranges
//! are copied. Committed trees own nothing, so that nothing dies here.

use crate::base::{Era, Result, StreamId, TxnId};
use crate::cache::Deaths;
use crate::catalog::StreamRecord;
use crate::env::Env;
use crate::lock::{Mode, Span};
use crate::tree::{Rope, Tree};

use super::Core;

/// So many more ranges than grafting would take are taken to refresh.
const REFRESH_RANGES: usize = 2;

/// A committed tree is refreshed after so many eras, and one more for each range that this takes.
const REFRESH_ERAS: u64 = 16;

/// The committed state that a stream is about to get.
pub(super) struct Graft {
    stream: StreamId,
    committed: StreamRecord,
    refreshed: Option<Era>,
}

impl<E: Env> Core<E> {
    /// What becomes the committed state of the streams that `txn` has changed, where others have too. Changes nothing.
    pub(super) fn grafts(&self, txn: TxnId) -> Result<Vec<Graft>> {
        let Some(state) = self.table.get(txn) else { return Ok(Vec::new()) };
        let mut grafts = Vec::new();
        for &stream in &state.changed_streams {
            let others = self.overlay.other_writers(txn, stream);
            if !others.is_empty() {
                grafts.extend(self.graft(txn, stream, &others)?);
            }
        }
        Ok(grafts)
    }

    /// Puts the committed states in their place. Their transaction has ended.
    pub(super) fn set_committed(&mut self, grafts: Vec<Graft>) {
        for Graft { stream, committed, refreshed } in grafts {
            self.overlay.commit_stream(stream, committed, refreshed);
        }
    }

    fn graft(&self, txn: TxnId, stream: StreamId, others: &[TxnId]) -> Result<Option<Graft>> {
        let current = self.catalog.stream(&self.store, stream)?;
        let (Some(current), Some(committed)) = (current, self.overlay.committed(stream)) else {
            return Ok(None);
        };
        let spans = |txn: TxnId| self.locks.table().spans(txn, stream, Mode::X);
        let own = spans(txn);
        let theirs: Vec<Span> = others.iter().flat_map(|&other| spans(other)).collect();
        reached!(
            "a commit leaves out what another one has shifted",
            theirs.iter().any(|span| span.has_end())
        );
        // Now and then all the same, so that nothing stays pinned for ever.
        let is_old = self.overlay.age(stream, self.era) > REFRESH_ERAS + theirs.len() as u64;
        let (tree, refreshed) = if mutant!("a commit takes others' changes with it") {
            (current.tree, Some(self.era))
        } else if theirs.len() <= own.len() + REFRESH_RANGES || is_old {
            (self.transplant(&current.tree, &committed.tree, &theirs)?, Some(self.era))
        } else {
            reached!("a commit puts its ranges into the committed tree");
            (self.transplant(&committed.tree, &current.tree, &own)?, None)
        };
        let committed = StreamRecord { name: committed.name.clone(), tree };
        Ok(Some(Graft { stream, committed, refreshed }))
    }

    /// `base` with what `donor` has in `spans`.
    fn transplant(&self, base: &Tree, donor: &Tree, spans: &[Span]) -> Result<Tree> {
        let trees = self.store.trees();
        let mut nobodys = Deaths::default();
        let mut result = base.clone();
        for span in spans {
            let (start, shorter) = (span.start(), result.len().min(donor.len()));
            let end = span.end().min(shorter);
            let (replaced, taken) = if span.has_end() { (result.len(), donor.len()) } else { (end, end) };
            // What was locked behind the end has no bytes.
            if start >= replaced.max(taken) {
                reached!("a range is locked where the stream has no bytes", start > replaced);
                continue;
            }
            assert!(start <= shorter, "bytes before a range are nobody else's to shift");
            let mut rest = donor.clone();
            let piece =
                trees.splice(&mut rest, start, taken - start, Rope::Bytes(Vec::new()), &mut nobodys)?;
            // What was there is the other tree's, or another version's.
            let _ = trees.splice(&mut result, start, replaced - start, piece, &mut nobodys)?;
        }
        Ok(result)
    }
}
