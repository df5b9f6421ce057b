//! Records: round trips, hostile bytes, and the bytes that must never change.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::base::BlockId;
use crate::format::varint::encode_varint;

use super::*;

fn bytes() -> impl Strategy<Value = Cow<'static, [u8]>> {
    vec(any::<u8>(), 0..200).prop_map(Cow::Owned)
}

fn name() -> impl Strategy<Value = Cow<'static, str>> {
    "\\PC{1,20}".prop_map(Cow::Owned)
}

/// Numbers of every length, not only of eight bytes.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

fn bulk() -> impl Strategy<Value = Bulk> {
    let extent =
        (0..1_u64 << 40, 1..1_u64 << 20).prop_map(|(start, blocks)| Extent { start: BlockId(start), blocks });
    let root = (0..1_u64 << 40, vec(any::<u8>(), 1..40_000))
        .prop_map(|(block, node)| BlockRef::to(BlockId(block), &node));
    (root, 0..9_u8, 1..1_u64 << 62, vec(extent, 0..8)).prop_map(|(root, height, bytes, extents)| {
        let bytes = if height == 0 { u64::from(root.bytes) } else { bytes };
        Bulk { root, height, bytes, extents }
    })
}

fn stride() -> impl Strategy<Value = Stride> {
    (0..1_u64 << 40, 1..20_u64, 1..1_u64 << 20, 0..10_u64).prop_map(|(start, size, stride, count)| Stride {
        start,
        size,
        stride,
        count,
    })
}

fn operation() -> impl Strategy<Value = Operation<'static>> {
    let stream = || number().prop_map(StreamId);
    let payload = prop_oneof![bytes().prop_map(Payload::Bytes), bulk().prop_map(Payload::Bulk)];
    prop_oneof![
        (stream(), 0..1_u64 << 62, 0..1_u64 << 62, payload).prop_map(
            |(stream, offset, delete_len, insert)| {
                Operation::Splice { stream, offset, delete_len, insert }
            }
        ),
        (stream(), stride(), any::<u8>()).prop_map(|(stream, stride, fill)| {
            let bytes = vec![fill; stride.bytes().unwrap() as usize];
            Operation::StridedWrite { stream, stride, bytes: bytes.into() }
        }),
        (stream(), stride()).prop_map(|(stream, stride)| Operation::StridedRemove { stream, stride }),
        (stream(), name()).prop_map(|(stream, name)| Operation::Create { stream, name }),
        (stream(), name()).prop_map(|(stream, name)| Operation::Drop { stream, name }),
        (stream(), name(), name()).prop_map(|(stream, from, to)| Operation::Rename { stream, from, to }),
    ]
}

/// Any record.
pub(crate) fn record() -> impl Strategy<Value = Record<'static>> {
    let operation = (operation(), any::<bool>()).prop_map(|(op, commits)| (Body::Operation(op), commits));
    let compensate = (number(), option::of(number())).prop_map(|(undone, next)| {
        (Body::Compensate { undone: Lsn(undone), undo_next: next.map(Lsn) }, false)
    });
    let body = prop_oneof![
        6 => operation,
        1 => compensate,
        1 => any::<bool>().prop_map(|commits| (Body::Commit, commits)),
        1 => Just((Body::End, false)),
    ];
    (number(), body).prop_map(|(txn, (body, commits))| Record { txn: TxnId(txn), commits, body })
}

proptest! {
    #[test]
    fn records_round_trip(first in record(), second in record()) {
        let mut out = Vec::new();
        encode_record(&first, &mut out);
        let border = out.len();
        encode_record(&second, &mut out);
        prop_assert_eq!(border, record_bytes(&first));
        let (back, used) = decode_record(&out).unwrap();
        prop_assert_eq!((&back, used), (&first, border));
        prop_assert_eq!(back.into_owned(), first);
        let (back, used) = decode_record(&out[border..]).unwrap();
        prop_assert_eq!((back, used), (second, out.len() - border));
    }

    #[test]
    fn a_cut_record_is_refused(record in record(), cut in any::<prop::sample::Index>()) {
        let mut out = Vec::new();
        encode_record(&record, &mut out);
        prop_assert!(decode_record(&out[..cut.index(out.len())]).is_err());
    }

    #[test]
    fn any_bytes_give_one_record_of_these_bytes_or_an_error(
        kind in any::<u8>(),
        fields in vec(prop_oneof![any::<u8>(), 0..4_u8], 0..60),
        edit in any::<(prop::sample::Index, u8)>(),
        record in record(),
    ) {
        let mut hostile = Vec::new();
        encode_varint(fields.len() as u64 + 1, &mut hostile);
        hostile.push(kind & 0x8f);
        hostile.extend_from_slice(&fields);
        let mut damaged = Vec::new();
        encode_record(&record, &mut damaged);
        let at = edit.0.index(damaged.len());
        damaged[at] ^= edit.1;
        for bytes in [&fields, &hostile, &damaged] {
            if let Ok((record, used)) = decode_record(bytes) {
                let mut again = Vec::new();
                encode_record(&record, &mut again);
                prop_assert_eq!(&bytes[..used], &again[..], "{}", record);
            }
        }
    }
}

fn one_of_each() -> Vec<Record<'static>> {
    let stream = StreamId(300);
    let stride = Stride { start: 8, size: 2, stride: 5, count: 2 };
    let root = BlockRef { block: BlockId(77), bytes: 16_385, sums: [0x0101_0101, 0x0202_0202, 0, 0] };
    let extents =
        vec![Extent { start: BlockId(70), blocks: 8 }, Extent { start: BlockId(1_000), blocks: 200 }];
    let bulk = Bulk { root, height: 1, bytes: 800_000, extents };
    let operations = [
        Operation::Splice {
            stream,
            offset: 4_000,
            delete_len: 3,
            insert: Payload::Bytes(b"hello"[..].into()),
        },
        Operation::Splice { stream, offset: 1 << 40, delete_len: 0, insert: Payload::Bulk(bulk) },
        Operation::StridedWrite { stream, stride, bytes: b"abcd"[..].into() },
        Operation::StridedRemove { stream, stride },
        Operation::Create { stream, name: "photons".into() },
        Operation::Drop { stream, name: "photons".into() },
        Operation::Rename { stream, from: "a".into(), to: "Füße".into() },
    ];
    let mut records: Vec<Record<'static>> = operations
        .into_iter()
        .enumerate()
        .map(|(index, op)| Record { txn: TxnId(9), commits: index == 0, body: Body::Operation(op) })
        .collect();
    let ends = [
        Body::Compensate { undone: Lsn(1_000), undo_next: Some(Lsn(500)) },
        Body::Compensate { undone: Lsn(500), undo_next: None },
        Body::Commit,
        Body::End,
    ];
    records.extend(ends.map(|body| Record { txn: TxnId(9), commits: false, body }));
    records
}

#[test]
fn bytes_of_each_kind_never_change() {
    let lines: Vec<String> = one_of_each()
        .iter()
        .map(|record| {
            let mut out = Vec::new();
            encode_record(record, &mut out);
            let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{record}\n    {hex}")
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_small_splice_costs_at_most_24_bytes_more_than_it_inserts() {
    let insert = Payload::Bytes(vec![7; 100].into());
    let splice =
        Operation::Splice { stream: StreamId(1_000_000), offset: 1 << 40, delete_len: 1 << 20, insert };
    let record = Record { txn: TxnId(1 << 40), commits: true, body: Body::Operation(splice) };
    assert!(record_bytes(&record) <= 124, "{}", record_bytes(&record));
}

#[test]
fn the_longest_overhead_is_within_its_bound() {
    let insert = Payload::Bulk(Bulk {
        root: BlockRef { block: BlockId(1 << 50), bytes: 65_536, sums: [u32::MAX; 4] },
        height: 9,
        bytes: 0,
        extents: Vec::new(),
    });
    let stream = StreamId(u64::MAX);
    let bulk = Operation::Splice { stream, offset: u64::MAX, delete_len: 0, insert };
    let stride = Stride { start: u64::MAX, size: u64::MAX, stride: u64::MAX, count: u64::MAX };
    let remove = Operation::StridedRemove { stream, stride };
    for operation in [bulk, remove] {
        let record = Record { txn: TxnId(u64::MAX), commits: true, body: Body::Operation(operation) };
        assert!(record_bytes(&record) <= MAX_RECORD_OVERHEAD, "{record}");
    }
}

#[test]
fn impossible_fields_are_told_by_name() {
    fn decode(body: &[u8]) -> RecordError {
        let mut bytes = Vec::new();
        encode_varint(body.len() as u64, &mut bytes);
        bytes.extend_from_slice(body);
        decode_record(&bytes).expect_err("must be refused")
    }
    assert_eq!(decode(&[]), RecordError::Field("the bytes end too early"));
    assert_eq!(decode(&[0, 1]), RecordError::Kind(0));
    assert_eq!(decode(&[0x8a, 1]), RecordError::CommitFlag(10));
    assert_eq!(decode(&[0x88, 1, 5]), RecordError::CommitFlag(8));
    assert_eq!(decode(&[9, 1, 0]), RecordError::TooLong(1));
    assert_eq!(decode(&[5, 1, 1]), RecordError::Name);
    assert_eq!(decode(&[5, 1, 1, 0xff]), RecordError::Name);
    assert_eq!(decode(&[7, 1, 1, 1, b'a']), RecordError::Name);
    assert_eq!(decode(&[4, 1, 1, 0, 0, 1, 1]), RecordError::Stride);
    assert_eq!(decode(&[3, 1, 1, 0, 1, 1, 2, b'x']), RecordError::Stride);
    let far = [1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1];
    assert_eq!(decode(&far), RecordError::Range);
    let mut bulk = vec![2, 1, 1, 0, 0, 5, 0];
    BlockRef::to(BlockId(9), b"hello").encode_into(&mut bulk);
    bulk.extend_from_slice(&[9, 0]);
    assert_eq!(decode(&bulk), RecordError::Extent);
}

#[test]
fn a_huge_length_allocates_nothing() {
    let mut bytes = Vec::new();
    encode_varint(u64::MAX, &mut bytes);
    bytes.extend_from_slice(&[1, 1, 1]);
    assert_eq!(decode_record(&bytes), Err(RecordError::Field("the bytes end too early")));
}
