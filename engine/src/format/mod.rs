//! Bytes on disk to types in memory and back. Pure: no I/O, no locks, no clock.

pub mod batch;
pub mod block_ref;
pub mod extent;
pub mod log_position;
pub mod record;
pub mod stride;
pub mod varint;
pub mod wire;
