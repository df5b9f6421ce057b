//! All numbers of a run: series by round, rows for others to read, and ratios of NumStore to what it is judged by.

use crate::engines::{OURS, Role, role_of};
use crate::harness::{Metric, Rounds};
use crate::statistics::{Spread, median, paired};

/// One engine's numbers for one metric, a number for each round.
#[derive(Clone, Debug)]
pub struct Series {
    pub workload: &'static str,
    pub size: u64,
    pub engine: &'static str,
    pub metric: Metric,
    pub values: Vec<f64>,
}

/// Microseconds of all calls of one engine.
#[derive(Clone, Debug)]
pub struct Latencies {
    pub workload: &'static str,
    pub size: u64,
    pub engine: &'static str,
    pub values: Vec<f64>,
}

/// A line of the JSON file.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub workload: String,
    pub size: u64,
    pub engine: String,
    pub metric: String,
    pub unit: String,
    pub spread: Spread,
}

/// NumStore's number over another's, in the same rounds.
#[derive(Clone, Debug)]
pub struct Ratio {
    pub role: Role,
    /// Whose number it is compared with.
    pub engine: &'static str,
    pub spread: Spread,
}

/// Everything that was measured.
#[derive(Default, Debug)]
pub struct Results {
    pub series: Vec<Series>,
    pub latencies: Vec<Latencies>,
    /// Rounds measured again, and whatever else a reader must know.
    pub notes: Vec<String>,
    /// How many engines were compared with the model after a workload.
    pub verified: usize,
}

impl Results {
    /// Takes what the rounds of a workload gave.
    pub fn add(&mut self, workload: &'static str, size: u64, rounds: Rounds) {
        if rounds.repeated > 0 {
            let (again, left) = (rounds.repeated, rounds.left_disturbed);
            let note = format!(
                "{workload}, {}: {again} disturbed rounds were measured again, {left} are still off",
                bytes(size)
            );
            self.notes.push(note);
        }
        for round in rounds.rounds {
            for sample in round.samples {
                self.series_of(workload, size, sample.engine, sample.metric).values.push(sample.value);
            }
            for (engine, values) in round.latencies {
                let is_it = |l: &&mut Latencies| (l.workload, l.size, l.engine) == (workload, size, engine);
                match self.latencies.iter_mut().find(is_it) {
                    Some(known) => known.values.extend(values),
                    None => self.latencies.push(Latencies { workload, size, engine, values }),
                }
            }
        }
    }

    fn series_of(
        &mut self,
        workload: &'static str,
        size: u64,
        engine: &'static str,
        metric: Metric,
    ) -> &mut Series {
        let key = (workload, size, engine, metric);
        let is_it = |s: &Series| (s.workload, s.size, s.engine, s.metric) == key;
        let at = self.series.iter().position(is_it).unwrap_or_else(|| {
            self.series.push(Series { workload, size, engine, metric, values: Vec::new() });
            self.series.len() - 1
        });
        &mut self.series[at]
    }

    /// The groups of series that can be compared: one workload, size and metric each, in the order of measuring.
    pub fn groups(&self) -> Vec<Vec<&Series>> {
        let mut groups: Vec<Vec<&Series>> = Vec::new();
        for series in &self.series {
            let key = |s: &Series| (s.workload, s.size, s.metric);
            match groups.iter_mut().find(|group| key(group[0]) == key(series)) {
                Some(group) => group.push(series),
                None => groups.push(vec![series]),
            }
        }
        groups
    }

    /// NumStore's numbers over those of others in its group: the first raw one, the best peer, the best text.
    pub fn ratios(group: &[&Series]) -> Vec<Ratio> {
        let Some(ours) = group.iter().find(|series| series.engine == OURS) else { return Vec::new() };
        let best = |role: Role| {
            let candidates = group.iter().filter(|series| role_of(series.engine) == role);
            let rank = |series: &&&Series| {
                let middle = median(&series.values);
                // The raw baseline is the first one, whichever is the fastest.
                if role == Role::Raw {
                    0.0
                } else if series.metric.less_is_better {
                    middle
                } else {
                    -middle
                }
            };
            candidates.min_by(|a, b| rank(a).total_cmp(&rank(b))).copied()
        };
        let roles = [Role::Raw, Role::Peer, Role::Memory].into_iter();
        roles
            .filter_map(|role| {
                let theirs = best(role)?;
                let spread = Spread::of(&paired(&ours.values, &theirs.values));
                Some(Ratio { role, engine: theirs.engine, spread })
            })
            .collect()
    }

    /// All series, and the ratios as rows of their own.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for group in self.groups() {
            for series in &group {
                rows.push(row(
                    series,
                    series.metric.name.to_owned(),
                    series.metric.unit,
                    Spread::of(&series.values),
                ));
            }
            let Some(ours) = group.iter().find(|series| series.engine == OURS) else { continue };
            for ratio in Results::ratios(&group) {
                let to = match ratio.role {
                    Role::Raw => "raw",
                    Role::Memory => "best text",
                    Role::Peer | Role::Ours => "best peer",
                };
                rows.push(row(ours, format!("{} / {to}", ours.metric.name), "ratio", ratio.spread));
            }
        }
        rows
    }
}

fn row(series: &Series, metric: String, unit: &str, spread: Spread) -> Row {
    Row {
        workload: series.workload.to_owned(),
        size: series.size,
        engine: series.engine.to_owned(),
        metric,
        unit: unit.to_owned(),
        spread,
    }
}

/// A length for people: whole powers of 1,024.
pub fn bytes(len: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fitting = units.into_iter().find(|(_, shift)| len >= 1 << shift && len.is_multiple_of(1 << shift));
    fitting.map_or_else(|| format!("{len} B"), |(unit, shift)| format!("{} {unit}", len >> shift))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::harness::Round;

    pub const SPEED: Metric = Metric::more("speed", "MB/s");
    pub const TIME: Metric = Metric::less("time", "us");

    /// Two workloads, each with NumStore and two raw ones.
    pub fn some() -> Results {
        let mut results = Results::default();
        let rounds = [(10.0, 20.0), (30.0, 40.0), (20.0, 25.0)].map(|(ours, raw)| {
            let mut round = Round::default();
            round.add("raw", SPEED, raw);
            round.add("raw-other", SPEED, raw * 5.0);
            round.add(OURS, SPEED, ours);
            round.latencies.push((OURS, vec![ours, ours * 2.0]));
            round
        });
        results.add("load", 1 << 20, Rounds { rounds: rounds.to_vec(), repeated: 2, left_disturbed: 0 });
        let mut round = Round::default();
        round.add(OURS, TIME, 3.0);
        round.add("raw", TIME, 2.0);
        results.add("insert", 1 << 30, Rounds { rounds: vec![round], repeated: 0, left_disturbed: 0 });
        results
    }

    #[test]
    fn ratios_are_medians_of_the_rounds_and_to_the_first_raw_one() {
        let results = some();
        let groups = results.groups();
        let ratios = Results::ratios(&groups[0]);
        assert_eq!((ratios.len(), ratios[0].engine), (1, "raw"));
        assert_eq!(ratios[0].spread, Spread { median: 0.75, low: 0.5, high: 0.8 });
    }

    #[test]
    fn rows_have_every_series_and_every_ratio() {
        let rows = some().rows();
        let names: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.engine, &*row.metric)).collect();
        let expected = [
            ("raw", "speed"),
            ("raw-other", "speed"),
            (OURS, "speed"),
            (OURS, "speed / raw"),
            (OURS, "time"),
            ("raw", "time"),
            (OURS, "time / raw"),
        ];
        assert_eq!(names, expected);
        assert_eq!(rows[6].spread.median, 1.5);
    }

    #[test]
    fn what_was_measured_again_is_told_and_calls_are_pooled() {
        let results = some();
        assert!(results.notes[0].contains("2 disturbed rounds"), "{:?}", results.notes);
        assert_eq!(results.latencies[0].values.len(), 6);
    }

    #[test]
    fn lengths_are_written_as_they_are_given() {
        assert_eq!([bytes(64 << 20), bytes(1 << 30), bytes(1000)], ["64 MiB", "1 GiB", "1000 B"]);
    }
}
