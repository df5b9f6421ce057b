//! Flights that come to nothing: everybody is told who waits for them, for the next one, or for the log to be at rest, and
//! nobody sleeps for ever. What a task does is what `Logged::make_durable` does in `engine/src/txn/durability.rs`. In place
//! of the core's latch stands a mutex, as in `flights`.

use std::path::Path;
use std::sync::Arc;

use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use numstore::internals::{Body, Flight, Log, LogFile, LogIdentity, Record, Wait};
use numstore::{Error, Lsn, TxnId};

use crate::{Flavor, LoomDisk, LoomFile, LoomPlatform, Sure, Watched};

/// How a flight ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It cannot be written, and lands.
    WriteFails,
    /// Its leader panics.
    BrokenOff,
    /// Its leader forgets it, which is an error: nobody hears of it again.
    Forgotten,
}

type Platform<F> = LoomPlatform<Sure<F>>;

struct Shared<F: Flavor> {
    core: Mutex<Log<LoomFile, Platform<F>>>,
    log: Arc<LogFile<LoomFile, Platform<F>>>,
    /// Written by whoever leads, before that fails; read by all who hear of it.
    left: Watched,
    ending: Ending,
}

impl<F: Flavor> Shared<F> {
    fn new(ending: Ending) -> Arc<Shared<F>> {
        let identity = LogIdentity { uuid: [1; 16], generation: 1 };
        let disk = LoomDisk::default();
        let log = Log::create(&disk, Path::new("x.ns"), identity, 8 << 10, Lsn(1)).expect("a log");
        disk.break_down();
        let file = Arc::clone(log.file());
        Arc::new(Shared { core: Mutex::new(log), log: file, left: Watched::new(0), ending })
    }

    fn core(&self) -> MutexGuard<'_, Log<LoomFile, Platform<F>>> {
        self.core.lock().expect("invariant: nobody panics in here")
    }

    /// Logs a commit; what has to be durable for it.
    fn log(&self) -> Lsn {
        let mut log = self.core();
        log.append(&Record { txn: TxnId(1), commits: false, body: Body::Commit });
        log.next_lsn()
    }

    /// Tries to make a commit durable, until it hears that it cannot.
    fn hears(&self, lsn: Lsn) {
        let cause = loop {
            match self.log.wait_state(lsn) {
                Wait::Over => panic!("nothing was made durable"),
                Wait::Failed(cause) => break cause,
                Wait::UnderWay(gate) => self.log.wait_at(gate),
                Wait::Idle { .. } => self.lead(lsn),
            }
        };
        assert_eq!(self.left.get(), 1, "whoever hears of a failure sees what was before it");
        let says = if self.ending == Ending::WriteFails { "the disk is broken" } else { "was broken off" };
        assert!(cause.contains(says), "everybody is told the first cause, and not {cause}");
    }

    fn lead(&self, lsn: Lsn) {
        let taken = self.core().take_off();
        match taken {
            Ok(Some(flight)) => self.fly(flight),
            Ok(None) => {
                let now = self.log.wait_state(lsn);
                assert!(!matches!(now, Wait::Idle { .. }), "what was logged is in the buffer or in a flight");
            }
            Err(e) => assert!(matches!(e, Error::Poisoned { .. }), "nothing takes off any more: {e}"),
        }
    }

    fn fly(&self, mut flight: Flight<LoomFile, Platform<F>>) {
        self.left.bump();
        match self.ending {
            Ending::WriteFails => {
                let (_, outcome) = flight.write();
                outcome.expect_err("it cannot be written");
                flight.land();
            }
            Ending::BrokenOff => drop(flight),
            Ending::Forgotten => {
                let _forgotten = std::mem::ManuallyDrop::new(flight);
            }
        }
    }

    /// All have ended.
    fn end(&self) {
        assert_eq!(self.left.get(), 1, "nothing takes off behind a flight that has failed");
        let refused = self.core().take_off().err().expect("nothing takes off any more");
        assert!(matches!(refused, Error::Poisoned { .. }), "another error: {refused}");
        assert_eq!(self.log.durable_lsn(), Lsn(1), "nothing was made durable");
    }
}

/// Each task commits once: one of them leads, and all of them hear that it has failed.
pub fn commits<F: Flavor>(tasks: usize, ending: Ending) {
    let shared = Shared::<F>::new(ending);
    let spawn = |_| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.hears(shared.log()))
    };
    let others: Vec<_> = (1..tasks).map(spawn).collect();
    shared.hears(shared.log());
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
    shared.end();
}

/// A flight that is under way when others come to wait: so many who are aboard, and so many who wait for the next one.
pub fn waiters<F: Flavor>(aboard: usize, next: usize, ending: Ending) {
    let shared = Shared::<F>::new(ending);
    let first = shared.log();
    let flight = shared.core().take_off().expect("nothing has failed yet").expect("something was logged");
    let second = shared.log();
    let spawn = |lsn| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.hears(lsn))
    };
    let lsns = [vec![first; aboard], vec![second; next]].concat();
    let others: Vec<_> = lsns.into_iter().map(spawn).collect();
    shared.fly(flight);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
    shared.end();
}

/// The same for one who waits for the next one, and one who has the core's latch and needs the log at rest.
pub fn flush<F: Flavor>(ending: Ending) {
    let shared = Shared::<F>::new(ending);
    shared.log();
    let flight = shared.core().take_off().expect("nothing has failed yet").expect("something was logged");
    let second = shared.log();
    let next = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.hears(second))
    };
    let flush = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let mut log = shared.core();
            log.wait_until_idle();
            assert!(log.take_off().is_err(), "the log is at rest, for good");
            assert_eq!(shared.left.get(), 1, "whoever hears of a failure sees what was before it");
        })
    };
    shared.fly(flight);
    [next, flush].into_iter().for_each(|task| task.join().expect("no task panics"));
    shared.end();
}
