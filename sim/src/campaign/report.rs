//! A campaign's report for programs: what the page for people has, under names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::State;

/// The report; with that of a score, on the planted bugs too, else `mutants` is null.
pub fn to_json(state: &State, score: Option<&Value>) -> Value {
    let tally = &state.tally;
    let (judged, undecided) = state.client_histories();
    let of_score = |name: &str| score.map_or(Value::Null, |score| score[name].clone());
    json!({
        "build": state.build,
        "seeds": { "from": state.from, "next": state.next, "run": tally.seeds },
        "done": state.is_done(),
        "twice": state.twice,
        "without": state.without,
        "rounds": tally.total("rounds"),
        "failed": state.findings,
        "corpus": state.corpus,
        "trace_hash": format!("{:016x}", tally.trace_hash),
        "markers": tally.markers.counts().collect::<BTreeMap<_, _>>(),
        "markers_missed": tally.markers.missed(),
        "mutants": of_score("mutants"),
        "mutants_median": of_score("median"),
        "goals": of_score("goals"),
        "seconds": state.seconds,
        "seeds_per_second": state.rate(),
        "bound": state.bound(),
        "seeds_with_crash_in_recovery": tally.seeds_with_crash_in_recovery,
        "client_histories": { "judged": judged, "undecided": undecided },
        "medians": tally.medians().named().into_iter().collect::<BTreeMap<_, _>>(),
    })
}
