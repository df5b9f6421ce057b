//! Tasks that load nodes while others drive them out. What a task does is what `TreeSource::load` does in
//! `engine/src/tree/source.rs`, with the shelf and the cache of the engine itself: it looks for the node, and if it is not
//! there it reads it and leaves it behind for others. In place of the file stands a node that is made on the spot.
//!
//! In each model a node says what its reference says: that of no other block, and not what stood in the block before.

use std::sync::Arc;

use loom::thread;
use numstore::BlockId;
use numstore::internals::{BlockRef, NodeCache, Shelf, Weigh};

use crate::{Flavor, LoomPlatform, Sure, Watched};

/// A node, whose content is written when it is loaded and read by whoever gets it.
struct Page(Watched);

impl Weigh for Page {
    fn weight(&self) -> usize {
        1
    }
}

struct Shared<F: Flavor> {
    cache: NodeCache<Page, LoomPlatform<Sure<F>>>,
}

/// The reference to a node in `block` that says `content`.
fn reference(block: u64, content: u32) -> BlockRef {
    BlockRef { block: BlockId(block), bytes: 1, sums: [content, 0, 0, 0] }
}

impl<F: Flavor> Shared<F> {
    /// A cache that holds so many nodes.
    fn new(nodes: usize) -> Arc<Shared<F>> {
        Arc::new(Shared { cache: NodeCache::on(&Shelf::new(nodes)) })
    }

    fn load(&self, reference: &BlockRef) -> Arc<Page> {
        if let Some(page) = self.cache.get(reference, 0) {
            return page;
        }
        let page = Page(Watched::new(0));
        page.0.set(reference.sums[0]);
        let page = Arc::new(page);
        self.cache.insert(reference, 0, Arc::clone(&page));
        page
    }

    /// Loads a node and looks at it, also where it lies.
    fn look(&self, reference: &BlockRef) {
        assert_eq!(self.load(reference).0.get(), reference.sums[0], "a node says what its reference says");
        let there = self.cache.look(reference, 0, |page| page.0.get());
        assert!(there.is_none_or(|content| content == reference.sums[0]), "so does one that is still there");
    }
}

/// Each task looks at its nodes, one after the other.
fn all_look<F: Flavor, const TASKS: usize>(nodes: usize, looks: [&'static [(u64, u32)]; TASKS]) {
    let shared = Shared::<F>::new(nodes);
    let tasks = looks.map(|looks| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            looks.iter().for_each(|(block, content)| shared.look(&reference(*block, *content)))
        })
    });
    tasks.into_iter().for_each(|task| task.join().expect("no task panics"));
}

/// Two load one node at once: one of the two copies stays.
pub fn two_load_one<F: Flavor>() {
    all_look::<F, 2>(4, [&[(1, 7)], &[(1, 7)]]);
}

/// There is room for one node, and each task drives out what the other one looks at.
pub fn each_drives_out_the_others<F: Flavor>() {
    all_look::<F, 2>(1, [&[(1, 7), (2, 8)], &[(2, 8), (1, 7)]]);
}

/// The same with three tasks, and one node each.
pub fn three_drive_out_one_another<F: Flavor>() {
    all_look::<F, 3>(1, [&[(1, 7)], &[(2, 8)], &[(1, 7)]]);
}

/// A block is used again while somebody still reads what stood there before.
pub fn a_block_is_used_again<F: Flavor>() {
    all_look::<F, 2>(4, [&[(1, 7), (1, 7)], &[(1, 7), (1, 8)]]);
}
