//! Both forms of a log say the same, and any bytes are a log.

use proptest::prelude::*;

use crate::model::{Bytes, Edit, Elements, Step};
use crate::runner::{Conduct, Fidelity, conduct_log, conduct_seed};
use crate::workload::{Geometry, Operation};
use crate::world::{BadPart, Choices, ClockFault, Concern, Draw, FaultKind, Persist, Without, WriteFault};

use super::*;

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes),
        "[ -~]{0,70}".prop_map(|text| Bytes(text.into_bytes())),
        (any::<u8>(), 0..300_usize).prop_map(|(byte, len)| Bytes(vec![byte; len])),
        (any::<u32>(), 0..300_usize).prop_map(|(word, len)| Bytes::patterned(word, len)),
        (any::<[u8; 8]>(), 0..99_usize, 0..300_usize).prop_map(|(unit, fill, len)| {
            let rest = unit.iter().copied().cycle().take(len);
            Bytes(std::iter::repeat_n(7, fill).chain(rest).collect())
        }),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z\"\\\\| \n*]{0,12}", any::<String>(), Just("long".repeat(200)), Just("alpha".to_owned())]
}

fn elements() -> impl Strategy<Value = Elements> {
    any::<[u64; 4]>().prop_map(|[start, size, stride, count]| Elements { start, size, stride, count })
}

fn edit() -> impl Strategy<Value = Edit> {
    let n = any::<u64>;
    prop_oneof![
        Just(Edit::Len),
        (n(), n()).prop_map(|(from, to)| Edit::Read { from, to }),
        (n(), bytes()).prop_map(|(at, data)| Edit::Insert { at, data }),
        bytes().prop_map(|data| Edit::Append { data }),
        (n(), bytes()).prop_map(|(at, data)| Edit::Write { at, data }),
        (n(), n()).prop_map(|(from, to)| Edit::Remove { from, to }),
        (n(), n()).prop_map(|(from, to)| Edit::Cut { from, to }),
        n().prop_map(|len| Edit::Truncate { len }),
        (n(), n(), bytes()).prop_map(|(at, delete, data)| Edit::Splice { at, delete, data }),
        elements().prop_map(Edit::ReadStrided),
        (elements(), bytes()).prop_map(|(elements, data)| Edit::WriteStrided(elements, data)),
        elements().prop_map(Edit::RemoveStrided),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        name().prop_map(|name| Step::Create { name }),
        name().prop_map(|name| Step::Drop { name }),
        (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        name().prop_map(|name| Step::Exists { name }),
        Just(Step::List),
        (name(), edit()).prop_map(|(name, edit)| Step::Edit { name, edit }),
        Just(Step::Savepoint),
        any::<u32>().prop_map(|index| Step::RollbackTo { index: index as usize }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let n = any::<u64>;
    prop_oneof![
        n().prop_map(Operation::Begin),
        (n(), step()).prop_map(|(txn, step)| Operation::In(txn, step)),
        (n(), any::<bool>()).prop_map(|(txn, sync)| Operation::Commit { txn, sync }),
        n().prop_map(Operation::Rollback),
        n().prop_map(Operation::Abandon),
        step().prop_map(Operation::Direct),
        step().prop_map(Operation::ReadDurable),
        n().prop_map(Operation::Snapshot),
        (n(), step()).prop_map(|(id, step)| Operation::ReadSnapshot(id, step)),
        n().prop_map(Operation::Release),
        Just(Operation::Checkpoint),
        Just(Operation::Compact),
        Just(Operation::Sync),
        Just(Operation::Verify),
        Just(Operation::Stats),
        Just(Operation::Close),
    ]
}

fn persist() -> impl Strategy<Value = Persist> {
    prop_oneof![
        Just(Persist::None),
        Just(Persist::All),
        any::<u64>().prop_map(Persist::Prefix),
        any::<u64>().prop_map(Persist::Suffix),
        Just(Persist::OnlyLast),
        Just(Persist::AllButOne),
        Just(Persist::Random),
        Just(Persist::PageThenSector),
        Just(Persist::Torn),
        Just(Persist::Swarm),
    ]
}

fn order() -> impl Strategy<Value = FaultOrder> {
    let n = any::<u64>;
    let parts = [BadPart::DataReads, BadPart::DataWrites, BadPart::LogReads, BadPart::LogWrites];
    let part = prop::sample::select(parts.to_vec());
    let clock = prop::sample::select(&[ClockFault::Forwards, ClockFault::Backwards, ClockFault::Stall]);
    prop_oneof![
        n().prop_map(|bytes| FaultOrder::AtomicUnit { bytes }),
        n().prop_map(|per_mille| FaultOrder::SlowIo { per_mille }),
        (part, n(), n()).prop_map(|(part, first, blocks)| FaultOrder::GoBad { part, first, blocks }),
        (n(), n()).prop_map(|(after, to)| FaultOrder::Misdirect { after, to }),
        (n(), n()).prop_map(|(after, to)| FaultOrder::MisdirectLog { after, to }),
        n().prop_map(|after| FaultOrder::Lie { after }),
        n().prop_map(|after| FaultOrder::FailName { after }),
        (n(), n()).prop_map(|(after, refusals)| FaultOrder::StayFull { after, refusals }),
        (clock, n()).prop_map(|(fault, seconds)| FaultOrder::DisturbClock { fault, seconds }),
    ]
}

fn turns() -> impl Strategy<Value = Turns> {
    let priorities = any::<(u64, u64)>().prop_map(|(changes, steps)| Turns::Priorities { changes, steps });
    prop_oneof![Just(Turns::Uniform), priorities]
}

fn act() -> impl Strategy<Value = Act> {
    let n = any::<u64>;
    let full = any::<bool>().prop_map(|full| if full { WriteFault::Full } else { WriteFault::Error });
    prop_oneof![
        2 => Just(Act::Open),
        8 => operation().prop_map(Act::Do),
        1 => n().prop_map(|after| Act::Arm(FaultOrder::Crash { after })),
        1 => n().prop_map(|after| Act::Arm(FaultOrder::CrashBehindSuperblock { after })),
        1 => n().prop_map(|after| Act::Arm(FaultOrder::FailSync { after })),
        1 => (n(), full).prop_map(|(after, fault)| Act::Arm(FaultOrder::FailWrites { after, fault })),
        3 => order().prop_map(Act::Arm),
        1 => Just(Act::Disarm),
        1 => Just(Act::Die(Death::Kill)),
        1 => persist().prop_map(|persist| Act::Die(Death::PowerLoss(persist))),
        1 => (n(), 0..8_u8).prop_map(|(at, bit)| Act::Rot(Rot::Slot { at, bit })),
        1 => (n(), n(), 0..8_u8).prop_map(|(back, at, bit)| Act::Rot(Rot::Log { back, at, bit })),
        1 => (n(), 0..8_u8).prop_map(|(at, bit)| Act::Rot(Rot::Node { at, bit })),
        1 => Just(Act::Mend),
        1 => Just(Act::Churn),
        2 => (n(), operation()).prop_map(|(client, operation)| Act::Plan { client, operation }),
        1 => (turns(), n()).prop_map(|(turns, end_after)| Act::Clients { turns, end_after }),
        1 => n().prop_map(|millis| Act::Patience { millis }),
        1 => Just(Act::Quiesce),
        1 => (n(), n(), n()).prop_map(|(seed, leaves_log2, operations)| Act::Huge { seed, leaves_log2, operations }),
        1 => (n(), name()).prop_map(|(leaves_log2, steps)| Act::HugeSteps { leaves_log2, steps }),
    ]
}

fn draw() -> impl Strategy<Value = Draw> {
    prop_oneof![
        any::<u64>().prop_map(|value| Draw { bound: 0, value }),
        (2..100_u64, any::<u64>()).prop_map(|(bound, value)| Draw { bound, value: value % bound }),
        Just(Draw { bound: 64, value: 0 }),
    ]
}

fn choices() -> impl Strategy<Value = Choices> {
    let concern = prop::sample::select(&Concern::RECORDED);
    prop::collection::btree_map(concern, prop::collection::vec(draw(), 1..12), 0..4)
}

fn log() -> impl Strategy<Value = Log> {
    let entry = (act(), choices()).prop_map(|(act, choices)| Entry { act, choices });
    let entries = prop::collection::vec(entry, 0..20);
    (any::<Option<u64>>(), any::<[u32; 9]>(), 0..=1000_u64, entries).prop_map(
        |(seed, numbers, short_transfers, entries)| {
            let geometry = Geometry::from_numbers(numbers.map(u64::from));
            let without = Without::from_bits(short_transfers % 7 * 37);
            Log { seed, geometry, short_transfers, without, entries }
        },
    )
}

proptest! {
    #[test]
    fn both_forms_give_the_log_back(log in log()) {
        let (text, bytes) = (log.to_string(), log.to_bytes());
        let log = Ok(log);
        prop_assert_eq!(&text.parse::<Log>(), &log, "{}", text);
        prop_assert_eq!(&Log::read(text.as_bytes()), &log);
        prop_assert_eq!(&Log::from_bytes(&bytes), &log);
        prop_assert_eq!(&Log::read(&bytes), &log);
    }

    #[test]
    fn any_bytes_are_a_log(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let log = Log::from_any_bytes(&bytes);
        prop_assert!(log.entries.len() <= 200);
        let _ = Log::from_bytes(&bytes);
        let _ = Log::read(&bytes);
    }
}

#[test]
fn the_log_of_a_seed_survives_both_forms() {
    for seed in 0..20 {
        let log = conduct_seed(seed, Conduct { records: true, ..Conduct::default() }).log.unwrap();
        assert!(log.entries.len() > 200);
        assert!(log.to_bytes().len() < 400_000, "seed {seed}");
        assert_eq!(log.to_string().parse::<Log>().unwrap(), log);
        assert_eq!(Log::from_bytes(&log.to_bytes()).unwrap(), log);
    }
}

#[test]
fn a_line_reads_as_it_is_documented() {
    let line = r#"in 2 append "alpha" ~89abcdef*1500 | schedule 3: 1 | clock 64: 3 17 0*4, 2: 1"#;
    let entry: Entry = line.parse().unwrap();
    assert_eq!(entry.to_string(), line);
    assert_eq!(entry.choices[&Concern::Clock].len(), 7);
    let Act::Do(Operation::In(2, Step::Edit { name, edit: Edit::Append { data } })) = entry.act else {
        panic!("{entry}");
    };
    assert_eq!((name.as_str(), data), ("alpha", Bytes::patterned(0x89ab_cdef, 1500)));
}

#[test]
fn what_is_no_log_says_where() {
    let head = "sim log 1\nseed none\ngeometry fanout=4\nshort_transfers 0\n";
    let bad = |text: &str| text.parse::<Log>().unwrap_err().to_string();
    assert!(bad("sim log 2\n").starts_with("line 1: "));
    assert!(bad(&format!("{head}open\n\n# fine\nfly 3\n")).starts_with("line 8: \"fly\" is none of: open "));
    assert_eq!(bad(&format!("{head}begin x\n")), "line 5: \"x\" is no number");
    assert_eq!(bad(&format!("{head}open 3\n")), "line 5: there is more than the act takes");
    assert_eq!(bad(&format!("{head}open | clock 3: 5\n")), "line 5: 5 of 3 is no choice");
    assert_eq!(bad(&format!("{head}open | weather 3: 1\n")), "line 5: nothing draws for \"weather\"");
    assert!(Log::from_bytes(b"NSL\x01\x00").unwrap_err().to_string().starts_with("byte 5: "));
    assert!(Log::from_bytes(b"???").is_err());
}

#[test]
fn a_log_says_which_faults_were_off_and_is_replayed_without_them() {
    let without: Without = [FaultKind::PowerLoss, FaultKind::Rot].into_iter().collect();
    let conduct = || Conduct { records: true, ..Conduct::default() };
    let first = conduct_seed(3, Conduct { without, ..conduct() });
    let log = first.log.unwrap();
    assert!(log.head().contains(" without power-loss rot\n"), "{}", log.head());
    let text: Log = log.to_string().parse().unwrap();
    assert_eq!((&text, &Log::from_bytes(&log.to_bytes()).unwrap()), (&log, &log));
    let again = conduct_log(&text, Fidelity::Strict, conduct());
    assert_eq!((again.diverged, again.trace_hash), (None, first.trace_hash));
    assert_ne!(conduct_seed(3, Conduct::default()).trace_hash, first.trace_hash);
}
