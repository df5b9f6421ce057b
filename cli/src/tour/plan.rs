//! Which edits, where and in which durable transaction: a pure function of the settings, so that writer and judge,
//! two processes, agree on every commit by its number alone.
//!
//! 1. The stream has [`PLACES`] places, at random distances; each starts empty and receives one of the traces from its
//!    beginning, so that its content is that trace's document at some moment.
//! 2. The places take turns. A commit applies a run of recorded transactions at one place, as long as the group.
//! 3. The last [`SINGLES`] commits apply one recorded transaction each.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::traces::{Patch, Trace};

/// At how many places the stream is edited.
pub const PLACES: usize = 64;
/// How many recorded transactions are committed one by one at the end.
pub const SINGLES: usize = 512;

/// What the plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Length of the stream before any edit.
    pub size: u64,
    /// Chooses the places.
    pub seed: u64,
    /// Recorded transactions in one durable transaction.
    pub group: u32,
    /// About how many edits there are to be; everything recorded if `None`.
    pub edits: Option<u64>,
}

/// One place in the stream.
pub struct Place {
    /// Where it lies in the stream as it was before any edit.
    pub base_offset: u64,
    /// Which trace it receives.
    pub trace: usize,
}

/// One durable transaction: recorded transactions `first..end` of the place's trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commit {
    /// Which place.
    pub place: usize,
    /// First recorded transaction.
    pub first: usize,
    /// One past the last.
    pub end: usize,
}

/// The whole tour, commit by commit.
pub struct Plan {
    /// The recorded histories.
    pub traces: Vec<Trace>,
    /// The places, by offset.
    pub places: Vec<Place>,
    /// The durable transactions, in order.
    pub commits: Vec<Commit>,
    /// How many of them are groups; the rest are single recorded transactions.
    pub grouped: usize,
}

impl Plan {
    /// Lays the plan.
    pub fn new(traces: Vec<Trace>, settings: &Settings) -> Plan {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        let slot = settings.size / PLACES as u64;
        let places: Vec<Place> = (0..PLACES)
            .map(|i| {
                let within = if slot == 0 { 0 } else { rng.random_range(0..slot) };
                Place { base_offset: slot * i as u64 + within, trace: i % traces.len() }
            })
            .collect();
        let all: u64 = places.iter().map(|p| patches(&traces[p.trace].txns)).sum();
        let share = settings.edits.map_or(1.0, |edits| (edits as f64 / all as f64).min(1.0));
        let ends: Vec<usize> =
            places.iter().map(|p| (traces[p.trace].txns.len() as f64 * share).ceil() as usize).collect();
        let mut plan = Plan { traces, places, commits: Vec::new(), grouped: 0 };
        let singles = SINGLES / PLACES;
        let group_ends: Vec<usize> = ends.iter().map(|end| end.saturating_sub(singles)).collect();
        let mut next = vec![0; PLACES];
        plan.take_turns(&mut next, &group_ends, settings.group as usize);
        plan.grouped = plan.commits.len();
        plan.take_turns(&mut next, &ends, 1);
        plan
    }

    /// Adds commits of `group` recorded transactions, place after place, until every place is at its end.
    fn take_turns(&mut self, next: &mut [usize], ends: &[usize], group: usize) {
        loop {
            let before = self.commits.len();
            for place in 0..PLACES {
                let (first, end) = (next[place], ends[place].min(next[place] + group));
                if first < end {
                    self.commits.push(Commit { place, first, end });
                    next[place] = end;
                }
            }
            if self.commits.len() == before {
                return;
            }
        }
    }

    /// The edits of a commit, in order; positions count from the start of its place.
    pub fn patches(&self, commit: usize) -> impl Iterator<Item = &Patch> {
        let Commit { place, first, end } = self.commits[commit];
        self.traces[self.places[place].trace].txns[first..end].iter().flatten()
    }

    /// How many edits a range of commits has.
    pub fn edits(&self, commits: std::ops::Range<usize>) -> u64 {
        commits.map(|commit| self.patches(commit).count() as u64).sum()
    }
}

/// How many patches there are.
fn patches(txns: &[Vec<Patch>]) -> u64 {
    txns.iter().map(|patches| patches.len() as u64).sum()
}

/// How long each place is at a moment, and so where each starts in the stream.
pub struct Offsets {
    lens: Vec<u64>,
}

impl Offsets {
    /// The moment after the first `commits` commits.
    pub fn after(plan: &Plan, commits: usize) -> Offsets {
        let mut offsets = Offsets { lens: vec![0; PLACES] };
        for commit in 0..commits {
            let place = plan.commits[commit].place;
            plan.patches(commit).for_each(|patch| offsets.edited(place, patch));
        }
        offsets
    }

    /// Where a place starts now.
    pub fn start(&self, plan: &Plan, place: usize) -> u64 {
        plan.places[place].base_offset + self.lens[..place].iter().sum::<u64>()
    }

    /// Takes note of an edit at a place.
    pub fn edited(&mut self, place: usize, patch: &Patch) {
        self.lens[place] = self.lens[place] + patch.inserted.len() as u64 - patch.deleted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(edits: Option<u64>) -> Plan {
        let settings = Settings { size: 1 << 20, seed: 7, group: 100, edits };
        Plan::new(crate::tour::traces::load().unwrap(), &settings)
    }

    #[test]
    fn every_place_gets_its_whole_trace_in_order() {
        let plan = plan(None);
        let mut next = [0; PLACES];
        for commit in &plan.commits {
            assert_eq!(commit.first, next[commit.place]);
            assert!(commit.end > commit.first);
            next[commit.place] = commit.end;
        }
        for (place, next) in plan.places.iter().zip(next) {
            assert_eq!(next, plan.traces[place.trace].txns.len());
        }
        assert_eq!(plan.commits.len() - plan.grouped, SINGLES);
        assert!(plan.commits[plan.grouped..].iter().all(|c| c.end - c.first == 1));
    }

    #[test]
    fn a_shorter_plan_has_about_the_edits_asked_for() {
        let plan = plan(Some(20_000));
        let edits = plan.edits(0..plan.commits.len());
        assert!((15_000..25_000).contains(&edits), "{edits}");
    }

    #[test]
    fn offsets_end_at_the_documents_lengths() {
        let plan = plan(None);
        let offsets = Offsets::after(&plan, plan.commits.len());
        for (place, len) in plan.places.iter().zip(&offsets.lens) {
            assert_eq!(*len, plan.traces[place.trace].end.len() as u64);
        }
    }
}
