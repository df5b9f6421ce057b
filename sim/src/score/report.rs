//! A score for people and for programs.

use serde_json::json;

use crate::runner::Report;
use crate::world::FaultKind;

use super::faults::ONLY;
use super::goals::shown;
use super::hunt::Catch;

/// The places at which the survival curve is told.
const CURVE: [u64; 7] = [1, 10, 50, 100, 300, 1000, 3000];

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Score {
    /// Seeds after which a bug counted as not found.
    pub seeds_max: u64,
    /// Each bug.
    pub caught: Vec<Catch>,
    /// The bugs that only one kind of fault finds, without that fault.
    pub without: Vec<Catch>,
    /// The campaign without bugs.
    pub clean: Report,
    /// The seeds that ran twice.
    pub twice: Report,
    /// Whether a campaign with a bug is heard.
    pub canary: bool,
}

impl Score {
    /// How many bugs are alive after so many seeds.
    pub fn alive_after(&self, seeds: u64) -> usize {
        self.caught.iter().filter(|caught| caught.seeds_needed().is_none_or(|needed| needed > seeds)).count()
    }

    /// The names of the bugs that were not found.
    pub fn survivors(&self) -> Vec<&'static str> {
        self.caught
            .iter()
            .filter(|caught| caught.killed.is_none())
            .map(|caught| caught.hunt.bug().name)
            .collect()
    }

    /// How many seeds find so many of a hundred bugs.
    pub fn quantile(&self, percent: usize) -> Option<u64> {
        let mut needed: Vec<u64> = self.caught.iter().map(|c| c.seeds_needed().unwrap_or(u64::MAX)).collect();
        needed.sort_unstable();
        let at = (needed.len() * percent).div_ceil(100).max(1) - 1;
        needed.get(at).copied().filter(|&seeds| seeds != u64::MAX)
    }

    /// The kinds of faults whose bug is found without them as well, or not at all.
    pub fn idle_faults(&self) -> Vec<FaultKind> {
        let survives = |kind| self.without.iter().any(|c| c.hunt.without == Some(kind) && c.killed.is_none());
        ONLY.into_iter().map(|(kind, _)| kind).filter(|&kind| !survives(kind)).collect()
    }

    /// The table, the curve, the faults, the markers, and the goals.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for caught in &self.caught {
            let bug = caught.hunt.bug();
            let (seeds, judge) = match &caught.killed {
                Some((seed, judge, _)) => ((seed + 1).to_string(), judge.as_str()),
                None => (format!("> {}", caught.hunt.seeds), "alive"),
            };
            let plain = if bug.survives_tests { "" } else { "  (plain tests find it too)" };
            text += &format!("{:<22} {:<46} {seeds:>6}  {judge}{plain}\n", bug.mechanism, bug.name);
        }
        text += "\nalive after";
        for seeds in CURVE.into_iter().filter(|&seeds| seeds <= self.seeds_max) {
            let share = 100.0 * self.alive_after(seeds) as f64 / self.caught.len().max(1) as f64;
            text += &format!("  {seeds}: {share:.0} %");
        }
        text += &format!("\nmedian {}, 95 % {}\n\n", shown(self.quantile(50)), shown(self.quantile(95)));
        for caught in &self.without {
            let kind = caught.hunt.without.map_or("nothing", FaultKind::name);
            let fate = match &caught.killed {
                None => format!("survives {} seeds", caught.hunt.seeds),
                Some((seed, judge, _)) => format!("is found by seed {seed}, {judge}"),
            };
            text += &format!("without {kind:<18} {:<46} {fate}\n", caught.hunt.bug().name);
        }
        text += &format!("\n{}\n", self.clean.tally.markers.describe());
        for failed in self.clean.failed.iter().chain(&self.twice.failed) {
            text += &format!("without a bug, {}\n", failed.verdict());
        }
        for goal in self.goals() {
            text += &format!("\n{}  {}", if goal.met { "met   " } else { "MISSED" }, goal.what);
        }
        text
    }

    /// The same for programs.
    pub fn to_json(&self) -> serde_json::Value {
        let caught = |caught: &Catch| {
            let (bug, killed) = (caught.hunt.bug(), caught.killed.as_ref());
            json!({
                "name": bug.name,
                "mechanism": bug.mechanism,
                "broken": bug.broken,
                "survives_tests": bug.survives_tests,
                "without": caught.hunt.without.map(FaultKind::name),
                "seeds_max": caught.hunt.seeds,
                "seeds_needed": caught.seeds_needed(),
                "judge": killed.map(|(_, judge, _)| judge),
                "what": killed.map(|(_, _, what)| what),
            })
        };
        let curve = CURVE.into_iter().filter(|&seeds| seeds <= self.seeds_max);
        json!({
            "mutants": self.caught.iter().map(caught).collect::<Vec<_>>(),
            "alive_after": curve.map(|seeds| (seeds.to_string(), self.alive_after(seeds)))
                .collect::<std::collections::BTreeMap<_, _>>(),
            "median": self.quantile(50),
            "percentile_95": self.quantile(95),
            "faults": self.without.iter().map(caught).collect::<Vec<_>>(),
            "markers": self.clean.tally.markers.counts().collect::<std::collections::BTreeMap<_, _>>(),
            "markers_seeds": self.clean.tally.markers.runs,
            "clean_seeds": self.clean.tally.seeds,
            "clean_failures": self.clean.failed.iter().map(|failed| failed.seed).collect::<Vec<_>>(),
            "twice_seeds": self.twice.tally.seeds,
            "twice_failures": self.twice.failed.iter().map(|failed| failed.seed).collect::<Vec<_>>(),
            "canary": self.canary,
            "goals": self.goals().iter().map(|goal| json!({ "what": goal.what, "met": goal.met }))
                .collect::<Vec<_>>(),
        })
    }
}
