//! A disk that betrays: what it damages must be reported, and nothing may be read wrongly.
//!
//! 1. After a write that landed elsewhere nothing acknowledged may be missing, except behind an error.
//! 2. A batch of the log that landed elsewhere is missing: if it was the newest, nobody can tell, and if it landed on another
//!    one, nobody has that any more. What was committed since the last opening may be missing then, from some commit on,
//!    unless the database was closed, which needs no log.
//! 3. A disk that lied has promised nothing since: after a power loss any state since then may be there, whole.

use numstore::{Database, Error};

use crate::judge::{Betrayed, Finding, check_betrayal};
use crate::model::{History, Streams};
use crate::world::SimEnv;

use super::rot::salvage;
use super::stage::{Down, Phase, Stage};

/// What the database may be found as, once a disk that lies has lost power.
pub(super) struct Lie {
    states: Option<History>,
    /// The first state of the history under way that counts.
    from: usize,
    /// Lies when it began.
    lies_before: u64,
}

impl Lie {
    /// A history is over.
    fn append(&mut self, history: &History) {
        for at in self.from..=*history.candidates().end() {
            let state = history.state(at).clone();
            match &mut self.states {
                Some(states) => states.commit(state),
                None => self.states = Some(History::new(state)),
            }
        }
        self.from = 0;
    }
}

impl Stage {
    /// The disk begins to lie.
    pub(super) fn begin_lie(&mut self) {
        let from = match &self.phase {
            Phase::Down(down) => *down.history.candidates().start(),
            Phase::Up(session) => *session.model().history().candidates().start(),
            Phase::Ruined(_) => return,
        };
        if self.lie.is_none() {
            self.lie = Some(Lie { states: None, from, lies_before: self.world.counters().lies });
        }
    }

    /// A process goes on from where another one ended, while the disk lies.
    pub(super) fn continue_lie(&mut self, history: &History) {
        if let Some(lie) = &mut self.lie {
            lie.append(history);
        }
    }

    /// The power has failed, and with it the lie ends.
    pub(super) fn end_lie(&mut self) {
        let (Some(mut lie), Phase::Down(down)) = (self.lie.take(), &mut self.phase) else { return };
        if self.world.counters().lies > lie.lies_before {
            lie.append(&down.history);
            let history = lie.states.unwrap_or_else(|| down.history.clone());
            *down = Down { lied: true, ..Down::new(history) };
        }
    }

    /// Whether the disk has done something that it may not do, since the database was whole.
    pub(super) fn is_betrayed(&self) -> bool {
        let lied = matches!(&self.phase, Phase::Down(Down { lied: true, .. }));
        lied || self.world.counters().misdirected > self.misdirected_before
    }

    /// What an opening after a betrayal came to: nothing is left to judge, or the database, whole.
    pub(super) fn judge_betrayed(
        &mut self,
        opened: Result<Database<SimEnv>, Error>,
    ) -> Result<Option<Database<SimEnv>>, Finding> {
        let in_log = self.world.counters().misdirected_logs > self.misdirected_logs_before;
        let Phase::Down(down) = &mut self.phase else { return Ok(None) };
        if in_log && !down.clean {
            down.history.doubt_all();
        }
        let states: Vec<Streams> =
            down.history.candidates().map(|at| down.history.state(at).clone()).collect();
        let lied = down.lied;
        let (betrayed, db) = match opened {
            Ok(db) => (survey(&db, &states), Some(db)),
            Err(e) => (Betrayed::Refused(e), None),
        };
        let is_whole = check_betrayal(&betrayed, &states)?;
        let whole = db.filter(|_| is_whole);
        reached!("a misplaced write was detected", !lied && !in_log && !is_whole);
        reached!("a misplaced write did no harm", !lied && !in_log && is_whole);
        reached!("a misplaced write in a log was detected", !lied && in_log && !is_whole);
        reached!("after a disk had lied the damage was detected", lied && !is_whole);
        reached!("after a disk had lied the database was whole", lied && is_whole);
        let counters = self.world.counters();
        (self.misdirected_before, self.misdirected_logs_before) =
            (counters.misdirected, counters.misdirected_logs);
        match &mut self.phase {
            Phase::Down(down) if is_whole => down.lied = false,
            phase => *phase = Phase::Ruined(states),
        }
        Ok(whole)
    }
}

/// Reads everything, and audits what could be read to its end.
fn survey(db: &Database<SimEnv>, states: &[Streams]) -> Betrayed {
    let salvage = salvage(db, states);
    let audit = salvage.is_complete().then(|| db.verify().map(|audit| audit.is_clean()));
    Betrayed::Open { salvage, audit }
}
