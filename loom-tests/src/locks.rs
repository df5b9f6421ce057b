//! Tasks that wait for locks of transactions: they sleep without the core's latch, and are woken by whoever lets them go
//! on. What a task does is what `Shared::with_locks` does in `engine/src/api/shared.rs`, under a latch of the engine.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use numstore::internals::{Locks, Stop};
use numstore::sync::Latched;
use numstore::{Error, LockMode, LockSpan, LockTarget, StreamId, TxnId};

use crate::{Flavor, LoomDisk, LoomPlatform, Sure, Watched};

/// The latch of the core, and sleepers behind it.
type Platform<F> = LoomPlatform<Sure<F>>;

struct Shared<F: Flavor> {
    core: Latched<Locks<Platform<F>>, Platform<F>>,
    /// What the streams, or the bytes of one, hold; nothing but locks protects it.
    streams: [Watched; 2],
}

impl<F: Flavor> Shared<F> {
    fn new() -> Arc<Shared<F>> {
        Arc::new(Shared { core: Latched::default(), streams: [Watched::new(0), Watched::new(0)] })
    }

    /// Takes a lock; waits for it if that is what it takes. Whether the task has it and need not give way.
    fn take(&self, txn: u64, stream: usize, mode: LockMode) -> bool {
        self.take_target(txn, &stream_target(stream), mode)
    }

    fn take_target(&self, txn: u64, target: &LockTarget, mode: LockMode) -> bool {
        let txn = TxnId(txn);
        let mut waited = false;
        loop {
            let waiter = {
                let mut locks = self.core.lock();
                let ended = if waited { locks.end_wait(txn) } else { Ok(()) };
                match ended.map_err(Stop::from).and_then(|()| locks.take(txn, target, mode)) {
                    Ok(()) => return true,
                    Err(Stop::Blocked) => locks.waiter(txn),
                    Err(Stop::Failed(Error::Deadlock { .. })) => return false,
                    Err(Stop::Failed(e)) => panic!("{e}"),
                    Err(Stop::Behind) => unreachable!("there are no checkpoints here"),
                }
            };
            waiter.sleep(&LoomDisk::default(), None);
            waited = true;
        }
    }

    fn release(&self, txn: u64) {
        self.core.lock().release(TxnId(txn));
    }

    fn bump(&self, txn: u64) {
        assert!(self.take(txn, 0, LockMode::X), "nobody waits in a circle");
        self.streams[0].bump();
        self.release(txn);
    }

    fn read(&self, txn: u64) {
        assert!(self.take(txn, 0, LockMode::S), "nobody waits in a circle");
        let seen = self.streams[0].get();
        assert_eq!(self.streams[0].get(), seen, "nobody changes what is locked");
        self.release(txn);
    }

    /// Changes both streams; once more from the start if it has to give way.
    fn bump_both(&self, txn: u64, first: usize) {
        while !(self.take(txn, first, LockMode::X) && self.take(txn, 1 - first, LockMode::X)) {
            self.release(txn);
            thread::yield_now();
        }
        self.streams.iter().for_each(Watched::bump);
        self.release(txn);
    }

    /// Changes what it has read; once more from the start if it has to give way. If it `lets_go` of what it has read before it
    /// changes that, which is an error, others come in between.
    fn upgrade(&self, txn: u64, lets_go: bool) {
        let seen = loop {
            if self.take(txn, 0, LockMode::S) {
                let seen = self.streams[0].get();
                if lets_go {
                    self.release(txn);
                }
                if self.take(txn, 0, LockMode::X) {
                    break seen;
                }
            }
            self.release(txn);
            thread::yield_now();
        };
        assert_eq!(self.streams[0].get(), seen, "nobody changes what was read");
        self.streams[0].set(seen + 1);
        self.release(txn);
    }

    /// Locks bytes of stream 0; each is a number of its own.
    fn take_bytes(&self, txn: u64, bytes: Range<u64>, mode: LockMode) {
        let span = LockSpan::bytes(bytes.start, bytes.end).expect("some bytes");
        let is_held = self.take_target(txn, &LockTarget::Range(StreamId(0), span), mode);
        assert!(is_held, "nobody waits in a circle");
    }

    fn bump_bytes(&self, txn: u64, bytes: Range<u64>) {
        self.take_bytes(txn, bytes.clone(), LockMode::X);
        bytes.for_each(|at| self.streams[at as usize].bump());
        self.release(txn);
    }

    /// Reads the second byte with these `locked`.
    fn read_second(&self, txn: u64, locked: Range<u64>) {
        self.take_bytes(txn, locked, LockMode::S);
        let seen = self.streams[1].get();
        assert_eq!(self.streams[1].get(), seen, "nobody changes what is locked");
        self.release(txn);
    }

    /// Gives up a wait, as if nothing had happened when its sleep returned: it has the lock, or hears that it has not.
    fn give_up(&self, txn: u64) {
        let (txn, target) = (TxnId(txn), stream_target(0));
        let mut locks = self.core.lock();
        let ended = locks.end_wait(txn);
        assert!(!locks.table().is_waiting(txn) && !locks.has_call(txn), "a wait that has ended is over");
        let is_held = locks.picture().locks.iter().any(|lock| lock.txn == txn && lock.target == target);
        match ended {
            Ok(()) => assert!(is_held, "a wait that was not given up was granted"),
            Err(Error::Busy { .. }) => assert!(!is_held, "a wait that was given up is not granted"),
            Err(e) => panic!("{e}"),
        }
        drop(locks);
        if is_held {
            self.streams.iter().for_each(Watched::bump);
        }
        self.release(txn.0);
    }
}

/// All of a stream.
fn stream_target(stream: usize) -> LockTarget {
    LockTarget::Stream(StreamId(stream as u64))
}

fn run<F: Flavor, const N: usize>(bodies: [fn(&Shared<F>, u64); N], expected: [u32; 2]) {
    let shared = Shared::<F>::new();
    let mut numbers = (1..).zip(bodies);
    let (first, body) = numbers.next().expect("a model has tasks");
    let spawn = |(number, body): (u64, fn(&Shared<F>, u64))| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || body(&shared, number))
    };
    let others: Vec<_> = numbers.map(spawn).collect();
    body(&shared, first);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
    let locks = shared.core.lock();
    assert!(locks.table().is_idle(), "nothing is held when all have ended");
    assert_eq!([0, 1].map(|at| shared.streams[at].get()), expected);
}

/// Each changes what the others change.
pub fn writers_take_turns<F: Flavor>() {
    run::<F, 2>([Shared::bump, Shared::bump], [2, 0]);
}

/// The same with a third one.
pub fn three_writers_take_turns<F: Flavor>() {
    run::<F, 3>([Shared::bump, Shared::bump, Shared::bump], [3, 0]);
}

/// Readers wait for a writer, and go on at once when it has ended.
pub fn readers_go_on_together<F: Flavor>() {
    run::<F, 3>([Shared::bump, Shared::read, Shared::read], [1, 0]);
}

/// Two who take two locks in different orders: one of them gives way, and both come to their end.
pub fn one_of_a_circle_gives_way<F: Flavor>() {
    run::<F, 2>([|shared, txn| shared.bump_both(txn, 0), |shared, txn| shared.bump_both(txn, 1)], [2, 2]);
}

/// Two who have read one stream and change it then: one of them gives way, and no change is lost.
pub fn one_of_two_upgrades_gives_way<F: Flavor>() {
    let body = |shared: &Shared<F>, txn| shared.upgrade(txn, false);
    run::<F, 2>([body, body], [2, 0]);
}

/// The same with an error: each lets go of what it has read first.
pub fn an_upgrade_lets_go<F: Flavor>() {
    let body = |shared: &Shared<F>, txn| shared.upgrade(txn, true);
    run::<F, 2>([body, body], [2, 0]);
}

/// One locks two bytes of a stream, and beside it the others one of them each.
pub fn bytes_are_locked<F: Flavor>() {
    run::<F, 3>(
        [
            |shared, txn| shared.bump_bytes(txn, 0..2),
            |shared, txn| shared.bump_bytes(txn, 0..1),
            |shared, txn| shared.read_second(txn, 1..2),
        ],
        [2, 1],
    );
}

/// The same with an error: one locks another byte than it reads.
pub fn another_byte_is_locked<F: Flavor>() {
    run::<F, 2>(
        [|shared, txn| shared.bump_bytes(txn, 1..2), |shared, txn| shared.read_second(txn, 0..1)],
        [0, 1],
    );
}

/// Who waits gives up while the holder releases.
pub fn a_wait_is_given_up<F: Flavor>() {
    waits_are_given_up::<F>(0);
}

/// The same, with one who waits behind that: it goes on, whoever lets it.
pub fn a_wait_is_given_up_before_another<F: Flavor>() {
    waits_are_given_up::<F>(1);
}

/// The holder reads, and so do all who are behind whoever gives up.
fn waits_are_given_up<F: Flavor>(behind: u64) {
    let shared = Shared::<F>::new();
    // With no time at all nobody would be late.
    shared.core.lock().timeout = Duration::from_secs(1);
    assert!(shared.take(1, 0, LockMode::S), "nobody else has it");
    {
        let mut locks = shared.core.lock();
        let blocked = locks.take(TxnId(2), &stream_target(0), LockMode::X);
        assert!(matches!(blocked, Err(Stop::Blocked)), "the holder reads");
        let _asleep = locks.waiter(TxnId(2));
    }
    let gives_up = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.give_up(2))
    };
    let spawn = |txn| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.read(txn))
    };
    let readers: Vec<_> = (3..3 + behind).map(spawn).collect();
    let seen = shared.streams[0].get();
    assert_eq!(shared.streams[0].get(), seen, "nobody changes what is locked");
    shared.release(1);
    gives_up.join().expect("no task panics");
    readers.into_iter().for_each(|task| task.join().expect("no task panics"));
    assert!(shared.core.lock().table().is_idle(), "nothing is held when all have ended");
    assert_eq!(shared.streams[0].get(), shared.streams[1].get(), "it was changed in full or not at all");
}
