//! Between nodes in memory and blocks on disk: verified reads, writes in pieces, and a cache of clean nodes.

mod data_file;
mod deaths;
mod node_cache;
mod node_writer;

pub use data_file::DataFile;
pub use deaths::Deaths;
pub use node_cache::{NodeCache, Shelf, Weigh};
pub use node_writer::NodeWriter;
