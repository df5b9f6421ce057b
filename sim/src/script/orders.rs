//! Orders of faults as words and numbers. The list of words is also their numbering: a new one goes to its end.

use crate::world::{BadPart, ClockFault, WriteFault};

use super::FaultOrder;
use super::codec::{Sink, Source};

const FAULTS: &[&str] = &[
    "crash",
    "crash-behind-superblock",
    "fail-sync",
    "fail-write",
    "disk-full",
    "atomic-unit",
    "slow-io",
    "clock-forwards",
    "clock-backwards",
    "clock-stall",
    "bad-reads",
    "bad-writes",
    "bad-log-reads",
    "bad-log-writes",
    "misdirect",
    "lie",
    "stay-full",
    "fail-name",
    "panic-writing",
    "panic-in-call",
    "misdirect-log",
];

pub(super) fn put_fault(sink: &mut impl Sink, order: &FaultOrder) {
    let (word, numbers): (_, &[u64]) = match order {
        FaultOrder::Crash { after } => ("crash", &[*after]),
        FaultOrder::CrashBehindSuperblock { after } => ("crash-behind-superblock", &[*after]),
        FaultOrder::FailSync { after } => ("fail-sync", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::Error } => ("fail-write", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::Full } => ("disk-full", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::Panic } => ("panic-writing", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::PanicInCall } => ("panic-in-call", &[*after]),
        FaultOrder::AtomicUnit { bytes } => ("atomic-unit", &[*bytes]),
        FaultOrder::SlowIo { per_mille } => ("slow-io", &[*per_mille]),
        FaultOrder::DisturbClock { fault, seconds } => match fault {
            ClockFault::Forwards => ("clock-forwards", &[*seconds]),
            ClockFault::Backwards => ("clock-backwards", &[*seconds]),
            ClockFault::Stall => ("clock-stall", &[*seconds]),
        },
        FaultOrder::GoBad { part, first, blocks } => match part {
            BadPart::DataReads => ("bad-reads", &[*first, *blocks]),
            BadPart::DataWrites => ("bad-writes", &[*first, *blocks]),
            BadPart::LogReads => ("bad-log-reads", &[*first, *blocks]),
            BadPart::LogWrites => ("bad-log-writes", &[*first, *blocks]),
        },
        FaultOrder::Misdirect { after, to } => ("misdirect", &[*after, *to]),
        FaultOrder::MisdirectLog { after, to } => ("misdirect-log", &[*after, *to]),
        FaultOrder::Lie { after } => ("lie", &[*after]),
        FaultOrder::StayFull { after, refusals } => ("stay-full", &[*after, *refusals]),
        FaultOrder::FailName { after } => ("fail-name", &[*after]),
    };
    sink.word(FAULTS, word);
    numbers.iter().for_each(|&number| sink.number(number));
}

pub(super) fn take_fault<S: Source>(source: &mut S) -> Result<FaultOrder, S::Error> {
    let word = source.word(FAULTS)?;
    let first = source.number()?;
    let pairs = [
        "bad-reads",
        "bad-writes",
        "bad-log-reads",
        "bad-log-writes",
        "misdirect",
        "misdirect-log",
        "stay-full",
    ];
    let second = if pairs.contains(&word) { source.number()? } else { 0 };
    let bad = |part| FaultOrder::GoBad { part, first, blocks: second };
    let clock = |fault| FaultOrder::DisturbClock { fault, seconds: first };
    Ok(match word {
        "crash-behind-superblock" => FaultOrder::CrashBehindSuperblock { after: first },
        "fail-sync" => FaultOrder::FailSync { after: first },
        "fail-write" => FaultOrder::FailWrites { after: first, fault: WriteFault::Error },
        "disk-full" => FaultOrder::FailWrites { after: first, fault: WriteFault::Full },
        "panic-writing" => FaultOrder::FailWrites { after: first, fault: WriteFault::Panic },
        "panic-in-call" => FaultOrder::FailWrites { after: first, fault: WriteFault::PanicInCall },
        "atomic-unit" => FaultOrder::AtomicUnit { bytes: first },
        "slow-io" => FaultOrder::SlowIo { per_mille: first },
        "clock-forwards" => clock(ClockFault::Forwards),
        "clock-backwards" => clock(ClockFault::Backwards),
        "clock-stall" => clock(ClockFault::Stall),
        "bad-reads" => bad(BadPart::DataReads),
        "bad-writes" => bad(BadPart::DataWrites),
        "bad-log-reads" => bad(BadPart::LogReads),
        "bad-log-writes" => bad(BadPart::LogWrites),
        "misdirect" => FaultOrder::Misdirect { after: first, to: second },
        "misdirect-log" => FaultOrder::MisdirectLog { after: first, to: second },
        "lie" => FaultOrder::Lie { after: first },
        "fail-name" => FaultOrder::FailName { after: first },
        "stay-full" => FaultOrder::StayFull { after: first, refusals: second },
        _ => FaultOrder::Crash { after: first },
    })
}
