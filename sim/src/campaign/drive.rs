//! Runs a campaign slice by slice, so that what was done is on disk before the next slice begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::runner::{Campaign, FINDINGS_MAX, Report};

use super::corpus::{self, Played, shown};
use super::finding::Found;
use super::state::State;

/// Seeds between two writings of the state: one or two seconds.
const SLICE: u64 = 250;

/// Under what a campaign runs.
#[derive(Clone, Default, Debug)]
pub struct Conditions {
    /// Threads.
    pub jobs: usize,
    /// Where the logs are that come first, and where those of findings go.
    pub corpus: Option<PathBuf>,
    /// Where the state is kept.
    pub keep: Option<PathBuf>,
    /// Set by whoever wants an end; all that was done until then counts.
    pub interrupted: Arc<AtomicBool>,
}

/// What can be heard of a campaign while it runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heard {
    /// Seeds that have ended, all in all.
    pub seeds: u64,
    /// How long the campaign has run, all in all.
    pub seconds: f64,
    /// What was found.
    pub findings: usize,
}

/// Plays the logs of the corpus: what is wrong is a finding.
///
/// # Errors
/// If a log cannot be read.
pub fn play_corpus(state: &mut State, dir: &Path) -> Result<(), String> {
    state.corpus.clear();
    state.findings.retain(|found| found.seed.is_some());
    for path in corpus::logs_in(dir)? {
        let fate = corpus::play(&path)?;
        let clean = fate.finding.is_none();
        state
            .findings
            .extend(fate.finding.map(|finding| Found::by_log(&path, &finding, fate.stale.is_some())));
        state.corpus.push(Played { path: shown(&path).into(), stale: fate.stale, clean });
    }
    Ok(())
}

/// Goes on with a campaign until it is done, interrupted, or has found too much; `listener` hears of every seed.
///
/// # Errors
/// If the state cannot be kept.
pub fn drive(state: &mut State, under: &Conditions, listener: &mut dyn FnMut(Heard)) -> Result<(), String> {
    let keep = |state: &State| under.keep.as_ref().map_or(Ok(()), |path| state.save(path));
    keep(state)?;
    while !state.is_done()
        && state.findings.len() < FINDINGS_MAX
        && !under.interrupted.load(Ordering::Relaxed)
    {
        let report = slice(state, under, listener);
        for outcome in &report.failed {
            state.findings.extend(Found::by_seed(outcome, state, under.corpus.as_deref()));
        }
        state.tally.add(&report.tally);
        state.next = report.next;
        state.seconds += report.duration.as_secs_f64();
        keep(state)?;
    }
    Ok(())
}

fn slice(state: &State, under: &Conditions, listener: &mut dyn FnMut(Heard)) -> Report {
    let began = Instant::now();
    let time = state.seconds_left().map(Duration::from_secs_f64);
    let campaign = Campaign {
        seeds: state.next..state.end.min(state.next.saturating_add(SLICE)),
        jobs: under.jobs,
        twice: state.twice,
        without: state.without(),
        stop: Arc::default(),
    };
    campaign.run(|done, _, failed| {
        if under.interrupted.load(Ordering::Relaxed) || time.is_some_and(|time| began.elapsed() >= time) {
            campaign.stop.store(true, Ordering::Relaxed);
        }
        listener(Heard {
            seeds: state.tally.seeds + done,
            seconds: state.seconds + began.elapsed().as_secs_f64(),
            findings: state.findings.len() + failed,
        });
    })
}

#[cfg(test)]
mod tests {
    use super::super::state::Request;
    use super::*;

    fn request(seeds: std::ops::Range<u64>) -> Request {
        Request { seeds: Some(seeds), ..Request::default() }
    }

    #[test]
    fn a_campaign_that_is_stopped_goes_on_where_it_was() {
        let file = std::env::temp_dir().join(format!("numstore-campaign-{}.json", std::process::id()));
        let under = Conditions { jobs: 2, keep: Some(file.clone()), ..Conditions::default() };
        let mut state = State::resume(&file, &request(5..45)).unwrap();
        let interrupted = Arc::clone(&under.interrupted);
        drive(&mut state, &under, &mut |heard| interrupted.store(heard.seeds >= 9, Ordering::Relaxed))
            .unwrap();
        assert!(!state.is_done() && state.tally.seeds >= 9 && state.next == 5 + state.tally.seeds);

        interrupted.store(false, Ordering::Relaxed);
        let mut resumed = State::resume(&file, &Request::default()).unwrap();
        assert_eq!(resumed, state);
        drive(&mut resumed, &under, &mut |_| {}).unwrap();
        let mut whole = State::new(&request(5..45)).unwrap();
        drive(&mut whole, &Conditions { jobs: 1, ..Conditions::default() }, &mut |_| {}).unwrap();
        assert_eq!((&resumed.tally, resumed.next), (&whole.tally, whole.next));
        assert!(
            resumed.is_done() && resumed.bound().unwrap().starts_with("40 clean seeds: p < 3/40 = 7.50e-2")
        );

        let refused = State::resume(&file, &request(6..45)).unwrap_err();
        assert!(refused.ends_with("that began with seed 5 and is at 45"), "{refused}");
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn time_ends_a_campaign() {
        assert!(State::new(&Request::default()).is_err());
        let time = Some(Duration::from_millis(300));
        let mut state = State::new(&Request { time, ..Request::default() }).unwrap();
        drive(&mut state, &Conditions { jobs: 2, ..Conditions::default() }, &mut |_| {}).unwrap();
        assert!(state.is_done() && state.tally.seeds > 0 && state.seconds >= 0.3);
    }
}
