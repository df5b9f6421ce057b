//! Openings: what is found must be what may be there, whole, and nobody else's.

use std::path::Path;
use std::time::Duration;

use numstore::{Database, Error};

use crate::judge::{
    Finding, check_audit, check_duration, check_name, check_recovery, check_refused_opening, check_reopening,
    check_second_opening,
};
use crate::model::History;
use crate::world::SimEnv;

use super::observe::observe;
use super::session::Session;
use super::stage::{Done, PATH, Phase, Stage};

impl Stage {
    /// Opens the database and judges it; faults that were ordered and have not struck by then are taken back.
    pub(super) fn open(&mut self) -> Result<Done, Finding> {
        match &self.phase {
            Phase::Down(_) if !self.world.crashed() => {}
            Phase::Ruined(_) => return self.read_ruin(),
            _ => return Ok(Done::Skipped),
        }
        self.check_name()?;
        let failures = self.failures();
        let (before, before_open) = (self.world.counters(), self.world.elapsed());
        let opened = self.geometry.options().open_in(self.world.env(), PATH);
        self.world.disarm();
        if let Err(e) = &opened {
            self.world.hear(e);
        }
        self.check_reports()?;
        let counters = self.world.counters();
        let crashed = self.world.crashed();
        let failed = self.failures() > failures;
        let refused = failed && matches!(opened, Err(Error::Io { .. } | Error::Poisoned { .. }));
        let opened = if self.is_betrayed() && !crashed && !refused {
            self.world.relieve();
            match self.judge_betrayed(opened)? {
                Some(db) => Ok(db),
                None => return Ok(Done::Performed),
            }
        } else {
            opened
        };
        let Phase::Down(down) = &mut self.phase else { return Ok(Done::Skipped) };
        reached!(
            "a process whose opening failed opened the database once more",
            down.failed && opened.is_ok()
        );
        reached!("a log with a rotten bit was read rightly", down.rotten.is_some() && opened.is_ok());
        down.whole_log = false;
        down.failed = false;
        match opened {
            // Before the first opening there was nothing to recover.
            Err(_) if self.world.crashed() => {
                let recovers = !down.clean && self.counters.recoveries > 0;
                self.counters.crashes_in_recovery += u64::from(recovers);
                down.struck += u64::from(recovers);
                reached!("four openings in a row were struck by a crash", down.struck == 4);
            }
            Err(Error::Io { .. } | Error::Poisoned { .. }) if failed => {
                down.failed = true;
            }
            Err(e) => check_refused_opening(down.left(), &e)?,
            Ok(_) if self.world.crashed() => {}
            Ok(db) => {
                let ios = (counters.ios - before.ios).max(1);
                let lacks_room = counters.refused_full > before.refused_full;
                self.check_duration(&db, before_open)?;
                self.enter(db, ios, lacks_room)?;
            }
        }
        Ok(Done::Performed)
    }

    /// The database has opened, after so many I/O calls.
    fn enter(&mut self, db: Database<SimEnv>, ios: u64, lacks_room: bool) -> Result<(), Finding> {
        self.clients_ran = false;
        // Until an opening goes through, what is bad stays bad.
        self.world.relieve();
        let Phase::Down(down) = &self.phase else { return Ok(()) };
        let (mut history, doubted) = (down.history.clone(), down.doubted.clone());
        let clients = down.clients.clone();
        let found = if down.clean {
            let found = observe(&db)?;
            check_reopening(history.newest(), &found)?;
            found
        } else {
            self.opening_ios = ios;
            self.count_recovery(&db);
            self.check_lock()?;
            let found = observe(&db)?;
            if let Some(record) = clients {
                self.judge_found(&record, &found)?;
                reached!("a recovery left what an order of several clients leaves");
                self.world.note("  recovered: what an order of the clients leaves");
                history = History::new(found.clone());
            }
            let at = check_recovery(&history, &found)?;
            if let Some(doubted) = &doubted {
                reached!("a commit in doubt has happened", found == *doubted);
                reached!("a commit in doubt has not happened", found != *doubted);
            }
            let newest = history.candidates().end() - at;
            let losers = db.stats().recovery.map_or(0, |report| report.losers);
            self.world.note(&format!("  recovered: {newest} commits before the newest, {losers} losers"));
            found
        };
        if self.rotten_slot == Some(self.failures()) {
            // No sync has lied since: what was written in its place is durable.
            self.rotten_slot = None;
        }
        self.continue_lie(&history);
        let audit = self.audit(&db, &found);
        self.phase = Phase::Up(Box::new(Session::new(&self.world, db, found, lacks_room, &self.geometry)));
        self.counters.rounds += 1;
        check_audit(&audit?)
    }

    fn count_recovery(&mut self, db: &Database<SimEnv>) {
        self.counters.recoveries += 1;
        if let Some(report) = &db.stats().recovery {
            self.counters.losers += report.losers;
            self.counters.clrs_written += report.clrs_written;
            self.counters.records_redone += report.records_redone;
        }
    }

    /// A recovery says how long it took, whatever the wall clock does meanwhile.
    fn check_duration(&self, db: &Database<SimEnv>, began: Duration) -> Result<(), Finding> {
        let Some(report) = db.stats().recovery else { return Ok(()) };
        let most = self.world.elapsed().saturating_sub(began);
        reached!("wall time stood still during a recovery", self.world.is_wall_stalled());
        check_duration(report.duration, most)
    }

    /// Who opens an open database is told so.
    fn check_lock(&self) -> Result<(), Finding> {
        check_second_opening(&self.geometry.options().open_in(self.world.env(), PATH).map(drop))
    }

    /// A database that was open has its name.
    fn check_name(&self) -> Result<(), Finding> {
        let there = self.world.files().iter().any(|(path, _)| path == Path::new(PATH));
        check_name(self.counters.recoveries > 0 && !self.is_betrayed(), there)
    }

    /// Syncs, writes and reads that have failed.
    pub(super) fn failures(&self) -> u64 {
        let world = self.world.counters();
        world.syncs_failed + world.calls_failed()
    }
}
