//! The header of the file: what has not this log's is damaged or another log, never an empty one.

use crate::format::log_header::LogHeader;

use super::*;

/// What a scan expected and found, which must be at the start of the file.
fn refusal(disk: &MemDisk, identity: LogIdentity, segment: u64, from: &LogPosition) -> (String, String) {
    match read_log(disk, db(), identity, segment, from).map(drop) {
        Err(Error::Corruption { file: path, offset: 0, expected, found }) => {
            assert_eq!(path, log_path(db(), identity.generation));
            (expected, found)
        }
        other => panic!("expected corruption, got {other:?}"),
    }
}

#[test]
fn a_log_begins_with_its_header_and_keeps_it() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let syncs = disk.take_events().iter().filter(|event| **event == Event::Sync).count();
    assert_eq!(syncs, 1, "header and first segment become durable together");
    let header = LogHeader { identity: IDENTITY, segment_bytes: SEGMENT as u32, start_lsn: START };
    let mut records = Vec::new();
    for round in 0..20 {
        assert_eq!(disk.bytes(&file()).durable[..LOG_HEADER_BYTES], header.encode(), "round {round}");
        batch(&mut log, &mut records, 9_000);
        log.truncate(&log.position());
    }
}

#[test]
fn the_log_of_another_database_or_generation_is_refused() {
    let other_uuid = LogIdentity { uuid: *b"another database", ..IDENTITY };
    let later = LogIdentity { generation: 6, ..IDENTITY };
    let earlier = LogIdentity { generation: 4, ..IDENTITY };
    for stranger in [other_uuid, later, earlier] {
        let disk = MemDisk::default();
        let mut log = MemLog::create(&disk, db(), stranger, SEGMENT, START).unwrap();
        batch(&mut log, &mut Vec::new(), 100);
        let bytes = disk.bytes(&log_path(db(), stranger.generation)).visible;
        let start = create(&disk).position();
        disk.put(&file(), bytes);
        let (expected, found) = refusal(&disk, IDENTITY, SEGMENT, &start);
        if stranger.uuid == IDENTITY.uuid {
            assert_eq!(expected, "a log of generation 5");
            assert_eq!(found, format!("a log of generation {}", stranger.generation));
        } else {
            assert_eq!(expected, "the log of database 6120646174616261736527732069642e");
            assert_eq!(found, "the log of database 616e6f74686572206461746162617365");
        }
    }
}

#[test]
fn another_segment_length_is_refused() {
    let disk = MemDisk::default();
    let start = create(&disk).position();
    let (expected, found) = refusal(&disk, IDENTITY, 2 * SEGMENT, &start);
    assert_eq!(expected, "a log of segments of 32768 bytes");
    assert_eq!(found, "a log of segments of 16384 bytes");
}

#[test]
fn a_log_that_cannot_lead_to_the_position_is_refused() {
    let disk = MemDisk::default();
    let start = create(&disk).position();
    for from in [
        LogPosition { lsn: Lsn(999), ..start },
        LogPosition { lsn: Lsn(1_001), ..start },
        LogPosition { lsn: Lsn(999), sequence: 2, ..start },
    ] {
        let (expected, found) = refusal(&disk, IDENTITY, SEGMENT, &from);
        assert_eq!(expected, format!("a log that leads to LSN {}", from.lsn));
        assert_eq!(found, "a log from LSN 1000 on");
    }
    let behind = LogPosition { lsn: Lsn(1_001), sequence: 2, ..start };
    assert_eq!(scan(&disk, &behind).unwrap().0, []);
}

#[test]
fn a_header_that_is_not_whole_is_damage_and_no_tail() {
    let disk = MemDisk::default();
    let mut log = create(&disk);
    let start = log.position();
    let mut records = Vec::new();
    batch(&mut log, &mut records, 100);
    for at in 0..LOG_HEADER_BYTES {
        disk.edit(&file(), |bytes| bytes[at] ^= 1 << (at % 8));
        assert_eq!(damage(&disk, &start), 0, "byte {at}");
        disk.edit(&file(), |bytes| bytes[at] ^= 1 << (at % 8));
    }
    assert_eq!(scan(&disk, &start).unwrap().0, records);
    for sector in 0..8 {
        disk.edit(&file(), |bytes| bytes[sector * 512..LOG_HEADER_BYTES].fill(0xa5));
        assert_eq!(damage(&disk, &start), 0, "from sector {sector} on");
        create(&disk);
    }
    for len in [0, 1, 511, 512, 4_095] {
        disk.edit(&file(), |bytes| bytes.truncate(len));
        assert_eq!(damage(&disk, &start), 0, "cut to {len} bytes");
        create(&disk);
    }
}
