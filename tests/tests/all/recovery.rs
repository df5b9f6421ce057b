//! Recovery by the book: repeating history, undoing losers, compensations that are never undone.
//!
//! Why: after a crash the right bytes can come out for the wrong reason (a loser whose records happened not to be
//! durable proves nothing). So each case here has two or more open losers, at least one begun before a checkpoint that
//! wrote its uncommitted nodes, and a later durable commit that carries the losers' records into the log. How: the
//! simulated disk; the decoded log before and after says what was logged, the recovery report says what was redone
//! and written, and the two must agree; the bytes and the audit must be right as well.

use numstore::inspect::LogEntry;
use numstore::{Database, RecoveryReport, Transaction, TxnId};
use sim::world::SimEnv;
use tests::{Crash, History, Lab, compensations, noise, small};

const CRASHES: [Crash; 2] = [Crash::Kill, Crash::PowerLoss];

/// A machine whose database has `streams` streams of noise, all committed and in the data file.
struct Stage {
    lab: Lab,
    db: Database<SimEnv>,
    base: Vec<Vec<u8>>,
}

fn name(stream: usize) -> String {
    format!("stream {stream}")
}

impl Stage {
    fn new(streams: usize) -> Stage {
        // Only the checkpoints that a test asks for.
        let lab = Lab::new(11, small().checkpoint_log_bytes(1 << 30));
        let db = lab.open();
        let base: Vec<Vec<u8>> = (0..streams).map(|i| noise(i as u64, 3_000)).collect();
        for (i, bytes) in base.iter().enumerate() {
            db.create(&name(i)).unwrap();
            db.append(&name(i), bytes).unwrap();
        }
        db.checkpoint().unwrap();
        assert_eq!(db.stats().dirty_bytes, 0, "all that changes from here on is the test's");
        Stage { lab, db, base }
    }

    /// Begins a transaction that will lose.
    fn begin(&self) -> Loser {
        let transaction = self.db.begin().unwrap();
        Loser { id: transaction.id(), transaction, edits: 0, mark: String::new() }
    }

    /// Writes everything changed so far to the data file, and shows that this was what `losers` have changed: the
    /// bytes of their newest edits were not in the file, and now they are.
    fn checkpoint(&self, losers: &[&Loser]) {
        let before = self.db.stats();
        assert!(before.dirty_bytes > 0, "there are changed nodes to write");
        assert!(before.transactions_open >= losers.len() as u64, "and these changes are uncommitted");
        for loser in losers {
            assert!(!self.is_in_data_file(&loser.mark), "{} is in memory and log only", loser.mark);
        }
        self.db.checkpoint().unwrap();
        let after = self.db.stats();
        assert_eq!(after.checkpoints, before.checkpoints + 1);
        assert_eq!(after.dirty_bytes, 0, "all changed nodes were written");
        assert_eq!(after.transactions_open, before.transactions_open);
        for loser in losers {
            assert!(self.is_in_data_file(&loser.mark), "{} was written, uncommitted", loser.mark);
        }
    }

    fn is_in_data_file(&self, mark: &str) -> bool {
        let file = self.lab.world().read_file(self.lab.path()).unwrap();
        file.windows(mark.len()).any(|window| window == mark.as_bytes())
    }

    /// A durable commit on the last stream: everything logged before it is durable too.
    fn commit_winner(&mut self) {
        let last = self.base.len() - 1;
        self.db.append(&name(last), b"won").unwrap();
        self.base[last].extend_from_slice(b"won");
    }

    /// Crashes, reads the log that recovery will read, recovers, and reads the log that recovery wrote.
    fn crash_and_recover(self, crash: Crash, losers: Vec<Loser>) -> Recovered {
        let ids: Vec<TxnId> = losers.iter().map(|loser| loser.id).collect();
        self.lab.crash(crash);
        drop(losers);
        drop(self.db);
        let before = self.lab.log();
        let db = self.lab.open_and_verify();
        let report = db.stats().recovery.expect("a crash calls for a recovery");
        db.sync().unwrap();
        let after = self.lab.log();
        let recovered = Recovered { lab: self.lab, db, before, after, report, ids };
        recovered.assert_content(&self.base);
        recovered
    }
}

/// An open transaction that will not commit.
struct Loser {
    id: TxnId,
    transaction: Transaction<SimEnv>,
    edits: u64,
    /// What the newest edit has left in its stream, and nobody else has written.
    mark: String,
}

impl Loser {
    /// Three edits of three kinds, each one log record.
    fn edit(&mut self, stream: usize) {
        let handle = self.transaction.stream(&name(stream)).unwrap();
        handle.insert(500, &noise(self.edits, 700)).unwrap();
        handle.remove(100..900).unwrap();
        self.mark = format!("<loser {} edit {}>", self.id, self.edits);
        handle.write(50, self.mark.as_bytes()).unwrap();
        self.edits += 3;
    }
}

/// A database after its recovery, and the evidence.
struct Recovered {
    lab: Lab,
    db: Database<SimEnv>,
    before: Vec<LogEntry>,
    after: Vec<LogEntry>,
    report: RecoveryReport,
    ids: Vec<TxnId>,
}

impl Recovered {
    fn assert_content(&self, expected: &[Vec<u8>]) {
        assert_eq!(self.db.stats().transactions_open, 0, "no loser is left open");
        for (i, bytes) in expected.iter().enumerate() {
            assert!(self.db.read(&name(i), ..).unwrap() == *bytes, "{} holds what was committed", name(i));
        }
    }

    /// Log and report agree that every durable record of the losers was redone, that each of their operations since
    /// their beginning was compensated exactly once, and no compensation was.
    fn assert_by_the_book(&self, edits: &[u64]) {
        let report = &self.report;
        assert_eq!(report.losers, self.ids.len() as u64, "{report:?}");
        assert_eq!(report.records_redone, self.before.len() as u64, "history is repeated whole: {report:?}");
        assert_eq!(report.clrs_redone, compensations(&self.before), "{report:?}");
        let (mut logged, mut owed) = (0, 0);
        for (id, edits) in self.ids.iter().zip(edits) {
            let (before, after) = (History::of(*id, &self.before), History::of(*id, &self.after));
            assert!(!before.committed && !before.ended, "transaction {id} was open: {before:?}");
            assert!(!after.committed && after.ended, "transaction {id} was rolled back: {after:?}");
            assert!(after.operations.is_empty(), "undo writes compensations only: {after:?}");
            logged += (before.operations.len() + before.compensations.len()) as u64;
            owed += edits - before.undone.len() as u64;
            let whole = before.and_then(&after);
            whole.assert_compensations_are_final();
            assert_eq!(whole.undone.len() as u64, *edits, "each operation was undone once: {whole:?}");
        }
        assert!(logged > 0 && owed > 0, "the losers had something to redo and to undo");
        assert_eq!(report.loser_records_redone, logged, "{report:?}");
        assert_eq!(report.clrs_written, owed, "{report:?}");
        assert_eq!(compensations(&self.after), owed);
    }

    /// A second recovery finds no losers and the same bytes.
    fn assert_stays(self, expected: &[Vec<u8>]) {
        self.lab.crash(Crash::PowerLoss);
        drop(self.db);
        let db = self.lab.open_and_verify();
        assert_eq!(db.stats().recovery.expect("a second recovery").losers, 0);
        for (i, bytes) in expected.iter().enumerate() {
            assert!(db.read(&name(i), ..).unwrap() == *bytes);
        }
    }
}

fn with_win(base: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut expected = base.to_vec();
    expected.last_mut().unwrap().extend_from_slice(b"won");
    expected
}

/// The smallest case: two losers, one on each side of a checkpoint.
#[test]
fn aries_crash_before_commit() {
    for crash in CRASHES {
        let mut stage = Stage::new(3);
        let expected = with_win(&stage.base);
        let mut early = stage.begin();
        early.edit(0);
        stage.checkpoint(&[&early]);
        early.edit(0);
        let mut late = stage.begin();
        late.edit(1);
        stage.commit_winner();
        let edits = [early.edits, late.edits];
        let recovered = stage.crash_and_recover(crash, vec![early, late]);
        recovered.assert_by_the_book(&edits);
        recovered.assert_stays(&expected);
    }
}

/// Many losers, interleaved, some with nothing after the checkpoint and some with everything.
#[test]
fn aries_crash_before_commit_multiple() {
    for crash in CRASHES {
        let mut stage = Stage::new(7);
        let expected = with_win(&stage.base);
        let mut losers: Vec<Loser> = (0..3).map(|_| stage.begin()).collect();
        for _ in 0..4 {
            for (i, loser) in losers.iter_mut().enumerate() {
                loser.edit(i);
            }
        }
        stage.checkpoint(&losers.iter().collect::<Vec<_>>());
        losers.extend((3..6).map(|_| stage.begin()));
        for _ in 0..3 {
            // The first loser is silent since the checkpoint: only the checkpoint's table knows of it.
            for (i, loser) in losers.iter_mut().enumerate().skip(1).rev() {
                loser.edit(i);
            }
        }
        stage.commit_winner();
        let edits: Vec<u64> = losers.iter().map(|loser| loser.edits).collect();
        let silent = losers[0].id;
        let recovered = stage.crash_and_recover(crash, losers);
        assert!(History::of(silent, &recovered.before).operations.is_empty());
        recovered.assert_by_the_book(&edits);
        recovered.assert_stays(&expected);
    }
}

/// A loser that was rolling back to a savepoint, and one that had rolled back completely and is none.
#[test]
fn aries_rollback_with_crash_recovery() {
    for crash in CRASHES {
        let mut stage = Stage::new(4);
        let expected = with_win(&stage.base);
        let mut ended = stage.begin();
        ended.edit(0);
        let mut partly = stage.begin();
        partly.edit(1);
        let mut late = stage.begin();
        stage.checkpoint(&[&ended, &partly]);
        let savepoint = partly.transaction.savepoint().unwrap();
        partly.edit(1);
        partly.transaction.rollback_to(&savepoint).unwrap();
        partly.edit(1);
        late.edit(2);
        ended.edit(0);
        let (ended_id, ended_edits) = (ended.id, ended.edits);
        ended.transaction.rollback().unwrap();
        stage.commit_winner();
        let edits = [partly.edits, late.edits];
        let recovered = stage.crash_and_recover(crash, vec![partly, late]);
        recovered.assert_by_the_book(&edits);
        let history = History::of(ended_id, &recovered.before);
        assert!(history.ended, "a complete rollback is no loser: {history:?}");
        assert_eq!(history.undone.len() as u64, ended_edits);
        assert!(History::of(ended_id, &recovered.after).undone.is_empty(), "and is not undone again");
        recovered.assert_stays(&expected);
    }
}

/// A crash in the middle of a rollback: its durable compensations are redone, and recovery goes on where they stop.
#[test]
fn aries_rollback_clr_not_undone() {
    for crash in CRASHES {
        let mut stage = Stage::new(3);
        let expected = with_win(&stage.base);
        let mut rolling = stage.begin();
        rolling.edit(0);
        let middle = rolling.transaction.savepoint().unwrap();
        let mut other = stage.begin();
        other.edit(1);
        rolling.edit(0);
        stage.checkpoint(&[&rolling, &other]);
        rolling.edit(0);
        let undone = rolling.edits - 3;
        rolling.transaction.rollback_to(&middle).unwrap();
        stage.commit_winner();
        let (id, edits) = (rolling.id, [rolling.edits, other.edits]);
        let recovered = stage.crash_and_recover(crash, vec![rolling, other]);
        let before = History::of(id, &recovered.before);
        assert_eq!(
            before.undone.len() as u64,
            undone,
            "the first part of the rollback is durable: {before:?}"
        );
        assert_eq!(recovered.report.clrs_redone, undone);
        let after = History::of(id, &recovered.after);
        assert!(after.undone.iter().all(|lsn| !before.undone.contains(lsn)), "recovery went on: {after:?}");
        recovered.assert_by_the_book(&edits);
        recovered.assert_stays(&expected);
    }
}

/// The same, with the crash inside `rollback` and inside the recovery's own rollback, at every I/O of both.
#[test]
fn a_rollback_may_crash_at_any_io() {
    for crash in CRASHES {
        for ios in 0..400 {
            let mut stage = Stage::new(3);
            let expected = with_win(&stage.base);
            let (mut early, mut other) = (stage.begin(), stage.begin());
            (0..12).for_each(|_| early.edit(0));
            other.edit(1);
            stage.checkpoint(&[&early, &other]);
            early.edit(0);
            stage.commit_winner();
            stage.lab.world().crash_after(ios);
            let finished = early.transaction.rollback().and_then(|()| stage.db.sync()).is_ok();
            stage.lab.crash(crash);
            drop((other, stage.db));
            stage.lab.world().crash_after(ios);
            let recovered = stage.lab.try_open();
            let recovered_at_once = recovered.is_ok();
            stage.lab.crash(crash);
            drop(recovered);
            let db = stage.lab.open_and_verify();
            for (i, bytes) in expected.iter().enumerate() {
                assert!(
                    db.read(&name(i), ..).unwrap() == *bytes,
                    "{crash:?} after {ios} I/O calls: {}",
                    name(i)
                );
            }
            if finished && recovered_at_once {
                break;
            }
        }
    }
}

/// Two checkpoints while the same transactions are open: undo stacks span checkpoints, redo starts at the last.
#[test]
fn aries_checkpoint_with_active_transactions() {
    for crash in CRASHES {
        let mut stage = Stage::new(5);
        let mut expected = with_win(&stage.base);
        expected[3].extend_from_slice(b"won too");
        let (mut first, mut second, mut third) = (stage.begin(), stage.begin(), stage.begin());
        first.edit(0);
        second.edit(1);
        stage.checkpoint(&[&first, &second]);
        first.edit(0);
        second.edit(1);
        third.edit(2);
        stage.checkpoint(&[&first, &second, &third]);
        first.edit(0);
        third.edit(2);
        let winner = stage.db.begin().unwrap();
        winner.stream(&name(3)).unwrap().append(b"won too").unwrap();
        winner.commit().unwrap();
        stage.base[3].extend_from_slice(b"won too");
        stage.commit_winner();
        let edits = [first.edits, second.edits, third.edits];
        let ids = [first.id, second.id];
        let recovered = stage.crash_and_recover(crash, vec![first, second, third]);
        let logged = |id| History::of(id, &recovered.before).operations.len() as u64;
        assert_eq!(logged(ids[0]), 3, "redo begins at the newest checkpoint");
        assert_eq!(logged(ids[1]), 0, "a loser may be known from the checkpoint's table alone");
        recovered.assert_by_the_book(&edits);
        recovered.assert_stays(&expected);
    }
}
