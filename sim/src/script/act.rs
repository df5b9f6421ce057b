//! One thing that happens in a run, with all its arguments.

use crate::workload::Operation;
use crate::world::{BadPart, ClockFault, Persist, WriteFault};

/// What happens next. An act that does not fit the state of the run is skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// The living process opens the database; what it finds is judged and audited.
    Open,
    /// Something is done with the open database.
    Do(Operation),
    /// A fault is ordered; it strikes later.
    Arm(FaultOrder),
    /// All ordered faults that have not struck are taken back, and writes go through again.
    Disarm,
    /// The process ends without a proper end, and the next one starts.
    Die(Death),
    /// A bit on the disk turns over.
    Rot(Rot),
    /// The bit of the log that has rotted last turns back.
    Mend,
    /// Checkpoints again and again, with next to nothing in between: the log must not grow.
    Churn,
    /// A client will do something, after what it was told before, as soon as the clients run.
    Plan {
        /// Its number.
        client: u64,
        /// What it will do.
        operation: Operation,
    },
    /// Everybody who was told to do something does it, each as a task, until all are done.
    Clients {
        /// Whose turn it is.
        turns: Turns,
        /// The process dies when somebody else has had so many turns; 0 if it does not.
        end_after: u64,
    },
    /// From now on clients wait so long for a lock; at first they do not wait at all.
    Patience {
        /// Milliseconds.
        millis: u64,
    },
    /// On a machine of their own, streams of a gigabyte and more come through edits and crashes.
    Huge {
        /// What decides everything there.
        seed: u64,
        /// Each has two to this power leaves of 64 KiB; 14 to 24.
        leaves_log2: u64,
        /// About so many operations.
        operations: u64,
    },
    /// The same, step by step.
    HugeSteps {
        /// Each has two to this power leaves of 64 KiB; 14 to 24.
        leaves_log2: u64,
        /// The steps, with semicolons in between: `begin; splice 0 4096 0 7 100 | disk 3; …`.
        steps: String,
    },
    /// Every fault is taken back. What is open can be ended and the database closed, in a bounded number of calls.
    Quiesce,
}

/// How it is found whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turns {
    /// Each time anybody's.
    Uniform,
    /// That of the highest priority, which changes so many times within so many turns.
    Priorities {
        /// Changes.
        changes: u64,
        /// Turns.
        steps: u64,
    },
}

/// How a process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Death {
    /// It alone: the system keeps what was written.
    Kill,
    /// The power fails; of what no sync covered, this lasts.
    PowerLoss(Persist),
}

/// A fault that strikes later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultOrder {
    /// The process dies in an I/O call, after so many that go through.
    Crash {
        /// The calls that go through.
        after: u64,
    },
    /// The same, counted from the next write to the superblock's slots.
    CrashBehindSuperblock {
        /// The calls that go through.
        after: u64,
    },
    /// A sync fails, once.
    FailSync {
        /// The syncs that go through.
        after: u64,
    },
    /// Writes fail.
    FailWrites {
        /// The writes that go through.
        after: u64,
        /// How they fail.
        fault: WriteFault,
    },
    /// From now on the disk writes so many bytes as a whole, or tears them: 512 or 4096.
    AtomicUnit {
        /// The bytes.
        bytes: u64,
    },
    /// From now on some I/O calls take long.
    SlowIo {
        /// Of a thousand, how many.
        per_mille: u64,
    },
    /// From now on a part of a file fails, until writes go through again.
    GoBad {
        /// What of which file.
        part: BadPart,
        /// The first block of 4 KiB.
        first: u64,
        /// How many of them.
        blocks: u64,
    },
    /// A write to the data file lands elsewhere.
    Misdirect {
        /// The writes that land where they should.
        after: u64,
        /// The block in which it lands, modulo those that there are.
        to: u64,
    },
    /// A write to a log lands elsewhere in it.
    MisdirectLog {
        /// The writes that land where they should.
        after: u64,
        /// The block in which it lands, modulo those that there are.
        to: u64,
    },
    /// Syncs make nothing durable, until the power fails.
    Lie {
        /// The syncs that do what they should.
        after: u64,
    },
    /// The disk is full, and stays so while it refuses operations.
    StayFull {
        /// The writes that go through.
        after: u64,
        /// The operations that it refuses before there is room again.
        refusals: u64,
    },
    /// A change of names fails, or the sync of a directory, once.
    FailName {
        /// The changes that go through.
        after: u64,
    },
    /// Wall time jumps or stands still.
    DisturbClock {
        /// How.
        fault: ClockFault,
        /// For so many seconds, or by so many.
        seconds: u64,
    },
}

/// Where a bit turns over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rot {
    /// In the superblock's slots; only after a proper end, and once.
    Slot {
        /// The byte.
        at: u64,
        /// The bit.
        bit: u8,
    },
    /// In a batch of the newest log, though not in the last one, which would look torn; only after a kill in between
    /// two operations.
    Log {
        /// The batch, counted back from the last but one.
        back: u64,
        /// The byte in it, modulo its length.
        at: u64,
        /// The bit.
        bit: u8,
    },
    /// Behind the slots, beyond repair; only after a proper end. From then on damage may be reported, and nothing may be
    /// read wrongly.
    Node {
        /// The byte of the data file.
        at: u64,
        /// The bit.
        bit: u8,
    },
}
