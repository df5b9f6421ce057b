//! Clean nodes, kept until a byte budget is spent; evicted by CLOCK, so that one scan does not empty it of what is
//! used again and again.
//!
//! All kinds of nodes share one [`Shelf`] and its budget; a [`NodeCache`] is the view of it that one kind has.
//!
//! Invariants:
//! 1. An entry answers only for the very reference it was kept under, checksums included: blocks are used again, and a
//!    stale entry must never answer, not even if the new node begins like the old one.
//! 2. It answers only what the parent it was read for claimed of it (a height, a byte count): where a damaged file has two
//!    parents that differ about one node, the second one does not get the first one's answer.
//! 3. Cached nodes are immutable; whoever changes one clones it first.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::{BlockId, IdMap};
use crate::env::Platform;
use crate::format::block_ref::BlockRef;
use crate::sync::Latched;

/// What a cached value takes in memory, in bytes.
pub trait Weigh {
    /// About how many bytes of memory the value takes.
    fn weight(&self) -> usize;
}

/// The nodes of all kinds that are kept in memory.
pub struct Shelf<P: Platform> {
    entries: Latched<Entries, P>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The nodes of one kind on a [`Shelf`].
pub struct NodeCache<T, P: Platform> {
    shelf: Arc<Shelf<P>>,
    kind: PhantomData<fn() -> T>,
}

struct Entries {
    budget_bytes: usize,
    used_bytes: usize,
    /// The entries themselves, not places in a list of them: a look-up waits for memory once less.
    by_block: IdMap<BlockId, Entry>,
    /// The blocks in the order in which the hand passes them.
    clock: Vec<BlockId>,
    hand: usize,
}

struct Entry {
    reference: BlockRef,
    claim: u64,
    weight: usize,
    referenced: AtomicBool,
    node: Arc<dyn Any + Send + Sync>,
}

impl<P: Platform> Shelf<P> {
    /// An empty shelf that holds about `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Arc<Shelf<P>> {
        let entries =
            Entries { budget_bytes, used_bytes: 0, by_block: IdMap::default(), clock: Vec::new(), hand: 0 };
        Arc::new(Shelf { entries: Latched::new(entries), hits: AtomicU64::new(0), misses: AtomicU64::new(0) })
    }

    /// How many look-ups found their node, and how many did not.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}

impl<T: Weigh + Send + Sync + 'static, P: Platform> NodeCache<T, P> {
    /// The view of `shelf` for one kind of node.
    pub fn on(shelf: &Arc<Shelf<P>>) -> Self {
        NodeCache { shelf: Arc::clone(shelf), kind: PhantomData }
    }

    /// The node behind `reference`, if it is cached and was as its parent `claim`s.
    pub fn get(&self, reference: &BlockRef, claim: u64) -> Option<Arc<T>> {
        let found = self.shelf.entries.read().find(reference, claim).map(Arc::clone);
        self.count(found.and_then(|node| node.downcast().ok()))
    }

    /// As [`NodeCache::get`], for a `look` that takes only an instant and does not come back to the cache: who gets the node
    /// itself waits for the memory that counts its holders before anything else of it is fetched.
    pub fn look<R>(&self, reference: &BlockRef, claim: u64, look: impl FnOnce(&T) -> R) -> Option<R> {
        let entries = self.shelf.entries.read();
        let node = entries.find(reference, claim).and_then(|node| node.downcast_ref());
        self.count(node.map(look))
    }

    fn count<R>(&self, found: Option<R>) -> Option<R> {
        let counter = if found.is_some() { &self.shelf.hits } else { &self.shelf.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Keeps `node`, which is what stands behind `reference`, and evicts others if the budget is spent.
    pub fn insert(&self, reference: &BlockRef, claim: u64, node: Arc<T>) {
        let weight = node.weight();
        let entry = Entry { reference: *reference, claim, weight, referenced: AtomicBool::new(false), node };
        self.shelf.entries.lock().insert(entry);
    }
}

impl Entries {
    fn find(&self, reference: &BlockRef, claim: u64) -> Option<&Arc<dyn Any + Send + Sync>> {
        let entry = self.by_block.get(&reference.block)?;
        if entry.reference != *reference || entry.claim != claim {
            return None;
        }
        entry.referenced.store(true, Ordering::Relaxed);
        Some(&entry.node)
    }

    fn insert(&mut self, entry: Entry) {
        let block = entry.reference.block;
        self.used_bytes += entry.weight;
        match self.by_block.insert(block, entry) {
            Some(old) => self.used_bytes -= old.weight,
            None => self.clock.push(block),
        }
        while self.used_bytes > self.budget_bytes && self.clock.len() > 1 {
            self.evict_one();
        }
    }

    fn evict_one(&mut self) {
        loop {
            self.hand = if self.hand + 1 < self.clock.len() { self.hand + 1 } else { 0 };
            let entry = &self.by_block[&self.clock[self.hand]];
            if !entry.referenced.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        let victim = self.clock.swap_remove(self.hand);
        let victim = self.by_block.remove(&victim).expect("invariant: the clock has the blocks of the map");
        self.used_bytes -= victim.weight;
    }
}
