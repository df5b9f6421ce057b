//! Tasks that wait for locks of transactions: they sleep without the core's latch, and are woken by whoever lets them go
//! on. What a task does is what `Shared::with_locks` does in `engine/src/api/shared.rs`, under a latch of the engine.

use std::sync::Arc;

use loom::thread;
use numstore::internals::{Locks, Stop};
use numstore::sync::Latched;
use numstore::{Error, LockMode, LockTarget, StreamId, TxnId};

use crate::{Flavor, LoomDisk, LoomPlatform, Sure, Watched};

/// The latch of the core, and sleepers behind it.
type Platform<F> = LoomPlatform<Sure<F>>;

struct Shared<F: Flavor> {
    core: Latched<Locks<Platform<F>>, Platform<F>>,
    /// What stream 1 and stream 2 hold; nothing but locks protects it.
    streams: [Watched; 2],
}

impl<F: Flavor> Shared<F> {
    fn new() -> Arc<Shared<F>> {
        Arc::new(Shared { core: Latched::default(), streams: [Watched::new(0), Watched::new(0)] })
    }

    /// Takes a lock; waits for it if that is what it takes. Whether the task has it and need not give way.
    fn take(&self, txn: u64, stream: usize, mode: LockMode) -> bool {
        let (txn, target) = (TxnId(txn), LockTarget::Stream(StreamId(stream as u64)));
        let mut waited = false;
        loop {
            let waiter = {
                let mut locks = self.core.lock();
                let ended = if waited { locks.end_wait(txn) } else { Ok(()) };
                match ended.map_err(Stop::from).and_then(|()| locks.take(txn, &target, mode)) {
                    Ok(()) => return true,
                    Err(Stop::Blocked) => locks.waiter(txn),
                    Err(Stop::Failed(Error::Deadlock { .. })) => return false,
                    Err(Stop::Failed(e)) => panic!("{e}"),
                    Err(Stop::Behind) => unreachable!("there are no checkpoints here"),
                }
            };
            waiter.sleep(&LoomDisk, None);
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
