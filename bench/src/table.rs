//! The table that a run prints: for each metric the engines' medians with their spread, NumStore's with its ratios and
//! with what it must reach.

use std::fmt::Write;

use crate::engines::{OURS, Role};
use crate::results::{Results, Series, bytes};
use crate::statistics::{Spread, paired};
use crate::targets::{Against, CROP, Target};

/// The table of some series, which were measured together.
pub fn of(series: &[Series]) -> String {
    let results = Results { series: series.to_vec(), ..Results::default() };
    let mut text = String::new();
    let mut size = series.first().map_or(0, |series| series.size);
    for group in results.groups() {
        let metric = group[0].metric;
        let direction = if metric.less_is_better { "less is better" } else { "more is better" };
        let other_size =
            if group[0].size == size { String::new() } else { format!("{}: ", bytes(group[0].size)) };
        size = group[0].size;
        let _ = writeln!(text, "  {other_size}{}, {} ({direction})", metric.name, metric.unit);
        for series in &group {
            let _ = writeln!(text, "    {:<16} {}", series.engine, spread(Spread::of(&series.values)));
            if series.engine == OURS {
                text.push_str(&judged(&group, series));
            }
        }
    }
    text
}

/// The ratios of NumStore's numbers, and its targets.
fn judged(group: &[&Series], ours: &Series) -> String {
    let mut text = String::new();
    let target = |against| Target::of(ours.workload, ours.size, ours.metric.name, against);
    if let Some(target) = target(Against::Itself) {
        let _ = writeln!(text, "{:21}{}", "", target.verdict(Spread::of(&ours.values)));
    }
    if let (Some(target), Some(crop)) = (target(CROP), group.iter().find(|series| series.engine == "crop")) {
        let ratio = Spread::of(&paired(&ours.values, &crop.values));
        let _ = writeln!(text, "{:21}{} of crop; {}", "", spread(ratio).trim(), target.verdict(ratio));
    }
    for ratio in Results::ratios(group) {
        let what = match ratio.role {
            Role::Raw => "of raw",
            Role::Peer => "of the best peer",
            _ => "of the best text in memory",
        };
        let verdict = target(Against::Of(ratio.role))
            .map_or(String::new(), |t| format!("; {}", t.verdict(ratio.spread)));
        let _ = writeln!(text, "{:21}{} {what}, {}{verdict}", "", spread(ratio.spread).trim(), ratio.engine);
    }
    text
}

/// Whatever a reader of the table must know beside it.
pub fn notes(results: &Results) -> String {
    let notes = results.notes.iter();
    let lines: String = notes.map(|note| format!("note: {note}\n")).collect();
    if lines.is_empty() { "\n".to_owned() } else { format!("\n{lines}") }
}

fn spread(spread: Spread) -> String {
    let Spread { median, low, high } = spread;
    format!("{:>11} [{} to {}]", number(median), number(low), number(high))
}

/// Three or four digits that count, thousands set apart.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 {
        let digits = format!("{value:.0}");
        let from_end = digits.len() % 3;
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && at % 3 == from_end {
                text.push(',');
            }
            text.push(digit);
        }
        text
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::some;

    #[test]
    fn the_table_has_every_engine_and_every_ratio() {
        let text = of(&some().series);
        for part in
            ["speed, MB/s (more is better)", "numstore", "raw-other", "0.750 [0.500 to 0.800] of raw, raw"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(notes(&some()).contains("measured again"));
    }

    #[test]
    fn numbers_are_short() {
        let texts = [1_234_567.8, 999.6, 1_000.0, 12.34, 0.12345].map(number);
        assert_eq!(texts, ["1,234,568", "1000", "1,000", "12.3", "0.123"]);
    }
}
