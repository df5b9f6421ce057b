//! A campaign's report for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::State;

/// The report.
pub fn to_json(state: &State) -> Value {
    let tally = &state.tally;
    let (judged, undecided) = state.client_histories();
    json!({
        "build": state.build,
        "seeds": { "from": state.from, "next": state.next, "run": tally.seeds },
        "done": state.is_done(),
        "failed": state.findings,
        "corpus": state.corpus,
        "trace_hash": format!("{:016x}", tally.trace_hash),
        "markers": tally.markers.counts().collect::<BTreeMap<_, _>>(),
        "seconds": state.seconds,
        "seeds_per_second": state.rate(),
        "bound": state.bound(),
        "seeds_with_crash_in_recovery": tally.seeds_with_crash_in_recovery,
        "client_histories": { "judged": judged, "undecided": undecided },
        "medians": tally.medians().named().into_iter().collect::<BTreeMap<_, _>>(),
    })
}
