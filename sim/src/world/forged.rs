//! Streams of up to a tebibyte that nobody wrote: every leaf is full of one byte, and the inner nodes are worked out when they
//! are read, so that such a stream takes no more memory than a checksum for each inner node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use numstore::BlockId;
use numstore::internals::{BlockRef, Bulk, Extent, InnerEntry, encode_inner};

use super::World;
use super::image::{Layout, PAGE, Page};

/// Bytes in each leaf, the most that one can have.
pub const FORGED_LEAF_BYTES: u64 = 64 << 10;
/// Children of each inner node, but for the root, which may have fewer.
const CHILDREN: u64 = 256;
/// Trees that are remembered, since what they sum to takes a moment.
const REMEMBERED_MAX: usize = 64;

/// The nodes of one level, which stand one behind the other.
struct Level {
    /// The first block.
    first: u64,
    nodes: u64,
    /// Bytes in each node.
    bytes: u32,
    /// What each sums to; a single entry where all nodes are alike.
    sums: Vec<[u32; 4]>,
    /// Bytes of the stream below each.
    below: u64,
}

impl Level {
    fn blocks(&self) -> u64 {
        u64::from(self.bytes).div_ceil(PAGE)
    }

    fn end(&self) -> u64 {
        self.first + self.nodes * self.blocks()
    }

    fn entry(&self, node: u64) -> InnerEntry {
        let sums = self.sums[if self.sums.len() == 1 { 0 } else { node as usize }];
        let child = BlockRef { block: BlockId(self.first + node * self.blocks()), bytes: self.bytes, sums };
        InnerEntry { bytes: self.below, child }
    }

    /// The bytes of an inner node of the level above.
    fn parent(&self, height: u8, node: u64) -> Vec<u8> {
        let children = node * CHILDREN..((node + 1) * CHILDREN).min(self.nodes);
        let entries: Vec<InnerEntry> = children.map(|child| self.entry(child)).collect();
        encode_inner(height, entries.into_iter())
    }
}

/// A tree of a power of two of leaves.
struct Forged {
    fill: u8,
    levels: Vec<Level>,
}

impl Forged {
    fn new(first: u64, leaves: u64, fill: u8) -> Forged {
        let leaf = BlockRef::to(BlockId(first), &vec![fill; FORGED_LEAF_BYTES as usize]);
        let below = FORGED_LEAF_BYTES;
        let mut levels =
            vec![Level { first, nodes: leaves, bytes: leaf.bytes, sums: vec![leaf.sums], below }];
        while let Some(last) = levels.last().filter(|level| level.nodes > 1) {
            let (height, nodes, first) = (levels.len() as u8, last.nodes.div_ceil(CHILDREN), last.end());
            let below = last.below * CHILDREN.min(last.nodes);
            let sums = (0..nodes).map(|node| BlockRef::to(BlockId(first), &last.parent(height, node)).sums);
            let (sums, bytes) = (sums.collect(), last.parent(height, 0).len() as u32);
            levels.push(Level { first, nodes, bytes, sums, below });
        }
        Forged { fill, levels }
    }

    /// The same tree again costs nothing.
    fn remembered(first: u64, leaves: u64, fill: u8) -> Arc<Forged> {
        static REMEMBERED: Mutex<BTreeMap<(u64, u64, u8), Arc<Forged>>> = Mutex::new(BTreeMap::new());
        let mut remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() > REMEMBERED_MAX {
            remembered.clear();
        }
        let forged = remembered.entry((first, leaves, fill));
        Arc::clone(forged.or_insert_with(|| Arc::new(Forged::new(first, leaves, fill))))
    }

    fn root(&self) -> (&Level, u8) {
        (self.levels.last().expect("invariant: there are leaves"), self.levels.len() as u8 - 1)
    }
}

impl Layout for Forged {
    fn page(&self, page: u64) -> Page {
        let height = self.levels.iter().position(|level| page < level.end()).unwrap_or(0);
        if height == 0 {
            return [self.fill; PAGE as usize];
        }
        let level = &self.levels[height];
        let (node, within) = ((page - level.first) / level.blocks(), (page - level.first) % level.blocks());
        let bytes = self.levels[height - 1].parent(height as u8, node);
        let mut content = [0; PAGE as usize];
        let part = bytes.chunks(PAGE as usize).nth(within as usize).unwrap_or_default();
        content[..part.len()].copy_from_slice(part);
        content
    }
}

/// How many blocks a forged tree of so many leaves takes.
pub fn forged_blocks(leaves: u64) -> u64 {
    let (mut nodes, mut blocks, mut entry_bytes) = (leaves, leaves * FORGED_LEAF_BYTES / PAGE, 36);
    while nodes > 1 {
        let children = nodes.min(CHILDREN);
        nodes = nodes.div_ceil(CHILDREN);
        blocks += nodes * (4 + children * entry_bytes).div_ceil(PAGE);
        entry_bytes = 24;
    }
    blocks
}

impl World {
    /// Puts a tree of `leaves` leaves full of `fill`, a power of two of them, into a file from a block on, durably and with all
    /// that was written to the file before.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn forge(&self, path: impl AsRef<Path>, first: BlockId, leaves: u64, fill: u8) -> Bulk {
        assert!(leaves.is_power_of_two(), "a forged tree has a power of two of leaves");
        let forged = Forged::remembered(first.0, leaves, fill);
        let (root, height) = forged.root();
        let (entry, end) = (root.entry(0), root.end());
        debug_assert_eq!(end - first.0, forged_blocks(leaves));
        let extents = vec![Extent { start: first, blocks: end - first.0 }];
        let bulk = Bulk { root: entry.child, height, bytes: entry.bytes, extents };
        let mut state = self.shared.lock();
        let id = state.find(path.as_ref()).expect("contract: the file is there");
        let inode = state.inode(id);
        inode.sync();
        for image in [&mut inode.visible, &mut inode.durable] {
            image.lay_out(first.0..end, Arc::clone(&forged) as Arc<dyn Layout>);
        }
        bulk
    }
}
