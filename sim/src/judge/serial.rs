//! Clients side by side: some order of their transactions explains everything that they were told.
//!
//! The order is looked for, since a commit that returns first need not have happened first:
//!
//! 1. A transaction that ended before another one's ending call began comes before it. Where the engine tells its commit
//!    order, that holds. Nothing else is taken for granted.
//! 2. At its place each transaction is done once more on the model, and must read what it read. One that was undone
//!    must fit at some place within its time; so must everything that a durable version showed, and the state that is
//!    found in the end.
//! 3. A commit in doubt is tried in both ways.
//! 4. The search never visits the same transactions with the same effects twice, and gives up after [`STEPS_MAX`].
//!
//! Who got `Busy` is asked for apart: somebody must have been in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Asked, Concurrent, Ending, Model, Span, Step, Streams, Txn};
use crate::world::{checksum, mix};

use super::Finding;
use super::answer::agrees;
use super::observer::{Observer, observers};

/// Transactions in one history, and looks and lists beside them, at most.
pub const TXNS_MAX: usize = 256;
/// Transactions that a search may try.
const STEPS_MAX: u64 = 20_000;

/// An order that explains a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Serial {
    /// The transactions with effects, by their places in the record; and whether they had them.
    pub order: Vec<(usize, bool)>,
    /// The state in the end.
    pub state: Streams,
    /// Whether the search went on until it knew. If not, this is the record's own order, and nothing is claimed.
    pub decided: bool,
}

/// Some of a history's transactions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Set([u64; TXNS_MAX / 64]);

impl Set {
    pub(super) fn contains(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    #[must_use]
    pub(super) fn with(mut self, at: usize) -> Set {
        self.0[at / 64] |= 1 << (at % 64);
        self
    }
}

/// Looks for an order that explains `history`, and that leaves `found` once everything acknowledged is in it.
///
/// # Errors
/// If there is none, or somebody was refused for no reason.
///
/// # Panics
/// If there are more than [`TXNS_MAX`] transactions.
pub fn check_serial(history: &Concurrent, found: Option<&Streams>) -> Result<Serial, Finding> {
    assert!(history.txns.len() <= TXNS_MAX, "a history has {TXNS_MAX} transactions at most");
    check_refusals(history)?;
    let mut search = Search::new(history, found);
    let beginning = history.base.last().expect("invariant: a history begins with a state").clone();
    assert!(search.observers.len() <= TXNS_MAX, "a history has {TXNS_MAX} observers at most");
    if search.descend(Node::default(), &beginning) {
        let state = search.left.take().unwrap_or(beginning);
        return Ok(Serial { order: search.order, state, decided: true });
    }
    if search.steps == 0 {
        return Ok(Serial { order: Vec::new(), state: beginning, decided: false });
    }
    let best = search.deepest.1;
    match found {
        Some(_) => {
            Err(Finding::new("serial recovery", format!("no serial order leaves what is there: {best}")))
        }
        None => Err(Finding::new("serialisability", format!("no serial order explains the answers: {best}"))),
    }
}

/// That a refusal because of a fault came with one, and a refusal because of somebody else with somebody.
fn check_refusals(history: &Concurrent) -> Result<(), Finding> {
    for (at, txn) in history.txns.iter().enumerate() {
        for asked in &txn.asked {
            if asked.failed() && !history.faulty {
                let what =
                    format!("a step failed without a fault: {:?} of client {}", asked.step, txn.client);
                return Err(Finding::new("serialisability", what));
            }
            let others = || history.txns.iter().enumerate().filter(|(other, _)| *other != at);
            if asked.was_busy() && !others().any(|(_, other)| is_in_the_way(other, asked, history.faulty)) {
                let what = format!("a step was refused and nobody was in its way: {:?}", asked.step);
                return Err(Finding::new("serialisability", what));
            }
        }
    }
    Ok(())
}

/// Whether `other` may have held a lock that `asked` needs, or waited for one: bytes are not told apart.
fn is_in_the_way(other: &Txn, asked: &Asked, faulty: bool) -> bool {
    // What could not be rolled back after a fault keeps its locks.
    let life = if faulty { Span { to: Span::NEVER, ..other.life() } } else { other.life() };
    let names = asked.names();
    let mut earlier = other.asked.iter().filter(|theirs| theirs.span.from < asked.span.to);
    life.meets(asked.span)
        && earlier.any(|theirs| match (&theirs.step, &asked.step) {
            (Step::List, _) => asked.announces(),
            (_, Step::List) => theirs.announces(),
            _ => theirs.names().iter().any(|name| names.contains(name)),
        })
}

/// Does a transaction once more in `state`. Returns what it makes of it.
///
/// # Errors
/// What it was told and would not be told here.
pub(super) fn replay(txn: &Txn, state: &Streams) -> Result<Streams, String> {
    const NUMBER: u64 = 1;
    let mut model = Model::new(state.clone());
    model.begin(NUMBER);
    for asked in txn.asked.iter().filter(|asked| asked.counts()) {
        let Some(got) = &asked.got else {
            let done = model.step(NUMBER, &asked.step);
            done.map_err(|codes| format!("{:?} cannot have been done: {codes:?}", asked.step))?;
            continue;
        };
        let expected = model.step(NUMBER, &asked.step);
        if !agrees(got.as_ref().map_err(|code| *code), &expected) {
            return Err(format!("{:?} answered {got:?} instead of {expected:?}", asked.step));
        }
    }
    model.commit(NUMBER, false);
    Ok(model.history().newest().clone())
}

/// How far a search has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Node {
    /// The transactions that have their place.
    pub(super) placed: Set,
    /// Of those, the ones that happened.
    effective: Set,
    /// The observers that have seen what they must.
    pub(super) matched: Set,
}

struct Search<'h> {
    history: &'h Concurrent,
    /// Transactions that may have effects, in the order in which they are tried.
    items: Vec<usize>,
    observers: Vec<Observer<'h>>,
    /// Nodes that lead nowhere, each with the sum of its state.
    seen: BTreeSet<(Node, u64)>,
    /// Sums of streams, by where these lie.
    sums: BTreeMap<usize, (Arc<Vec<u8>>, u64)>,
    /// Steps that are left.
    steps: u64,
    order: Vec<(usize, bool)>,
    /// The state in the end.
    left: Option<Streams>,
    /// Of the longest order so far: its length, and why it does not go on.
    deepest: (usize, String),
}

impl<'h> Search<'h> {
    fn new(history: &'h Concurrent, found: Option<&'h Streams>) -> Search<'h> {
        let mut items: Vec<usize> =
            (0..history.txns.len()).filter(|at| history.txns[*at].ending != Ending::Undone).collect();
        // Mostly the first to return was the first to commit.
        items.sort_by_key(|at| (history.txns[*at].order, history.txns[*at].end.to));
        Search {
            history,
            items,
            observers: observers(history, found),
            seen: BTreeSet::new(),
            sums: BTreeMap::new(),
            steps: STEPS_MAX,
            order: Vec::new(),
            left: None,
            deepest: (0, "nothing fits".to_owned()),
        }
    }

    /// When the effects of a transaction came about.
    fn span(&self, at: usize) -> Span {
        span_of(&self.history.txns[at])
    }

    /// Whether nothing that is still to come has to come before transaction `at`.
    fn is_next(&self, at: usize, node: &Node) -> bool {
        let (span, order) = (self.span(at), self.history.txns[at].order);
        let mut open = self.items.iter().filter(|other| **other != at && !node.placed.contains(**other));
        !open.any(|other| {
            let theirs = self.history.txns[*other].order;
            self.span(*other).is_before(span) || (theirs.is_some() && order.is_some() && theirs < order)
        })
    }

    /// A number that differs for other states.
    fn sum(&mut self, state: &Streams) -> u64 {
        let sums = &mut self.sums;
        state.iter().fold(0, |sum, (name, bytes)| {
            let place = Arc::as_ptr(bytes).addr();
            let (_, of_bytes) = sums.entry(place).or_insert_with(|| (Arc::clone(bytes), checksum(bytes)));
            mix(mix(sum ^ checksum(name.as_bytes())) ^ *of_bytes)
        })
    }

    /// Lets everybody look who may; some may only when others have.
    fn look(&mut self, node: &mut Node, state: &Streams) {
        loop {
            let before = node.matched;
            for at in 0..self.observers.len() {
                if !node.matched.contains(at) && self.observers[at].sees(self.history, node, state) {
                    node.matched = node.matched.with(at);
                }
            }
            if node.matched == before {
                return;
            }
        }
    }

    /// Goes on from `node`, where the state is `state`. Whether that came to a good end.
    fn descend(&mut self, mut node: Node, state: &Streams) -> bool {
        self.look(&mut node, state);
        let sum = self.sum(state);
        if !self.seen.insert((node, sum)) {
            return false;
        }
        if let Some(blind) = self
            .observers
            .iter()
            .enumerate()
            .find(|(at, observer)| !node.matched.contains(*at) && observer.is_over(self.history, &node))
        {
            self.stuck(&blind.1.describe(state));
            return false;
        }
        let open: Vec<usize> = self.items.iter().copied().filter(|at| !node.placed.contains(*at)).collect();
        if open.is_empty() {
            let blind = (0..self.observers.len()).find(|at| !node.matched.contains(*at));
            match blind {
                Some(at) => self.stuck(&self.observers[at].describe(state)),
                None => self.left = Some(state.clone()),
            }
            return blind.is_none();
        }
        open.into_iter().filter(|at| self.is_next(*at, &node)).collect::<Vec<_>>().into_iter().any(|at| {
            let placed = Node { placed: node.placed.with(at), ..node };
            self.place(at, placed, state)
        })
    }

    /// Puts transaction `at` behind what is placed.
    fn place(&mut self, at: usize, node: Node, state: &Streams) -> bool {
        let txn = &self.history.txns[at];
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            return false;
        }
        let after = match replay(txn, state) {
            Ok(after) => after,
            // What it asked last may not have been done: then it was not.
            Err(_) if txn.ending == Ending::InDoubt && txn.asked.iter().any(|asked| asked.got.is_none()) => {
                return self.go_on(at, false, node, state);
            }
            Err(why) => {
                self.stuck(&format!("the next one, of client {}, was told otherwise: {why}", txn.client));
                return false;
            }
        };
        let happened = Node { effective: node.effective.with(at), ..node };
        self.go_on(at, true, happened, &after)
            || (txn.ending == Ending::InDoubt && self.go_on(at, false, node, state))
    }

    fn go_on(&mut self, at: usize, effective: bool, node: Node, state: &Streams) -> bool {
        self.order.push((at, effective));
        let good = self.descend(node, state);
        if !good {
            self.order.pop();
        }
        good
    }

    /// Notes why the order ends here.
    fn stuck(&mut self, why: &str) {
        if self.order.len() >= self.deepest.0 {
            self.deepest = (self.order.len(), format!("behind {} transactions, {why}", self.order.len()));
        }
    }
}

/// When the effects of a transaction came about: one in doubt may come to light much later.
pub(super) fn span_of(txn: &Txn) -> Span {
    match txn.ending {
        Ending::InDoubt => Span { to: Span::NEVER, ..txn.end },
        Ending::Committed { .. } | Ending::Undone => txn.end,
    }
}

#[cfg(test)]
mod tests;
