//! Every operation on a stream, in any order, against a plain vector of bytes.
//!
//! Why: the tree has splits, merges, borrows, partial leaves, bulk subtrees and undo, and each pair of them is a case
//! of its own. How: proptest makes sequences of operations inside and outside transactions, with savepoints,
//! checkpoints and reopening; positions cluster on leaf boundaries and the ends; after each step the length and a
//! window agree with the model, after each sequence every byte does and the audit is clean. The leaves are small in
//! one test (so that trees get tall), default in the other (so that bulk insertion and large leaves are met).

use numstore::{Database, Error, Options, Savepoint, Stream, Stride, Transaction};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use sim::world::SimEnv;
use tests::{Crash, Lab, cases, noise, small};

/// A position, as a share of whatever length the stream has then.
#[derive(Clone, Copy, Debug)]
enum Place {
    Share(u16),
    Leaf(u16),
    Start,
    End,
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Place, u32),
    Append(u32),
    Write(Place, u32),
    Remove(Place, Place),
    Cut(Place, Place),
    Truncate(Place),
    Splice(Place, Place, u32),
    Read(Place, Place),
    ReadStrided(Elements),
    WriteStrided(Elements),
    RemoveStrided(Elements),
    Begin,
    Savepoint,
    RollbackTo(u8),
    Commit,
    Rollback,
    Checkpoint,
    Reopen,
    Crash(bool),
}

/// A stride that starts at a place and is cut to what fits behind it.
#[derive(Clone, Copy, Debug)]
struct Elements {
    start: Place,
    size: u16,
    stride: u8,
    count: u16,
}

impl Place {
    fn within(self, len: usize, leaf: usize) -> usize {
        match self {
            Place::Share(share) => len * usize::from(share) / usize::from(u16::MAX),
            Place::Leaf(at) if len >= leaf => leaf * (usize::from(at) % (len / leaf + 1)),
            Place::Leaf(_) | Place::Start => 0,
            Place::End => len,
        }
    }
}

impl Elements {
    fn within(self, len: usize, leaf: usize) -> Stride {
        let start = self.start.within(len, leaf);
        let size = usize::from(self.size).max(1);
        let stride = usize::from(self.stride).max(1);
        let behind = len - start;
        // Elements fit while start + (count - 1) * stride * size + size <= len.
        let fit = if behind < size { 0 } else { (behind - size) / (stride * size) + 1 };
        let count = usize::from(self.count).min(fit);
        Stride { start: start as u64, size: size as u64, stride: stride as u64, count: count as u64 }
    }
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => any::<u16>().prop_map(Place::Share),
        2 => any::<u16>().prop_map(Place::Leaf),
        1 => Just(Place::Start),
        1 => Just(Place::End),
    ]
}

fn elements() -> impl Strategy<Value = Elements> {
    (place(), 1..300u16, 1..9u8, 0..200u16).prop_map(|(start, size, stride, count)| Elements {
        start,
        size,
        stride,
        count,
    })
}

/// Lengths of inserted data: mostly small, now and then up to `max`.
fn len(max: u32) -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..40u32, 3 => 0..max / 16 + 2, 1 => 0..max]
}

fn op(max: u32) -> impl Strategy<Value = Op> {
    let edits = prop_oneof![
        (place(), len(max)).prop_map(|(at, len)| Op::Insert(at, len)),
        len(max).prop_map(Op::Append),
        (place(), len(max)).prop_map(|(at, len)| Op::Write(at, len)),
        (place(), place()).prop_map(|(a, b)| Op::Remove(a, b)),
        (place(), place()).prop_map(|(a, b)| Op::Cut(a, b)),
        place().prop_map(Op::Truncate),
        (place(), place(), len(max)).prop_map(|(a, b, len)| Op::Splice(a, b, len)),
        elements().prop_map(Op::WriteStrided),
        elements().prop_map(Op::RemoveStrided),
    ];
    let reads = prop_oneof![
        (place(), place()).prop_map(|(a, b)| Op::Read(a, b)),
        elements().prop_map(Op::ReadStrided),
    ];
    let control = prop_oneof![
        4 => Just(Op::Begin),
        2 => Just(Op::Savepoint),
        2 => any::<u8>().prop_map(Op::RollbackTo),
        3 => Just(Op::Commit),
        2 => Just(Op::Rollback),
        2 => Just(Op::Checkpoint),
        1 => Just(Op::Reopen),
        1 => any::<bool>().prop_map(Op::Crash),
    ];
    prop_oneof![12 => edits, 3 => reads, 5 => control]
}

/// The stream and its model, side by side.
struct Run {
    lab: Lab,
    leaf: usize,
    db: Option<Database<SimEnv>>,
    transaction: Option<Transaction<SimEnv>>,
    savepoints: Vec<(Savepoint, Vec<u8>)>,
    committed: Vec<u8>,
    current: Vec<u8>,
    step: u64,
}

const NAME: &str = "bytes";

impl Run {
    fn new(options: Options, leaf: usize) -> Run {
        let lab = Lab::new(1, options);
        let db = lab.open();
        db.create(NAME).unwrap();
        let (committed, current) = (Vec::new(), Vec::new());
        Run {
            lab,
            leaf,
            db: Some(db),
            transaction: None,
            savepoints: Vec::new(),
            committed,
            current,
            step: 0,
        }
    }

    fn db(&self) -> &Database<SimEnv> {
        self.db.as_ref().unwrap()
    }

    /// Runs `edit` in the open transaction, or in one of its own.
    fn edit<T>(&mut self, edit: impl FnOnce(&Stream<'_, SimEnv>) -> numstore::Result<T>) -> T {
        if let Some(transaction) = &self.transaction {
            return edit(&transaction.stream(NAME).unwrap()).unwrap();
        }
        let transaction = self.db().begin().unwrap();
        let result = edit(&transaction.stream(NAME).unwrap()).unwrap();
        transaction.commit().unwrap();
        self.committed.clone_from(&self.current);
        result
    }

    fn span(&self, a: Place, b: Place) -> (usize, usize) {
        let (a, b) = (a.within(self.current.len(), self.leaf), b.within(self.current.len(), self.leaf));
        (a.min(b), a.max(b))
    }

    fn step(&mut self, op: &Op) {
        self.step += 1;
        match op {
            Op::Read(..) | Op::ReadStrided(_) => self.read(op),
            Op::WriteStrided(_) | Op::RemoveStrided(_) => self.edit_strided(op),
            Op::Begin | Op::Savepoint | Op::RollbackTo(_) | Op::Commit | Op::Rollback => self.control(op),
            Op::Checkpoint => self.db().checkpoint().unwrap(),
            Op::Reopen => self.reopen(None),
            Op::Crash(power) => self.reopen(Some(if *power { Crash::PowerLoss } else { Crash::Kill })),
            _ => self.edit_contiguous(op),
        }
    }

    fn edit_contiguous(&mut self, op: &Op) {
        let (len, leaf) = (self.current.len(), self.leaf);
        let fresh = |count: u32| noise(self.step, count as usize);
        match *op {
            Op::Insert(at, count) => {
                let (at, data) = (at.within(len, leaf), fresh(count));
                self.current.splice(at..at, data.iter().copied());
                self.edit(|stream| stream.insert(at as u64, &data));
            }
            Op::Append(count) => {
                let data = fresh(count);
                self.current.extend_from_slice(&data);
                self.edit(|stream| stream.append(&data));
            }
            Op::Write(at, count) => {
                let (at, data) = (at.within(len, leaf), fresh(count));
                let end = (at + data.len()).min(len);
                self.current.splice(at..end, data.iter().copied());
                self.edit(|stream| stream.write(at as u64, &data));
            }
            Op::Remove(a, b) => {
                let (a, b) = self.span(a, b);
                self.current.drain(a..b);
                self.edit(|stream| stream.remove(a as u64..b as u64));
            }
            Op::Cut(a, b) => {
                let (a, b) = self.span(a, b);
                let expected: Vec<u8> = self.current.drain(a..b).collect();
                assert!(self.edit(|stream| stream.cut(a as u64..b as u64)) == expected, "cut {a}..{b}");
            }
            Op::Truncate(at) => {
                let at = at.within(len, leaf);
                self.current.truncate(at);
                self.edit(|stream| stream.truncate(at as u64));
            }
            Op::Splice(a, b, count) => {
                let ((a, b), data) = (self.span(a, b), fresh(count));
                self.current.splice(a..b, data.iter().copied());
                self.edit(|stream| stream.splice(a as u64, (b - a) as u64, &data));
            }
            _ => unreachable!("not a contiguous edit"),
        }
    }

    fn edit_strided(&mut self, op: &Op) {
        match *op {
            Op::WriteStrided(elements) => {
                let stride = elements.within(self.current.len(), self.leaf);
                let data = noise(self.step, (stride.size * stride.count) as usize);
                for (i, element) in data.chunks(stride.size as usize).enumerate() {
                    let at = element_start(stride, i);
                    self.current[at..at + element.len()].copy_from_slice(element);
                }
                self.edit(|stream| stream.write_strided(stride, &data));
            }
            Op::RemoveStrided(elements) => {
                let stride = elements.within(self.current.len(), self.leaf);
                for i in (0..stride.count as usize).rev() {
                    let at = element_start(stride, i);
                    self.current.drain(at..at + stride.size as usize);
                }
                self.edit(|stream| stream.remove_strided(stride));
            }
            _ => unreachable!("not a strided edit"),
        }
    }

    fn read(&mut self, op: &Op) {
        match *op {
            Op::Read(a, b) => {
                let (a, b) = self.span(a, b);
                let found = self.edit(|stream| stream.read(a as u64..b as u64));
                assert!(found == self.current[a..b], "read {a}..{b}");
            }
            Op::ReadStrided(elements) => {
                let stride = elements.within(self.current.len(), self.leaf);
                let expected: Vec<u8> = (0..stride.count as usize)
                    .flat_map(|i| &self.current[element_start(stride, i)..][..stride.size as usize])
                    .copied()
                    .collect();
                assert!(self.edit(|stream| stream.read_strided(stride)) == expected, "{stride:?}");
            }
            _ => unreachable!("not a read"),
        }
    }

    fn control(&mut self, op: &Op) {
        match *op {
            Op::Begin if self.transaction.is_none() => self.transaction = Some(self.db().begin().unwrap()),
            Op::Savepoint => {
                if let Some(transaction) = &self.transaction {
                    self.savepoints.push((transaction.savepoint().unwrap(), self.current.clone()));
                }
            }
            Op::RollbackTo(which) if !self.savepoints.is_empty() => {
                let kept = usize::from(which) % self.savepoints.len();
                let transaction = self.transaction.as_ref().unwrap();
                let (savepoint, content) = &self.savepoints[kept];
                transaction.rollback_to(savepoint).unwrap();
                self.current.clone_from(content);
                // The savepoint itself stays valid; later ones with anything in between are gone.
                for (later, content) in self.savepoints.drain(kept + 1..) {
                    if content != self.current {
                        assert!(matches!(transaction.rollback_to(&later), Err(Error::NoSuchSavepoint)));
                    }
                }
            }
            Op::Commit => {
                if let Some(transaction) = self.transaction.take() {
                    transaction.commit().unwrap();
                    self.committed.clone_from(&self.current);
                    self.savepoints.clear();
                }
            }
            Op::Rollback => {
                if let Some(transaction) = self.transaction.take() {
                    transaction.rollback().unwrap();
                    self.lose_transaction();
                }
            }
            _ => {}
        }
    }

    fn lose_transaction(&mut self) {
        self.current.clone_from(&self.committed);
        self.savepoints.clear();
    }

    /// Ends the process, in order or not, and starts the next one.
    fn reopen(&mut self, crash: Option<Crash>) {
        let crash = crash.filter(|_| tests::may_crash());
        if let Some(crash) = crash {
            self.lab.crash(crash);
        }
        self.transaction = None;
        self.lose_transaction();
        let db = self.db.take().unwrap();
        match crash {
            Some(_) => drop(db),
            None => db.close().unwrap(),
        }
        self.db = Some(self.lab.open_and_verify());
    }

    /// The length and a window around the middle agree, inside the transaction and outside.
    fn check_window(&self) {
        let middle = self.current.len() / 2;
        let (a, b) = (middle.saturating_sub(50), (middle + 50).min(self.current.len()));
        if let Some(transaction) = &self.transaction {
            let stream = transaction.stream(NAME).unwrap();
            assert_eq!(stream.len().unwrap(), self.current.len() as u64);
            assert!(stream.read(a as u64..b as u64).unwrap() == self.current[a..b], "window {a}..{b}");
        }
        assert_eq!(self.db().len(NAME).unwrap(), self.committed.len() as u64);
    }

    fn finish(mut self) {
        if let Some(transaction) = &self.transaction {
            assert!(
                transaction.stream(NAME).unwrap().read(..).unwrap() == self.current,
                "the open transaction"
            );
        }
        assert!(self.db().read(NAME, ..).unwrap() == self.committed, "the committed bytes");
        self.reopen(None);
        assert!(self.db().read(NAME, ..).unwrap() == self.committed, "the reopened bytes");
    }
}

fn element_start(stride: Stride, element: usize) -> usize {
    stride.start as usize + element * (stride.stride * stride.size) as usize
}

fn check(options: Options, leaf: usize, ops: &[Op]) {
    let mut run = Run::new(options, leaf);
    for op in ops {
        run.step(op);
        run.check_window();
    }
    run.finish();
}

fn config(count: u32) -> ProptestConfig {
    let kept = FileFailurePersistence::Direct("proptest-regressions/model.txt");
    ProptestConfig {
        cases: cases(count),
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn small_leaves_agree_with_a_vector(ops in prop::collection::vec(op(6_000), 1..120)) {
        check(small(), 256, &ops);
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn default_leaves_agree_with_a_vector(ops in prop::collection::vec(op(700_000), 1..60)) {
        check(Options::new(), 64 << 10, &ops);
    }
}
