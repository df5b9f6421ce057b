//! Orders of faults as words and numbers. The list of words is also their numbering: a new one goes to its end.

use crate::world::{ClockFault, WriteFault};

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
];

pub(super) fn put_fault(sink: &mut impl Sink, order: &FaultOrder) {
    let (word, numbers): (_, &[u64]) = match order {
        FaultOrder::Crash { after } => ("crash", &[*after]),
        FaultOrder::CrashBehindSuperblock { after } => ("crash-behind-superblock", &[*after]),
        FaultOrder::FailSync { after } => ("fail-sync", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::Error } => ("fail-write", &[*after]),
        FaultOrder::FailWrites { after, fault: WriteFault::Full } => ("disk-full", &[*after]),
        FaultOrder::AtomicUnit { bytes } => ("atomic-unit", &[*bytes]),
        FaultOrder::SlowIo { per_mille } => ("slow-io", &[*per_mille]),
        FaultOrder::DisturbClock { fault, seconds } => match fault {
            ClockFault::Forwards => ("clock-forwards", &[*seconds]),
            ClockFault::Backwards => ("clock-backwards", &[*seconds]),
            ClockFault::Stall => ("clock-stall", &[*seconds]),
        },
    };
    sink.word(FAULTS, word);
    numbers.iter().for_each(|&number| sink.number(number));
}

pub(super) fn take_fault<S: Source>(source: &mut S) -> Result<FaultOrder, S::Error> {
    let word = source.word(FAULTS)?;
    let first = source.number()?;
    let clock = |fault| FaultOrder::DisturbClock { fault, seconds: first };
    Ok(match word {
        "crash-behind-superblock" => FaultOrder::CrashBehindSuperblock { after: first },
        "fail-sync" => FaultOrder::FailSync { after: first },
        "fail-write" => FaultOrder::FailWrites { after: first, fault: WriteFault::Error },
        "disk-full" => FaultOrder::FailWrites { after: first, fault: WriteFault::Full },
        "atomic-unit" => FaultOrder::AtomicUnit { bytes: first },
        "slow-io" => FaultOrder::SlowIo { per_mille: first },
        "clock-forwards" => clock(ClockFault::Forwards),
        "clock-backwards" => clock(ClockFault::Backwards),
        "clock-stall" => clock(ClockFault::Stall),
        _ => FaultOrder::Crash { after: first },
    })
}
