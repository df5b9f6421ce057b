//! Fewer choices: what is missing is benign.

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
        for place in (0..count).rev() {
            let is_last = self.count(at, concern) == Some(place + 1);
            self.attempt_with(|log| {
                let choices = &mut log.entries[at].choices;
                if is_last && place == 0 {
                    choices.remove(&concern);
                }
                let Some(draws) = choices.get_mut(&concern) else { return };
                if is_last {
                    draws.truncate(place);
                } else if let Some(draw) = draws.get_mut(place) {
                    draw.value = 0;
                }
            });
        }
    }

    fn count(&self, at: usize, concern: Concern) -> Option<usize> {
        self.best.entries.get(at)?.choices.get(&concern).map(Vec::len)
    }
}
