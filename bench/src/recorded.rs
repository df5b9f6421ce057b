//! The ratios of an earlier run beside those of this one. Only ratios: everything else belongs to its machine and hour.

use std::fmt::Write;
use std::path::Path;

use crate::Result;
use crate::engines::OURS;
use crate::report::json;
use crate::results::{Row, bytes};
use crate::table::number;

/// The rows that are ratios of NumStore's.
fn ratios_of(rows: &[Row]) -> Vec<Row> {
    rows.iter().filter(|row| row.engine == OURS && row.unit == "ratio").cloned().collect()
}

/// The ratios of this run, and those of an earlier one that this one did not measure.
pub fn merged(rows: &[Row], path: &Path) -> Result<Vec<Row>> {
    let mut merged = ratios_of(rows);
    merged.extend(
        read(path)?
            .into_iter()
            .filter(|old| merged.iter().all(|now| key(now) != key(old)))
            .collect::<Vec<_>>(),
    );
    merged.sort_by(|a, b| key(a).cmp(&key(b)));
    Ok(merged)
}

fn key(row: &Row) -> (&str, u64, &str) {
    (&row.workload, row.size, &row.metric)
}

/// An earlier run's rows; none if there was no earlier run.
fn read(path: &Path) -> Result<Vec<Row>> {
    if path.exists() { json::from_json(&std::fs::read_to_string(path)?) } else { Ok(Vec::new()) }
}

/// A table of the ratios then and now. An earlier run need not be there.
pub fn compare(rows: &[Row], path: &Path) -> Result<String> {
    let before = read(path)?;
    let mut text = format!("\nratios now and as recorded in {}\n", path.display());
    for now in ratios_of(rows) {
        let known = before.iter().find(|row| key(row) == key(&now));
        let then =
            known.map_or_else(|| "      -".to_owned(), |row| format!("{:>7}", number(row.spread.median)));
        let moved = known.is_some_and(|row| {
            let outside = now.spread.median < row.spread.low || now.spread.median > row.spread.high;
            let far = (now.spread.median / row.spread.median - 1.0).abs() > 0.1;
            outside && far
        });
        let mark = if moved { "  moved" } else { "" };
        let what = format!("{}, {}, {}", now.workload, bytes(now.size), now.metric);
        let _ = writeln!(text, "  {:>7} {then}  {what}{mark}", number(now.spread.median));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::some;

    #[test]
    fn ratios_are_compared_with_those_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recorded.json");
        let mut rows = some().rows();
        assert!(compare(&rows, &path).unwrap().contains("load, 1 MiB, speed / raw"), "without a file");
        std::fs::write(&path, json::to_json(&ratios_of(&rows))).unwrap();
        assert!(!compare(&rows, &path).unwrap().contains("moved"));
        rows.iter_mut().filter(|row| row.metric == "time / raw").for_each(|row| row.spread.median *= 3.0);
        let text = compare(&rows, &path).unwrap();
        assert_eq!(text.matches("moved").count(), 1, "{text}");

        rows.retain(|row| row.workload == "insert");
        let merged = merged(&rows, &path).unwrap();
        let medians: Vec<(&str, f64)> = merged.iter().map(|row| (&*row.metric, row.spread.median)).collect();
        assert_eq!(medians, [("time / raw", 4.5), ("speed / raw", 0.75)], "what was not measured is kept");
    }
}
