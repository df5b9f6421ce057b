//! Operations made from the input, done to a database and to plain vectors, side by side.
//!
//! Differs from the property tests in who chooses: the fuzzer sees which branches an input reached.

use arbitrary::{Arbitrary, Unstructured};
use numstore::{Database, Error, Options, Savepoint, Stride, Transaction};
use sim::world::{Persist, SimEnv, World};

use crate::machine::DATABASE;

/// How the database is made.
#[derive(Arbitrary, Debug)]
struct Setup {
    leaf: u8,
    fanout: u8,
    bulk: u8,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Splice {
        at: u16,
        delete: u16,
        insert: u16,
        fill: u8,
    },
    Write {
        at: u16,
        len: u16,
        fill: u8,
    },
    Append {
        len: u16,
        fill: u8,
    },
    Truncate {
        at: u16,
    },
    Read {
        at: u16,
        len: u16,
    },
    Strided {
        start: u16,
        size: u8,
        stride: u8,
        count: u8,
        kind: Kind,
    },
    /// Straight from the input, in range or not: only the kind of error is judged.
    Wild {
        offset: u64,
        len: u64,
    },
    Begin,
    Savepoint,
    RollbackTo {
        which: u8,
    },
    Commit,
    Rollback,
    Checkpoint,
    Crash {
        power: bool,
    },
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Read,
    Write,
    Remove,
}

const NAME: &str = "s";
/// Operations of one input, at most; longer ones only repeat what shorter ones found.
const OPS_MAX: usize = 96;
/// Bytes of the stream beyond which insertions stop.
const LEN_MAX: usize = 256 << 10;

struct Run {
    world: World,
    options: Options,
    db: Database<SimEnv>,
    transaction: Option<Transaction<SimEnv>>,
    savepoints: Vec<(Savepoint, Vec<u8>)>,
    committed: Vec<u8>,
    current: Vec<u8>,
}

/// Runs the operations that `input` encodes against the engine and against a vector.
///
/// # Panics
/// When the two disagree.
pub fn ops_vs_model(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    let mut run = Run::new(&setup);
    for _ in 0..OPS_MAX {
        if input.is_empty() {
            break;
        }
        let Ok(op) = Op::arbitrary(&mut input) else { break };
        run.step(&op);
    }
    run.finish();
}

impl Run {
    fn new(setup: &Setup) -> Run {
        let options = Options::new()
            .leaf_bytes(256 << (setup.leaf % 5))
            .fanout(4 + u32::from(setup.fanout % 13))
            .bulk_bytes(4096 << (setup.bulk % 4))
            .log_segment_bytes(16 << 10);
        let world = World::new(1);
        let db = options.clone().open_in(world.env(), DATABASE).expect("a new database");
        db.create(NAME).expect("a new stream");
        let (savepoints, committed, current) = (Vec::new(), Vec::new(), Vec::new());
        Run { world, options, db, transaction: None, savepoints, committed, current }
    }

    /// Does `edit` in the open transaction or in one of its own, which it commits.
    fn with<T>(&mut self, edit: impl FnOnce(&numstore::Stream<'_, SimEnv>) -> numstore::Result<T>) -> T {
        if let Some(transaction) = &self.transaction {
            return edit(&transaction.stream(NAME).expect("the stream")).expect("a valid operation");
        }
        let transaction = self.db.begin().expect("a transaction");
        let result = edit(&transaction.stream(NAME).expect("the stream")).expect("a valid operation");
        transaction.commit().expect("a commit");
        self.committed.clone_from(&self.current);
        result
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Splice { .. } | Op::Write { .. } | Op::Append { .. } | Op::Truncate { .. } => self.edit(op),
            Op::Read { at, len } => {
                let (a, b) = self.span(*at, *len);
                let found = self.with(|stream| stream.read(a as u64..b as u64));
                assert!(found == self.current[a..b], "read {a}..{b}");
            }
            Op::Strided { start, size, stride, count, kind } => {
                let stride = self.stride(*start, *size, *stride, *count);
                self.strided(stride, kind);
            }
            Op::Wild { offset, len } => self.wild(*offset, *len),
            Op::Checkpoint => self.db.checkpoint().expect("a checkpoint"),
            Op::Crash { power } => self.crash(*power),
            _ => self.control(op),
        }
    }

    fn place(&self, at: u16) -> usize {
        self.current.len() * usize::from(at) / usize::from(u16::MAX)
    }

    fn span(&self, at: u16, len: u16) -> (usize, usize) {
        let a = self.place(at);
        (a, (a + usize::from(len)).min(self.current.len()))
    }

    fn fresh(&self, len: u16, fill: u8) -> Vec<u8> {
        let len = if self.current.len() < LEN_MAX { usize::from(len) } else { 0 };
        (0..len).map(|i| fill.wrapping_add((i % 251) as u8)).collect()
    }

    fn edit(&mut self, op: &Op) {
        match *op {
            Op::Splice { at, delete, insert, fill } => {
                let ((a, b), data) = (self.span(at, delete), self.fresh(insert, fill));
                self.current.splice(a..b, data.iter().copied());
                self.with(|stream| stream.splice(a as u64, (b - a) as u64, &data));
            }
            Op::Write { at, len, fill } => {
                let (a, data) = (self.place(at), self.fresh(len, fill));
                let b = (a + data.len()).min(self.current.len());
                self.current.splice(a..b, data.iter().copied());
                self.with(|stream| stream.write(a as u64, &data));
            }
            Op::Append { len, fill } => {
                let data = self.fresh(len, fill);
                self.current.extend_from_slice(&data);
                self.with(|stream| stream.append(&data));
            }
            Op::Truncate { at } => {
                let at = self.place(at);
                self.current.truncate(at);
                self.with(|stream| stream.truncate(at as u64));
            }
            _ => unreachable!("not an edit"),
        }
    }

    /// The stride that was asked for, cut to what fits.
    fn stride(&self, start: u16, size: u8, stride: u8, count: u8) -> Stride {
        let start = self.place(start);
        let (size, stride) = (usize::from(size).max(1), usize::from(stride % 16).max(1));
        let behind = self.current.len() - start;
        let fit = if behind < size { 0 } else { (behind - size) / (stride * size) + 1 };
        let count = usize::from(count).min(fit);
        Stride { start: start as u64, size: size as u64, stride: stride as u64, count: count as u64 }
    }

    fn strided(&mut self, stride: Stride, kind: &Kind) {
        let (size, step) = (stride.size as usize, (stride.size * stride.stride) as usize);
        let starts: Vec<usize> =
            (0..stride.count as usize).map(|i| stride.start as usize + i * step).collect();
        match kind {
            Kind::Read => {
                let expected: Vec<u8> =
                    starts.iter().flat_map(|at| &self.current[*at..at + size]).copied().collect();
                assert!(self.with(|stream| stream.read_strided(stride)) == expected, "{stride:?}");
            }
            Kind::Write => {
                let data: Vec<u8> = (0..starts.len() * size).map(|i| (i % 253) as u8).collect();
                for (at, element) in starts.iter().zip(data.chunks(size)) {
                    self.current[*at..at + size].copy_from_slice(element);
                }
                self.with(|stream| stream.write_strided(stride, &data));
            }
            Kind::Remove => {
                for at in starts.iter().rev() {
                    self.current.drain(*at..at + size);
                }
                self.with(|stream| stream.remove_strided(stride));
            }
        }
    }

    /// Arguments that nobody checked beforehand: an error or the right answer, and no panic.
    fn wild(&mut self, offset: u64, len: u64) {
        let total = self.current.len() as u64;
        let fits = offset.checked_add(len).is_some_and(|end| end <= total);
        let transaction = self.transaction.take();
        let own = transaction.is_none();
        let transaction = transaction.unwrap_or_else(|| self.db.begin().expect("a transaction"));
        let stream = transaction.stream(NAME).expect("the stream");
        let read = stream.read(offset..offset.saturating_add(len));
        assert!(read.is_ok() == (fits || (offset <= total && len == 0)) || offset.checked_add(len).is_none());
        assert!(fits || stream.splice(offset, len, b"").is_err(), "a splice outside is refused");
        let impossible = Stride { start: offset, size: len, stride: len, count: offset };
        if let Ok(bytes) = stream.read_strided(impossible) {
            assert_eq!(bytes.len() as u64, len * offset);
        }
        drop(stream);
        if own {
            transaction.rollback().expect("a rollback");
        } else {
            self.transaction = Some(transaction);
        }
    }

    fn control(&mut self, op: &Op) {
        match op {
            Op::Begin if self.transaction.is_none() => {
                self.transaction = Some(self.db.begin().expect("a transaction"));
            }
            Op::Savepoint => {
                if let Some(transaction) = &self.transaction {
                    self.savepoints
                        .push((transaction.savepoint().expect("a savepoint"), self.current.clone()));
                }
            }
            Op::RollbackTo { which } if !self.savepoints.is_empty() => {
                let kept = usize::from(*which) % self.savepoints.len();
                let transaction = self.transaction.as_ref().expect("savepoints belong to it");
                let (savepoint, content) = &self.savepoints[kept];
                transaction.rollback_to(savepoint).expect("a valid savepoint");
                self.current.clone_from(content);
                for (gone, content) in self.savepoints.drain(kept + 1..) {
                    if content != self.current {
                        assert!(matches!(transaction.rollback_to(&gone), Err(Error::NoSuchSavepoint)));
                    }
                }
            }
            Op::Commit => {
                if let Some(transaction) = self.transaction.take() {
                    transaction.commit().expect("a commit");
                    self.committed.clone_from(&self.current);
                    self.savepoints.clear();
                }
            }
            Op::Rollback => {
                if let Some(transaction) = self.transaction.take() {
                    transaction.rollback().expect("a rollback");
                    self.forget();
                }
            }
            _ => {}
        }
    }

    fn forget(&mut self) {
        self.current.clone_from(&self.committed);
        self.savepoints.clear();
    }

    fn crash(&mut self, power: bool) {
        if power {
            self.world.power_loss(Persist::Swarm)
        } else {
            self.world.kill()
        }
        self.transaction = None;
        self.forget();
        self.db = self.options.clone().open_in(self.world.env(), DATABASE).expect("a recovery");
        self.judge();
    }

    fn judge(&self) {
        let found = self.db.verify().expect("an audit");
        assert!(found.is_clean(), "{:#?}", found.problems);
        assert!(self.db.read(NAME, ..).expect("the stream") == self.committed, "the committed bytes");
    }

    fn finish(mut self) {
        if let Some(transaction) = self.transaction.take() {
            let read = transaction.stream(NAME).and_then(|stream| stream.read(..)).expect("the stream");
            assert!(read == self.current, "the bytes of the open transaction");
        }
        self.judge();
    }
}
