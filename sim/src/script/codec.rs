//! Acts as words and arguments, the same for text and bytes.
//!
//! Each list of words below is also the numbering of the bytes: a new word goes to the end of its list.

use crate::model::{Bytes, Edit, Elements, Step};
use crate::workload::Operation;
use crate::world::Persist;

use super::orders::{put_fault, take_fault};
use super::{Act, Death, Rot, Turns};

/// What begins an act.
const ACTS: &[&str] = &[
    "open",
    "begin",
    "in",
    "commit",
    "commit-deferred",
    "rollback",
    "abandon",
    "direct",
    "durable",
    "snapshot",
    "look",
    "release",
    "checkpoint",
    "compact",
    "sync",
    "verify",
    "stats",
    "close",
    "arm",
    "disarm",
    "kill",
    "power-loss",
    "rot",
    "mend",
    "churn",
    "plan",
    "clients",
    "quiesce",
    "patience",
    "huge",
    "huge-steps",
];

/// What begins an operation: those of the words above that do.
const OPERATIONS: &[&str] = ACTS.split_at(18).0.split_at(1).1;

const STEPS: &[&str] = &[
    "append",
    "insert",
    "remove",
    "write",
    "splice",
    "truncate",
    "cut",
    "create",
    "drop",
    "rename",
    "exists",
    "list",
    "savepoint",
    "rollback-to",
    "len",
    "read",
    "read-strided",
    "write-strided",
    "remove-strided",
    "read-for-update",
];

const PERSISTS: &[&str] = &[
    "swarm",
    "none",
    "all",
    "prefix",
    "suffix",
    "only-last",
    "all-but-one",
    "random",
    "page-then-sector",
    "torn",
];

const ROTS: &[&str] = &["slot", "log", "node"];

const TURNS: &[&str] = &["uniform", "priorities"];

/// Where words and arguments go.
pub(super) trait Sink {
    fn word(&mut self, list: &'static [&'static str], word: &'static str);
    fn number(&mut self, number: u64);
    fn name(&mut self, name: &str);
    fn data(&mut self, data: &Bytes);
}

/// Where words and arguments come from.
pub(super) trait Source {
    type Error;
    fn word(&mut self, list: &'static [&'static str]) -> Result<&'static str, Self::Error>;
    fn number(&mut self) -> Result<u64, Self::Error>;
    fn name(&mut self) -> Result<String, Self::Error>;
    fn data(&mut self) -> Result<Bytes, Self::Error>;
}

fn put(sink: &mut impl Sink, word: &'static str, numbers: &[u64]) {
    sink.word(ACTS, word);
    numbers.iter().for_each(|&number| sink.number(number));
}

pub(super) fn put_act(sink: &mut impl Sink, act: &Act) {
    match act {
        Act::Open => put(sink, "open", &[]),
        Act::Do(operation) => put_operation(sink, ACTS, operation),
        Act::Arm(order) => {
            put(sink, "arm", &[]);
            put_fault(sink, order);
        }
        Act::Disarm => put(sink, "disarm", &[]),
        Act::Die(Death::Kill) => put(sink, "kill", &[]),
        Act::Die(Death::PowerLoss(persist)) => {
            put(sink, "power-loss", &[]);
            put_persist(sink, *persist);
        }
        Act::Rot(rot) => {
            put(sink, "rot", &[]);
            let (word, numbers) = match *rot {
                Rot::Slot { at, bit } => ("slot", vec![at, u64::from(bit)]),
                Rot::Log { back, at, bit } => ("log", vec![back, at, u64::from(bit)]),
                Rot::Node { at, bit } => ("node", vec![at, u64::from(bit)]),
            };
            sink.word(ROTS, word);
            numbers.into_iter().for_each(|number| sink.number(number));
        }
        Act::Mend => put(sink, "mend", &[]),
        Act::Churn => put(sink, "churn", &[]),
        Act::Plan { client, operation } => {
            put(sink, "plan", &[*client]);
            put_operation(sink, OPERATIONS, operation);
        }
        Act::Clients { turns, end_after } => {
            put(sink, "clients", &[]);
            put_turns(sink, *turns);
            sink.number(*end_after);
        }
        Act::Patience { millis } => put(sink, "patience", &[*millis]),
        Act::Quiesce => put(sink, "quiesce", &[]),
        Act::Huge { seed, leaves_log2, operations } => put(sink, "huge", &[*seed, *leaves_log2, *operations]),
        Act::HugeSteps { leaves_log2, steps } => {
            put(sink, "huge-steps", &[*leaves_log2]);
            sink.name(steps);
        }
    }
}

fn put_turns(sink: &mut impl Sink, turns: Turns) {
    let (word, numbers) = match turns {
        Turns::Uniform => ("uniform", vec![]),
        Turns::Priorities { changes, steps } => ("priorities", vec![changes, steps]),
    };
    sink.word(TURNS, word);
    numbers.into_iter().for_each(|number| sink.number(number));
}

fn put_persist(sink: &mut impl Sink, persist: Persist) {
    let (word, percent) = match persist {
        Persist::Swarm => ("swarm", None),
        Persist::None => ("none", None),
        Persist::All => ("all", None),
        Persist::Prefix(percent) => ("prefix", Some(percent)),
        Persist::Suffix(percent) => ("suffix", Some(percent)),
        Persist::OnlyLast => ("only-last", None),
        Persist::AllButOne => ("all-but-one", None),
        Persist::Random => ("random", None),
        Persist::PageThenSector => ("page-then-sector", None),
        Persist::Torn => ("torn", None),
    };
    sink.word(PERSISTS, word);
    percent.into_iter().for_each(|percent| sink.number(percent));
}

fn put_operation(sink: &mut impl Sink, list: &'static [&'static str], operation: &Operation) {
    let mut put = |word: &'static str, number: &[u64], step: Option<&Step>| {
        sink.word(list, word);
        number.iter().for_each(|&number| sink.number(number));
        step.into_iter().for_each(|step| put_step(sink, step));
    };
    match operation {
        Operation::Begin(txn) => put("begin", &[*txn], None),
        Operation::In(txn, step) => put("in", &[*txn], Some(step)),
        Operation::Commit { txn, sync: true } => put("commit", &[*txn], None),
        Operation::Commit { txn, sync: false } => put("commit-deferred", &[*txn], None),
        Operation::Rollback(txn) => put("rollback", &[*txn], None),
        Operation::Abandon(txn) => put("abandon", &[*txn], None),
        Operation::Direct(step) => put("direct", &[], Some(step)),
        Operation::ReadDurable(step) => put("durable", &[], Some(step)),
        Operation::Snapshot(id) => put("snapshot", &[*id], None),
        Operation::ReadSnapshot(id, step) => put("look", &[*id], Some(step)),
        Operation::Release(id) => put("release", &[*id], None),
        Operation::Checkpoint => put("checkpoint", &[], None),
        Operation::Compact => put("compact", &[], None),
        Operation::Sync => put("sync", &[], None),
        Operation::Verify => put("verify", &[], None),
        Operation::Stats => put("stats", &[], None),
        Operation::Close => put("close", &[], None),
    }
}

fn put_step(sink: &mut impl Sink, step: &Step) {
    let (word, names): (_, &[&String]) = match step {
        Step::Create { name } => ("create", &[name]),
        Step::Drop { name } => ("drop", &[name]),
        Step::Rename { from, to } => ("rename", &[from, to]),
        Step::Exists { name } => ("exists", &[name]),
        Step::List => ("list", &[]),
        Step::Edit { name, edit } => return put_edit(sink, name, edit),
        Step::Savepoint => ("savepoint", &[]),
        Step::RollbackTo { index } => {
            sink.word(STEPS, "rollback-to");
            return sink.number(*index as u64);
        }
    };
    sink.word(STEPS, word);
    names.iter().for_each(|name| sink.name(name));
}

fn put_edit(sink: &mut impl Sink, name: &str, edit: &Edit) {
    let of = |e: &Elements| vec![e.start, e.size, e.stride, e.count];
    let (word, numbers, data) = match edit {
        Edit::Len => ("len", vec![], None),
        Edit::Read { from, to } => ("read", vec![*from, *to], None),
        Edit::ReadForUpdate { from, to } => ("read-for-update", vec![*from, *to], None),
        Edit::Insert { at, data } => ("insert", vec![*at], Some(data)),
        Edit::Append { data } => ("append", vec![], Some(data)),
        Edit::Write { at, data } => ("write", vec![*at], Some(data)),
        Edit::Remove { from, to } => ("remove", vec![*from, *to], None),
        Edit::Cut { from, to } => ("cut", vec![*from, *to], None),
        Edit::Truncate { len } => ("truncate", vec![*len], None),
        Edit::Splice { at, delete, data } => ("splice", vec![*at, *delete], Some(data)),
        Edit::ReadStrided(elements) => ("read-strided", of(elements), None),
        Edit::WriteStrided(elements, data) => ("write-strided", of(elements), Some(data)),
        Edit::RemoveStrided(elements) => ("remove-strided", of(elements), None),
    };
    sink.word(STEPS, word);
    sink.name(name);
    numbers.into_iter().for_each(|number| sink.number(number));
    data.into_iter().for_each(|data| sink.data(data));
}

pub(super) fn take_act<S: Source>(source: &mut S) -> Result<Act, S::Error> {
    Ok(match source.word(ACTS)? {
        "arm" => Act::Arm(take_fault(source)?),
        "disarm" => Act::Disarm,
        "kill" => Act::Die(Death::Kill),
        "power-loss" => Act::Die(Death::PowerLoss(take_persist(source)?)),
        "rot" => Act::Rot(take_rot(source)?),
        "mend" => Act::Mend,
        "churn" => Act::Churn,
        "plan" => {
            let client = source.number()?;
            let word = source.word(OPERATIONS)?;
            Act::Plan { client, operation: take_operation(source, word)? }
        }
        "clients" => Act::Clients { turns: take_turns(source)?, end_after: source.number()? },
        "quiesce" => Act::Quiesce,
        "huge" => {
            Act::Huge { seed: source.number()?, leaves_log2: source.number()?, operations: source.number()? }
        }
        "huge-steps" => Act::HugeSteps { leaves_log2: source.number()?, steps: source.name()? },
        "patience" => Act::Patience { millis: source.number()? },
        "open" => Act::Open,
        word => Act::Do(take_operation(source, word)?),
    })
}

fn take_operation<S: Source>(source: &mut S, word: &str) -> Result<Operation, S::Error> {
    Ok(match word {
        "begin" => Operation::Begin(source.number()?),
        "in" => Operation::In(source.number()?, take_step(source)?),
        "commit" => Operation::Commit { txn: source.number()?, sync: true },
        "commit-deferred" => Operation::Commit { txn: source.number()?, sync: false },
        "rollback" => Operation::Rollback(source.number()?),
        "abandon" => Operation::Abandon(source.number()?),
        "direct" => Operation::Direct(take_step(source)?),
        "durable" => Operation::ReadDurable(take_step(source)?),
        "snapshot" => Operation::Snapshot(source.number()?),
        "look" => Operation::ReadSnapshot(source.number()?, take_step(source)?),
        "release" => Operation::Release(source.number()?),
        "checkpoint" => Operation::Checkpoint,
        "compact" => Operation::Compact,
        "sync" => Operation::Sync,
        "verify" => Operation::Verify,
        "stats" => Operation::Stats,
        _ => Operation::Close,
    })
}

fn take_turns<S: Source>(source: &mut S) -> Result<Turns, S::Error> {
    Ok(match source.word(TURNS)? {
        "priorities" => Turns::Priorities { changes: source.number()?, steps: source.number()? },
        _ => Turns::Uniform,
    })
}

fn take_persist<S: Source>(source: &mut S) -> Result<Persist, S::Error> {
    Ok(match source.word(PERSISTS)? {
        "none" => Persist::None,
        "all" => Persist::All,
        "prefix" => Persist::Prefix(source.number()?),
        "suffix" => Persist::Suffix(source.number()?),
        "only-last" => Persist::OnlyLast,
        "all-but-one" => Persist::AllButOne,
        "random" => Persist::Random,
        "page-then-sector" => Persist::PageThenSector,
        "torn" => Persist::Torn,
        _ => Persist::Swarm,
    })
}

fn take_rot<S: Source>(source: &mut S) -> Result<Rot, S::Error> {
    let word = source.word(ROTS)?;
    let back = if word == "log" { source.number()? } else { 0 };
    let (at, bit) = (source.number()?, (source.number()? % 8) as u8);
    Ok(match word {
        "log" => Rot::Log { back, at, bit },
        "node" => Rot::Node { at, bit },
        _ => Rot::Slot { at, bit },
    })
}

fn take_step<S: Source>(source: &mut S) -> Result<Step, S::Error> {
    let word = source.word(STEPS)?;
    match word {
        "list" => return Ok(Step::List),
        "savepoint" => return Ok(Step::Savepoint),
        "rollback-to" => return Ok(Step::RollbackTo { index: source.number()? as usize }),
        _ => {}
    }
    let name = source.name()?;
    Ok(match word {
        "create" => Step::Create { name },
        "drop" => Step::Drop { name },
        "rename" => Step::Rename { from: name, to: source.name()? },
        "exists" => Step::Exists { name },
        _ => Step::Edit { name, edit: take_edit(source, word)? },
    })
}

fn take_edit<S: Source>(source: &mut S, word: &str) -> Result<Edit, S::Error> {
    Ok(match word {
        "read" => Edit::Read { from: source.number()?, to: source.number()? },
        "read-for-update" => Edit::ReadForUpdate { from: source.number()?, to: source.number()? },
        "insert" => Edit::Insert { at: source.number()?, data: source.data()? },
        "append" => Edit::Append { data: source.data()? },
        "write" => Edit::Write { at: source.number()?, data: source.data()? },
        "remove" => Edit::Remove { from: source.number()?, to: source.number()? },
        "cut" => Edit::Cut { from: source.number()?, to: source.number()? },
        "truncate" => Edit::Truncate { len: source.number()? },
        "splice" => Edit::Splice { at: source.number()?, delete: source.number()?, data: source.data()? },
        "read-strided" => Edit::ReadStrided(take_elements(source)?),
        "write-strided" => Edit::WriteStrided(take_elements(source)?, source.data()?),
        "remove-strided" => Edit::RemoveStrided(take_elements(source)?),
        _ => Edit::Len,
    })
}

fn take_elements<S: Source>(source: &mut S) -> Result<Elements, S::Error> {
    let (start, size) = (source.number()?, source.number()?);
    Ok(Elements { start, size, stride: source.number()?, count: source.number()? })
}
