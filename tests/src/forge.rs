//! Writes what the engine never would into a closed database, and makes every checksum on the way to it right.
//!
//! It knows the format from `docs/FORMAT.md` alone and uses none of the engine's code. A [`Link`] is the place of a block
//! reference in the file. Whoever changes a node or a reference names the links that lead there, and the forge sums
//! again: what is wrong then is wrong in its content, not in its checksum.
//!
//! Not here: nodes of more than 16 KiB, maps of more than one node.

use flate2::Crc;

const BLOCK: usize = 4096;
/// What of a superblock is summed.
const SUMMED: usize = 508;
/// Where in a superblock the sequence is, the root of the table of streams, and what it says of the space.
const SEQUENCE: usize = 32;
const STREAMS: usize = 152;
const SPACE: usize = 192;

/// Where in the file a block reference stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link(usize);

/// A run of free blocks, as the free map has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The first block.
    pub start: u64,
    /// How many there are.
    pub blocks: u64,
    /// Where in the file its length stands.
    at: usize,
}

/// The data file of a closed database.
pub struct Forge {
    bytes: Vec<u8>,
}

impl Forge {
    /// Over a whole data file.
    pub fn new(bytes: Vec<u8>) -> Forge {
        Forge { bytes }
    }

    /// The file, with the superblock in force summed again.
    pub fn finish(mut self) -> Vec<u8> {
        let slot = self.slot();
        let sum = sum_of(&self.bytes[slot..slot + SUMMED]);
        self.bytes[slot + SUMMED..][..4].copy_from_slice(&sum.to_le_bytes());
        self.bytes
    }

    /// The eight bytes at `at`.
    pub fn number(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("eight bytes"))
    }

    /// Puts eight bytes at `at`.
    pub fn put_number(&mut self, at: usize, number: u64) {
        self.bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }

    /// The links from the superblock to the root of the first stream's tree, and that tree's height.
    pub fn first_stream(&self) -> (Vec<Link>, u8) {
        let (leaf, at) = self.only_map_leaf(STREAMS);
        let name_bytes = u16::from_le_bytes([self.bytes[at + 8], self.bytes[at + 9]]);
        let root = at + 10 + usize::from(name_bytes);
        (vec![leaf, Link(root + 9)], self.bytes[root + 8])
    }

    /// The links to the children of the inner node of a stream that `link` leads to.
    pub fn children(&self, link: Link) -> Vec<Link> {
        let node = self.node_at(link);
        let count = u16::from_le_bytes([self.bytes[node + 2], self.bytes[node + 3]]);
        // Each child has its byte count, and a reference with one checksum.
        (0..usize::from(count)).map(|i| Link(node + 4 + i * 24 + 8)).collect()
    }

    /// The runs of the free map, and the link to its only node.
    pub fn free_runs(&self) -> (Link, Vec<Run>) {
        let (leaf, first) = self.only_map_leaf(SPACE + 16);
        let count = self.number(self.slot() + SPACE + 16);
        let runs = (0..count as usize).map(|i| first + 16 * i);
        let runs =
            runs.map(|at| Run { start: self.number(at), blocks: self.number(at + 8), at: at + 8 }).collect();
        (leaf, runs)
    }

    /// Makes `run` one of `blocks` blocks, in the map and in the totals.
    pub fn resize_run(&mut self, run: Run, blocks: u64) {
        self.put_number(run.at, blocks);
        let total = self.slot() + SPACE + 8;
        self.put_number(total, self.number(total) + blocks - run.blocks);
    }

    /// Makes the space end at block `end`, or behind it.
    pub fn put_total_blocks(&mut self, end: u64) {
        self.put_number(self.slot() + SPACE, end);
    }

    /// Where the space ends.
    pub fn total_blocks(&self) -> u64 {
        self.number(self.slot() + SPACE)
    }

    /// The first block of the node behind `link`.
    pub fn block(&self, link: Link) -> u64 {
        self.number(link.0)
    }

    /// The length of the node behind `link`.
    pub fn node_bytes(&self, link: Link) -> u32 {
        u32::from_le_bytes(self.bytes[link.0 + 8..][..4].try_into().expect("four bytes"))
    }

    /// Makes the node behind `link` one of `bytes` bytes; no entry above hears of it.
    pub fn put_node_bytes(&mut self, link: Link, bytes: u32) {
        self.bytes[link.0 + 8..][..4].copy_from_slice(&bytes.to_le_bytes());
    }

    /// The checksum that `link` carries.
    pub fn sum(&self, link: Link) -> u32 {
        u32::from_le_bytes(self.bytes[link.0 + 12..][..4].try_into().expect("four bytes"))
    }

    /// Makes `link` carry another checksum.
    pub fn put_sum(&mut self, link: Link, sum: u32) {
        self.bytes[link.0 + 12..][..4].copy_from_slice(&sum.to_le_bytes());
    }

    /// Makes `to` lead where `from` leads, with its byte count.
    pub fn copy_entry(&mut self, from: Link, to: Link) {
        self.bytes.copy_within(from.0 - 8..from.0 + 16, to.0 - 8);
    }

    /// Where the byte count stands that the entry of the child behind `link` has. The root's is in the tree root, which
    /// has the height between the two.
    pub fn count_at(&self, link: Link, is_root: bool) -> usize {
        if is_root { link.0 - 9 } else { link.0 - 8 }
    }

    /// Sums the nodes behind `path` again, the lowest first.
    pub fn seal(&mut self, path: &[Link]) {
        for &link in path.iter().rev() {
            let (node, bytes) = (self.node_at(link), self.node_bytes(link) as usize);
            let sum = sum_of(&self.bytes[node..node + bytes]);
            self.put_sum(link, sum);
        }
    }

    fn node_at(&self, link: Link) -> usize {
        self.block(link) as usize * BLOCK
    }

    /// Where the superblock in force begins.
    fn slot(&self) -> usize {
        if self.number(SEQUENCE) > self.number(BLOCK + SEQUENCE) { 0 } else { BLOCK }
    }

    /// The link to the only node of a map whose root is at `root` of the superblock, and where its first entry is.
    fn only_map_leaf(&self, root: usize) -> (Link, usize) {
        let link = Link(self.slot() + root + 8);
        let node = self.node_at(link);
        assert_eq!(self.bytes[node], 1, "the map is one leaf");
        (link, node + 8)
    }
}

fn sum_of(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}
