//! Clients side by side: each is a task with a program of its own, and all have the same open database.
//!
//! 1. The programs are told beforehand, operation by operation, as acts of the run. What does not fit where it comes is
//!    left out, and a refusal is an answer like any other.
//! 2. Everything is recorded with the moments before and behind each call, and judged when all have ended: then the
//!    schedule has had its say, and so has the fault that struck in between.
//! 3. Without a fault the database goes on, in the state that an order of the transactions explains. With one its
//!    process ends, and the record says what the next opening may find.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use numstore::env::{Env, Scheduler, TaskHandle};
use numstore::{Error, Result as Answered};

use crate::judge::{Finding, Serial, TXNS_MAX, check_left, check_serial, check_waits, judge_panic};
use crate::model::{Concurrent, Ending, History, Look, Span, Streams, Txn};
use crate::script::Turns;
use crate::workload::Operation;
use crate::world::{Schedule, World};

use super::client::Client;
use super::observe::observe;
use super::quiesce::is_poisoned;
use super::session::Session;
use super::stage::{Done, Down, Phase, Stage};

/// Clients at once, at most.
const CLIENTS_MAX: usize = 6;
/// Operations of all clients.
const OPERATIONS_MAX: usize = 1000;
/// Of these, such as may be transactions or looks; some are left for what comes behind them.
const PARTIES_MAX: usize = TXNS_MAX - 16;
/// What a second try may add: the one that is undone, what it was shown, and what is wrong with its end or beginning.
const TRY_PARTIES: u64 = 4;
/// Scheduling points that clients may pass for each of their operations, before that counts as hanging.
const STEPS_PER_OPERATION: u64 = 100_000;

/// What the clients will do.
pub(super) type Programs = BTreeMap<u64, Vec<Operation>>;

/// What all clients write to.
pub(super) struct Recorder {
    pub(super) world: World,
    /// Whether snapshots may become too old.
    pub(super) expires: bool,
    moments: AtomicU64,
    /// Clients that have not ended.
    running: AtomicU64,
    /// Transactions and looks that the record has room for beside those of the programs.
    room: AtomicU64,
    /// Whether they wait for locks.
    pub(super) patient: bool,
    written: Mutex<Written>,
}

/// What the clients have told so far.
#[derive(Default)]
pub(super) struct Written {
    pub(super) record: Concurrent,
    /// Answers that are wrong whatever the others did.
    pub(super) wrong: Vec<Finding>,
    /// Whether a client had something else to do while it had a transaction open.
    pub(super) entangled: bool,
    /// Refusals because of another client.
    pub(super) busy: u64,
    /// Transactions that are open, and the most that ever were.
    pub(super) open: u64,
    pub(super) open_max: u64,
}

impl Recorder {
    /// The next moment.
    pub(super) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::Relaxed)
    }

    /// Does `call`; says how long that took.
    pub(super) fn time<T>(&self, call: impl FnOnce() -> T) -> (T, Span) {
        let from = self.moment();
        let done = call();
        (done, Span { from, to: self.moment() })
    }

    /// As [`Recorder::time`], of a call that may panic as it was ordered to: then it fails like one whose process has got into
    /// trouble, with what it was about `in_doubt` or not.
    pub(super) fn call<T>(&self, in_doubt: bool, call: impl FnOnce() -> Answered<T>) -> (Answered<T>, Span) {
        self.time(|| {
            self.world.catching(call).unwrap_or_else(|| {
                self.world.note("  the call panics");
                reached!("a call of one of several clients panicked");
                let cause = "the call panicked".to_owned();
                Err(if in_doubt { Error::InDoubt { cause } } else { Error::Poisoned { cause } })
            })
        })
    }

    /// Whether a transaction may be done once more: the record has room for it.
    pub(super) fn may_try_again(&self) -> bool {
        let spent = |room: u64| room.checked_sub(TRY_PARTIES);
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }

    pub(super) fn write(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    /// A client is told what to do.
    pub(super) fn plan(&mut self, client: u64, operation: &Operation) -> Done {
        let known = self.programs.contains_key(&client) || self.programs.len() < CLIENTS_MAX;
        let planned = self.programs.values().map(Vec::len).sum::<usize>();
        let is_party = !matches!(operation, Operation::In(..));
        if !known || planned >= OPERATIONS_MAX || (is_party && parties(&self.programs) >= PARTIES_MAX) {
            return Done::Skipped;
        }
        self.programs.entry(client).or_default().push(operation.clone());
        Done::Performed
    }

    /// The clients do what they were told.
    pub(super) fn run_clients(&mut self, turns: Turns, end_after: u64) -> Result<Done, Finding> {
        let programs = std::mem::take(&mut self.programs);
        if programs.is_empty() || !matches!(self.phase, Phase::Up(_)) || self.is_betrayed() {
            return Ok(Done::Skipped);
        }
        self.world.aim();
        self.clients_ran = true;
        self.end_all()?;
        let Phase::Up(session) = &self.phase else { return Ok(Done::Performed) };
        let base = session.model().history().clone();
        let recorder = Arc::new(Recorder {
            world: self.world.clone(),
            expires: self.geometry.expires_snapshots(),
            moments: AtomicU64::new(1),
            running: AtomicU64::new(programs.len() as u64),
            room: AtomicU64::new((PARTIES_MAX - parties(&programs)) as u64),
            patient: !self.patience.is_zero(),
            written: Mutex::default(),
        });
        recorder.write().record.base = base.candidates().map(|at| base.state(at).clone()).collect();
        let operations = programs.values().map(Vec::len).sum::<usize>() as u64;
        self.counters.operations += operations;
        self.world.set_schedule(schedule(turns));
        let steps_max = self.world.steps() + (operations + end_after) * STEPS_PER_OPERATION;
        let before = self.world.limit_steps(steps_max);
        let failures = self.failures();
        session.db().set_lock_timeout(self.patience);
        self.world.take_jump();
        play(&recorder, session, programs, end_after)?;
        // What comes behind them, beside a background task, is no step of theirs.
        self.world.limit_steps(before.max(steps_max));
        let jump = self.world.take_jump();
        session.db().set_lock_timeout(Duration::ZERO);
        let mut written = std::mem::take(&mut *recorder.write());
        self.counters.busy += written.busy;
        self.counters.open_max = self.counters.open_max.max(written.open_max);
        self.counters.client_transactions += written.record.txns.len() as u64;
        if let Some(wrong) = written.wrong.pop() {
            return Err(wrong);
        }
        written.record.faulty = self.world.crashed() || self.failures() > failures;
        check_waits(jump.filter(|_| !written.record.faulty && !written.entangled))?;
        self.judge_clients(&recorder, written.record)
    }

    /// Ends what the run itself has open: names and versions are for the clients now.
    pub(super) fn end_all(&mut self) -> Result<(), Finding> {
        while let Phase::Up(session) = &mut self.phase {
            let Some(operation) = session.ends_next() else { return Ok(()) };
            let ended = session.perform(&operation, &mut self.counters);
            self.follow(ended)?;
        }
        Ok(())
    }

    /// All clients have ended: an order explains what they were told, and what is there.
    fn judge_clients(&mut self, recorder: &Recorder, mut record: Concurrent) -> Result<Done, Finding> {
        let Phase::Up(session) = &mut self.phase else { return Ok(Done::Performed) };
        self.world.disarm();
        // A database that will be poisoned in a moment is not asked for its current state.
        let writes = !self.world.crashed() && !is_poisoned(&self.world, session)?;
        let synced = !self.world.crashed() && sync(session, recorder, &mut record);
        let goes_on = writes && synced && !session.is_faulty();
        self.check_reports()?;
        let Phase::Up(session) = &mut self.phase else { return Ok(Done::Performed) };
        if !goes_on {
            reached!("a crash struck clients side by side", self.world.crashed());
            if !self.world.crashed() {
                record.looks.push(look_at_all(session, recorder));
            }
            return self.give_up_clients(record);
        }
        let stats = session.db().stats();
        check_left(stats.transactions_open, stats.snapshots_open)?;
        session.check_bounds()?;
        let found = observe(session.db())?;
        self.judge_order(&record, Some(&found))?;
        let Phase::Up(session) = &mut self.phase else { return Ok(Done::Performed) };
        session.go_on_from(found);
        Ok(Done::Performed)
    }

    /// The process of the clients ends, or has ended already.
    fn give_up_clients(&mut self, record: Concurrent) -> Result<Done, Finding> {
        let Phase::Up(session) = &self.phase else { return Ok(Done::Performed) };
        self.counters.checkpoints += session.db().stats().checkpoints;
        self.counters.failures += u64::from(!self.world.crashed());
        self.world.stop();
        self.judge_order(&record, None)?;
        let newest = record.base.last().cloned().unwrap_or_default();
        self.phase = Phase::Down(Down { clients: Some(Box::new(record)), ..Down::new(History::new(newest)) });
        Ok(Done::Performed)
    }

    /// An order explains what the clients were told and, if the process lives, what is `found` behind them.
    fn judge_order(&mut self, record: &Concurrent, found: Option<&Streams>) -> Result<(), Finding> {
        let Serial { order, decided, .. } = self.look_for_order(record, found)?;
        let ends: Vec<u64> = order.iter().map(|(at, _)| record.txns[*at].end.to).collect();
        reached!("a commit that returned later comes first in the order", !ends.is_sorted());
        let doubts = |happened| {
            let in_doubt = |at: &usize| record.txns[*at].ending == Ending::InDoubt;
            order.iter().any(|(at, effective)| *effective == happened && in_doubt(at))
        };
        reached!("a commit of one of several clients is in doubt", doubts(true) || doubts(false));
        let claim = if decided { "an order explains" } else { "nobody knows whether an order explains" };
        self.world.note(&format!("  {claim} {} transactions of clients", record.txns.len()));
        Ok(())
    }

    /// Asks the judge, and counts how often it gives up.
    fn look_for_order(&mut self, record: &Concurrent, found: Option<&Streams>) -> Result<Serial, Finding> {
        let serial = check_serial(record, found)?;
        self.counters.client_histories += 1;
        self.counters.client_histories_undecided += u64::from(!serial.decided);
        Ok(serial)
    }

    /// Where the clients were when the process died: what may be found then.
    pub(super) fn judge_found(&mut self, record: &Concurrent, found: &Streams) -> Result<(), Finding> {
        self.look_for_order(record, Some(found)).map(drop)
    }
}

/// How many transactions and looks the programs come to at most.
fn parties(programs: &Programs) -> usize {
    let operations = programs.values().flatten();
    operations.filter(|operation| !matches!(operation, Operation::In(..))).count()
}

fn schedule(turns: Turns) -> Schedule {
    match turns {
        Turns::Uniform => Schedule::Uniform,
        Turns::Priorities { changes, steps } => {
            Schedule::Pct { changes: changes.min(64) as u32, steps: steps.clamp(1, 1 << 32) }
        }
    }
}

/// Runs the programs, each as a task, until all have ended.
fn play(
    recorder: &Arc<Recorder>,
    session: &Session,
    programs: Programs,
    end_after: u64,
) -> Result<(), Finding> {
    let env = recorder.world.env();
    let spawn = |name: String, body: Box<dyn FnOnce() + Send>| {
        env.scheduler().spawn(&name, body).expect("invariant: there is memory for a stack")
    };
    let mut tasks = Vec::new();
    for (number, program) in programs {
        let (recorder, db) = (Arc::clone(recorder), session.db().clone());
        let body = move || {
            Client::new(number, &recorder, db).run(&program);
            recorder.running.fetch_sub(1, Ordering::Relaxed);
        };
        tasks.push(spawn(format!("client {number}"), Box::new(body)));
    }
    if end_after > 0 {
        let (recorder, env) = (Arc::clone(recorder), env.clone());
        let body = move || {
            (0..end_after).for_each(|_| env.scheduler().yield_now());
            if recorder.running.load(Ordering::Relaxed) > 0 && !recorder.world.crashed() {
                reached!("a process ended between two calls of the disk");
                recorder.world.note("  the process ends");
                recorder.world.stop();
            }
        };
        tasks.push(spawn("the end".to_owned(), Box::new(body)));
    }
    // All of them, even if one has panicked: nobody may run on when the run does.
    let ended: Vec<Result<(), String>> = tasks.into_iter().map(TaskHandle::join).collect();
    ended.into_iter().collect::<Result<Vec<()>, String>>().map_err(judge_panic)?;
    Ok(())
}

/// Makes all commits durable, if the database lives.
fn sync(session: &Session, recorder: &Recorder, record: &mut Concurrent) -> bool {
    recorder.world.relieve();
    let (synced, span) = recorder.time(|| session.db().sync());
    if let Err(e) = &synced {
        recorder.world.hear(e);
    }
    let ending = Ending::Committed { durable: true };
    if synced.is_ok() {
        let asked = Vec::new();
        record.txns.push(Txn { client: 0, begun: span, asked, end: span, ending, order: None });
    }
    record.faulty |= synced.is_err();
    synced.is_ok()
}

/// Everything that is shown as durable after a failure.
fn look_at_all(session: &Session, recorder: &Recorder) -> Look {
    let (snapshot, taken) = recorder.time(|| session.db().snapshot());
    let mut look = Look { client: 0, taken, asked: Vec::new() };
    let mut steps = vec![crate::script::step::list()];
    while let Some(step) = steps.pop() {
        let (got, span) = recorder.time(|| super::calls::read_snapshot(&snapshot, &step));
        if let Ok(crate::model::Answer::Streams(list)) = &got {
            steps.extend(list.iter().map(|(name, len)| crate::script::step::read(name, 0..*len)));
        }
        look.asked.push(crate::model::Asked { step, got: Some(got.map_err(|e| e.code())), span });
    }
    look
}
