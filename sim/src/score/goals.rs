//! What a score must come to.

use super::Score;

/// Seeds within which half of the bugs are found.
const MEDIAN_MAX: u64 = 50;
/// Seeds within which nearly all are found.
const MOST_MAX: u64 = 1000;
/// How many of a hundred that is.
const MOST_PERCENT: usize = 95;
/// Fewest markers that are rare and are reached.
const RARE_MIN: usize = 150;

/// Something that a score must come to, and whether it does.
#[derive(Clone, Debug)]
pub struct Goal {
    /// What it is.
    pub what: String,
    /// Whether it is met.
    pub met: bool,
}

impl Score {
    /// Every goal.
    pub fn goals(&self) -> Vec<Goal> {
        let goal = |what: String, met: bool| Goal { what, met };
        let all = self.caught.len();
        let found = |seeds: u64| self.caught.len() - self.alive_after(seeds);
        let most = found(MOST_MAX.min(self.seeds_max));
        let median = self.quantile(50);
        let markers = &self.clean.tally.markers;
        let rare = markers.counts().count() - markers.missed().len() - markers.common().len();
        let is_clean = self.clean.failed.is_empty() && self.twice.failed.is_empty();
        vec![
            goal(
                format!("every bug is found: {} of {all}", found(self.seeds_max)),
                self.survivors().is_empty(),
            ),
            goal(
                format!("{MOST_PERCENT} % within {MOST_MAX} seeds: {most} of {all}"),
                most * 100 >= all * MOST_PERCENT,
            ),
            goal(
                format!("half of them within {MEDIAN_MAX} seeds: {}", shown(median)),
                median.is_some_and(|seeds| seeds <= MEDIAN_MAX),
            ),
            goal(
                format!("every marker is reached: {} missed", markers.missed().len()),
                markers.missed().is_empty(),
            ),
            goal(format!("at least {RARE_MIN} of them rare: {rare}"), rare >= RARE_MIN),
            goal(
                format!(
                    "without bugs nothing is found: {} seeds, {} twice",
                    self.clean.tally.seeds, self.twice.tally.seeds
                ),
                is_clean,
            ),
            goal(
                format!("each kind of fault finds what no other does: {} do not", self.idle_faults().len()),
                self.idle_faults().is_empty(),
            ),
            goal("the alarm rings".to_owned(), self.canary),
        ]
    }
}

/// A number of seeds, or that there were not enough.
pub(super) fn shown(seeds: Option<u64>) -> String {
    seeds.map_or_else(|| "more than there were".to_owned(), |seeds| seeds.to_string())
}
