//! The interpreter of acts: each is done to the simulated machine, and judged.
//!
//! 1. Any act is possible at any time: one that does not fit is skipped, and nothing else happens.
//! 2. The history says in which states the database may be found. It goes from a session to the time without one, and
//!    from there to what the next opening is judged by.

use std::path::PathBuf;
use std::time::Duration;

use numstore::ErrorCode;

use crate::judge::{Finding, Left, check_log_growth};
use crate::model::{Concurrent, History, Model, Step, Streams};
use crate::script::{Act, Death, FaultOrder};
use crate::workload::{Geometry, Operation};
use crate::world::{World, WriteFault};

use super::betrayal::Lie;
use super::clients::Programs;
use super::fits::fits;
use super::outcome::Counters;
use super::quiesce::end_poisoned;
use super::session::{Fault, Session, Stop};

/// Where the database is.
pub(super) const PATH: &str = "db/x.ns";
/// Bytes in a block of the data file and of the log.
pub(super) const BLOCK_BYTES: u64 = 4096;
/// The superblock's two slots.
pub(super) const SLOTS_BYTES: u64 = 2 * BLOCK_BYTES;

/// No file has more blocks.
const BLOCKS_MAX: u64 = 1 << 40;

/// What an act came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// It was done.
    Performed,
    /// It did not fit.
    Skipped,
}

/// A bit of the log that has rotted.
pub(super) struct RottenLog {
    pub(super) path: PathBuf,
    pub(super) at: u64,
    pub(super) bit: u8,
    /// The byte as it is now.
    pub(super) byte: u8,
}

/// Nobody has the database open.
pub(super) struct Down {
    /// What it may be found as.
    pub(super) history: History,
    /// Whether it was closed properly.
    pub(super) clean: bool,
    /// Whether the last opening failed because I/O did, in a process that lives on.
    pub(super) failed: bool,
    /// Whether all batches of the log are whole: killed in between two operations, and not touched since.
    pub(super) whole_log: bool,
    pub(super) rotten: Option<RottenLog>,
    /// The state that the last commit made, if it is in doubt whether it happened.
    pub(super) doubted: Option<Streams>,
    /// Whether the disk lied until the power failed.
    pub(super) lied: bool,
    /// Openings that a crash struck, one after the other.
    pub(super) struck: u64,
    /// What clients did side by side, if they were the last: it says what may be found, and not the history.
    pub(super) clients: Option<Box<Concurrent>>,
}

impl Down {
    pub(super) fn new(history: History) -> Down {
        Down {
            history,
            clean: false,
            failed: false,
            whole_log: false,
            rotten: None,
            doubted: None,
            lied: false,
            struck: 0,
            clients: None,
        }
    }

    /// How the database was left.
    pub(super) fn left(&self) -> Left {
        match self {
            Down { rotten: Some(_), .. } => Left::Rotten,
            Down { clean: true, .. } => Left::Closed,
            Down { .. } => Left::Dead,
        }
    }
}

/// The database, as the run has it.
pub(super) enum Phase {
    Down(Down),
    Up(Box<Session>),
    /// Beyond repair; it was in one of these states.
    Ruined(Vec<Streams>),
}

/// What is known of the database, for whoever decides what comes next.
pub enum Seen<'a> {
    /// The process is dead, and the next one has not started.
    Dead,
    /// The process lives and has not opened the database.
    Down {
        /// It was closed properly.
        clean: bool,
        /// The last opening failed because I/O did.
        failed: bool,
        /// A bit of the log is rotten.
        rotten: bool,
    },
    /// It is open.
    Up(&'a Model),
    /// It is beyond repair.
    Ruined,
}

/// The machine, the database on it, and what is known about both.
pub struct Stage {
    pub(super) world: World,
    pub(super) geometry: Geometry,
    pub(super) counters: Counters,
    pub(super) phase: Phase,
    /// What clients were told to do as soon as they run.
    pub(super) programs: Programs,
    /// How long they wait for a lock.
    pub(super) patience: Duration,
    /// I/O calls of the last opening that went through.
    pub(super) opening_ios: u64,
    /// How many syncs and writes had failed when a slot rotted that may not be whole again.
    pub(super) rotten_slot: Option<u64>,
    /// How many writes had landed elsewhere when the database was last seen whole.
    pub(super) misdirected_before: u64,
    /// Of those, how many in a log.
    pub(super) misdirected_logs_before: u64,
    /// Whether clients have worked since the database was opened.
    pub(super) clients_ran: bool,
    pub(super) lie: Option<Lie>,
    /// Whether huge streams had their turn, which they have once.
    pub(super) huge_is_done: bool,
}

impl Stage {
    /// An empty machine.
    pub fn new(world: &World, geometry: Geometry) -> Stage {
        Stage {
            world: world.clone(),
            geometry,
            counters: Counters::default(),
            phase: Phase::Down(Down::new(History::new(Streams::new()))),
            programs: Programs::new(),
            patience: Duration::ZERO,
            opening_ios: 20,
            rotten_slot: None,
            misdirected_before: 0,
            misdirected_logs_before: 0,
            clients_ran: false,
            lie: None,
            huge_is_done: false,
        }
    }

    /// A machine that is off, on which a database may be found in one of the states of `history`.
    pub(crate) fn found(world: &World, geometry: Geometry, history: History) -> Stage {
        Stage { phase: Phase::Down(Down::new(history)), ..Stage::new(world, geometry) }
    }

    /// What the database may be found as, once its process is dead.
    pub(crate) fn history(&self) -> Option<&History> {
        match &self.phase {
            Phase::Down(down) => Some(&down.history),
            Phase::Up(_) | Phase::Ruined(_) => None,
        }
    }

    /// What can be seen from outside.
    pub fn seen(&self) -> Seen<'_> {
        match &self.phase {
            Phase::Down(_) if self.world.crashed() => Seen::Dead,
            Phase::Down(down) => {
                Seen::Down { clean: down.clean, failed: down.failed, rotten: down.rotten.is_some() }
            }
            Phase::Up(session) => Seen::Up(session.model()),
            Phase::Ruined(_) => Seen::Ruined,
        }
    }

    /// I/O calls of the last opening that went through.
    pub fn opening_ios(&self) -> u64 {
        self.opening_ios
    }

    /// Bytes of the data file.
    pub fn data_bytes(&self) -> u64 {
        let mut files = self.world.files().into_iter();
        files.find(|(path, _)| path.as_os_str() == PATH).map_or(0, |(_, len)| len)
    }

    /// Does an act.
    ///
    /// # Errors
    /// What is wrong.
    pub fn perform(&mut self, act: &Act) -> Result<Done, Finding> {
        match act {
            Act::Open => self.open(),
            Act::Do(operation) => self.operate(operation),
            Act::Arm(order) => Ok(self.arm(*order)),
            Act::Disarm => {
                self.world.disarm();
                self.world.relieve();
                Ok(Done::Performed)
            }
            Act::Die(death) => self.die(*death),
            Act::Rot(rot) => Ok(self.rot(*rot)),
            Act::Mend => Ok(self.mend()),
            Act::Churn => self.churn(),
            Act::Plan { client, operation } => Ok(self.plan(*client, operation)),
            Act::Clients { turns, end_after } => self.run_clients(*turns, *end_after),
            Act::Patience { millis } => {
                self.patience = Duration::from_millis(*millis);
                Ok(Done::Performed)
            }
            Act::Quiesce => self.quiesce(),
            Act::Huge { seed, leaves_log2, operations } => self.huge(*seed, *leaves_log2, *operations),
            Act::HugeSteps { leaves_log2, steps } => self.huge_steps(*leaves_log2, steps),
        }
    }

    fn operate(&mut self, operation: &Operation) -> Result<Done, Finding> {
        let Phase::Up(session) = &mut self.phase else { return Ok(Done::Skipped) };
        if !fits(&**session, operation) {
            return Ok(Done::Skipped);
        }
        self.counters.operations += 1;
        // The session stays where it is: should this panic, it must not be dropped before the panic is caught.
        let reports = Stage::reports(operation, session);
        let in_doubt = self.world.is_to_panic().then(|| session.after(operation)).flatten();
        let called = self.world.catching(|| session.perform(operation, &mut self.counters));
        let ended = called.unwrap_or_else(|| {
            self.world.note("  the call panics");
            Err(Stop::Crash(Fault { in_doubt, code: Some(ErrorCode::Poisoned) }))
        });
        if reports {
            self.check_reports()?;
        }
        self.follow(ended)?;
        Ok(Done::Performed)
    }

    /// Goes on after an operation: the session may be over.
    pub(super) fn follow(&mut self, ended: Result<(), Stop>) -> Result<(), Finding> {
        let Phase::Up(session) = &self.phase else { return Ok(()) };
        match ended {
            Ok(()) if session.is_faulty() => self.give_up(Fault::default()),
            Ok(()) => Ok(()),
            Err(Stop::Finding(finding)) => Err(finding),
            Err(Stop::Crash(fault)) => self.give_up(fault),
            Err(Stop::Closed) => self.close(),
        }
    }

    fn arm(&mut self, order: FaultOrder) -> Done {
        if self.world.crashed() || matches!(self.phase, Phase::Ruined(_)) {
            return Done::Skipped;
        }
        match order {
            FaultOrder::Crash { after } => self.world.crash_after(after),
            FaultOrder::CrashBehindSuperblock { after } => self.world.crash_behind_write(SLOTS_BYTES, after),
            FaultOrder::FailSync { after } => self.world.fail_sync_after(after),
            FaultOrder::FailWrites { after, fault } => self.world.fail_writes_after(after, fault),
            FaultOrder::GoBad { part, first, blocks } => {
                let start = first.min(BLOCKS_MAX) * BLOCK_BYTES;
                self.world.go_bad(part, start..start + blocks.min(BLOCKS_MAX) * BLOCK_BYTES);
            }
            FaultOrder::Misdirect { after, to } => self.world.misdirect_write_after(after, to),
            // What clients have committed since the database was opened has no order that could be found in part.
            FaultOrder::MisdirectLog { .. } if self.clients_ran => return Done::Skipped,
            FaultOrder::MisdirectLog { after, to } => self.world.misdirect_log_write_after(after, to),
            FaultOrder::Lie { after } => {
                self.begin_lie();
                self.world.lie_after(after);
            }
            FaultOrder::StayFull { after, refusals } => {
                self.world.fail_writes_after(after, WriteFault::Full);
                if let Phase::Up(session) = &mut self.phase {
                    session.stay_full(refusals);
                }
            }
            FaultOrder::FailName { after } => self.world.fail_name_after(after),
            FaultOrder::AtomicUnit { bytes } => self.world.atomic_unit(bytes),
            FaultOrder::SlowIo { per_mille } => self.world.slow_ios(per_mille),
            FaultOrder::DisturbClock { fault, seconds } => {
                self.world.disturb_clock(fault, Duration::from_secs(seconds));
            }
        }
        Done::Performed
    }

    fn die(&mut self, death: Death) -> Result<Done, Finding> {
        let whole_log = match &self.phase {
            Phase::Ruined(_) => return Ok(Done::Skipped),
            // What is rotten now might be the last batch then.
            Phase::Down(Down { rotten: Some(_), .. }) if death != Death::Kill => return Ok(Done::Skipped),
            Phase::Down(_) => false,
            Phase::Up(session) => !session.is_faulty() && !session.is_refused() && death == Death::Kill,
        };
        self.give_up(Fault::default())?;
        match death {
            Death::Kill => self.world.kill(),
            Death::PowerLoss(persist) => {
                self.world.power_loss(persist);
                self.end_lie();
            }
        }
        if let Phase::Down(down) = &mut self.phase {
            (down.whole_log, down.failed) = (whole_log, false);
        }
        Ok(Done::Performed)
    }

    /// The session is over, if there is one: it tells what it can, and its process is dead.
    pub(super) fn give_up(&mut self, mut fault: Fault) -> Result<(), Finding> {
        let Phase::Up(session) = &mut self.phase else { return Ok(()) };
        self.counters.checkpoints += session.db().stats().checkpoints;
        self.world.disarm();
        if !self.world.crashed() {
            // Who lives can have it repaired; else what is bad is bad for the next process too.
            self.world.relieve();
        }
        let betrayed = session.is_betrayed();
        if !betrayed && !self.world.crashed() && (session.is_faulty() || session.is_refused()) {
            self.counters.failures += 1;
            let commits = *session.model().history().candidates().end();
            session.probe_open()?;
            session.probe(&fault)?;
            self.world.quiesce();
            let ended = end_poisoned(&self.world, session, &mut self.counters);
            self.world.rouse();
            ended?;
            if *session.model().history().candidates().end() != commits {
                // The write was accepted, so what failed before it has not happened.
                fault.in_doubt = None;
            }
        }
        self.world.stop();
        let mut history = session.model().history().clone();
        if let Some(state) = &fault.in_doubt {
            self.world.note("  a commit is in doubt");
            history.commit(state.clone());
        }
        self.phase = Phase::Down(Down { doubted: fault.in_doubt, ..Down::new(history) });
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Finding> {
        let nothing = Phase::Down(Down::new(History::new(Streams::new())));
        let Phase::Up(session) = std::mem::replace(&mut self.phase, nothing) else { return Ok(()) };
        self.counters.checkpoints += session.db().stats().checkpoints;
        let (model, ended) = session.close();
        self.check_reports()?;
        let mut down = Down::new(model.history().clone());
        match ended {
            Ok(()) if !self.world.crashed() => down.clean = true,
            Err(Stop::Finding(finding)) => return Err(finding),
            _ => self.world.stop(),
        }
        self.phase = Phase::Down(down);
        Ok(())
    }

    /// With a checkpoint now and then the log does not grow.
    fn churn(&mut self) -> Result<Done, Finding> {
        match &self.phase {
            // An open transaction needs its part of the log's room.
            Phase::Up(session) if session.model().open().len() == 0 => {}
            _ => return Ok(Done::Skipped),
        }
        let name = "here and gone".to_owned();
        let pair = [Step::Create { name: name.clone() }, Step::Drop { name }].map(Operation::Direct);
        let round = [pair.clone(), pair].concat().into_iter().chain([Operation::Checkpoint]);
        let round: Vec<Operation> = round.collect();
        let mut before = None;
        // By the third round a new log has what it keeps room for.
        for (at, operation) in round.iter().cycle().take(7 * round.len()).enumerate() {
            let Phase::Up(session) = &mut self.phase else { return Ok(Done::Performed) };
            let ended = session.perform(operation, &mut self.counters);
            if at + 1 == 3 * round.len() {
                before = Some(session.db().stats().log_file_bytes);
            }
            self.follow(ended)?;
        }
        let (Phase::Up(session), Some(before)) = (&self.phase, before) else { return Ok(Done::Performed) };
        let now = session.db().stats().log_file_bytes;
        check_log_growth(before, now, self.geometry.log_segment_bytes()).map(|()| Done::Performed)
    }
}
