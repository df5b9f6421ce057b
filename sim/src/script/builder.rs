//! Scripts in Rust: tests that say themselves what happens, and leave the judging to the simulator.

use crate::model::Step;
use crate::runner::{Conduct, Ended, Fidelity, conduct_log};
use crate::workload::{Geometry, Operation};
use crate::world::{Concern, Draw, FaultKind, Persist, WriteFault};

use super::{Act, Death, Entry, FaultOrder, Log, Rot, Turns, step};

/// A run, act by act. Nothing in it is random: what it does not say is benign.
///
/// ```
/// use sim::script::{Script, step};
/// use sim::testing::Persist;
/// use sim::workload::Geometry;
///
/// Script::new(Geometry::default())
///     .open()
///     .create("alpha")
///     .begin(1)
///     .within(1, step::append("alpha", b"bytes"))
///     .commit(1)
///     .power_loss(Persist::None)
///     .open()
///     .check();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a script runs when it is checked"]
pub struct Script(Log);

impl Script {
    /// Nothing yet, on an empty machine, with a database of this geometry.
    pub fn new(geometry: Geometry) -> Script {
        Script(Log::of_acts(geometry, []))
    }

    /// The script of a log's acts and choices.
    pub fn of(log: Log) -> Script {
        Script(log)
    }

    /// With one number of the geometry changed.
    ///
    /// # Panics
    /// If none has that name.
    pub fn geometry(mut self, name: &str, number: u64) -> Script {
        self.0.geometry = self.0.geometry.with(name, number);
        self
    }

    /// Makes this many of a thousand transfers short, if the choices say so too.
    pub fn short_transfers(mut self, per_mille: u64) -> Script {
        self.0.short_transfers = per_mille;
        self
    }

    /// Faults of this kind do not occur.
    ///
    /// # Panics
    /// If there is no such kind.
    pub fn without(mut self, kind: &str) -> Script {
        let kind = FaultKind::parse(kind).unwrap_or_else(|kinds| panic!("{kind} is not {kinds}"));
        self.0.without = self.0.without.and([kind].into_iter().collect());
        self
    }

    /// Any act.
    pub fn act(mut self, act: Act) -> Script {
        let Log { entries, .. } = Log::of_acts(Geometry::default(), [act]);
        self.0.entries.extend(entries);
        self
    }

    fn operation(self, operation: Operation) -> Script {
        self.act(Act::Do(operation))
    }

    /// What the world drew for `concern` in the act before.
    ///
    /// # Panics
    /// If there is none.
    pub fn choosing(mut self, concern: Concern, values: &[u64]) -> Script {
        let last = self.0.entries.last_mut().expect("there is an act before");
        let draws = values.iter().map(|&value| Draw { bound: 0, value });
        last.choices.insert(concern, draws.collect());
        self
    }

    /// Opens the database.
    pub fn open(self) -> Script {
        self.act(Act::Open)
    }

    /// Closes it.
    pub fn close(self) -> Script {
        self.operation(Operation::Close)
    }

    /// Opens a transaction.
    pub fn begin(self, txn: u64) -> Script {
        self.operation(Operation::Begin(txn))
    }

    /// A step in an open transaction.
    pub fn within(self, txn: u64, step: Step) -> Script {
        self.operation(Operation::In(txn, step))
    }

    /// Commits, durably.
    pub fn commit(self, txn: u64) -> Script {
        self.operation(Operation::Commit { txn, sync: true })
    }

    /// Commits; durable later.
    pub fn commit_deferred(self, txn: u64) -> Script {
        self.operation(Operation::Commit { txn, sync: false })
    }

    /// Rolls back.
    pub fn rollback(self, txn: u64) -> Script {
        self.operation(Operation::Rollback(txn))
    }

    /// Drops a transaction's handle.
    pub fn abandon(self, txn: u64) -> Script {
        self.operation(Operation::Abandon(txn))
    }

    /// A step as a transaction of its own.
    pub fn direct(self, step: Step) -> Script {
        self.operation(Operation::Direct(step))
    }

    /// Creates a stream.
    pub fn create(self, name: &str) -> Script {
        self.direct(step::create(name))
    }

    /// Appends to a stream.
    pub fn append(self, name: &str, data: &[u8]) -> Script {
        self.direct(step::append(name, data))
    }

    /// Reads the newest durable version.
    pub fn read_durable(self, step: Step) -> Script {
        self.operation(Operation::ReadDurable(step))
    }

    /// Takes a snapshot.
    pub fn snapshot(self, id: u64) -> Script {
        self.operation(Operation::Snapshot(id))
    }

    /// Reads from a snapshot.
    pub fn look(self, id: u64, step: Step) -> Script {
        self.operation(Operation::ReadSnapshot(id, step))
    }

    /// Drops a snapshot.
    pub fn release(self, id: u64) -> Script {
        self.operation(Operation::Release(id))
    }

    /// Writes a checkpoint.
    pub fn checkpoint(self) -> Script {
        self.operation(Operation::Checkpoint)
    }

    /// Moves the end of the file to the front.
    pub fn compact(self) -> Script {
        self.operation(Operation::Compact)
    }

    /// Makes everything committed durable.
    pub fn sync(self) -> Script {
        self.operation(Operation::Sync)
    }

    /// Audits the database.
    pub fn verify(self) -> Script {
        self.operation(Operation::Verify)
    }

    /// Reads the counters.
    pub fn stats(self) -> Script {
        self.operation(Operation::Stats)
    }

    /// The process dies in an I/O call, after so many.
    pub fn crash_after(self, ios: u64) -> Script {
        self.act(Act::Arm(FaultOrder::Crash { after: ios }))
    }

    /// The same, counted from the next write to the superblock.
    pub fn crash_behind_superblock(self, ios: u64) -> Script {
        self.act(Act::Arm(FaultOrder::CrashBehindSuperblock { after: ios }))
    }

    /// A sync fails, after so many.
    pub fn fail_sync_after(self, syncs: u64) -> Script {
        self.act(Act::Arm(FaultOrder::FailSync { after: syncs }))
    }

    /// Writes fail, after so many.
    pub fn fail_writes_after(self, writes: u64, fault: WriteFault) -> Script {
        self.act(Act::Arm(FaultOrder::FailWrites { after: writes, fault }))
    }

    /// Any other fault.
    pub fn order(self, order: FaultOrder) -> Script {
        self.act(Act::Arm(order))
    }

    /// Takes back faults that have not struck.
    pub fn disarm(self) -> Script {
        self.act(Act::Disarm)
    }

    /// The process is killed.
    pub fn kill(self) -> Script {
        self.act(Act::Die(Death::Kill))
    }

    /// The power fails.
    pub fn power_loss(self, persist: Persist) -> Script {
        self.act(Act::Die(Death::PowerLoss(persist)))
    }

    /// A bit turns over.
    pub fn rot(self, rot: Rot) -> Script {
        self.act(Act::Rot(rot))
    }

    /// The rotten bit of the log turns back.
    pub fn mend(self) -> Script {
        self.act(Act::Mend)
    }

    /// Checkpoints again and again.
    pub fn churn(self) -> Script {
        self.act(Act::Churn)
    }

    /// A client will do this, written as in a log, when the clients run.
    ///
    /// # Panics
    /// If that is no operation.
    pub fn plan(mut self, client: u64, operation: &str) -> Script {
        let entry = format!("plan {client} {operation}").parse::<Entry>();
        self.0.entries.push(entry.unwrap_or_else(|e| panic!("{operation}: {e}")));
        self
    }

    /// The clients do what they were told, side by side.
    pub fn clients(self, turns: Turns, end_after: u64) -> Script {
        self.act(Act::Clients { turns, end_after })
    }

    /// From now on clients wait so many milliseconds for a lock.
    pub fn patience(self, millis: u64) -> Script {
        self.act(Act::Patience { millis })
    }

    /// Every fault is taken back, and everything is ended.
    pub fn quiesce(self) -> Script {
        self.act(Act::Quiesce)
    }

    /// Streams of two to the power `leaves_log2` leaves of 64 KiB come through edits and crashes, on a machine of their own.
    pub fn huge(self, seed: u64, leaves_log2: u64, operations: u64) -> Script {
        self.act(Act::Huge { seed, leaves_log2, operations })
    }

    /// The same step by step, with what the world chose in each: `splice 0 4096 0 7 100 | disk 3`.
    pub fn huge_steps(self, leaves_log2: u64, steps: &[&str]) -> Script {
        self.act(Act::HugeSteps { leaves_log2, steps: steps.join("; ") })
    }

    /// Runs the script, and says how it ended.
    pub fn run(&self, conduct: Conduct) -> Ended {
        conduct_log(&self.0, Fidelity::Lenient, conduct)
    }

    /// Runs the script.
    ///
    /// # Panics
    /// With what was found wrong.
    pub fn check(&self) {
        if let Some(finding) = self.run(Conduct::default()).finding {
            panic!("{finding}");
        }
    }
}
