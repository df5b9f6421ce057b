//! Writes and syncs that fail, and disks that are full.

use super::*;

#[test]
fn a_failed_sync_poisons_for_good() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut records = Vec::new();
    batch(&mut log, &mut records, 10);
    let durable = log.durable_lsn();
    append(&mut log, &mut records, splice(1, 10));
    disk.fail_sync_after(0);
    assert!(matches!(log.flush(), Err(Error::Io { op: "sync", .. })));
    assert_eq!(log.durable_lsn(), durable);
    assert!(log.file().failure().unwrap().contains("injected sync failure"));
    disk.take_events();
    assert!(matches!(log.flush(), Err(Error::Poisoned { cause }) if cause.contains("injected sync failure")));
    assert!(matches!(log.reserve(1 << 20), Err(Error::Poisoned { .. })));
    assert_eq!(disk.take_events(), [], "a sync is never tried again");
}

#[test]
fn a_failed_write_poisons_for_good() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    log.append(&splice(1, 10));
    disk.fail_writes_after(0);
    assert!(matches!(log.flush(), Err(Error::Io { op: "write", offset: HEADER, .. })));
    assert!(matches!(log.flush(), Err(Error::Poisoned { .. })));
}

#[test]
fn nobody_is_told_of_the_batches_before_one_that_failed() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    log.reserve(60_000).unwrap();
    let start = log.position();
    let mut records = Vec::new();
    for txn in 0..5 {
        append(&mut log, &mut records, splice(txn, 11_000));
    }
    disk.fail_sync_after(2);
    assert!(log.flush().is_err());
    assert_eq!(log.durable_lsn(), records[0].0);
    disk.cut_power(&file(), |_| false);
    assert_eq!(scan(&disk, &start).unwrap().0, records[..2]);
}

#[test]
fn a_full_disk_is_found_by_reserving_and_harms_nothing() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    disk.limit_file_bytes(Some(segment(2)));
    assert!(matches!(log.reserve(40_000), Err(Error::Io { op: "allocate", .. })));
    assert_eq!(log.file().failure(), None);
    log.reserve(20_000).unwrap_err();
    log.reserve(10_000).unwrap();
    batch(&mut log, &mut records, 10_000);
    disk.limit_file_bytes(None);
    log.reserve(40_000).unwrap();
    for txn in 0..4 {
        append(&mut log, &mut records, splice(txn, 9_900));
    }
    disk.limit_file_bytes(Some(0));
    log.flush().unwrap();
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_write_that_fails_while_growing_gives_the_space_back() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    disk.fail_writes_after(0);
    assert!(matches!(log.reserve(20_000), Err(Error::Io { op: "write", .. })));
    assert_eq!(disk.bytes(&file()).visible.len() as u64, segment(1));
    assert_eq!(log.file().failure(), None);
}

#[test]
fn a_sync_that_fails_while_growing_poisons() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    disk.fail_sync_after(0);
    assert!(matches!(log.reserve(20_000), Err(Error::Io { op: "sync", .. })));
    assert!(log.file().failure().is_some());
    assert!(matches!(log.flush(), Err(Error::Poisoned { .. })));
}

#[test]
fn segment_lengths_are_checked() {
    let disk = MemDisk::default();
    for bad in [0, 4_096, 10_000, 1 << 31, u64::MAX] {
        assert!(matches!(
            MemLog::create(&disk, db(), IDENTITY, bad, START),
            Err(Error::InvalidArgument { .. })
        ));
        let from = create(&disk).position();
        let scan = read_log(&disk, db(), IDENTITY, bad, &from);
        assert!(matches!(scan.map(drop), Err(Error::Corruption { .. })));
    }
}
