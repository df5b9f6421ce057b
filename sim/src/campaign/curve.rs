//! How many planted bugs are alive after so many seeds: a drawing and a table, from the report of a score.

use serde_json::Value;

use super::html::{Html, join, paragraph, table, text};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers at the axes.
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 30.0;

/// The section on a score.
///
/// # Errors
/// If that is not the report of a score.
pub(super) fn section(score: &Value) -> Result<Html, String> {
    let mutants = score["mutants"].as_array().ok_or("the score names no mutants")?;
    let needed: Vec<Option<u64>> = mutants.iter().map(|mutant| mutant["seeds_needed"].as_u64()).collect();
    let most = mutants.iter().filter_map(|mutant| mutant["seeds_max"].as_u64()).max().unwrap_or(1);
    let alive = |seeds: u64| needed.iter().filter(|needed| needed.is_none_or(|n| n > seeds)).count();
    let points: Vec<u64> = [1, 10, 100, 1000, 10_000, 100_000].into_iter().filter(|at| *at < most).collect();
    let curve = table(
        "Planted bugs that are alive",
        &["after seeds", "alive", "of a hundred"],
        points.iter().chain([&most]).map(|&seeds| {
            let share = 100.0 * alive(seeds) as f64 / needed.len().max(1) as f64;
            vec![text(seeds), text(alive(seeds)), text(format!("{share:.1}"))]
        }),
    );
    let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let bugs = table(
        "Planted bugs",
        &["bug", "mechanism", "seeds needed", "judge"],
        mutants.iter().map(|mutant| {
            let seeds = mutant["seeds_needed"].as_u64().map_or("not found".to_owned(), |n| n.to_string());
            vec![
                text(word(&mutant["name"])),
                text(word(&mutant["mechanism"])),
                text(seeds),
                text(word(&mutant["judge"])),
            ]
        }),
    );
    let goals = score["goals"].as_array().map(Vec::as_slice).unwrap_or_default();
    let goals = table(
        "Goals of the score",
        &["goal", "met"],
        goals.iter().map(|goal| {
            vec![text(word(&goal["what"])), text(if goal["met"] == true { "yes" } else { "NO" })]
        }),
    );
    let told = format!(
        "{} of {} planted bugs are found within {most} seeds; half of them within {}.",
        needed.iter().flatten().count(),
        needed.len(),
        score["median"].as_u64().map_or("more than there were".to_owned(), |seeds| seeds.to_string()),
    );
    Ok(join([paragraph(told), drawing(&needed, most), curve, goals, bugs]))
}

/// A step for each bug, over seeds on a logarithmic scale.
fn drawing(needed: &[Option<u64>], most: u64) -> Html {
    let most = most.max(2);
    let x = |seeds: u64| LEFT + (WIDTH - LEFT - 10.0) * (seeds.max(1) as f64).ln() / (most as f64).ln();
    let share = |alive: usize| alive as f64 / needed.len().max(1) as f64;
    let y = |alive: usize| 10.0 + (HEIGHT - BOTTOM - 10.0) * (1.0 - share(alive));
    let mut found: Vec<u64> = needed.iter().flatten().copied().collect();
    found.sort_unstable();
    let mut path = format!("M{:.1} {:.1}", x(1), y(needed.len()));
    for (before, seeds) in found.iter().enumerate() {
        path += &format!(" H{:.1} V{:.1}", x(*seeds), y(needed.len() - before - 1));
    }
    path += &format!(" H{:.1}", x(most));
    let mut axes = String::new();
    let mut tick = 1;
    while tick <= most {
        axes += &format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>\n",
            x(tick),
            HEIGHT - 8.0
        );
        tick *= 10;
    }
    for (place, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
        let y = 10.0 + (HEIGHT - BOTTOM - 10.0) * (1.0 - place);
        axes += &format!("<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n");
        axes +=
            &format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n", LEFT - 4.0, y + 4.0);
    }
    Html(format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Share of planted bugs alive, over seeds on a \
         logarithmic scale; the table below has the numbers\">\n{axes}<path d=\"{path}\"/>\n</svg>"
    ))
}
