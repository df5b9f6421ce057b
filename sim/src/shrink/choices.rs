//! Fewer choices: what is missing is benign. By halves first, since a schedule has thousands.

use std::ops::Range;

use crate::world::Concern;

use super::Shrinker;

impl Shrinker<'_> {
    pub(super) fn simplify_choices(&mut self) {
        self.attempt_with(|log| log.entries.iter_mut().for_each(|entry| entry.choices.clear()));
        for concern in Concern::RECORDED {
            self.attempt_with(|log| {
                log.entries.iter_mut().for_each(|entry| drop(entry.choices.remove(&concern)));
            });
        }
        for at in (0..self.best.entries.len()).rev() {
            for concern in Concern::RECORDED {
                self.simplify_draws(at, concern);
            }
        }
    }

    /// The draws of one act for one concern.
    fn simplify_draws(&mut self, at: usize, concern: Concern) {
        let Some(count) = self.count(at, concern) else { return };
        if self.attempt_with(|log| drop(log.entries[at].choices.remove(&concern))) {
            return;
        }
        let mut size = count.div_ceil(2);
        loop {
            for start in (0..count).step_by(size).rev() {
                self.make_benign(at, concern, start..start + size);
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    /// Some draws of one act: what stands at the end can be missing.
    fn make_benign(&mut self, at: usize, concern: Concern, places: Range<usize>) {
        self.attempt_with(|log| {
            let choices = &mut log.entries[at].choices;
            let Some(draws) = choices.get_mut(&concern) else { return };
            if places.end >= draws.len() {
                draws.truncate(places.start);
            } else {
                draws[places].iter_mut().for_each(|draw| draw.value = 0);
            }
            if draws.is_empty() {
                choices.remove(&concern);
            }
        });
    }

    fn count(&self, at: usize, concern: Concern) -> Option<usize> {
        self.best.entries.get(at)?.choices.get(&concern).map(Vec::len)
    }
}
