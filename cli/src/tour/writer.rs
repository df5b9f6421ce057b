//! Edits by plan. As a process of its own, to be killed: acknowledges each commit on standard output.
//!
//! 1. A commit's number is written to standard output only after the commit has returned.
//! 2. While the process edits, a second transaction is open that never ends: after a kill there is a loser for sure.
//! 3. Now and then everything logged is made durable in the middle of a transaction: then a kill leaves two.

use std::io::{Read, Write};

use numstore::{Database, Options};

use super::plan::{Offsets, Plan, Settings};
use super::traces;
use super::{BYSTANDER, STREAM};
use crate::args;
use crate::failure::{Failure, Result};

/// In one of so many commits, the log is made durable half way.
const SYNC_HALF_WAY_EVERY: usize = 8;

/// The hidden command: makes commits from `args.from` on, to be killed at any moment.
pub fn run(args: &args::TourWriter) -> Result {
    let settings = Settings { size: args.size, seed: args.seed, group: args.group, edits: args.edits };
    let plan = Plan::new(traces::load()?, &settings);
    let mut offsets = Offsets::after(&plan, args.from);
    let db = Options::new().create(false).open(&args.db)?;
    let bystander = db.begin()?;
    let doomed = bystander.stream(BYSTANDER)?;
    acknowledge("ready")?;
    for commit in args.from..plan.grouped {
        doomed.append(format!("during commit {commit}\n").as_bytes())?;
        apply(&db, &plan, &mut offsets, commit, commit % SYNC_HALF_WAY_EVERY == 0)?;
        acknowledge(commit)?;
    }
    // Done before it was killed: wait for it, or for the end of the parent. The bystander stays open meanwhile.
    let mut rest = Vec::new();
    let waited = std::io::stdin().read_to_end(&mut rest);
    waited.map(drop).map_err(|e| Failure::Tour(format!("the parent cannot be heard: {e}")))
}

/// Tells the parent that something is done.
fn acknowledge(what: impl std::fmt::Display) -> Result {
    let line = format!("{what}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Stdout)
}

/// Makes one commit of the plan; returns when it is durable.
pub fn apply(
    db: &Database,
    plan: &Plan,
    offsets: &mut Offsets,
    commit: usize,
    sync_half_way: bool,
) -> Result {
    let place = plan.commits[commit].place;
    let start = offsets.start(plan, place);
    let half = if sync_half_way { plan.patches(commit).count() / 2 } else { usize::MAX };
    let tx = db.begin()?;
    let stream = tx.stream(STREAM)?;
    for (i, patch) in plan.patches(commit).enumerate() {
        stream.splice(start + patch.at, patch.deleted, &patch.inserted)?;
        offsets.edited(place, patch);
        if i == half {
            db.sync()?;
        }
    }
    Ok(tx.commit()?)
}
