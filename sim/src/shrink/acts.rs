//! Fewer acts: delta debugging, by halves and down to single ones.

use super::{Shrinker, follow};

impl Shrinker<'_> {
    /// Afterwards no single act can go.
    pub(super) fn remove_acts(&mut self) {
        self.remove_skipped();
        let mut size = self.best.entries.len().div_ceil(2).max(1);
        loop {
            let removed = self.remove_chunks(size);
            match (size, removed) {
                (1, false) => return,
                (1, true) => {}
                _ => size = size.div_ceil(2),
            }
        }
    }

    /// Tries to do without each `size` acts that follow each other; from the end, since later acts build on earlier
    /// ones.
    fn remove_chunks(&mut self, size: usize) -> bool {
        let mut removed = false;
        let mut end = self.best.entries.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            if self.attempt_with(|log| drop(log.entries.drain(start..end))) {
                removed = true;
                self.remove_skipped();
            }
            end = start.min(self.best.entries.len());
        }
        removed
    }

    /// What does not fit any more goes all at once.
    fn remove_skipped(&mut self) {
        let skipped = follow(&self.best, self.canary, false).skipped;
        self.runs += 1;
        if !skipped.contains(&true) {
            return;
        }
        let mut fate = skipped.into_iter();
        self.attempt_with(|log| log.entries.retain(|_| fate.next() != Some(true)));
    }
}
