//! Two real editing histories, replayed keystroke by keystroke, with crashes in the middle.
//!
//! Why: people edit where they edited before, delete what they just typed and jump; random positions do none of that.
//! How: one database transaction per recorded transaction, half of them `Deferred`, on the simulated disk; now and
//! then the process is killed or the power fails while a transaction is half done. What was acknowledged must be
//! there, what was not must be gone, and in the end the stream is exactly the recorded end.

use numstore::{Database, Durability, Options, Stream};
use sim::world::SimEnv;
use tests::{Crash, Lab, Patch, Trace, small};

const NAME: &str = "document";

/// How many crashes a replay meets.
const CRASHES: usize = 8;

fn apply(stream: &Stream<'_, SimEnv>, patches: &[Patch]) {
    for patch in patches {
        stream.splice(patch.position, patch.deleted, &patch.inserted).unwrap();
    }
}

fn commit(db: &Database<SimEnv>, patches: &[Patch], durability: Durability) {
    let transaction = db.begin().unwrap();
    apply(&transaction.stream(NAME).unwrap(), patches);
    transaction.commit_with(durability).unwrap();
}

/// Makes all of it durable, crashes with the next recorded transaction half done, and recovers.
fn crash(lab: &Lab, db: Database<SimEnv>, next: &[Patch], crash: Crash, model: &[u8]) -> Database<SimEnv> {
    db.sync().unwrap();
    let open = db.begin().unwrap();
    apply(&open.stream(NAME).unwrap(), &next[..next.len().div_ceil(2)]);
    lab.crash(crash);
    drop(open);
    drop(db);
    let db = lab.open_and_verify();
    assert!(
        db.read(NAME, ..).unwrap() == model,
        "what was durable is there after the {crash:?}, and only that"
    );
    db
}

fn replay(name: &str, options: Options) {
    let trace = Trace::load(name);
    let lab = Lab::new(7, options);
    let mut db = lab.open();
    db.create(NAME).unwrap();
    let mut model = Vec::new();
    let between = trace.transactions.len() / (CRASHES + 1);
    for (at, patches) in trace.transactions.iter().enumerate() {
        let durability = if at.is_multiple_of(2) { Durability::Sync } else { Durability::Deferred };
        commit(&db, patches, durability);
        patches.iter().for_each(|patch| patch.apply(&mut model));
        if at % between == between - 1 {
            let kind = if (at / between).is_multiple_of(2) { Crash::PowerLoss } else { Crash::Kill };
            let next = trace.transactions.get(at + 1).map_or(&[][..], Vec::as_slice);
            db = crash(&lab, db, next, kind, &model);
        }
    }
    assert!(model == trace.end, "the model itself ends as recorded");
    db.sync().unwrap();
    assert!(db.read(NAME, ..).unwrap() == trace.end, "the stream ends as recorded");
    db.close().unwrap();
    assert!(lab.open_and_verify().read(NAME, ..).unwrap() == trace.end, "and still after closing");
}

#[test]
fn svelte_component_with_small_leaves() {
    replay("sveltecomponent", small().checkpoint_log_bytes(256 << 10));
}

#[test]
fn svelte_component_with_default_leaves() {
    replay("sveltecomponent", Options::new());
}

#[test]
fn rust_code_with_small_leaves() {
    replay("rustcode", small().checkpoint_log_bytes(256 << 10));
}

#[test]
fn rust_code_with_default_leaves() {
    replay("rustcode", Options::new());
}
