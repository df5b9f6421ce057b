//! Between nodes in memory and blocks on disk: verified reads, writes in pieces, and a cache of clean nodes;
//! and the two superblock slots, from which everything else is reached.

mod data_file;
mod deaths;
mod node_cache;
mod node_writer;
mod superblock_slots;

pub use data_file::DataFile;
pub use deaths::Deaths;
pub use node_cache::{NodeCache, Shelf, Weigh};
pub use node_writer::NodeWriter;
pub use superblock_slots::SuperblockSlots;
