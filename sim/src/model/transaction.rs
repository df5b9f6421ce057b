//! One open transaction of the model: what it sees on top of what is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::Streams;
use super::step::Step;

/// What a transaction did to names: the bytes that a name leads to now, or nothing.
pub type Overlay = BTreeMap<String, Option<Arc<Vec<u8>>>>;

/// An open transaction.
#[derive(Clone, Default, Debug)]
pub struct Open {
    /// Its changes.
    pub overlay: Overlay,
    /// Names whose existence it changed, even if it has undone that since.
    pub renamed: BTreeSet<String>,
    /// The changes at each savepoint, oldest first.
    pub savepoints: Vec<Overlay>,
    /// What it did, in order.
    pub steps: Vec<Step>,
}

impl Open {
    /// What `name` leads to, as this transaction sees it.
    pub fn look<'a>(&'a self, committed: &'a Streams, name: &str) -> Option<&'a Arc<Vec<u8>>> {
        match self.overlay.get(name) {
            Some(own) => own.as_ref(),
            None => committed.get(name),
        }
    }

    /// All streams, as this transaction sees them.
    pub fn view(&self, committed: &Streams) -> Streams {
        let mut view = committed.clone();
        for (name, own) in &self.overlay {
            match own {
                Some(bytes) => view.insert(name.clone(), Arc::clone(bytes)),
                None => view.remove(name),
            };
        }
        view
    }
}
