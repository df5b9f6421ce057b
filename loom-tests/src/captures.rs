//! A checkpoint captures the state beside calls that change it: with each record that lies before the position of its log it
//! has what that record did, and nothing else. What keeps the two together, the *gate*, is nothing of its own but the
//! exclusive mode of the latch around `Core`: here it is that latch of the engine, with the engine's log behind it.
//!
//! A call is {append + apply}; a capture makes what was appended durable, notes the position, and takes the state, as
//! `Core::flush` and `capture` in `engine/src/recovery/checkpoint/mod.rs` do.

use std::path::Path;
use std::sync::Arc;

use loom::thread;
use numstore::internals::{Body, Flight, Log, LogIdentity, Record};
use numstore::sync::Latched;
use numstore::{Lsn, TxnId};

use crate::{Flavor, LoomDisk, LoomFile, LoomPlatform, Sure, Watched};

type Platform<F> = LoomPlatform<Sure<F>>;

/// What is behind the latch: the log, and up to where its records are applied.
struct Core<F: Flavor> {
    log: Log<LoomFile, Platform<F>>,
    applied: Watched,
}

impl<F: Flavor> Core<F> {
    /// Appends a record and applies it.
    fn change(&mut self) {
        self.log.append(&Record { txn: TxnId(1), commits: false, body: Body::Commit });
        self.applied.set(end_of(self.log.next_lsn()));
    }

    fn take_off(&mut self) -> Option<Flight<LoomFile, Platform<F>>> {
        self.log.take_off().expect("nothing fails here")
    }

    /// Makes everything durable; the position of the log then.
    fn flush(&mut self) -> u32 {
        self.log.wait_until_idle();
        if let Some(flight) = self.take_off() {
            fly(flight);
        }
        end_of(self.log.position().lsn)
    }
}

/// Behind the last of the records that end at `lsn`.
fn end_of(lsn: Lsn) -> u32 {
    u32::try_from(lsn.0).expect("a model has few records")
}

fn fly<F: Flavor>(mut flight: Flight<LoomFile, Platform<F>>) {
    flight.write().1.expect("nothing fails here");
    flight.land();
}

type Shared<F> = Arc<Latched<Core<F>, Platform<F>>>;

fn new<F: Flavor>() -> Shared<F> {
    let identity = LogIdentity { uuid: [1; 16], generation: 1 };
    let log = Log::create(&LoomDisk::default(), Path::new("x.ns"), identity, 8 << 10, Lsn(1)).expect("a log");
    Arc::new(Latched::new(Core { log, applied: Watched::new(1) }))
}

fn capture<F: Flavor>(shared: &Shared<F>) {
    let mut core = shared.lock();
    let position = core.flush();
    assert_eq!(core.applied.get(), position, "a capture has both or neither of a record and what that did");
}

/// With an error: others come in between.
fn capture_in_two_steps<F: Flavor>(shared: &Shared<F>) {
    let position = shared.lock().flush();
    let applied = shared.lock().applied.get();
    assert_eq!(applied, position, "a capture has both or neither of a record and what that did");
}

fn beside_calls<F: Flavor>(capture: fn(&Shared<F>)) {
    let shared = new::<F>();
    let calls = [(); 2].map(|()| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.lock().change())
    });
    capture(&shared);
    calls.into_iter().for_each(|task| task.join().expect("no task panics"));
    let core = shared.read();
    assert_eq!(core.applied.get(), end_of(core.log.next_lsn()), "each call has changed something");
}

/// Two calls.
pub fn beside_two_calls<F: Flavor>() {
    beside_calls::<F>(capture);
}

/// The same with an error: the capture lets others in between.
pub fn in_two_steps<F: Flavor>() {
    beside_calls::<F>(capture_in_two_steps);
}

/// A call, and a flight that is written without the latch; the capture waits for it with the latch held.
pub fn beside_a_flight<F: Flavor>() {
    let shared = new::<F>();
    shared.lock().change();
    let flight = shared.lock().take_off().expect("something was appended");
    let call = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.lock().change())
    };
    let captures = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || capture(&shared))
    };
    fly(flight);
    [call, captures].into_iter().for_each(|task| task.join().expect("no task panics"));
}
