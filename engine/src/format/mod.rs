//! Bytes on disk to types in memory and back. Pure: no I/O, no locks, no clock.

pub mod batch;
pub mod block_ref;
pub mod extent;
pub mod inner;
pub mod log_header;
pub mod log_position;
pub mod map_root;
pub mod record;
pub mod space_root;
pub mod stride;
pub mod superblock;
pub mod tree_root;
pub mod varint;
pub mod wire;
