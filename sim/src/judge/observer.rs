//! What must fit at some place of a serial order and changes nothing there: undone transactions, lists, durable versions
//! that were looked at, and the state that is found in the end.

use std::collections::BTreeSet;

use crate::model::{Answer, Asked, Concurrent, Ending, Look, Model, Span, Step, Streams, Txn};

use super::describe_difference;
use super::serial::{Node, agrees, len_in, replay, span_of};

/// Somebody who has to see a state that explains what it was told.
pub(super) enum Observer<'h> {
    /// A transaction without effects: all that it read was there at once, for it kept others away until its end.
    Undone(&'h Txn),
    /// A list: what it says of the streams of others, at one moment of the call.
    List {
        asked: &'h Asked,
        list: &'h [(String, u64)],
        /// What it says of these is the transaction's own business.
        own: BTreeSet<&'h str>,
    },
    /// A durable version; those that were taken later show no less.
    Look(&'h Look),
    /// What is there in the end: everything that was acknowledged, or shown as durable, is in it.
    Found(&'h Streams),
}

/// Everybody who has to see something. The looks come first, in their order.
pub(super) fn observers<'h>(history: &'h Concurrent, found: Option<&'h Streams>) -> Vec<Observer<'h>> {
    let looks = history.looks.iter().map(Observer::Look);
    let undone = history.txns.iter().filter(|txn| txn.ending == Ending::Undone).map(Observer::Undone);
    let lists = history.txns.iter().flat_map(|txn| {
        txn.asked.iter().enumerate().filter_map(|(at, asked)| match (&asked.step, &asked.got) {
            (Step::List, Some(Ok(Answer::Streams(list)))) => {
                Some(Observer::List { asked, list, own: txn.touched(at) })
            }
            _ => None,
        })
    });
    looks.chain(found.map(Observer::Found)).chain(undone).chain(lists).collect()
}

impl Observer<'_> {
    /// When it looked.
    fn span(&self) -> Span {
        match self {
            Observer::Undone(txn) => txn.end,
            Observer::List { asked, .. } => asked.span,
            Observer::Look(look) => look.taken,
            Observer::Found(_) => Span { from: 0, to: Span::NEVER },
        }
    }

    /// Whether it sees behind the transactions of `node`, in `state`, what it was told.
    pub(super) fn sees(&self, history: &Concurrent, node: &Node, state: &Streams) -> bool {
        if !self.may_look(history, node) || self.is_over(history, node) {
            return false;
        }
        // Before the first of them several states may have been durable.
        let begins = node.placed == Default::default();
        let states = if begins { &history.base[..] } else { std::slice::from_ref(state) };
        match self {
            Observer::Undone(txn) => replay(txn, state).is_ok(),
            Observer::List { list, own, .. } => is_list_of(list, own, state),
            Observer::Look(look) => states.iter().any(|state| look.asked.iter().all(|a| is_read(a, state))),
            Observer::Found(found) => states.contains(found),
        }
    }

    /// Whether everything is placed that it cannot have missed.
    fn may_look(&self, history: &Concurrent, node: &Node) -> bool {
        let lasts = |txn: &Txn| txn.ending == Ending::Committed { durable: true };
        let missed = |must: &dyn Fn(&Txn) -> bool| {
            let mut txns = history.txns.iter().enumerate();
            txns.any(|(at, txn)| txn.ending != Ending::Undone && must(txn) && !node.placed.contains(at))
        };
        let looks_before = |span: Span| {
            history
                .looks
                .iter()
                .enumerate()
                .all(|(at, look)| !look.taken.is_before(span) || node.matched.contains(at))
        };
        match self {
            Observer::Undone(_) | Observer::List { .. } => {
                !missed(&|txn| span_of(txn).is_before(self.span()))
            }
            Observer::Look(_) => {
                !missed(&|txn| lasts(txn) && txn.end.is_before(self.span())) && looks_before(self.span())
            }
            Observer::Found(_) => {
                !missed(&lasts) && (0..history.looks.len()).all(|at| node.matched.contains(at))
            }
        }
    }

    /// Whether something is placed that began when it had looked already.
    pub(super) fn is_over(&self, history: &Concurrent, node: &Node) -> bool {
        let mut txns = history.txns.iter().enumerate();
        txns.any(|(at, txn)| node.placed.contains(at) && self.span().is_before(span_of(txn)))
    }

    /// What it misses, where `state` is the last one that there was.
    pub(super) fn describe(&self, state: &Streams) -> String {
        match self {
            Observer::Undone(txn) => {
                let asked: Vec<&Asked> = txn.asked.iter().collect();
                format!("an undone one, of client {}, fits nowhere: {asked:?}", txn.client)
            }
            Observer::List { list, .. } => format!("a list fits nowhere: {list:?}"),
            Observer::Look(look) => {
                format!("a durable version, seen by client {}, fits nowhere: {:?}", look.client, look.asked)
            }
            Observer::Found(found) => {
                format!("the state that is found has not come up: {}", describe_difference(state, found))
            }
        }
    }
}

/// Whether a durable version in `state` answers so.
fn is_read(asked: &Asked, state: &Streams) -> bool {
    asked.failed() || asked.got.as_ref().is_some_and(|got| agrees(got, &Model::read(state, &asked.step)))
}

/// Whether a list shows the streams of `state`, but for the names in `own`.
fn is_list_of(list: &[(String, u64)], own: &BTreeSet<&str>, state: &Streams) -> bool {
    let listed = list.iter().map(|(name, _)| name.as_str());
    let there = state.keys().map(String::as_str);
    let mut others = listed.chain(there).filter(|name| !own.contains(name));
    others.all(|name| len_in(list, name) == state.get(name).map(|bytes| bytes.len() as u64))
}
