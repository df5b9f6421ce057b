//! What must fit at some place of a serial order and changes nothing there: undone transactions, durable versions
//! that were looked at, and the state that is found in the end.

use crate::model::{Asked, Concurrent, Ending, Got, Look, Model, Span, Streams, Txn};

use super::answer::agrees;
use super::describe_difference;
use super::serial::{Node, replay, span_of};

/// Somebody who has to see a state that explains what it was told.
pub(super) enum Observer<'h> {
    /// A transaction without effects: all that it read was there at once, for it kept others away until its end.
    Undone(&'h Txn),
    /// An undone transaction that has only looked, and when it did last: what it saw was durable by then and lasts,
    /// whatever became of the transaction.
    Shown(&'h Txn, Span),
    /// A durable version; those that were taken later show no less.
    Look(&'h Look),
    /// What is there in the end: everything that was acknowledged, or shown as durable, is in it.
    Found(&'h Streams),
}

/// Everybody who has to see something. The looks come first, in their order, then those who were shown what lasts.
pub(super) fn observers<'h>(history: &'h Concurrent, found: Option<&'h Streams>) -> Vec<Observer<'h>> {
    let looks = history.looks.iter().map(Observer::Look);
    let undone = history.txns.iter().filter(|txn| txn.ending == Ending::Undone).map(Observer::Undone);
    let shown = shown(history).map(|(txn, span)| Observer::Shown(txn, span));
    looks.chain(shown).chain(found.map(Observer::Found)).chain(undone).collect()
}

/// The transactions that were shown nothing but what lasts, and when for the last time.
fn shown(history: &Concurrent) -> impl Iterator<Item = (&Txn, Span)> {
    let undone = history.txns.iter().filter(|txn| txn.ending == Ending::Undone && history.lasts_for(txn));
    undone.filter_map(|txn| Some((txn, txn.asked.iter().rev().find(|asked| asked.counts())?.span)))
}

impl Observer<'_> {
    /// When it looked.
    fn span(&self) -> Span {
        match self {
            Observer::Undone(txn) => txn.end,
            Observer::Shown(_, span) => *span,
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
            Observer::Undone(txn) | Observer::Shown(txn, _) => replay(txn, state).is_ok(),
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
            Observer::Undone(_) => !missed(&|txn| span_of(txn).is_before(self.span())),
            Observer::Shown(..) => !missed(&|txn| lasts(txn) && txn.end.is_before(self.span())),
            Observer::Look(_) => {
                !missed(&|txn| lasts(txn) && txn.end.is_before(self.span())) && looks_before(self.span())
            }
            Observer::Found(_) => {
                let shown = history.looks.len() + shown(history).count();
                let seen = (0..shown).all(|at| node.matched.contains(at));
                !missed(&lasts) && seen
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
            Observer::Shown(txn, _) => {
                format!("what client {} was shown has not come up: {:?}", txn.client, txn.asked)
            }
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
    let expected = || Model::read(state, &asked.step);
    let fits = |got: &Got| agrees(got.as_ref().map_err(|code| *code), &expected());
    asked.failed() || asked.got.as_ref().is_some_and(fits)
}
