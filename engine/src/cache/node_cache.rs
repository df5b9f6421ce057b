//! Decoded nodes, kept until a byte budget is spent; evicted by CLOCK, so that one scan does not empty it of what is
//! used again and again.
//!
//! Invariants:
//! 1. An entry answers only for the very reference it was kept under, checksums included: blocks are used again, and a
//!    stale entry must never answer, not even if the new node begins like the old one.
//! 2. Cached nodes are immutable; whoever changes one clones it first.

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

/// A cache of nodes of one kind.
pub struct NodeCache<T, P: Platform> {
    shelf: Latched<Shelf<T>, P>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Shelf<T> {
    budget_bytes: usize,
    used_bytes: usize,
    slots: Vec<Slot<T>>,
    by_block: IdMap<BlockId, usize>,
    hand: usize,
}

struct Slot<T> {
    reference: BlockRef,
    weight: usize,
    referenced: AtomicBool,
    node: Arc<T>,
}

impl<T: Weigh, P: Platform> NodeCache<T, P> {
    /// An empty cache that holds about `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        let shelf =
            Shelf { budget_bytes, used_bytes: 0, slots: Vec::new(), by_block: IdMap::default(), hand: 0 };
        NodeCache { shelf: Latched::new(shelf), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The node behind `reference`, if it is cached.
    pub fn get(&self, reference: &BlockRef) -> Option<Arc<T>> {
        let shelf = self.shelf.read();
        let found = shelf.by_block.get(&reference.block).map(|&at| &shelf.slots[at]);
        match found.filter(|slot| slot.reference == *reference) {
            Some(slot) => {
                slot.referenced.store(true, Ordering::Relaxed);
                self.hits.fetch_add(1, Ordering::Relaxed);
                Some(Arc::clone(&slot.node))
            }
            None => {
                self.misses.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Keeps `node`, which is what stands behind `reference`, and evicts others if the budget is spent.
    pub fn insert(&self, reference: &BlockRef, node: Arc<T>) {
        self.shelf.lock().insert(reference, node);
    }

    /// How many look-ups found their node, and how many did not.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}

impl<T: Weigh> Shelf<T> {
    fn insert(&mut self, reference: &BlockRef, node: Arc<T>) {
        let weight = node.weight();
        let slot = Slot { reference: *reference, weight, referenced: AtomicBool::new(false), node };
        self.used_bytes += weight;
        match self.by_block.get(&reference.block) {
            Some(&at) => {
                self.used_bytes -= self.slots[at].weight;
                self.slots[at] = slot;
            }
            None => {
                self.by_block.insert(reference.block, self.slots.len());
                self.slots.push(slot);
            }
        }
        while self.used_bytes > self.budget_bytes && self.slots.len() > 1 {
            self.evict_one();
        }
    }

    fn evict_one(&mut self) {
        loop {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            if !self.slots[self.hand].referenced.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        let victim = self.slots.swap_remove(self.hand);
        self.by_block.remove(&victim.reference.block);
        self.used_bytes -= victim.weight;
        if let Some(moved) = self.slots.get(self.hand) {
            self.by_block.insert(moved.reference.block, self.hand);
        }
    }
}
