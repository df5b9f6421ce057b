//! Random records, flushes, truncations and tears: a scan yields a prefix that holds everything durable.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Flush,
    /// Remember a position, and recycle what lies before the one remembered last.
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop_oneof![0..200_usize, 0..5_000_usize, 0..12_000_usize].prop_map(Step::Append),
        4 => Just(Step::Flush),
        2 => Just(Step::Checkpoint),
    ]
}

/// What the disk keeps of the batch that was being written when the power went.
#[derive(Clone, Debug)]
enum Tear {
    Nothing,
    Everything,
    First(usize),
    AllButFirst(usize),
    Each(Vec<bool>),
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![
        Just(Tear::Nothing),
        Just(Tear::Everything),
        (0..40_usize).prop_map(Tear::First),
        (0..40_usize).prop_map(Tear::AllButFirst),
        vec(any::<bool>(), 40).prop_map(Tear::Each),
    ]
}

impl Tear {
    fn keeps(&self, sector: usize) -> bool {
        match self {
            Tear::Nothing => false,
            Tear::Everything => true,
            Tear::First(count) => sector < *count,
            Tear::AllButFirst(count) => sector >= *count,
            Tear::Each(keep) => keep[sector % keep.len()],
        }
    }
}

/// A log after some steps, with the checkpoint to scan from and the records behind that.
struct Run {
    log: MemLog,
    records: Records,
    from: LogPosition,
    records_before: usize,
}

fn run(disk: &MemDisk, steps: &[Step]) -> Run {
    let mut log = create(disk);
    let (from, records) = (log.position(), Vec::new());
    let mut run = Run { from, records, records_before: 0, log };
    for step in steps {
        log = run.log;
        match step {
            Step::Append(len) => {
                let txn = run.records.len() as u64;
                append(&mut log, &mut run.records, splice(txn, *len));
            }
            Step::Flush => log.flush().unwrap(),
            Step::Checkpoint => {
                log.flush().unwrap();
                run.from = log.position();
                run.records_before = run.records.len();
                log.truncate(&run.from);
            }
        }
        run.log = log;
    }
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_scan_yields_a_prefix_with_everything_durable(
        steps in vec(step(), 0..80),
        last in vec(0..6_000_usize, 1..6),
        good_syncs in 0..4_u64,
        reserve in any::<bool>(),
        tear in tear(),
    ) {
        let disk = MemDisk::default();
        let Run { mut log, mut records, from, records_before } = run(&disk, &steps);
        log.flush().unwrap();
        if reserve {
            log.reserve(last.iter().map(|len| *len as u64 + 20).sum()).unwrap();
            disk.limit_file_bytes(Some(0));
        }
        for len in last {
            let txn = records.len() as u64;
            append(&mut log, &mut records, splice(txn, len));
        }
        disk.fail_sync_after(good_syncs);
        let flushed = log.flush();
        prop_assert!(!matches!(flushed, Err(Error::Io { op: "allocate", .. })), "reserved too little");
        let durable = log.durable_lsn();
        prop_assert_eq!(flushed.is_ok(), durable == log.next_lsn());

        let mut sector = 0;
        disk.cut_power(&file(), |_| {
            sector += 1;
            tear.keeps(sector - 1)
        });
        let expected = &records[records_before..];
        let (found, end) = scan(&disk, &from).unwrap();
        prop_assert_eq!(&found[..], &expected[..found.len()], "not a prefix");
        let lost = expected.get(found.len()).map_or(log.next_lsn(), |(lsn, _)| *lsn);
        prop_assert!(lost >= durable, "lost from {} on, durable up to {}", lost, durable);
        prop_assert_eq!(end.lsn, lost);
        prop_assert_eq!(scan(&disk, &from).unwrap(), (found, end), "a second scan gives the same");
    }

    #[test]
    fn a_flipped_bit_costs_at_most_the_last_batch(
        steps in vec(step(), 1..60),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let disk = MemDisk::default();
        let Run { mut log, records, from, records_before } = run(&disk, &steps);
        log.flush().unwrap();
        let mut last_batch = from.lsn;
        let mut batches = read_log(&disk, db(), IDENTITY, SEGMENT, &from).unwrap();
        while let Some(batch) = batches.next_batch().unwrap() {
            last_batch = batch.header.first_lsn;
        }
        disk.edit(&file(), |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        });
        let expected = &records[records_before..];
        match scan(&disk, &from) {
            Ok((found, end)) => {
                prop_assert_eq!(&found[..], &expected[..found.len()]);
                prop_assert!(end.lsn == log.durable_lsn() || end.lsn == last_batch);
            }
            Err(Error::Corruption { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn any_bytes_are_a_log_or_an_error(
        steps in vec(step(), 0..20),
        splats in vec((any::<prop::sample::Index>(), vec(any::<u8>(), 1..200)), 0..6),
        len in option_len(),
    ) {
        let disk = MemDisk::default();
        let Run { from, .. } = run(&disk, &steps);
        disk.edit(&file(), |bytes| {
            for (at, splat) in splats {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + splat.len());
                bytes[at..end].copy_from_slice(&splat[..end - at]);
            }
            if let Some(len) = len {
                bytes.truncate(len);
            }
        });
        match scan(&disk, &from) {
            Ok(_) | Err(Error::Corruption { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

fn option_len() -> impl Strategy<Value = Option<usize>> {
    proptest::option::of(0..100_000_usize)
}
