//! What was flushed is read back, wherever segments begin and end.

use crate::base::BLOCK_BYTES;
use crate::format::record::record_bytes;

use super::*;

#[test]
fn flushed_records_come_back_with_their_lsns() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    for len in [0, 1, 100, 5_000] {
        append(&mut log, &mut records, splice(len as u64, len));
        append(&mut log, &mut records, splice(len as u64 + 1, 3));
        assert!(log.next_lsn() > log.durable_lsn());
        log.flush().unwrap();
        assert_eq!(log.durable_lsn(), log.next_lsn());
    }
    let total: usize = records.iter().map(|(_, record)| record_bytes(record)).sum();
    assert_eq!(log.next_lsn(), Lsn(START.0 + total as u64));
    assert_eq!(records[0].0, START);
    assert_eq!(scan(&disk, &start).unwrap(), (records, log.position()));

    let counters = log.counters();
    assert_eq!((counters.batches, counters.record_bytes), (4, total as u64));
    let parts = counters.record_bytes + counters.header_bytes + counters.padding_bytes;
    assert_eq!(counters.bytes_written, parts);
    assert_eq!(counters.bytes_written, 5 * BLOCK_BYTES as u64);
}

#[test]
fn a_scan_can_start_at_every_position() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut positions = vec![log.position()];
    let mut records = Vec::new();
    for len in [4_000, 9_000, 4_000, 4_000, 12_000, 16, 12_000] {
        batch(&mut log, &mut records, len);
        positions.push(log.position());
    }
    for (index, from) in positions.iter().enumerate() {
        let bytes = from.encode();
        let from = LogPosition::decode(&mut crate::format::wire::Reader::new(&bytes)).unwrap();
        assert_eq!(scan(&disk, &from).unwrap(), (records[index..].to_vec(), log.position()), "from {index}");
    }
}

#[test]
fn an_empty_log_has_an_empty_scan_and_an_empty_flush_does_nothing() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    assert!(disk.take_events().ends_with(&[Event::Sync, Event::SyncDir]));
    log.flush().unwrap();
    assert_eq!(disk.take_events(), []);
    assert_eq!(scan(&disk, &log.position()).unwrap(), (Vec::new(), log.position()));
}

#[test]
fn each_batch_is_synced_before_the_next_is_written() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    for txn in 0..40 {
        append(&mut log, &mut records, splice(txn, 1_500));
    }
    disk.take_events();
    log.flush().unwrap();
    let events = disk.take_events();
    for pair in events.chunks(2) {
        assert!(matches!(pair, [Event::Write { .. }, Event::Sync]), "{events:?}");
    }
    assert!(log.counters().batches >= 4);
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_record_that_does_not_fit_the_rest_of_a_segment_goes_to_a_fresh_one() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    assert_eq!(batch(&mut log, &mut records, 100), segment(0));
    assert_eq!(batch(&mut log, &mut records, 12_203), segment(1), "a few bytes too many for 12 288");
    append(&mut log, &mut records, splice(9, 10));
    append(&mut log, &mut records, splice(10, 6_000));
    log.flush().unwrap();
    assert_eq!(scan(&disk, &start).unwrap().0, records);
    assert_eq!(disk.bytes(&file()).visible.len() as u64, log.file_bytes());
}

#[test]
fn the_longest_record_fits_and_a_longer_one_is_refused_before() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    batch(&mut log, &mut records, 1);
    let overhead = record_bytes(&splice(1, 10_000)) - 10_000;
    let most = log.max_record_bytes() as usize - overhead;
    assert!(log.check_record(record_bytes(&splice(1, most))).is_ok());
    assert!(matches!(
        log.check_record(record_bytes(&splice(1, most + 1))),
        Err(Error::InvalidArgument { .. })
    ));
    batch(&mut log, &mut records, most);
    batch(&mut log, &mut records, most);
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_full_segment_is_left_and_its_end_is_a_position() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut records = Vec::new();
    for _ in 0..4 {
        batch(&mut log, &mut records, 4_000);
    }
    let full = log.position();
    assert_eq!((full.segment, u64::from(full.offset)), (0, SEGMENT));
    assert_eq!(scan(&disk, &full).unwrap().0, []);
    batch(&mut log, &mut records, 1);
    assert_eq!(scan(&disk, &full).unwrap().0, records[4..]);
}

#[test]
fn segments_are_recycled_and_the_file_stays_small() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut records = Vec::new();
    let mut kept = (log.position(), 0);
    for round in 0..200 {
        batch(&mut log, &mut records, 1 + (round * 977) % 9_000);
        if round % 5 == 4 {
            let here = (log.position(), records.len());
            log.truncate(&kept.0);
            kept = here;
        }
        assert_eq!(scan(&disk, &kept.0).unwrap().0, records[kept.1..], "round {round}");
    }
    assert!(log.file_bytes() <= segment(12), "{} bytes", log.file_bytes());
    assert!(log.counters().segments_recycled > 50);
}

#[test]
fn truncation_frees_every_segment_before_the_position_and_not_its_own() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut records = Vec::new();
    for _ in 0..4 {
        batch(&mut log, &mut records, 10_000);
    }
    let from = log.position();
    assert_eq!(from.segment, 3);
    log.truncate(&from);
    assert_eq!((log.counters().segments_recycled, log.file_bytes()), (3, segment(4)));
    let reused = [0; 3].map(|_| batch(&mut log, &mut records, 10_000));
    assert_eq!((reused, log.file_bytes()), ([segment(0), segment(1), segment(2)], segment(4)));
    batch(&mut log, &mut records, 10_000);
    assert_eq!(log.file_bytes(), segment(5), "the position's own segment is not free");
    assert_eq!(scan(&disk, &from).unwrap().0, records[4..]);
}

#[test]
fn creating_replaces_what_an_unpublished_attempt_left() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    batch(&mut log, &mut Vec::new(), 10);
    drop(log);
    let log = create(&disk);
    assert_eq!(scan(&disk, &log.position()).unwrap().0, []);
    let durable = disk.bytes(&file()).durable;
    assert_eq!(durable.len() as u64, segment(1));
    assert!(durable[LOG_HEADER_BYTES..].iter().all(|&byte| byte == 0));
}

#[test]
fn short_transfers_are_gone_on_with() {
    let disk = MemDisk::default();
    disk.limit_transfers(700);
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    for len in [10, 9_000, 4_000] {
        batch(&mut log, &mut records, len);
    }
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_real_file_holds_a_log_as_well() {
    use crate::env::{RealDisk, RealFile};

    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("x.ns");
    let mut log = Log::<RealFile, RealPlatform>::create(&RealDisk, &db, IDENTITY, SEGMENT, START).unwrap();
    let start = log.position();
    let mut records = Vec::new();
    for txn in 0..30 {
        let record = splice(txn, 3_000);
        records.push((log.append(&record), record));
        if txn % 3 == 0 {
            log.flush().unwrap();
        }
    }
    log.flush().unwrap();
    assert_eq!(std::fs::metadata(log_path(&db, IDENTITY.generation)).unwrap().len(), log.file_bytes());
    let mut found = Vec::new();
    let mut scan = read_log(&RealDisk, &db, IDENTITY, SEGMENT, &start).unwrap();
    scan.for_each(|lsn, record| {
        found.push((lsn, record.into_owned()));
        Ok(())
    })
    .unwrap();
    assert_eq!(found, records);
}
