//! One page with all plots: throughput by workload, insertion latency by the length of the stream, distributions of
//! latencies, bytes written, space, and a table of every number. Real numbers only: a plot without any is left out.

use std::fmt::Write;

use super::svg::{Axis, Bar, Line, bars, escape, lines};
use crate::engines::OURS;
use crate::results::{Results, Series, bytes};
use crate::statistics::{Spread, median, percentile};
use crate::table::number;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:940px;margin:2em auto;padding:0 1em;color:#24292f}\
    svg{font-size:12px;max-width:100%;height:auto}svg text{fill:#24292f}h3{margin-bottom:.2em;font-weight:600}\
    table{border-collapse:collapse;font-size:13px}td,th{padding:2px 10px 2px 0;text-align:right}\
    td:nth-child(-n+4),th:nth-child(-n+4){text-align:left}tr.ours{font-weight:600}";

/// The page.
pub fn page(results: &Results) -> String {
    let mut page = format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>NumStore, measured</title><style>{STYLE}</style>\n\
         <h1>NumStore, measured</h1>\n<p>All engines in turn in every round; medians of the rounds, with the lowest and \
         the highest. Ratios travel between machines, absolute numbers do not.</p>\n"
    );
    for note in &results.notes {
        let _ = writeln!(page, "<p>Note: {}.</p>", escape(note));
    }
    let is_bytes = |series: &Series| series.metric.unit.starts_with('B');
    let is_speed = |series: &Series| !series.metric.less_is_better && series.metric.unit != "ratio";
    page.push_str(&section("Throughput by workload", groups(results, is_speed)));
    page.push_str(&by_size(results));
    page.push_str(&distributions(results));
    page.push_str(&section("Bytes written, and space", groups(results, is_bytes)));
    let is_rest = |series: &Series| !is_bytes(series) && !is_speed(series);
    page.push_str(&section("Times, and ratios", groups(results, is_rest)));
    page.push_str(&table(results));
    page + "</html>\n"
}

fn section(title: &str, plots: String) -> String {
    if plots.is_empty() { String::new() } else { format!("<h2>{title}</h2>\n{plots}") }
}

/// Bars for each group of series that is `wanted`.
fn groups(results: &Results, wanted: impl Fn(&Series) -> bool) -> String {
    let mut text = String::new();
    for group in results.groups().into_iter().filter(|group| wanted(group[0])) {
        let first = group[0];
        let to_bar = |series: &&Series| Bar {
            label: series.engine.to_owned(),
            spread: Spread::of(&series.values),
            is_ours: series.engine == OURS,
        };
        let all: Vec<Bar> = group.iter().map(to_bar).collect();
        let metric = escape(first.metric.name);
        let size = bytes(first.size);
        let _ = writeln!(
            text,
            "<h3>{}, {size}: {metric}</h3>\n{}",
            first.workload,
            bars(&all, first.metric.unit)
        );
    }
    text
}

/// Insertion latency by the length of the stream, on logarithmic axes.
fn by_size(results: &Results) -> String {
    let mut found: Vec<Line> = Vec::new();
    let mut series: Vec<&Series> = results.series.iter().filter(|s| s.workload == "middle-insert").collect();
    series.sort_by_key(|series| (series.engine, series.size));
    for series in series {
        let point = (series.size as f64, median(&series.values));
        match found.iter_mut().find(|line| line.label == series.engine) {
            Some(line) => line.points.push(point),
            None => found.push(Line { label: series.engine.to_owned(), points: vec![point] }),
        }
    }
    if found.is_empty() {
        return String::new();
    }
    let x = Axis { name: "length of the stream", write: |value| bytes(value as u64), base: Some(4.0) };
    let y = Axis { name: "p50 of a durable insertion, us", write: number, base: Some(10.0) };
    section("A durable insertion by the length of the stream", lines(&found, x, y))
}

/// Latency by percentile, for each workload whose calls were timed one by one.
fn distributions(results: &Results) -> String {
    const PERCENTILES: [f64; 11] = [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9];
    let mut plots: Vec<(&str, u64, Vec<Line>)> = Vec::new();
    for latencies in &results.latencies {
        let (workload, size) = (latencies.workload, latencies.size);
        // The rarer a latency, the farther right: one call in so many is slower. No farther than calls were made.
        let rarity = |percent: f64| 1.0 / (1.0 - percent / 100.0);
        let known =
            PERCENTILES.into_iter().filter(|percent| rarity(*percent) <= latencies.values.len() as f64);
        let points = known.map(|percent| (rarity(percent), percentile(&latencies.values, percent))).collect();
        let line = Line { label: latencies.engine.to_owned(), points };
        match plots.iter_mut().find(|plot| (plot.0, plot.1) == (workload, size)) {
            Some(plot) => plot.2.push(line),
            None => plots.push((workload, size, vec![line])),
        }
    }
    // In the first colour everywhere.
    plots.iter_mut().for_each(|plot| plot.2.sort_by_key(|line| line.label != OURS));
    let x = Axis { name: "one call in so many takes longer", write: number, base: Some(10.0) };
    let y = Axis { name: "us", write: number, base: Some(10.0) };
    let plots = plots.iter().map(|(workload, size, found)| {
        format!("<h3>{workload}, {}: latency</h3>\n{}", bytes(*size), lines(found, x, y))
    });
    section("Distributions of latencies", plots.collect())
}

fn table(results: &Results) -> String {
    let mut text = "<h2>All numbers</h2>\n<table><tr><th>workload<th>size<th>engine<th>metric<th>median<th>low<th>high\n".to_owned();
    for row in results.rows() {
        let class = if row.engine == OURS { " class='ours'" } else { "" };
        let Spread { median, low, high } = row.spread;
        let _ = writeln!(
            text,
            "<tr{class}><td>{}<td>{}<td>{}<td>{}, {}<td>{}<td>{}<td>{}",
            row.workload,
            bytes(row.size),
            row.engine,
            escape(&row.metric),
            row.unit,
            number(median),
            number(low),
            number(high)
        );
    }
    text + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{Round, Rounds};
    use crate::results::tests::{TIME, some};

    #[test]
    fn the_page_has_every_number_and_needs_nothing_else() {
        let mut results = some();
        for (size, time) in [(1 << 20, 123.0), (64 << 20, 456.0)] {
            let mut round = Round::default();
            round.add("raw-rewrite", TIME, time);
            results.add(
                "middle-insert",
                size,
                Rounds { rounds: vec![round], repeated: 0, left_disturbed: 0 },
            );
        }
        let page = page(&results);
        for part in
            ["raw-rewrite: 64 MiB, 456", "numstore: 20.0 [10.0 to 30.0] MB/s", "speed / raw, ratio", "0.750"]
        {
            assert!(page.contains(part), "{part} is not in the page");
        }
        assert!(page.contains("Distributions of latencies") && page.contains("measured again"));
        assert!(!page.contains("src=") && !page.contains("href="), "it refers to nothing");
    }

    #[test]
    fn a_plot_without_numbers_is_left_out() {
        let page = page(&Results::default());
        assert!(!page.contains("<svg") && !page.contains("Throughput by workload"), "{page}");
    }
}
