//! Several clients of one database, under many schedules: what is left is what some serial order leaves, and the same
//! seed gives the same run.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use numstore::env::{Env, Scheduler, TaskHandle};
use numstore::{Database, Error, ErrorCode, Options};
use sim::world::{Schedule, SimEnv, World};

const CLIENTS: u8 = 3;
const TRANSACTIONS: u8 = 3;
const STREAMS: [&str; 2] = ["even", "odd"];

type Content = BTreeMap<&'static str, Vec<u8>>;

/// What a transaction does: to its first stream it appends its name and how long the second one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    client: u8,
    number: u8,
}

impl Work {
    fn streams(self) -> [&'static str; 2] {
        let first = usize::from(self.client + self.number) % 2;
        [STREAMS[first], STREAMS[1 - first]]
    }

    /// The bytes to append, if the second stream is so long.
    fn bytes(self, other: u64) -> [u8; 3] {
        [self.client, self.number, other as u8]
    }

    fn on_database(self, db: &Database<SimEnv>) -> Result<(), Error> {
        let [first, second] = self.streams();
        let tx = db.begin()?;
        // It writes to both, so that two of them never read past each other.
        let other = tx.stream(second)?;
        other.append(&[self.client])?;
        let bytes = self.bytes(other.len()?);
        tx.stream(first)?.append(&bytes)?;
        tx.commit()
    }

    fn on_model(self, content: &mut Content) {
        let [first, second] = self.streams();
        let other = content.entry(second).or_default();
        other.push(self.client);
        let bytes = self.bytes(other.len() as u64);
        content.entry(first).or_default().extend(bytes);
    }
}

/// Whether some merge of the clients' transactions, each client's in order, leaves `found`.
fn is_serial(left: &mut [&[Work]], content: &Content, found: &Content) -> bool {
    let fits = content.iter().all(|(name, bytes)| found[name].starts_with(bytes));
    if !fits || left.iter().all(|works| works.is_empty()) {
        return fits && content == found;
    }
    (0..left.len()).any(|client| {
        let Some((work, rest)) = left[client].split_first() else { return false };
        let before = std::mem::replace(&mut left[client], rest);
        let mut next = content.clone();
        work.on_model(&mut next);
        let is_serial = is_serial(left, &next, found);
        left[client] = before;
        is_serial
    })
}

/// One client: each transaction again until nobody is in its way. Returns how often somebody was.
fn run_client(env: &SimEnv, db: &Database<SimEnv>, client: u8) -> u64 {
    let mut busy = 0;
    for number in 0..TRANSACTIONS {
        while let Err(e) = (Work { client, number }).on_database(db) {
            assert!([ErrorCode::Busy, ErrorCode::Deadlock].contains(&e.code()), "{e}");
            busy += 1;
            env.scheduler().yield_now();
        }
    }
    busy
}

/// What a run came to: the hash of its trace, and how often a client found another in its way.
fn run(seed: u64, schedule: Schedule) -> (u64, u64) {
    let world = World::with_schedule(seed, schedule);
    let env = world.env();
    let options = Options::new().leaf_bytes(256).fanout(4);
    let db = Arc::new(options.open_in(env.clone(), "db/clients.ns").unwrap());
    for name in STREAMS {
        db.create(name).unwrap();
    }
    let busy = Arc::new(Mutex::new(0));
    let start = |client| {
        let (env, db, busy) = (env.clone(), Arc::clone(&db), Arc::clone(&busy));
        let body = move || {
            let times = run_client(&env, &db, client);
            *busy.lock().unwrap() += times;
        };
        world.env().scheduler().spawn(&format!("client {client}"), Box::new(body)).unwrap()
    };
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    for client in clients {
        client.join().unwrap();
    }
    let found: Content = STREAMS.map(|name| (name, db.read(name, ..).unwrap())).into();
    let works: Vec<Vec<Work>> = (0..CLIENTS)
        .map(|client| (0..TRANSACTIONS).map(|number| Work { client, number }).collect())
        .collect();
    let mut left: Vec<&[Work]> = works.iter().map(Vec::as_slice).collect();
    let empty = STREAMS.map(|name| (name, Vec::new())).into();
    assert!(is_serial(&mut left, &empty, &found), "seed {seed}: no serial order leaves {found:?}");
    assert!(db.verify().unwrap().is_clean(), "seed {seed}");
    let busy = *busy.lock().unwrap();
    (world.trace_hash(), busy)
}

#[test]
fn clients_leave_what_a_serial_order_leaves() {
    let mut hashes = std::collections::BTreeSet::new();
    let mut conflicts = 0;
    for seed in 0..400 {
        let (hash, busy) = run(seed, Schedule::Swarm);
        hashes.insert(hash);
        conflicts += u64::from(busy > 0);
    }
    assert_eq!(hashes.len(), 400);
    assert!((100..400).contains(&conflicts), "clients met in {conflicts} of 400 runs");
}

#[test]
fn clients_do_the_same_under_the_same_seed() {
    for schedule in [Schedule::Swarm, Schedule::Uniform, Schedule::Pct { changes: 3, steps: 1000 }] {
        for seed in 0..20 {
            assert_eq!(run(seed, schedule.clone()), run(seed, schedule.clone()), "{schedule:?}, seed {seed}");
        }
    }
}
