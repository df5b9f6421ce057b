//! Commits that share flights of the log, and the versions that are shown when one has landed.
//!
//! What a task does with the log is what `Logged::make_durable` and `Lead::fly` do in `engine/src/txn/durability.rs`, with
//! the log, its flights and the published versions of the engine itself. In place of the core's latch, which has models of
//! its own, stands a mutex: each atomic that is not asked about makes a model many times longer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use numstore::internals::{Body, Flight, Log, LogFile, LogIdentity, Published, Record, Wait, version};
use numstore::{Lsn, TxnId};

use crate::{Flavor, LoomDisk, LoomEnv, LoomFile, LoomPlatform, Sure, Watched};

/// An error in what the leader of a flight does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plant {
    /// None.
    Nothing,
    /// Everybody is told before the version is shown.
    ToldFirst,
}

/// The log, and which commits no flight has taken yet.
struct Core<F: Flavor> {
    log: Log<LoomFile, LoomPlatform<Sure<F>>>,
    waiting: Vec<usize>,
}

struct Shared<F: Flavor> {
    core: Mutex<Core<F>>,
    log: Arc<LogFile<LoomFile, LoomPlatform<Sure<F>>>>,
    /// Where the model is about them.
    published: Option<Published<LoomEnv<F>>>,
    /// Of each commit, whether its batch is durable.
    durable: Vec<Watched>,
    plant: Plant,
}

impl<F: Flavor> Shared<F> {
    fn new(commits: usize, shows: bool, plant: Plant) -> Arc<Shared<F>> {
        let identity = LogIdentity { uuid: [1; 16], generation: 1 };
        let log =
            Log::create(&LoomDisk::default(), Path::new("x.ns"), identity, 8 << 10, Lsn(1)).expect("a log");
        let file = Arc::clone(log.file());
        Arc::new(Shared {
            core: Mutex::new(Core { log, waiting: Vec::new() }),
            log: file,
            published: shows.then(|| Published::new(version(Lsn(0)))),
            durable: (0..commits).map(|_| Watched::new(0)).collect(),
            plant,
        })
    }

    fn core(&self) -> MutexGuard<'_, Core<F>> {
        self.core.lock().expect("invariant: nobody panics in here")
    }

    /// Logs a commit; what has to be durable for it.
    fn log(&self, number: usize) -> Lsn {
        let mut core = self.core();
        core.log.append(&Record { txn: TxnId(number as u64), commits: false, body: Body::Commit });
        core.waiting.push(number);
        let lsn = core.log.next_lsn();
        self.published.iter().for_each(|published| published.push(version(lsn)));
        lsn
    }

    /// Makes a commit durable; what was promised holds when this returns.
    fn finish(&self, number: usize, lsn: Lsn) {
        self.make_durable(lsn);
        assert_eq!(self.durable[number].get(), 1, "a commit that has returned is durable");
        let shown = self.published.iter().all(|published| published.get().committed >= lsn);
        assert!(shown, "a commit that has returned is shown");
    }

    fn commit(&self, number: usize) {
        self.finish(number, self.log(number));
    }

    fn make_durable(&self, lsn: Lsn) {
        loop {
            match self.log.wait_state(lsn) {
                Wait::Over => return,
                Wait::Failed(cause) => panic!("nothing fails here: {cause}"),
                Wait::UnderWay(gate) => self.log.wait_at(gate),
                Wait::Idle { .. } => self.lead(),
            }
        }
    }

    fn lead(&self) {
        if let Some(flight) = self.take_off() {
            self.fly(flight);
        }
    }

    /// Takes what was logged, and whose commits that are.
    fn take_off(&self) -> Option<FlightOf<F>> {
        let mut core = self.core();
        let flight = core.log.take_off().expect("nothing fails here")?;
        Some((flight, std::mem::take(&mut core.waiting)))
    }

    fn fly(&self, (mut flight, aboard): FlightOf<F>) {
        let (durable, outcome) = flight.write();
        outcome.expect("nothing fails here");
        aboard.into_iter().for_each(|number| self.durable[number].set(1));
        let publish =
            || self.published.iter().for_each(|published| published.publish(durable, || Duration::ZERO));
        if self.plant == Plant::ToldFirst {
            flight.land();
            publish();
        } else {
            publish();
            flight.land();
        }
    }
}

/// A flight, and whose commits are aboard.
type FlightOf<F> = (Flight<LoomFile, LoomPlatform<Sure<F>>>, Vec<usize>);

/// Each task commits once; and what it has committed is shown, if the model `shows` versions.
pub fn commits<F: Flavor>(tasks: usize, shows: bool, plant: Plant) {
    let shared = Shared::<F>::new(tasks, shows, plant);
    let spawn = |number| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.commit(number))
    };
    let others: Vec<_> = (1..tasks).map(spawn).collect();
    shared.commit(0);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
    assert_eq!(shared.log.durable_lsn(), shared.core().log.next_lsn(), "nothing is left behind");
}

/// The same, with all of them logged before anybody waits: one leads, and the others are aboard.
pub fn passengers<F: Flavor>(tasks: usize, shows: bool, plant: Plant) {
    let shared = Shared::<F>::new(tasks, shows, plant);
    let lsns: Vec<Lsn> = (0..tasks).map(|number| shared.log(number)).collect();
    let spawn = |number: usize| {
        let (shared, lsn) = (Arc::clone(&shared), lsns[number]);
        thread::spawn(move || shared.finish(number, lsn))
    };
    let others: Vec<_> = (1..tasks).map(spawn).collect();
    shared.finish(0, lsns[0]);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
}

/// A flight that is under way when the others come to wait for it: its landing wakes all who are aboard.
pub fn landing<F: Flavor>(aboard: usize) {
    let shared = Shared::<F>::new(aboard, false, Plant::Nothing);
    let lsns: Vec<Lsn> = (0..aboard).map(|number| shared.log(number)).collect();
    let flight = shared.take_off().expect("something was logged");
    let spawn = |(number, lsn)| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.finish(number, lsn))
    };
    let others: Vec<_> = lsns.into_iter().enumerate().map(spawn).collect();
    shared.fly(flight);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
}

/// The same, for one whose commit is not aboard: it has to lead the next flight.
pub fn landing_beside_the_next<F: Flavor>() {
    let shared = Shared::<F>::new(2, false, Plant::Nothing);
    let first = shared.log(0);
    let flight = shared.take_off().expect("something was logged");
    let lsn = shared.log(1);
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.finish(1, lsn))
    };
    shared.fly(flight);
    other.join().expect("no task panics");
    assert!(shared.log.durable_lsn() > first, "the next flight has landed too");
}

/// Two who are not aboard: one of them is woken to lead the next flight, and takes the other one along.
pub fn landing_beside_two_of_the_next<F: Flavor>() {
    let shared = Shared::<F>::new(3, false, Plant::Nothing);
    shared.log(0);
    let flight = shared.take_off().expect("something was logged");
    let lsns = [shared.log(1), shared.log(2)];
    let spawn = |(number, lsn)| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.finish(number, lsn))
    };
    let others = [spawn((1, lsns[0])), spawn((2, lsns[1]))];
    shared.fly(flight);
    others.into_iter().for_each(|task| task.join().expect("no task panics"));
}

/// Two wait while a flight is under way: one for the next flight, one, who has the core's latch, for the log to be at rest.
pub fn flush_beside_the_next<F: Flavor>() {
    let shared = Shared::<F>::new(2, false, Plant::Nothing);
    shared.log(0);
    let flight = shared.take_off().expect("something was logged");
    let lsn = shared.log(1);
    let commit = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.finish(1, lsn))
    };
    let flush = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.core().log.wait_until_idle())
    };
    shared.fly(flight);
    commit.join().expect("no task panics");
    flush.join().expect("no task panics");
}

/// One commits while another one needs the log at rest, with the core's latch held.
pub fn commit_beside_a_flush<F: Flavor>() {
    let shared = Shared::<F>::new(2, false, Plant::Nothing);
    let other = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.commit(1))
    };
    {
        let mut core = shared.core();
        core.log.wait_until_idle();
        let waiting = std::mem::take(&mut core.waiting);
        if let Some(mut flight) = core.log.take_off().expect("nothing fails here") {
            let (durable, outcome) = flight.write();
            outcome.expect("nothing fails here");
            waiting.into_iter().for_each(|number| shared.durable[number].set(1));
            assert!(durable == core.log.next_lsn(), "nobody appends meanwhile");
            flight.land();
        }
        assert_eq!(shared.log.durable_lsn(), core.log.next_lsn(), "the log is at rest");
    }
    other.join().expect("no task panics");
}

/// A reader takes versions while they come to be durable: they never go back, and all of them are durable. Two publish: the
/// leader of a flight, before the log knows that it has landed, and beside it one who has the core's latch and makes a
/// version, which stays hidden, and to whom the log tells what was durable before.
pub fn versions_go_forward<F: Flavor>() {
    struct Shown<F: Flavor> {
        published: Published<LoomEnv<F>>,
        durable: [Watched; 3],
    }
    let durable = [Watched::new(0), Watched::new(0), Watched::new(0)];
    let shown = Arc::new(Shown::<F> { published: Published::new(version(Lsn(0))), durable });
    shown.published.push(version(Lsn(1)));
    shown.published.push(version(Lsn(2)));
    shown.durable[0].set(1);
    let reader = {
        let shown = Arc::clone(&shown);
        thread::spawn(move || {
            let first = shown.published.get().committed;
            let second = shown.published.get().committed;
            assert!(first <= second, "versions never go back");
            for number in 1..=second.0 {
                assert_eq!(shown.durable[number as usize - 1].get(), 1, "what is shown is durable");
            }
        })
    };
    let latched = {
        let shown = Arc::clone(&shown);
        thread::spawn(move || {
            shown.published.push(version(Lsn(3)));
            shown.published.publish(Lsn(1), || Duration::ZERO);
        })
    };
    shown.durable[1].set(1);
    shown.published.publish(Lsn(2), || Duration::ZERO);
    assert_eq!(shown.published.get().committed, Lsn(2), "what its leader has published stays the newest");
    [reader, latched].into_iter().for_each(|task| task.join().expect("no task panics"));
}
