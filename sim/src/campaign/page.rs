//! A campaign's report for people: one page that needs nothing but itself.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;

use super::curve;
use super::finding::Found;
use super::html::{Html, element, fill, join, paragraph, table, text};
use super::state::State;

/// The page as it is before anything is known.
const TEMPLATE: &str = include_str!("page.html");

/// The page on a campaign; with the report of a score, on that too.
///
/// # Errors
/// If `score` is none.
pub fn page(state: &State, score: Option<&Value>) -> Result<String, String> {
    let title = format!("NumStore: {} simulated histories", state.tally.seeds);
    let score = match score {
        Some(score) => curve::section(score)?,
        None => paragraph("No score was given."),
    };
    let tone = if state.findings.is_empty() { "good" } else { "bad" };
    Ok(fill(
        TEMPLATE,
        &[
            ("title", text(title)),
            ("tone", text(tone)),
            ("verdict", verdict(state)),
            ("figures", figures(state)),
            ("medians", medians(state)),
            ("findings", findings(&state.findings)),
            ("corpus", corpus(state)),
            ("markers", markers(state)),
            ("score", score),
        ],
    ))
}

fn verdict(state: &State) -> Html {
    let done = if state.is_done() { "" } else { " It is not at its end." };
    let found = match state.bound() {
        Some(bound) => format!("Nothing was found. {bound}."),
        None if state.findings.is_empty() => "No seed has run yet.".to_owned(),
        None => format!("{} findings.", state.findings.len()),
    };
    paragraph(format!("{found}{done}"))
}

fn figures(state: &State) -> Html {
    let row = |name: &str, value: &dyn Display| vec![text(name), text(value)];
    let last = state.next.checked_sub(1).filter(|last| *last >= state.from);
    let mut rows = vec![
        row("build", &state.build),
        row("seeds", &last.map_or("none".to_owned(), |last| format!("{} to {last}", state.from))),
        row("seeds that ended", &state.tally.seeds),
        row("rounds of crash, recovery and audit", &state.tally.total("rounds")),
        row("seconds", &format!("{:.1}", state.seconds)),
        row("seeds a second", &format!("{:.1}", state.rate())),
        row("seeds with a crash in a recovery", &state.tally.seeds_with_crash_in_recovery),
        row("hash of all traces", &format!("{:016x}", state.tally.trace_hash)),
    ];
    let (judged, undecided) = state.client_histories();
    rows.push(row("histories of clients side by side", &format!("{judged}, {undecided} of them undecided")));
    if state.twice {
        rows.push(row("each seed ran", &"twice, and was the same"));
    }
    if !state.without.is_empty() {
        rows.push(row("faults that did not occur", &state.without.join(", ")));
    }
    table("The campaign", &["what", "value"], rows)
}

fn medians(state: &State) -> Html {
    let rows = state.tally.medians().named();
    let rows = rows.into_iter().map(|(name, number)| vec![text(name.replace('_', " ")), text(number)]);
    table("Medians over seeds", &["a seed's", "median"], rows)
}

/// By signature: what is one failure stands together.
fn findings(findings: &[Found]) -> Html {
    if findings.is_empty() {
        return paragraph("None.");
    }
    let mut kinds: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    findings.iter().for_each(|found| kinds.entry(&found.signature).or_default().push(found));
    let code = |words: &str| element("code", &text(words));
    let rows = kinds.into_iter().flat_map(|(signature, found)| {
        found.into_iter().enumerate().map(move |(at, found)| {
            let seed = found.seed.map_or("corpus".to_owned(), |seed| seed.to_string());
            let log = found.log.as_ref().map_or(text("none"), |log| code(&super::corpus::shown(log)));
            let signature = if at == 0 { signature } else { "the same" };
            vec![text(signature), text(seed), text(&found.what), code(&found.replay), log, text(&found.build)]
        })
    });
    table("Failures", &["signature", "seed", "what was said", "to see it again", "log", "build"], rows)
}

fn corpus(state: &State) -> Html {
    if state.corpus.is_empty() {
        return paragraph("No log was played.");
    }
    let rows = state.corpus.iter().map(|played| {
        let stale = played.stale.as_deref().map_or("as recorded".to_owned(), |at| format!("stale: {at}"));
        let verdict = if played.clean { "clean" } else { "FAILED" };
        vec![element("code", &text(played.path.display())), text(verdict), text(stale)]
    });
    table("Logs that are played first", &["log", "verdict", "fits"], rows)
}

fn markers(state: &State) -> Html {
    let census = &state.tally.markers;
    let mut reached: Vec<(&str, u64)> = census.counts().filter(|(_, count)| *count > 0).collect();
    reached.sort_by_key(|(_, count)| *count);
    let share = |count: u64| format!("{:.2}", 100.0 * count as f64 / census.runs.max(1) as f64);
    let rows = reached.iter().map(|(name, count)| vec![text(name), text(count), text(share(*count))]);
    let summary = census.describe();
    let missed = census.missed();
    let missed = match missed.len() {
        0 => paragraph("Every marker was reached."),
        _ => table("Not reached", &["marker"], missed.into_iter().map(|name| vec![text(name)])),
    };
    join([
        paragraph(summary.lines().next().unwrap_or_default()),
        missed,
        table("Reached, rarest first", &["marker", "seeds", "of a hundred"], rows),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::drive::{Conditions, drive};
    use super::super::report::to_json;
    use super::super::state::Request;
    use super::*;
    use crate::judge::Finding;
    use crate::runner::{Outcome, run_seed};

    /// A campaign of a few seeds, one of which is said to have found something that is hard to print.
    fn campaign() -> State {
        let mut state = State::new(&Request { seeds: Some(0..8), ..Request::default() }).unwrap();
        drive(&mut state, &Conditions { jobs: 2, ..Conditions::default() }, &mut |_| {}).unwrap();
        let finding = Some(Finding::new("answer", "<script>\"a\" & 'b'</script>\u{1}{{title}}"));
        let outcome = Outcome { finding, ..run_seed(3, None) };
        state.findings.extend(Found::by_seed(&outcome, &state, None));
        state
    }

    fn score() -> Value {
        let mutant = |name, needed: Option<u64>| json!({ "name": name, "mechanism": "log", "seeds_needed": needed, "seeds_max": 3000, "judge": "answer" });
        let mutants = [mutant("a <b>", Some(3)), mutant("c", Some(170)), mutant("d", None)];
        json!({ "mutants": mutants, "median": 170, "goals": [{ "what": "all & more", "met": false }] })
    }

    #[test]
    fn the_page_is_well_formed_and_complete() {
        let state = campaign();
        let page = page(&state, Some(&score())).unwrap();
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let document = roxmltree::Document::parse_with_options(&page, options).unwrap();
        let words: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        let has = |word: &str| words.iter().any(|text| text.contains(word));
        for (name, _) in state.tally.markers.counts() {
            assert!(has(name), "the marker {name:?}");
        }
        for (name, _) in state.tally.medians().named() {
            assert!(has(&name.replace('_', " ")), "the counter {name}");
        }
        for word in
            ["replay 3", "<script>\"a\" & 'b'</script>\u{fffd}{{title}}", "1 findings", "not found", "a <b>"]
        {
            assert!(has(word), "{word}");
        }
        assert!(!document.descendants().any(|node| node.has_tag_name("script")));
        let links =
            document.descendants().filter_map(|node| node.attribute("href").or(node.attribute("src")));
        for link in links {
            let id = link.strip_prefix('#').expect("nothing outside of the page");
            assert!(document.descendants().any(|node| node.attribute("id") == Some(id)), "{link}");
        }
        let mut tables = document.descendants().filter(|node| node.has_tag_name("table"));
        assert!(
            tables.all(|table| table.parent().and_then(|region| region.attribute("tabindex")) == Some("0"))
        );
        assert!(!page.contains("http"), "nothing is fetched");
    }

    #[test]
    fn both_reports_have_the_same_in_them() {
        let (state, score) = (campaign(), score());
        let (json, page) = (to_json(&state, Some(&score)), page(&state, Some(&score)).unwrap());
        assert_eq!(json["mutants"], score["mutants"]);
        assert!(json["rounds"].as_u64().unwrap() >= 16 && page.contains(&json["rounds"].to_string()));
        let missed = json["markers_missed"].as_array().unwrap();
        assert!(!missed.is_empty() && missed.iter().all(|name| json["markers"][name.as_str().unwrap()] == 0));
        assert!(to_json(&state, None)["mutants"].is_null());
    }

    #[test]
    fn a_clean_campaign_says_how_sure_it_is() {
        let mut state = campaign();
        state.findings.clear();
        let page = page(&state, None).unwrap();
        assert!(page.contains("8 clean seeds: p &lt; 3/8 = 3.75e-1 at 95 %"), "{page}");
    }

    #[test]
    fn what_is_no_score_is_refused() {
        assert!(page(&campaign(), Some(&json!({ "seeds": 3 }))).is_err());
    }
}
