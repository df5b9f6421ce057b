//! Rows as JSON: an array with an object for each, of `workload`, `size`, `engine`, `metric`, `unit`, `median`, `low`, `high`.

use serde_json::{Value, json};

use crate::Result;
use crate::results::Row;
use crate::statistics::Spread;

/// All rows, a line each.
pub fn to_json(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| format!("  {}", value_of(row))).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn value_of(row: &Row) -> Value {
    json!({
        "workload": row.workload,
        "size": row.size,
        "engine": row.engine,
        "metric": row.metric,
        "unit": row.unit,
        "median": row.spread.median,
        "low": row.spread.low,
        "high": row.spread.high,
    })
}

/// The rows of a file that [`to_json`] wrote.
pub fn from_json(text: &str) -> Result<Vec<Row>> {
    let value: Value = serde_json::from_str(text)?;
    let rows = value.as_array().ok_or("rows are an array")?;
    rows.iter().map(row_of).collect()
}

fn row_of(value: &Value) -> Result<Row> {
    let text =
        |key: &str| value[key].as_str().map(str::to_owned).ok_or_else(|| format!("a row has no text {key}"));
    let number = |key: &str| value[key].as_f64().ok_or_else(|| format!("a row has no number {key}"));
    Ok(Row {
        workload: text("workload")?,
        size: value["size"].as_u64().ok_or("a row has no size")?,
        engine: text("engine")?,
        metric: text("metric")?,
        unit: text("unit")?,
        spread: Spread { median: number("median")?, low: number("low")?, high: number("high")? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::some;

    #[test]
    fn rows_come_back_as_they_were() {
        let rows = some().rows();
        assert_eq!(from_json(&to_json(&rows)).unwrap(), rows);
    }

    #[test]
    fn a_row_has_exactly_these_fields() {
        let value: Value = serde_json::from_str(&to_json(&some().rows())).unwrap();
        let mut keys: Vec<&str> = value[0].as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["engine", "high", "low", "median", "metric", "size", "unit", "workload"]);
        assert_eq!(value[0]["size"], 1 << 20);
        assert!(value[0]["median"].is_f64());
    }

    #[test]
    fn what_is_not_a_row_is_refused() {
        for wrong in ["{}", "[{}]", "[{\"workload\": 1}]", "["] {
            from_json(wrong).unwrap_err();
        }
    }
}
