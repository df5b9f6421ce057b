//! Transactions: ownership (`Busy`), rollback in all its forms, savepoints, and errors in the middle.
//!
//! Why: a caller must be able to rely on "nothing happened" after any refusal. How: two or three interleaved
//! transactions on the simulated disk; what each sees is compared with literal bytes, and the audit must be clean.

use numstore::{Database, Durability, Error, ErrorCode, Transaction};
use sim::world::SimEnv;
use tests::{Crash, Lab, noise, small};

/// A database with the streams `a` and `b`, each holding its own name.
fn two_streams() -> (Lab, Database<SimEnv>) {
    let lab = Lab::new(3, small());
    let db = lab.open();
    for name in ["a", "b"] {
        db.create(name).unwrap();
        db.append(name, name.as_bytes()).unwrap();
    }
    (lab, db)
}

fn append(transaction: &Transaction<SimEnv>, name: &str, bytes: &[u8]) {
    transaction.stream(name).unwrap().append(bytes).unwrap();
}

fn assert_busy<T>(result: numstore::Result<T>) {
    match result {
        Err(Error::Busy { what }) => assert!(!what.is_empty()),
        Err(other) => panic!("Busy was expected, not {other}"),
        Ok(_) => panic!("Busy was expected"),
    }
}

/// `Busy` whether the handle or the first use of it is refused.
fn assert_stream_busy(transaction: &Transaction<SimEnv>, name: &str) {
    assert_busy(transaction.stream(name).and_then(|stream| stream.append(b"x")));
    assert_busy(transaction.stream(name).and_then(|stream| stream.len()));
}

fn assert_clean(db: &Database<SimEnv>) {
    let found = db.verify().unwrap();
    assert!(found.is_clean(), "{:#?}", found.problems);
}

#[test]
fn a_stream_belongs_to_the_first_that_touches_it() {
    let (_lab, db) = two_streams();
    let (first, second) = (db.begin().unwrap(), db.begin().unwrap());
    assert_ne!(first.id(), second.id());
    append(&first, "a", b"1");
    append(&second, "b", b"2");
    assert_stream_busy(&second, "a");
    assert_stream_busy(&first, "b");
    assert_busy(db.append("a", b"x"));
    assert_busy(db.drop_stream("b"));
    first.commit().unwrap();
    append(&second, "a", b"2");
    second.commit().unwrap();
    assert_eq!(db.read("a", ..).unwrap(), b"a12");
    assert_eq!(db.read("b", ..).unwrap(), b"b2");
    assert_clean(&db);
}

#[test]
fn a_reader_in_a_transaction_owns_too() {
    let (_lab, db) = two_streams();
    let reader = db.begin().unwrap();
    assert_eq!(reader.stream("a").unwrap().read(..).unwrap(), b"a");
    assert_busy(db.append("a", b"x"));
    assert_eq!(db.read("a", ..).unwrap(), b"a", "reads of the newest version never wait");
    reader.rollback().unwrap();
    db.append("a", b"x").unwrap();
}

#[test]
fn names_belong_to_the_first_that_touches_them() {
    let (_lab, db) = two_streams();
    let first = db.begin().unwrap();
    first.create("new").unwrap().append(b"n").unwrap();
    first.rename("a", "moved").unwrap();
    let second = db.begin().unwrap();
    assert_busy(second.create("new").map(drop));
    assert_busy(second.create("a").map(drop));
    assert_busy(second.create("moved").map(drop));
    assert_busy(second.rename("b", "new"));
    assert_busy(second.exists("new"));
    assert_busy(second.list());
    assert_busy(db.create("new"));
    assert_eq!(db.list().unwrap().len(), 2, "a list outside shows the newest version");
    assert!(db.exists("a").unwrap() && !db.exists("moved").unwrap());
    first.commit().unwrap();
    assert_eq!(second.list().unwrap().len(), 3);
    second.rollback().unwrap();
    assert_clean(&db);
}

#[test]
fn an_error_leaves_the_transaction_usable() {
    let (_lab, db) = two_streams();
    let owner = db.begin().unwrap();
    append(&owner, "b", b"!");
    let transaction = db.begin().unwrap();
    append(&transaction, "a", b"1");
    let stream = transaction.stream("a").unwrap();
    assert_eq!(stream.insert(9, b"x").unwrap_err().code(), ErrorCode::OutOfBounds);
    assert_eq!(stream.remove(1..9).unwrap_err().code(), ErrorCode::OutOfBounds);
    assert_stream_busy(&transaction, "b");
    assert_eq!(transaction.create("a").err().unwrap().code(), ErrorCode::StreamExists);
    assert_eq!(transaction.create("").err().unwrap().code(), ErrorCode::BadName);
    append(&transaction, "a", b"2");
    transaction.commit().unwrap();
    owner.rollback().unwrap();
    assert_eq!(db.read("a", ..).unwrap(), b"a12");
    assert_eq!(db.read("b", ..).unwrap(), b"b");
    assert_clean(&db);
}

#[test]
fn rollback_and_drop_leave_nothing() {
    let (lab, db) = two_streams();
    let bulk = noise(9, 50_000);
    for by_drop in [false, true] {
        let transaction = db.begin().unwrap();
        append(&transaction, "a", &bulk);
        transaction.stream("a").unwrap().remove(10_000..20_000).unwrap();
        transaction.stream("b").unwrap().truncate(0).unwrap();
        transaction.create("c").unwrap().append(&bulk).unwrap();
        transaction.rename("c", "d").unwrap();
        transaction.drop_stream("b").unwrap();
        db.checkpoint().unwrap();
        append(&transaction, "a", &bulk);
        if by_drop {
            drop(transaction)
        } else {
            transaction.rollback().unwrap()
        }
        assert_eq!(db.read("a", ..).unwrap(), b"a");
        assert_eq!(db.read("b", ..).unwrap(), b"b");
        assert_eq!(db.list().unwrap().len(), 2);
        assert_clean(&db);
    }
    assert_eq!(db.stats().transactions_open, 0);
    db.append("b", b"free again").unwrap();
    lab.crash(Crash::PowerLoss);
    drop(db);
    let db = lab.open_and_verify();
    assert_eq!(db.read("a", ..).unwrap(), b"a");
    assert_eq!(db.read("b", ..).unwrap(), b"bfree again");
}

#[test]
fn savepoints_nest_and_can_be_used_again() {
    let (_lab, db) = two_streams();
    let transaction = db.begin().unwrap();
    let content = || transaction.stream("a").unwrap().read(..).unwrap();
    append(&transaction, "a", b"1");
    let outer = transaction.savepoint().unwrap();
    append(&transaction, "a", b"2");
    let inner = transaction.savepoint().unwrap();
    append(&transaction, "a", b"3");
    transaction.rollback_to(&inner).unwrap();
    assert_eq!(content(), b"a12");
    append(&transaction, "a", b"4");
    transaction.rollback_to(&inner).unwrap();
    assert_eq!(content(), b"a12", "a savepoint survives its own use");
    transaction.rollback_to(&outer).unwrap();
    assert_eq!(content(), b"a1");
    assert_eq!(transaction.rollback_to(&inner).unwrap_err().code(), ErrorCode::NoSuchSavepoint);
    append(&transaction, "a", b"5");
    let again = transaction.rollback_to(&inner).unwrap_err();
    assert_eq!(again.code(), ErrorCode::NoSuchSavepoint, "as many operations, not the same ones");
    transaction.rollback_to(&outer).unwrap();
    assert_eq!(content(), b"a1");
    append(&transaction, "a", b"6");
    transaction.commit().unwrap();
    assert_eq!(db.read("a", ..).unwrap(), b"a16");
    assert_clean(&db);
}

#[test]
fn a_savepoint_belongs_to_its_transaction() {
    let (_lab, db) = two_streams();
    let (first, second) = (db.begin().unwrap(), db.begin().unwrap());
    let savepoint = first.savepoint().unwrap();
    append(&second, "b", b"2");
    assert_eq!(second.rollback_to(&savepoint).unwrap_err().code(), ErrorCode::NoSuchSavepoint);
    second.commit().unwrap();
    assert_eq!(db.read("b", ..).unwrap(), b"b2");
}

#[test]
fn a_savepoint_keeps_what_the_transaction_owns() {
    let (_lab, db) = two_streams();
    let transaction = db.begin().unwrap();
    let start = transaction.savepoint().unwrap();
    append(&transaction, "a", b"1");
    transaction.rollback_to(&start).unwrap();
    assert_busy(db.append("a", b"x"));
    transaction.commit().unwrap();
    assert_eq!(db.read("a", ..).unwrap(), b"a");
}

#[test]
fn a_savepoint_may_lie_before_a_checkpoint() {
    let (lab, db) = two_streams();
    let transaction = db.begin().unwrap();
    append(&transaction, "a", &noise(1, 3_000));
    let savepoint = transaction.savepoint().unwrap();
    for i in 0..40 {
        transaction.stream("a").unwrap().insert(i * 50, &noise(i, 200)).unwrap();
    }
    db.checkpoint().unwrap();
    transaction.stream("a").unwrap().remove(100..5_000).unwrap();
    transaction.rollback_to(&savepoint).unwrap();
    transaction.commit().unwrap();
    let mut expected = b"a".to_vec();
    expected.extend(noise(1, 3_000));
    assert!(db.read("a", ..).unwrap() == expected);
    lab.crash(Crash::PowerLoss);
    drop(db);
    assert!(lab.open_and_verify().read("a", ..).unwrap() == expected);
}

#[test]
fn deferred_commits_last_once_synced() {
    let (lab, db) = two_streams();
    for i in 0..10u8 {
        let transaction = db.begin().unwrap();
        append(&transaction, "a", &[i]);
        transaction.commit_with(Durability::Deferred).unwrap();
        let later = db.begin().unwrap();
        assert_eq!(
            later.stream("a").unwrap().len().unwrap(),
            u64::from(i) + 2,
            "visible to transactions at once"
        );
    }
    db.sync().unwrap();
    lab.crash(Crash::PowerLoss);
    drop(db);
    assert_eq!(lab.open_and_verify().read("a", ..).unwrap(), b"a\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09");
}

#[test]
fn a_sync_commit_carries_the_deferred_ones_before_it() {
    let (lab, db) = two_streams();
    let transaction = db.begin().unwrap();
    append(&transaction, "a", b"1");
    transaction.commit_with(Durability::Deferred).unwrap();
    db.append("b", b"2").unwrap();
    lab.crash(Crash::PowerLoss);
    drop(db);
    let db = lab.open_and_verify();
    assert_eq!(db.read("a", ..).unwrap(), b"a1");
    assert_eq!(db.read("b", ..).unwrap(), b"b2");
}

#[test]
fn an_empty_transaction_costs_nothing() {
    let (_lab, db) = two_streams();
    db.sync().unwrap();
    let before = db.stats();
    db.begin().unwrap().commit().unwrap();
    db.begin().unwrap().rollback().unwrap();
    drop(db.begin().unwrap());
    let after = db.stats();
    assert_eq!((before.log_bytes, before.syncs), (after.log_bytes, after.syncs));
}

#[test]
fn handles_cross_threads() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    let (_lab, db) = two_streams();
    is_send_and_sync(&db);
    is_send_and_sync(&db.snapshot());
    is_send(&db.begin().unwrap());
}
