//! Where a log ends: torn batches, rotten ones, and leftovers of other times.

use crate::format::batch::{BATCH_HEADER_BYTES, BatchHeader};

use super::*;

/// A log of three small batches behind which a batch of `len` bytes was written and not synced.
fn with_unsynced_batch(disk: &MemDisk, len: usize) -> (LogPosition, Records) {
    let mut log = create(disk);
    let start = log.position();
    let mut records = Vec::new();
    for len in [10, 5_000, 20] {
        batch(&mut log, &mut records, len);
    }
    let durable = records.clone();
    log.reserve(len as u64 + 100).unwrap();
    append(&mut log, &mut records, splice(99, len));
    disk.fail_sync_after(0);
    assert!(matches!(log.flush(), Err(Error::Io { op: "sync", .. })));
    (start, durable)
}

#[test]
fn a_tear_at_every_sector_leaves_the_durable_records() {
    // The second length goes to a fresh segment.
    for len in [4_000, 9_000] {
        let sectors = (len + BATCH_HEADER_BYTES + 20).div_ceil(512) as u64;
        for cut in 0..=sectors {
            for keep_head in [false, true] {
                let disk = MemDisk::default();
                let (start, durable) = with_unsynced_batch(&disk, len);
                let mut torn = 0;
                disk.cut_power(&file(), |_| {
                    torn += 1;
                    (torn <= cut) == keep_head
                });
                let (records, _) = scan(&disk, &start).unwrap();
                assert_eq!(records[..3], durable, "cut {cut}");
                let whole = if keep_head { cut >= torn } else { cut == 0 };
                assert_eq!(records.len(), if whole { 4 } else { 3 }, "cut {cut} of {torn}");
            }
        }
    }
}

#[test]
fn a_tear_over_leftovers_of_a_recycled_segment_leaves_the_durable_records() {
    // The sectors behind the records differ from the leftovers as well, and their loss loses nothing.
    let needed = (BATCH_HEADER_BYTES + 11_000_usize).div_ceil(512);
    for cut in 0..=24 {
        let disk = MemDisk::default();
        let mut log = create(&disk);
        let mut records = Vec::new();
        for _ in 0..9 {
            batch(&mut log, &mut records, 6_000);
        }
        let start = log.position();
        log.truncate(&start);
        records.clear();
        batch(&mut log, &mut records, 100);
        append(&mut log, &mut records, splice(50, 11_000));
        disk.fail_sync_after(0);
        assert!(log.flush().is_err());
        let mut torn = 0;
        disk.cut_power(&file(), |_| {
            torn += 1;
            torn <= cut
        });
        let (found, _) = scan(&disk, &start).unwrap();
        assert_eq!(torn, 24, "every sector differs");
        assert_eq!(found, records[..if cut >= needed { 2 } else { 1 }], "cut {cut}");
    }
}

#[test]
fn a_flipped_bit_in_the_middle_is_refused_where_it_is() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    // First, last and only ones of their segment, behind full segments and behind gaps.
    let places: Vec<u64> = [5_000, 3_000, 5_000, 5_000, 11_000, 5_000, 10]
        .map(|len| batch(&mut log, &mut records, len))
        .to_vec();
    let last = places.len() - 1;
    for (index, &place) in places.iter().enumerate() {
        for at in [0, 5, 9, 30, 33, 41, 49, 57, 61, 65, 79, 80, 85] {
            let flip = |bytes: &mut Vec<u8>| bytes[place as usize + at] ^= 4;
            disk.edit(&file(), flip);
            if index == last {
                assert_eq!(scan(&disk, &start).unwrap().0, records[..last], "byte {at} of the last batch");
            } else {
                assert_eq!(damage(&disk, &start), place, "byte {at} of batch {index}");
            }
            disk.edit(&file(), flip);
        }
    }
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_flipped_bit_behind_the_records_does_no_harm() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    let place = batch(&mut log, &mut records, 10) as usize;
    disk.edit(&file(), |bytes| bytes[place + 4_000] ^= 1);
    assert_eq!(scan(&disk, &start).unwrap().0, records);
}

#[test]
fn a_torn_batch_behind_a_rotten_one_still_tells() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    let rotten = batch(&mut log, &mut records, 100);
    let torn = batch(&mut log, &mut records, 6_000);
    disk.edit(&file(), |bytes| {
        bytes[rotten as usize + 90] ^= 1;
        bytes[torn as usize + 5_000] ^= 1;
    });
    assert_eq!(damage(&disk, &start), rotten);
}

#[test]
fn batches_of_strangers_are_not_seen() {
    let strangers = [
        LogIdentity { generation: 4, ..IDENTITY },
        LogIdentity { generation: 6, ..IDENTITY },
        LogIdentity { uuid: [7; 16], ..IDENTITY },
    ];
    for stranger in strangers {
        let other = MemDisk::default();
        let mut log = MemLog::create(&other, db(), stranger, SEGMENT, START).unwrap();
        let mut ignored = Vec::new();
        for _ in 0..12 {
            batch(&mut log, &mut ignored, 3_000);
        }
        let ghosts = other.bytes(&log_path(db(), stranger.generation)).visible;

        let disk = MemDisk::default();
        let mut log = create(&disk);
        let start = log.position();
        let mut records = Vec::new();
        let haunt = |own: usize| {
            disk.edit(&file(), |bytes| {
                bytes.truncate(own);
                bytes.extend_from_slice(&ghosts[own..]);
            });
        };
        batch(&mut log, &mut records, 100);
        haunt(LOG_HEADER_BYTES + 4_096);
        assert_eq!(scan(&disk, &start).unwrap().0, records, "own batch, then ghosts");
        haunt(LOG_HEADER_BYTES);
        assert_eq!(scan(&disk, &start).unwrap().0, [], "own header, then ghosts");
    }
}

#[test]
fn a_log_stored_as_a_payload_is_not_seen() {
    // The same database at a later time: its batches have the right identity and later numbers.
    let later = MemDisk::default();
    let mut log = create(&later);
    for _ in 0..3 {
        batch(&mut log, &mut Vec::new(), 3_000);
    }
    let stored = later.bytes(&file()).visible.split_off(LOG_HEADER_BYTES);

    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    // Its batches land on block boundaries, one block behind where they stood.
    let overhead = crate::format::record::record_bytes(&splice(0, 12_000)) - 12_000;
    let mut payload = vec![0; 4_096 - BATCH_HEADER_BYTES - overhead];
    payload.extend_from_slice(&stored[..8_192]);
    let insert = Payload::Bytes(payload.into());
    let operation = Operation::Splice { stream: StreamId(1), offset: 9, delete_len: 0, insert };
    let record = Record { txn: TxnId(0), commits: true, body: Body::Operation(operation) };
    append(&mut log, &mut records, record);
    log.flush().unwrap();
    let found = disk.bytes(&file()).visible.split_off(LOG_HEADER_BYTES);
    assert_eq!(found[4_096..12_288], stored[..8_192], "the test puts them where a search looks");
    assert_eq!(scan(&disk, &start).unwrap().0, records);
    disk.edit(&file(), |bytes| bytes[LOG_HEADER_BYTES + 200] ^= 1);
    assert_eq!(scan(&disk, &start).unwrap().0, [], "a torn batch is a torn batch, whatever is in it");
}

#[test]
fn records_that_sum_up_and_do_not_decode_are_refused_where_they_are() {
    let disk = MemDisk::default();
    let log = create(&disk);
    let start = log.position();
    let mut records = vec![2, 9, 1];
    records.extend_from_slice(&[2, 11, 1]);
    let header = BatchHeader {
        identity: IDENTITY,
        sequence: 1,
        first_lsn: START,
        file_offset: HEADER,
        record_bytes: 6,
        record_sum: BatchHeader::sum_records(&IDENTITY, &records),
        previous_sum: IDENTITY.seed(),
        segment_bytes: SEGMENT as u32,
    };
    let put = |header: &BatchHeader| {
        disk.edit(&file(), |bytes| {
            let bytes = &mut bytes[LOG_HEADER_BYTES..];
            bytes[..80].copy_from_slice(&header.encode().0);
            bytes[80..86].copy_from_slice(&records);
        });
        damage(&disk, &start)
    };
    assert_eq!(put(&header), HEADER + 83, "an unknown kind");
    assert_eq!(put(&BatchHeader { previous_sum: 1, ..header }), HEADER, "a broken chain");
    assert_eq!(put(&BatchHeader { first_lsn: Lsn(1), ..header }), HEADER, "a jump in the LSNs");
    assert_eq!(
        put(&BatchHeader { record_bytes: 16_305, ..header }),
        HEADER,
        "a batch longer than its segment"
    );
    assert_eq!(put(&BatchHeader { record_bytes: 0, ..header }), HEADER, "an empty batch");
    assert_eq!(put(&BatchHeader { segment_bytes: 8_192, ..header }), HEADER, "another segment length");
}

#[test]
fn a_log_that_is_missing_or_cut_is_told_apart() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let mut records = Vec::new();
    for _ in 0..6 {
        batch(&mut log, &mut records, 7_000);
    }
    let end = log.position();
    // Cut at the end of a segment, in the segment of the last batch, and to nothing.
    for bytes in
        [segment(1), segment(u64::from(end.segment)) + 4_096, segment(u64::from(end.segment) + 1) - 1]
    {
        disk.edit(&file(), |file| file.resize(bytes as usize, 0));
        assert_eq!(damage(&disk, &end), bytes);
    }
    disk.edit(&file(), Vec::clear);
    assert_eq!(damage(&disk, &end), 0);

    let stranger = LogPosition { generation: 9, ..end };
    assert!(matches!(scan(&disk, &stranger), Err(Error::Corruption { file, .. }) if file == db()));
    let outside = LogPosition { offset: SEGMENT as u32 + 4_096, ..end };
    assert!(matches!(scan(&disk, &outside), Err(Error::Corruption { file, .. }) if file == db()));

    let log = file();
    crate::env::Disk::remove(&disk, &log).unwrap();
    match scan(&disk, &end) {
        Err(Error::LogMissing { file, log: missing }) => assert_eq!((file.as_path(), missing), (db(), log)),
        other => panic!("expected a missing log, got {other:?}"),
    }
}
