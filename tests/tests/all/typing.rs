//! Edits that go on where the last one ended, which one record of the log and one undo entry may say together.
//!
//! Why: what is coalesced must not show. A savepoint in the middle of a word, a commit of somebody else that takes the
//! record along, and a crash must find exactly what they would have found with a record for each edit. How: people's
//! habits (typing, taking back, deleting on) drawn at random beside a vector of bytes, on the simulated disk with tiny
//! leaves; the decoded log says how many records there were.

use numstore::{Database, Savepoint, Stream};
use rand::Rng;
use sim::world::{SimEnv, WriteFault};
use tests::{Crash, Lab, may_crash, rng, small};

const NAME: &str = "document";

fn lab() -> Lab {
    Lab::new(3, small().checkpoint_log_bytes(1 << 30))
}

fn document(db: &Database<SimEnv>, text: &[u8]) {
    db.create(NAME).unwrap();
    db.append(NAME, text).unwrap();
}

/// How many records of the log are operations of `db`'s newest transaction.
fn records(lab: &Lab, db: &Database<SimEnv>, txn: numstore::TxnId) -> usize {
    db.sync().unwrap();
    lab.log().iter().filter(|entry| entry.txn == txn).count()
}

#[test]
fn a_typed_word_is_one_record_and_one_step_back() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"<>");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    let before = tx.savepoint().unwrap();
    for (at, letter) in (1..).zip(b"hello".chunks(1)) {
        stream.insert(at, letter).unwrap();
    }
    assert_eq!(stream.read(..).unwrap(), b"<hello>");
    let clrs = db.stats().clrs;
    tx.rollback_to(&before).unwrap();
    assert_eq!(db.stats().clrs, clrs + 1);
    assert_eq!(stream.read(..).unwrap(), b"<>");
    assert_eq!(records(&lab, &db, tx.id()), 2, "the word, and that it was taken back");
}

#[test]
fn backspacing_and_deleting_on_are_one_record_each() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"0123456789");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    let before = tx.savepoint().unwrap();
    for at in [4, 3, 2] {
        stream.remove(at..at + 1).unwrap();
    }
    for _ in 0..3 {
        stream.remove(2..3).unwrap();
    }
    assert_eq!(stream.read(..).unwrap(), b"0189");
    stream.insert(2, b"ab").unwrap();
    stream.insert(4, b"c").unwrap();
    assert_eq!(stream.read(..).unwrap(), b"01abc89");
    assert_eq!(records(&lab, &db, tx.id()), 1);
    tx.rollback_to(&before).unwrap();
    assert_eq!(stream.read(..).unwrap(), b"0123456789");
}

#[test]
fn a_savepoint_inside_a_word_is_a_place_to_go_back_to() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    stream.append(b"wo").unwrap();
    let inside = tx.savepoint().unwrap();
    stream.append(b"rd").unwrap();
    tx.rollback_to(&inside).unwrap();
    assert_eq!(stream.read(..).unwrap(), b"wo");
    assert!(stream.insert(4, b"s").is_err(), "where the word ended there is nothing any more");
    stream.append(b"od").unwrap();
    tx.rollback_to(&inside).unwrap();
    assert_eq!(stream.read(..).unwrap(), b"wo");
}

#[test]
fn what_is_taken_back_before_anybody_looks_was_never_there() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"<>");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    for (at, letter) in (1..).zip(b"wrod".chunks(1)) {
        stream.insert(at, letter).unwrap();
    }
    stream.remove(3..5).unwrap();
    stream.splice(2, 1, b"").unwrap();
    for (at, letter) in (2..).zip(b"ord".chunks(1)) {
        stream.insert(at, letter).unwrap();
    }
    assert!(stream.remove(2..9).is_err(), "the stream is not so long");
    assert!(stream.insert(7, b"x").is_err());
    assert_eq!(tx.stream(NAME).unwrap().len().unwrap(), 6);
    assert_eq!(stream.read(..).unwrap(), b"<word>");
    assert_eq!(records(&lab, &db, tx.id()), 1, "none of it was logged by itself");
}

#[test]
fn what_is_typed_is_seen_by_whatever_comes_next() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"");
    db.create("other").unwrap();
    type Next = fn(&Database<SimEnv>, &numstore::Transaction<SimEnv>);
    let nexts: [Next; 5] = [
        |db, _| db.append("other", b"x").unwrap(),
        |db, _| db.checkpoint().unwrap(),
        |db, _| assert_eq!(db.begin().unwrap().stream("other").unwrap().len().unwrap(), 1),
        |_, tx| tx.stream("other").unwrap().append(b"y").unwrap(),
        |_, tx| assert!(tx.savepoint().is_ok()),
    ];
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    let mut text = Vec::new();
    for (turn, next) in (b'a'..).zip(nexts) {
        for letter in [turn, turn + 20, turn + 40] {
            stream.append(&[letter]).unwrap();
            text.push(letter);
        }
        next(&db, &tx);
        stream.insert(text.len() as u64, b"-").unwrap();
        text.push(b'-');
        if turn == b'b' {
            assert_eq!(stream.read(..).unwrap(), text);
        }
    }
    let last = db.begin().unwrap();
    assert!(last.stream(NAME).is_ok());
    tx.commit().unwrap();
    assert_eq!(db.read(NAME, ..).unwrap(), text);
}

/// Each open transaction makes a checkpoint longer, and the disk has no room for that.
#[test]
fn what_is_typed_has_its_room_whatever_begins_beside_it() {
    if !may_crash() {
        return;
    }
    let lab = lab();
    let db = lab.open();
    document(&db, b"");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    stream.append(b"be").unwrap();
    stream.append(b"fore").unwrap();
    lab.world().fail_writes_after(0, WriteFault::Full);
    let others: Vec<_> = (0..40_000).map(|_| db.begin().unwrap()).collect();
    others.iter().for_each(|other| assert!(other.id().0 > 0));
    assert_eq!(stream.len().unwrap(), 6);
    lab.world().relieve();
    drop(others);
    tx.commit().unwrap();
    assert_eq!(db.read(NAME, ..).unwrap(), b"before");
}

#[test]
fn a_name_that_is_given_away_leads_nowhere_when_it_is_opened_again() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"old");
    let tx = db.begin().unwrap();
    let before = tx.savepoint().unwrap();
    assert_eq!(tx.stream(NAME).unwrap().len().unwrap(), 3);
    tx.rename(NAME, "other").unwrap();
    assert!(tx.stream(NAME).is_err());
    tx.create(NAME).unwrap();
    assert_eq!(tx.stream(NAME).unwrap().len().unwrap(), 0);
    tx.rollback_to(&before).unwrap();
    assert_eq!(tx.stream(NAME).unwrap().read(..).unwrap(), b"old");
    tx.drop_stream(NAME).unwrap();
    assert!(tx.stream(NAME).is_err());
}

#[test]
fn what_is_typed_behind_somebody_elses_commit_is_in_the_log() {
    if !may_crash() {
        return;
    }
    for crash in [Crash::Kill, Crash::PowerLoss] {
        let lab = lab();
        let db = lab.open();
        document(&db, b"");
        db.create("other").unwrap();
        let tx = db.begin().unwrap();
        let stream = tx.stream(NAME).unwrap();
        stream.append(b"be").unwrap();
        db.append("other", b"x").unwrap();
        stream.append(b"fo").unwrap();
        // Nothing else is in the log when this makes it durable.
        db.sync().unwrap();
        stream.append(b"re").unwrap();
        tx.commit().unwrap();
        lab.crash(crash);
        drop(db);
        let db = lab.open_and_verify();
        assert_eq!(db.read(NAME, ..).unwrap(), b"before");
    }
}

#[test]
fn a_long_word_takes_several_records_and_a_checkpoint_ends_one() {
    let lab = lab();
    let db = lab.open();
    document(&db, b"");
    let tx = db.begin().unwrap();
    let stream = tx.stream(NAME).unwrap();
    let text = tests::noise(5, 3_000);
    for (at, byte) in (0..).zip(text.chunks(1)) {
        stream.insert(at, byte).unwrap();
    }
    let many = records(&lab, &db, tx.id());
    assert!((3..100).contains(&many), "{many} records for 3,000 bytes");
    let before = tx.savepoint().unwrap();
    stream.append(b"ab").unwrap();
    db.checkpoint().unwrap();
    stream.append(b"cd").unwrap();
    tx.rollback_to(&before).unwrap();
    assert!(stream.read(..).unwrap() == text);
    tx.rollback().unwrap();
    assert_eq!(db.read(NAME, ..).unwrap(), b"");
}

/// A person at work, and what the document must be.
struct Typist {
    text: Vec<u8>,
    at: usize,
    savepoints: Vec<(Savepoint, Vec<u8>)>,
}

impl Typist {
    /// One edit: mostly where the last one ended.
    fn edit(&mut self, rng: &mut impl Rng, stream: &Stream<'_, SimEnv>) {
        if rng.random_ratio(1, 12) {
            self.at = rng.random_range(0..=self.text.len());
        }
        let at = self.at as u64;
        let some = rng.random_range(1..4);
        match rng.random_range(0..10) {
            0..=5 => {
                let bytes: Vec<u8> = (0..some).map(|_| rng.random()).collect();
                stream.insert(at, &bytes).unwrap();
                self.text.splice(self.at..self.at, bytes);
                self.at += some;
            }
            6 | 7 => {
                let from = self.at.saturating_sub(some);
                stream.remove(from as u64..at).unwrap();
                self.text.drain(from..self.at);
                self.at = from;
            }
            8 => {
                let end = (self.at + some).min(self.text.len());
                stream.remove(at..end as u64).unwrap();
                self.text.drain(self.at..end);
            }
            _ => {
                let end = (self.at + some).min(self.text.len());
                let bytes: Vec<u8> = (self.at..end).map(|_| rng.random()).collect();
                stream.write(at, &bytes).unwrap();
                self.text.splice(self.at..end, bytes);
                self.at = end;
            }
        }
    }
}

#[test]
fn typing_beside_a_vector_of_bytes() {
    for seed in 0..u64::from(tests::cases(40)) {
        let rng = &mut rng(seed);
        let lab = lab();
        let mut db = lab.open();
        document(&db, b"");
        db.create("other").unwrap();
        let mut committed = Vec::new();
        for _ in 0..6 {
            let tx = db.begin().unwrap();
            let stream = tx.stream(NAME).unwrap();
            let mut typist = Typist { text: committed.clone(), at: 0, savepoints: Vec::new() };
            for _ in 0..rng.random_range(1..120) {
                match rng.random_range(0..40) {
                    0 => typist.savepoints.push((tx.savepoint().unwrap(), typist.text.clone())),
                    1 => db.append("other", b"x").unwrap(),
                    2 => db.checkpoint().unwrap(),
                    3 => db.sync().unwrap(),
                    4 if !typist.savepoints.is_empty() => {
                        let place = rng.random_range(0..typist.savepoints.len());
                        typist.savepoints.truncate(place + 1);
                        let (savepoint, text) = &typist.savepoints[place];
                        tx.rollback_to(savepoint).unwrap();
                        typist.text.clone_from(text);
                        typist.at = typist.at.min(typist.text.len());
                    }
                    _ => typist.edit(rng, &stream),
                }
                assert_eq!(stream.len().unwrap(), typist.text.len() as u64);
            }
            assert!(stream.read(..).unwrap() == typist.text, "seed {seed}");
            if rng.random_ratio(2, 3) {
                tx.commit().unwrap();
                committed = typist.text;
            } else if rng.random() || !may_crash() {
                tx.rollback().unwrap();
            } else {
                db.sync().unwrap();
                lab.crash(Crash::PowerLoss);
                drop(tx);
                drop(db);
                db = lab.open_and_verify();
            }
            assert!(db.read(NAME, ..).unwrap() == committed, "seed {seed}");
        }
    }
}
