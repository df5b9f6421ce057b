//! Between nodes in memory and blocks on disk: verified reads, writes in pieces, and a cache of clean nodes;
//! and the two superblock slots, from which everything else is reached.

mod around;
mod capture;
mod data_file;
mod deaths;
mod home;
mod node_cache;
mod superblock_slots;
#[cfg(test)]
mod tests;
mod vacating;

pub use around::FreshBlocks;
pub use capture::{Capture, NodeWriter};
pub use data_file::DataFile;
pub use deaths::Deaths;
pub use home::Home;
pub use node_cache::{NodeCache, Shelf, Weigh};
pub use superblock_slots::SuperblockSlots;
pub use vacating::Vacating;
