//! Threads on the real disk that edit the same few streams, round by round, and the judge of the simulator's clients.
//!
//! A round ends when all of its threads have: what was told in it is judged, with what is there then, before the next one
//! begins. So the judge never has more transactions to put in order than it can.

use std::sync::atomic::{AtomicU64, Ordering};

use numstore::{Database, ErrorCode, Transaction};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sim::judge::{Finding, TXNS_MAX, check_serial};
use sim::model::{Answer, Asked, Bytes, Concurrent, Edit, Ending, Got, Look, Span, Step, Streams, Txn};

use crate::rng;

const STREAMS: [&str; 3] = ["a", "b", "c"];
/// No stream gets much longer.
const LEN_MAX: u64 = 2_000;
/// How often a transaction that gives way is begun again.
const ATTEMPTS: usize = 3;

/// What some rounds came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rounds {
    /// Rounds.
    pub rounds: u64,
    /// Transactions, those that gave way included.
    pub transactions: u64,
    /// Those that did.
    pub gave_way: u64,
    /// Snapshots that were read.
    pub snapshots: u64,
    /// Rounds for which the judge gave up looking for an order.
    pub undecided: u64,
}

/// Several threads and a database.
pub struct Stress {
    db: Database,
    threads: u64,
    seed: u64,
    state: Streams,
    so_far: Rounds,
}

/// One thread of a round.
struct Worker<'a> {
    db: &'a Database,
    moments: &'a AtomicU64,
    client: u64,
    dice: ChaCha8Rng,
    told: Vec<Txn>,
    looks: Vec<Look>,
}

impl Stress {
    /// Begins on a new database.
    ///
    /// # Errors
    /// As [`Database::create`].
    pub fn new(db: Database, threads: u64, seed: u64) -> numstore::Result<Stress> {
        for name in STREAMS {
            db.create(name)?;
            db.append(name, &[b'.'; 500])?;
        }
        let state = look(&db)?;
        Ok(Stress { db, threads, seed, state, so_far: Rounds::default() })
    }

    /// What was done so far.
    pub fn so_far(&self) -> Rounds {
        self.so_far
    }

    /// Lets all threads do `each` transactions, with looks at snapshots in between, and judges.
    ///
    /// # Errors
    /// What no order explains.
    ///
    /// # Panics
    /// If they are too many to judge, or the database reports a failure.
    pub fn round(&mut self, each: u64) -> Result<(), Finding> {
        let most = self.threads * each * (ATTEMPTS as u64 + 1);
        assert!(most <= TXNS_MAX as u64, "{most} transactions and looks are too many for the judge");
        let moments = AtomicU64::new(1);
        self.so_far.rounds += 1;
        let round = self.so_far.rounds;
        let (db, seed) = (&self.db, self.seed);
        let (mut txns, mut looks) = (Vec::new(), Vec::new());
        std::thread::scope(|scope| {
            let work = |client| {
                let dice = rng(seed ^ round << 16 ^ client);
                let mut worker =
                    Worker { db, moments: &moments, client, dice, told: Vec::new(), looks: Vec::new() };
                scope.spawn(move || {
                    for _ in 0..each {
                        if worker.dice.random_ratio(1, 2) {
                            worker.look();
                        }
                        worker.transaction();
                    }
                    (worker.told, worker.looks)
                })
            };
            let threads: Vec<_> = (1..=self.threads).map(work).collect();
            for thread in threads {
                let (told, looked) = thread.join().expect("no thread panics");
                txns.extend::<Vec<Txn>>(told);
                looks.extend::<Vec<Look>>(looked);
            }
        });
        txns.sort_by_key(|txn| txn.end.to);
        looks.sort_by_key(|look| look.taken.to);
        self.so_far.snapshots += looks.len() as u64;
        self.so_far.transactions += txns.len() as u64;
        self.so_far.gave_way += txns.iter().filter(|txn| txn.ending == Ending::Undone).count() as u64;
        let found = look(&self.db).expect("what is there can be read");
        let record = Concurrent { base: vec![self.state.clone()], txns, looks, ..Concurrent::default() };
        let serial = check_serial(&record, Some(&found))?;
        self.so_far.undecided += u64::from(!serial.decided);
        assert!(self.db.locks().locks.is_empty(), "something is locked, and nobody is there");
        self.state = found;
        Ok(())
    }

    /// The database, when all is done.
    pub fn into_database(self) -> Database {
        self.db
    }
}

/// Everything that is there.
fn look(db: &Database) -> numstore::Result<Streams> {
    let read = |name: &str| Ok((name.to_owned(), db.read(name, ..)?.into()));
    STREAMS.into_iter().map(read).collect()
}

impl Worker<'_> {
    /// Does a call; says how long it took.
    fn time<T>(&self, call: impl FnOnce() -> T) -> (T, Span) {
        let from = self.moments.fetch_add(1, Ordering::AcqRel);
        let done = call();
        (done, Span { from, to: self.moments.fetch_add(1, Ordering::AcqRel) })
    }

    /// A transaction of a few steps, again from the start while it gives way.
    fn transaction(&mut self) {
        let steps: Vec<(usize, u8)> =
            (0..self.dice.random_range(1..=4)).map(|_| (self.stream(), self.dice.random())).collect();
        for _ in 0..ATTEMPTS {
            if self.attempt(&steps) {
                return;
            }
        }
    }

    /// Reads all streams in one snapshot, some time after it was taken.
    fn look(&mut self) {
        let (snapshot, taken) = self.time(|| self.db.snapshot());
        let mut asked = Vec::new();
        for name in STREAMS {
            let (got, span) = self.time(|| {
                let stream = snapshot.stream(name)?;
                std::thread::yield_now();
                stream.read(..).map(|bytes| Answer::Bytes(Bytes(bytes)))
            });
            let bytes = got.expect("a snapshot can be read");
            let Answer::Bytes(Bytes(read)) = &bytes else { unreachable!("it was read") };
            let edit = Edit::Read { from: 0, to: read.len() as u64 };
            let step = Step::Edit { name: name.to_owned(), edit };
            asked.push(Asked { step, got: Some(Ok(bytes)), span });
            let len = Asked {
                step: Step::Edit { name: name.to_owned(), edit: Edit::Len },
                got: Some(Ok(Answer::Len(snapshot.stream(name).expect("it is there").len()))),
                span,
            };
            asked.push(len);
        }
        self.looks.push(Look { client: self.client, taken, asked });
    }

    fn stream(&mut self) -> usize {
        self.dice.random_range(0..STREAMS.len())
    }

    /// Whether it came to its end.
    fn attempt(&mut self, steps: &[(usize, u8)]) -> bool {
        let (tx, begun) = self.time(|| self.db.begin());
        let tx = tx.expect("a transaction begins");
        let mut asked = Vec::new();
        let mut gave_way = false;
        for &(stream, kind) in steps {
            let edit = self.edit(kind);
            let (got, span) = self.time(|| ask(&tx, STREAMS[stream], &edit));
            gave_way = matches!(got, Err(ErrorCode::Deadlock));
            let failed =
                matches!(&got, Err(code) if ![ErrorCode::Deadlock, ErrorCode::OutOfBounds].contains(code));
            assert!(!failed, "{edit:?} failed: {got:?}");
            asked.push(Asked {
                step: Step::Edit { name: STREAMS[stream].to_owned(), edit },
                got: Some(got),
                span,
            });
            if gave_way {
                break;
            }
        }
        let undone = gave_way || self.dice.random_ratio(1, 10);
        let (ended, end) = self.time(|| if undone { tx.rollback() } else { tx.commit() });
        ended.expect("a transaction ends");
        let ending = if undone { Ending::Undone } else { Ending::Committed { durable: true } };
        self.told.push(Txn { client: self.client, begun, asked, end, ending, order: None });
        !gave_way
    }

    fn edit(&mut self, kind: u8) -> Edit {
        let at = self.dice.random_range(0..LEN_MAX);
        let len = self.dice.random_range(1..20);
        let data = Bytes(vec![self.dice.random(); len]);
        let to = at + len as u64;
        match kind % 8 {
            0 => Edit::Len,
            1 => Edit::Read { from: at, to },
            2 => Edit::ReadForUpdate { from: at / 4, to: at / 4 + len as u64 },
            3 => Edit::Append { data },
            4 | 5 => Edit::Write { at: at / 4, data },
            6 => Edit::Insert { at, data },
            _ => Edit::Remove { from: at, to },
        }
    }
}

fn ask(tx: &Transaction, name: &str, edit: &Edit) -> Got {
    let ask = || {
        let stream = tx.stream(name)?;
        match edit {
            Edit::Len => return stream.len().map(Answer::Len),
            Edit::Read { from, to } => {
                return stream.read(*from..*to).map(|bytes| Answer::Bytes(Bytes(bytes)));
            }
            Edit::ReadForUpdate { from, to } => {
                return stream.read_for_update(*from..*to).map(|bytes| Answer::Bytes(Bytes(bytes)));
            }
            Edit::Append { data } => stream.append(&data.0)?,
            Edit::Write { at, data } => stream.write(*at, &data.0)?,
            Edit::Insert { at, data } => stream.insert(*at, &data.0)?,
            Edit::Remove { from, to } => stream.remove(*from..*to)?,
            _ => unreachable!("no other is drawn"),
        }
        Ok(Answer::Done)
    };
    ask().map_err(|e: numstore::Error| e.code())
}
