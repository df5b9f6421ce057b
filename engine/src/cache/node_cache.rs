//! Decoded nodes, kept until a byte budget is spent; evicted by CLOCK, so that one scan does not empty it of what is
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
    slots: Vec<Slot>,
    by_block: IdMap<BlockId, usize>,
    hand: usize,
}

struct Slot {
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
            Entries { budget_bytes, used_bytes: 0, slots: Vec::new(), by_block: IdMap::default(), hand: 0 };
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
        let found = self.shelf.entries.read().get(reference, claim);
        match found.and_then(|node| node.downcast().ok()) {
            Some(node) => {
                self.shelf.hits.fetch_add(1, Ordering::Relaxed);
                Some(node)
            }
            None => {
                self.shelf.misses.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Keeps `node`, which is what stands behind `reference`, and evicts others if the budget is spent.
    pub fn insert(&self, reference: &BlockRef, claim: u64, node: Arc<T>) {
        let weight = node.weight();
        let slot = Slot { reference: *reference, claim, weight, referenced: AtomicBool::new(false), node };
        self.shelf.entries.lock().insert(slot);
    }
}

impl Entries {
    fn get(&self, reference: &BlockRef, claim: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        let slot = &self.slots[*self.by_block.get(&reference.block)?];
        let careless = mutant!("a cached node answers for its block");
        if (slot.reference != *reference && !careless) || slot.claim != claim {
            reached!("a cached node has another one's block", slot.reference != *reference);
            let alike = slot.reference.bytes == reference.bytes;
            reached!("a cached node has another one's block and length", alike && slot.claim == claim);
            return None;
        }
        slot.referenced.store(true, Ordering::Relaxed);
        Some(Arc::clone(&slot.node))
    }

    fn insert(&mut self, slot: Slot) {
        self.used_bytes += slot.weight;
        match self.by_block.get(&slot.reference.block) {
            Some(&at) => {
                self.used_bytes -= self.slots[at].weight;
                self.slots[at] = slot;
            }
            None => {
                self.by_block.insert(slot.reference.block, self.slots.len());
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
            reached!("a cached node got a second chance");
        }
        let victim = self.slots.swap_remove(self.hand);
        reached!("a node was evicted before anybody asked for it again", Arc::strong_count(&victim.node) > 1);
        self.by_block.remove(&victim.reference.block);
        self.used_bytes -= victim.weight;
        if let Some(moved) = self.slots.get(self.hand) {
            self.by_block.insert(moved.reference.block, self.hand);
        }
    }
}
