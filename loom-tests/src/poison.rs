//! Who waits for a lock when the database is poisoned: whoever holds the lock may be idle for as long as it likes, so the
//! waiter is woken by the failure and hears of it. What a task does is what `Shared::with_locks` does in
//! `engine/src/api/shared.rs`, and `Core::poison` in `engine/src/txn/core.rs`, under a latch of the engine.

use std::sync::Arc;

use loom::thread;
use numstore::internals::{Health, Locks, Stop};
use numstore::sync::Latched;
use numstore::{Error, LockMode, LockTarget, StreamId, TxnId};

use crate::{Flavor, LoomDisk, LoomPlatform, Sure, Watched};

type Platform<F> = LoomPlatform<Sure<F>>;

struct Core<F: Flavor> {
    locks: Locks<Platform<F>>,
    health: Health<Platform<F>>,
}

struct Shared<F: Flavor> {
    core: Latched<Core<F>, Platform<F>>,
    /// Written by whoever has met the failure; read by all who hear of it.
    left: Watched,
}

const HOLDER: TxnId = TxnId(1);
const WAITER: TxnId = TxnId(2);
const STREAM: LockTarget = LockTarget::Stream(StreamId(0));

impl<F: Flavor> Shared<F> {
    /// With a lock that its holder keeps.
    fn new() -> Arc<Shared<F>> {
        let mut locks = Locks::default();
        assert!(locks.take(HOLDER, &STREAM, LockMode::X).is_ok(), "nobody else has it");
        let core = Core { locks, health: Health::default() };
        Arc::new(Shared { core: Latched::new(core), left: Watched::new(0) })
    }

    /// Wants the lock, until it hears that it is in vain.
    fn hears(&self) {
        let mut waited = false;
        let cause = loop {
            let waiter = {
                let mut core = self.core.lock();
                let ended = if waited { core.locks.end_wait(WAITER) } else { Ok(()) };
                let ready = core.health.check().and(ended).map_err(Stop::from);
                match ready.and_then(|()| core.locks.take(WAITER, &STREAM, LockMode::X)) {
                    Err(Stop::Failed(Error::Poisoned { cause })) => break cause,
                    Err(Stop::Failed(e)) => panic!("another error: {e}"),
                    Err(Stop::Blocked) => core.locks.waiter(WAITER),
                    Ok(()) | Err(Stop::Behind) => unreachable!("the holder keeps its lock"),
                }
            };
            waiter.sleep(&LoomDisk::default(), None);
            waited = true;
        };
        assert_eq!(cause, "a model says so");
        assert_eq!(self.left.get(), 1, "whoever hears of a failure sees what was before it");
    }

    fn fail(&self, wakes: bool) {
        self.left.set(1);
        let mut core = self.core.lock();
        core.health.poison(|| "a model says so".to_owned());
        if wakes {
            core.locks.wake_all();
        }
    }
}

/// One waits for a lock while another one fails, whose holder does nothing meanwhile.
pub fn a_failure_is_told<F: Flavor>() {
    fails::<F>(true);
}

/// The same with an error: the failure wakes nobody.
pub fn a_failure_wakes_nobody<F: Flavor>() {
    fails::<F>(false);
}

fn fails<F: Flavor>(wakes: bool) {
    let shared = Shared::<F>::new();
    let waits = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.hears())
    };
    let fails = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.fail(wakes))
    };
    [waits, fails].into_iter().for_each(|task| task.join().expect("no task panics"));
    let mut core = shared.core.lock();
    core.locks.release(WAITER);
    core.locks.release(HOLDER);
    assert!(core.locks.table().is_idle(), "nothing is held when all have ended");
}
