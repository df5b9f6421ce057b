//! The audit of the whole database: every node of the persistent state is read, and the blocks found must be exactly
//! those that the free map does not have.

use std::collections::BTreeMap;

use crate::base::{BlockId, Error, Result, StreamId};
use crate::catalog::{Maps, Name, Store, StreamRecord, shown};
use crate::env::Env;
use crate::format::extent::Extent;
use crate::map::MapWalk;
use crate::space::{FIRST_USABLE_BLOCK, SpaceWalk};
use crate::tree::{Findings, Tree};
use crate::txn::{Core, UndoStack};

use super::checkpoint::wait_for_other;

/// What an audit found.
#[derive(Clone, Default, Debug)]
pub struct Verification {
    /// Streams.
    pub streams: u64,
    /// Bytes in all streams.
    pub bytes: u64,
    /// Nodes read: leaves and inner nodes of streams.
    pub nodes: u64,
    /// Blocks that the persistent state owns, superblocks included.
    pub blocks_used: u64,
    /// Blocks that are free now or after the next checkpoint.
    pub blocks_free: u64,
    /// Levels of inner nodes of the tallest stream.
    pub height: u32,
    /// Bytes in streams for each hundred bytes in the blocks of their nodes.
    pub leaf_fill_percent: u64,
    /// Bytes in streams for each hundred that as many leaves of the largest size would hold.
    pub node_fill_percent: u64,
    /// What is wrong, in sentences.
    pub problems: Vec<String>,
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// The walk so far: who claims which blocks.
#[derive(Default)]
struct Claims {
    owned: Vec<(Extent, &'static str)>,
    entries: Vec<(u64, StreamRecord)>,
    names: BTreeMap<u64, Name>,
    name_count: u64,
    trusts_leaves: bool,
}

/// Reads everything, or everything but leaves on disk. Corruption becomes a problem in the report; only failing I/O is an
/// error.
pub fn verify<E: Env>(core: &mut Core<E>, trusts_leaves: bool) -> Result<Verification> {
    // What is being written cannot be read yet, and the table of transactions has two places.
    wait_for_other(core)?;
    let mut report = Verification::default();
    let mut claims = Claims { trusts_leaves, ..Claims::default() };
    claims.owned.push((Extent { start: BlockId(0), blocks: FIRST_USABLE_BLOCK }, "the superblocks"));
    walk_catalog(core, &mut claims, &mut report)?;
    walk_undo(core, &mut claims, &mut report)?;
    walk_space(core, &mut claims, &mut report)?;
    compare(core, claims, &mut report);
    check_locks(core, &mut report);
    Ok(report)
}

/// The lock table is sound, and every lock has somebody who will give it back: a transaction, or a call that waits.
fn check_locks<E: Env>(core: &Core<E>, report: &mut Verification) {
    let table = core.locks.table();
    report.problems.extend(table.check());
    let is_lost = |txn| core.table.get(txn).is_none() && !core.locks.has_call(txn);
    if !table.is_idle() {
        let held = table.picture().locks;
        let lost = held.into_iter().filter(|lock| is_lost(lock.txn));
        report.problems.extend(lost.map(|lock| format!("{} is locked by nobody", lock.target)));
    }
}

fn walk_catalog<E: Env>(core: &mut Core<E>, claims: &mut Claims, report: &mut Verification) -> Result<()> {
    let store = &core.store;
    let Maps { names, streams } = core.catalog.maps();
    let mut walk = NodesOf { claims, what: "the names" };
    report.problems.extend(names.walk(store.names(), &mut walk)?);
    let mut walk = NodesOf { claims, what: "the table of streams" };
    report.problems.extend(streams.walk(store.streams(), &mut walk)?);
    let mut leaves = 0;
    for (id, record) in std::mem::take(&mut claims.entries) {
        let tree = core.catalog.changing(StreamId(id)).unwrap_or(&record.tree);
        report.streams += 1;
        report.height = report.height.max(u32::from(tree.height()));
        let findings = check_tree(store, tree, "a stream", claims, report)?;
        report.bytes += tree.len();
        report.nodes += findings.nodes;
        leaves += findings.leaves;
        if claims.names.get(&id) != Some(&record.name) {
            report.problems.push(format!("stream {:?} is not found by its name", shown(&record.name)));
        }
    }
    let most = leaves * store.geometry.leaf_bytes as u64;
    report.node_fill_percent = (report.bytes * 100).checked_div(most).unwrap_or(100);
    if report.streams != claims.name_count {
        report.problems.push(format!("{} names for {} streams", claims.name_count, report.streams));
    }
    Ok(())
}

fn walk_undo<E: Env>(core: &mut Core<E>, claims: &mut Claims, report: &mut Verification) -> Result<()> {
    let store = &core.store;
    for (_, state) in core.table.active() {
        check_stack(store, &state.undo, claims, report)?;
    }
    for stack in core.graveyard.stacks() {
        check_stack(store, stack, claims, report)?;
    }
    for tree in core.graveyard.trees() {
        check_tree(store, &tree, "the graveyard", claims, report)?;
    }
    let table = Tree::from_disk_form(&core.superblocks.current.table);
    check_tree(store, &table, "the transaction table", claims, report)?;
    Ok(())
}

fn check_stack<E: Env>(
    store: &Store<E>,
    stack: &UndoStack,
    claims: &mut Claims,
    report: &mut Verification,
) -> Result<()> {
    check_tree(store, stack.spilled(), "an undo stack", claims, report)?;
    let spilled = match stack.read_spilled(store) {
        Ok(spilled) => spilled,
        Err(e @ Error::Corruption { .. }) => {
            report.problems.push(e.to_string());
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    for entry in stack.recent().iter().chain(&spilled) {
        if let Some(tree) = entry.change.tree() {
            check_tree(store, tree, "an undo entry", claims, report)?;
        }
    }
    Ok(())
}

fn check_tree<E: Env>(
    store: &Store<E>,
    tree: &Tree,
    what: &'static str,
    claims: &mut Claims,
    report: &mut Verification,
) -> Result<Findings> {
    let mut findings = Findings { trusts_leaves: claims.trusts_leaves, ..Findings::default() };
    store.trees().check(tree, &mut findings)?;
    claims.owned.extend(findings.blocks.drain(..).map(|extent| (extent, what)));
    report.problems.extend(findings.problems.drain(..).map(|problem| format!("{what}: {problem}")));
    Ok(findings)
}

fn walk_space<E: Env>(core: &mut Core<E>, claims: &mut Claims, report: &mut Verification) -> Result<()> {
    let store = core.store.clone();
    let mut walk = FreeSpace { claims, blocks_free: 0 };
    let problems = core.space.check(store.free(), &mut walk)?;
    let blocks_free = walk.blocks_free;
    report.problems.extend(problems);
    let dying: Vec<Extent> = core.space.dying().chain(core.space.map_deaths()).collect();
    report.blocks_free = blocks_free + dying.iter().map(|extent| extent.blocks).sum::<u64>();
    claims.owned.extend(dying.into_iter().map(|extent| (extent, "the dying blocks")));
    Ok(())
}

/// Every block below the end of the space belongs to exactly one claim.
fn compare<E: Env>(core: &Core<E>, mut claims: Claims, report: &mut Verification) {
    claims.owned.sort_by_key(|(extent, _)| extent.start);
    let mut end = 0;
    let mut before = "nothing";
    for (extent, what) in &claims.owned {
        let start = extent.start.0;
        if start < end {
            report.problems.push(format!("blocks {start}..{end} belong to {before} and to {what}"));
        } else if start > end {
            report.problems.push(format!("blocks {end}..{start}, behind {before}, belong to nobody"));
        }
        end = end.max(extent.end().0);
        before = what;
    }
    let total = core.space.total_blocks();
    if end != total {
        report.problems.push(format!("the last claim ends at block {end}, the space at {total}"));
    }
    report.blocks_used = total.saturating_sub(report.blocks_free);
    let leaf_blocks: u64 =
        claims.owned.iter().filter(|(_, what)| *what == "a stream").map(|(e, _)| e.bytes()).sum();
    report.leaf_fill_percent = (report.bytes * 100).checked_div(leaf_blocks).unwrap_or(100);
}

struct NodesOf<'c> {
    claims: &'c mut Claims,
    what: &'static str,
}

impl MapWalk<Name, u64> for NodesOf<'_> {
    fn node(&mut self, extent: Extent) {
        self.claims.owned.push((extent, self.what));
    }
    fn entry(&mut self, name: &Name, stream: &u64) -> Result<()> {
        self.claims.names.insert(*stream, name.clone());
        self.claims.name_count += 1;
        Ok(())
    }
}

impl MapWalk<u64, StreamRecord> for NodesOf<'_> {
    fn node(&mut self, extent: Extent) {
        self.claims.owned.push((extent, self.what));
    }
    fn entry(&mut self, stream: &u64, record: &StreamRecord) -> Result<()> {
        self.claims.entries.push((*stream, record.clone()));
        Ok(())
    }
}

struct FreeSpace<'c> {
    claims: &'c mut Claims,
    blocks_free: u64,
}

impl SpaceWalk for FreeSpace<'_> {
    fn map_node(&mut self, extent: Extent) {
        self.claims.owned.push((extent, "the free map"));
    }
    fn free(&mut self, extent: Extent) {
        self.blocks_free += extent.blocks;
        self.claims.owned.push((extent, "the free space"));
    }
}
