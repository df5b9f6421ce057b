//! Bugs that were found once, each with its story.
//!
//! Why: a bug that came back was never fixed. How: each test fails on the code as it was.

use numstore::Options;
use tests::Lab;

fn leaves_that_begin_alike(i: u8) -> Vec<u8> {
    let mut bytes = vec![7; 512 << 10];
    for leaf in bytes.chunks_mut(64 << 10) {
        leaf[16 << 10..].fill(i);
    }
    bytes
}

/// The cache knew a node by its block and its first checksum, which covers 16 KiB. A leaf that was written straight to
/// a block used before, and began like the leaf that had been there, was answered with the old leaf's bytes. The audit
/// reads past the cache and saw nothing.
#[test]
fn a_block_that_is_used_again_is_not_answered_from_the_cache() {
    let lab = Lab::new(1, Options::new().bulk_bytes(64 << 10));
    let db = lab.open();
    db.create("s").unwrap();
    for round in 1..20 {
        let bytes = leaves_that_begin_alike(round);
        db.append("s", &bytes).unwrap();
        assert!(db.read("s", ..).unwrap() == bytes, "round {round}");
        db.remove("s", ..).unwrap();
        db.checkpoint().unwrap();
        db.checkpoint().unwrap();
    }
}

/// A change of nothing was logged and synced.
#[test]
fn a_change_of_nothing_costs_nothing() {
    let lab = Lab::new(2, Options::new());
    let db = lab.open();
    db.create("s").unwrap();
    let before = db.stats().log_bytes;
    db.append("s", b"").unwrap();
    db.insert("s", 0, b"").unwrap();
    db.remove("s", 0..0).unwrap();
    assert_eq!(db.stats().log_bytes, before);
}
